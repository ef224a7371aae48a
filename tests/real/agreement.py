"""How far our owners agree with those that Baltimore published: ``python -m tests.real.agreement``.

Counted as the data's own notes do: of the rows that have a place other than the rounded
placeholder and a published owner, those whose grid by a plain point-in-polygon test (``inside`` or
``boundary``, nothing snapped) has exactly the published name. Names need no mending: they are equal
as text. A disagreement is measured to the edge of the polygon that the city named.
"""

import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gis.measure import boundary_distances_m
from layers.actions.route_file import RouteOrder, RouteReport, route_file
from layers.exchange.reader import read_layer

CASES = "cases/baltimore_311_2018.csv"
AREAS = "cases/baltimore_areas_epsg2804.gpkg"
PLACEHOLDER = ("-77", "39")


@dataclass(frozen=True)
class Publication:
    """A layer of owners, the column of its codes, and where the cases name the owner."""

    layer: str
    code: str
    published: str
    agreeing: int
    """How many agree by a strict test, as the notes of the data give it."""


PUBLICATIONS = (
    Publication("council_districts", "id", "CouncilDistrict", 8205),
    Publication("police_districts_1959_2022", "name", "PoliceDistrict", 8293),
    Publication("police_districts_2023", "name", "PoliceDistrict", 6065),
    Publication("neighborhoods_2010", "name", "Neighborhood", 8187),
)


@dataclass(frozen=True)
class Agreement:
    """What came of one layer."""

    publication: Publication
    report: RouteReport
    routed: pd.DataFrame
    compared: int
    agreeing: int
    apart: pd.DataFrame
    """The rows whose owner is another than the city's."""
    grids: str

    @cached_property
    def farthest_m(self) -> float:
        """How far the farthest disagreement lies from the polygon that the city named."""
        frame = read_layer(self.grids).frame
        outlines = dict(zip(frame[self.publication.code].astype(str), frame.geometry, strict=True))
        named = [outlines[name] for name in self.apart[self.publication.published]]
        lon, lat = (self.apart[name].to_numpy(dtype=float) for name in ("lon", "lat"))
        distances = boundary_distances_m(lon, lat, np.array(named, dtype=object))
        return float(distances.max(initial=0.0))

    @property
    def share(self) -> float:
        """Return the agreement as a share of what can be compared."""
        return self.agreeing / self.compared


def agree(folder: Path, publication: Publication, out: Path) -> Agreement:
    """Route all cases to one layer, and compare with what the city published."""
    grids = f"{folder / AREAS}:{publication.layer}"
    report = route_file(RouteOrder(folder / CASES, grids, publication.code, out, datum="wgs84"))
    routed = pd.read_csv(out, dtype=str, keep_default_na=False)
    placed = (routed["rule"] != "unplaced") & ~is_placeholder(routed)
    compared = routed[placed & (routed[publication.published] != "")]
    by_place = compared["rule"].isin(["inside", "boundary"])
    same = by_place & (compared["grid_code"] == compared[publication.published])
    return Agreement(
        publication, report, routed, len(compared), int(same.sum()), compared[~same], grids
    )  # fmt: skip


def is_placeholder(cases: pd.DataFrame) -> "pd.Series[bool]":
    """Return which cases carry the rounded placeholder 46 km outside the city."""
    return (cases["Longitude"] == PLACEHOLDER[0]) & (cases["Latitude"] == PLACEHOLDER[1])


def main() -> None:
    """Print the table."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("LIANXIN_SHARED_DATA", default))
    print(
        f"{'published owner':<28}{'rows':>7}{'compared':>10}{'agreeing':>10}{'share':>9}"
        f"{'apart':>7}{'farthest':>11}{'snapped':>9}{'outside':>9}{'unplaced':>10}{'rows/s':>9}"
    )
    with tempfile.TemporaryDirectory(prefix="lianxin-") as scratch:
        for publication in PUBLICATIONS:
            found = agree(folder, publication, Path(scratch, "routed.csv"))
            rules = found.report.by_rule
            print(
                f"{publication.layer:<28}{found.report.rows:>7,}{found.compared:>10,}"
                f"{found.agreeing:>10,}{100 * found.share:>8.2f}%"
                f"{found.compared - found.agreeing:>7,}{found.farthest_m:>9.2f} m"
                f"{rules.get('snapped', 0):>9,}{rules.get('outside', 0):>9,}"
                f"{rules.get('unplaced', 0):>10,}{found.report.rows_per_second:>9,.0f}"
            )


if __name__ == "__main__":
    main()
