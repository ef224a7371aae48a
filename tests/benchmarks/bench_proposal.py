"""Proposed grids against strips of equal household counts, on the demo town, and how long it takes.

Run: python -m tests.benchmarks.bench_proposal [HOUSEHOLDS]
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gis.crs import STORAGE_CRS, crs, transformer
from gis.geometry import Geometries
from gis.proposal import Bounds, Ground, Score, propose, score
from gis.proposal.ground import placeable
from gis.town import Town, make_town, territory
from gis.town.definition import CENTRE, METRIC_CRS

SEED = 150622
COMMUNITY_SIZES = (1_000, 3_000, 20_000)
TOWN = 20_000
REPEATS = 3


@dataclass(frozen=True)
class Judged:
    """A community's network: whose, its score, and in how many pieces its grids are."""

    network: str
    score: Score
    pieces: int


def streets_of(households: int, seed: int = SEED) -> Geometries:
    """Return the middles of all streets of the demo town, from which its blocks are cut."""
    land = territory.settle(households, np.random.default_rng(seed))
    lines = shapely.get_parts(shapely.union_all(shapely.boundary(land.blocks.faces)))
    to_plane = transformer(STORAGE_CRS, crs(METRIC_CRS))
    east, north = to_plane.transform(*CENTRE)

    def degrees(xy: np.ndarray) -> np.ndarray:
        lonlat = to_plane.transform(east + xy[:, 0], north + xy[:, 1], direction="INVERSE")
        return np.column_stack(lonlat)

    return shapely.transform(lines, degrees)


def household_counts(town: Town) -> np.ndarray:
    """Count the households of each building."""
    sizes = town.households.groupby("building_code").size()
    return sizes.reindex(town.buildings["code"]).fillna(0).to_numpy(dtype=np.int64)


def ground_of(town: Town, community: str | None, streets: Geometries) -> Ground:
    """Return one community of the town, or the whole town taken as one."""
    areas = town.areas[town.areas["level"] == "community"]
    grids = town.grids
    if community is not None:
        areas = areas[areas["code"] == community]
        grids = grids[grids["community_code"] == community]
    return Ground(
        outline=shapely.coverage_union_all(areas.geometry.to_numpy()),
        buildings=town.buildings.geometry.to_numpy(),
        households=household_counts(town),
        compounds=town.compounds.geometry.to_numpy(),
        streets=streets,
        kept=grids[grids["kind"] == "dedicated"].geometry.to_numpy(),
    )


def strips(ground: Ground, bounds: Bounds) -> Geometries:
    """Cut the outline by meridians into strips of equally many households."""
    land = ground.outline
    if len(ground.kept):
        land = shapely.difference(land, shapely.union_all(ground.kept))
    middles = shapely.centroid(placeable(ground.buildings))
    ours = shapely.intersects(middles, land)
    x = np.repeat(shapely.get_x(middles[ours]), ground.households[ours])
    count = max(1, round(len(x) / bounds.middle))
    west, south, east, north = land.bounds
    cuts = np.quantile(x, np.arange(1, count) / count)
    edges = np.concatenate([[west - 1], cuts, [east + 1]])
    boxes = shapely.box(edges[:-1], south - 1, edges[1:], north + 1)
    return shapely.intersection(boxes, land)


def judge(town: Town, community: str, streets: Geometries, bounds: Bounds) -> list[Judged]:
    """Score the three networks of one community."""
    ground = ground_of(town, community, streets)
    own = town.grids[(town.grids["community_code"] == community) & (town.grids["kind"] == "basic")]
    networks = {
        "proposed": propose(ground, bounds).grids,
        "strips": strips(ground, bounds),
        "in force": own.geometry.to_numpy(),
    }
    return [
        Judged(name, score(ground, grids, bounds), int(shapely.get_num_geometries(grids).sum()))
        for name, grids in networks.items()
    ]


def table(judged: list[Judged]) -> pd.DataFrame:
    """Sum up the communities, one row a network."""
    rows = [
        {
            "network": each.network,
            "grids": each.score.grid_count,
            "pieces": each.pieces,
            "within": each.score.share_within * each.score.grid_count,
            "deviation": each.score.largest_deviation,
            "compact": each.score.compactness_mean,
            "worst": each.score.compactness_worst,
            "buildings split": each.score.buildings_split,
            "compounds split": each.score.compounds_split,
            "on streets": each.score.street_share,
        }
        for each in judged
    ]
    groups = pd.DataFrame(rows).groupby("network", sort=False)
    summed = groups[["grids", "pieces", "within", "buildings split", "compounds split"]].sum()
    summed.insert(3, "deviation", groups["deviation"].max())
    summed["compact"] = groups["compact"].mean()
    summed["worst"] = groups["worst"].min()
    summed["on streets"] = groups["on streets"].mean()
    return summed


def main() -> None:
    """Print the scores of both networks beside the one in force, then the times."""
    households = int(sys.argv[1]) if len(sys.argv) > 1 else TOWN
    bounds = Bounds()
    town, streets = make_town(households=households, cases=0), streets_of(households)
    communities = town.areas[town.areas["level"] == "community"]["code"].tolist()
    judged = [each for code in communities for each in judge(town, code, streets, bounds)]
    print(f"{households:,} households in {len(communities)} communities; 300 to 500 a grid:")
    print(table(judged).round(3).to_string())
    print("\none community of so many households, the best of", REPEATS)
    for size in COMMUNITY_SIZES:
        whole = make_town(households=size, cases=0)
        for name, lines in (("streets", streets_of(size)), ("no streets", np.array([]))):
            ground = ground_of(whole, None, lines)
            times = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                proposal = propose(ground, bounds)
                times.append(time.perf_counter() - began)
            print(
                f"{size:>7,} {name:<10} {proposal.atom_count:>5} atoms "
                f"{len(proposal.grids):>3} grids {min(times):>6.2f} s  "
                f"within {proposal.score.share_within:.0%}, "
                f"deviation {proposal.score.largest_deviation:.1%}"
            )


if __name__ == "__main__":
    main()
