"""Grids proposed from the database and from files, as a draft edition can be made of them."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geoalchemy2.shape import from_shape

from gis.proposal import Bounds
from layers.actions.import_layer import LayerName, import_layer
from layers.actions.propose_grids import (
    ProposalFiles,
    ProposalWish,
    propose_from_database,
    propose_from_files,
)
from layers.errors import LayerRefused, MappingInvalid
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.exchange.writer import write_layer
from layers.models import Building, Household
from layers.session import Database
from tests.gis.proposal.places import block, land, streets
from tests.layers.actions.made import square
from tests.layers.actions.stored import BAIYUN, FIRST, THIRD, store_place


def store_homes(database: Database, households: int = 100) -> None:
    """Add eight buildings to the two squares of the first community."""
    with database.transaction() as session:
        for number in range(8):
            west, south, _, _ = square(0).bounds
            x, y = west + 0.0025 * (number % 8) + 0.0005, south + 0.001
            outline = shapely.box(x, y, x + 0.001, y + 0.001)
            code = f"N{number}"
            session.add(
                Building(
                    code=code,
                    outline=from_shape(shapely.MultiPolygon([outline]), 4490, extended=True),
                    anchor=from_shape(outline.centroid, 4490, extended=True),
                )
            )
            session.flush()
            for room in range(households):
                session.add(
                    Household(
                        code=f"{code}-{room}",
                        building_code=code,
                        room=str(room),
                        location=from_shape(outline.centroid, 4490, extended=True),
                    )
                )


def test_a_stored_community_gets_numbers_that_it_never_had(database: Database) -> None:
    store_place(database)
    store_homes(database)
    done = propose_from_database(database, BAIYUN)
    assert sorted(done.proposed.score.households) == [400, 402]  # two lived there before
    assert done.proposed.codes == (f"{BAIYUN}003", f"{BAIYUN}004")
    assert done.proposed.names == ("白云第3网格", "白云第4网格")
    assert done.in_force is not None
    assert done.in_force.score.grid_count == 2
    assert THIRD in set(done.edition()["code"])
    assert FIRST not in set(done.edition()["code"])
    assert any("--streets" in note for note in done.notes)


def test_a_grid_that_is_as_it_was_keeps_its_code(database: Database) -> None:
    store_place(database)
    done = propose_from_database(database, THIRD[:12])
    assert done.proposed.codes == (THIRD,)
    assert done.proposed.names == ("第3网格",)


def test_a_proposal_becomes_a_draft_edition_without_findings(
    database: Database, tmp_path: Path
) -> None:
    store_place(database)
    store_homes(database)
    out = tmp_path / "draft.gpkg"
    write_layer(propose_from_database(database, BAIYUN).edition(), out)
    report = import_layer(database, LayerName.GRIDS, read_layer(out), ColumnMapping())
    assert (report.inserted, report.rejects, report.errors) == (3, (), ())
    told = [(f.rule, f.codes) for f in report.findings if f.severity != "info"]
    assert told == [("household_count", ("150622003004001",))]  # the one without homes


def test_a_community_that_cannot_be_drawn_is_refused(database: Database) -> None:
    store_place(database)
    with pytest.raises(LayerRefused, match="no community 150622003999"):
        propose_from_database(database, "150622003999")
    with pytest.raises(LayerRefused, match="no community"):
        propose_from_database(database, BAIYUN[:9])  # a street
    with pytest.raises(LayerRefused, match="--first"):
        propose_from_database(database, BAIYUN, ProposalWish(first=1000))


@pytest.fixture
def files(tmp_path: Path) -> ProposalFiles:
    """A town of four by two blocks, in files."""
    buildings = [block(i % 4, i // 4, shrunk=0.3) for i in range(8)]
    frames = {
        "outline": gpd.GeoDataFrame(
            {"code": ["C1", "C2"], "name": ["白云社区", "南苑社区"]},
            geometry=[land(4, 2), block(9, 9)],
        ),
        "buildings": gpd.GeoDataFrame({"户数": [100] * 8}, geometry=buildings),
        "streets": gpd.GeoDataFrame({"name": ["路"] * 4}, geometry=list(streets(4, 2))),
        "grids": gpd.GeoDataFrame(
            {"code": ["G1", "G2"], "kind": ["基础网格", "专属网格"]},
            geometry=[shapely.union_all([land(3, 2)]), shapely.box(*_east())],
        ),
    }
    for name, frame in frames.items():
        write_layer(frame.set_crs(4490), tmp_path / f"{name}.gpkg")
    return ProposalFiles(
        str(tmp_path / "outline.gpkg"),
        str(tmp_path / "buildings.gpkg"),
        str(tmp_path / "streets.gpkg"),
    )


def _east() -> tuple[float, float, float, float]:
    west, south, east, north = land(4, 2).bounds
    return west + 0.75 * (east - west), south, east, north


def test_files_are_enough(files: ProposalFiles) -> None:
    done = propose_from_files(files, "C1")
    assert done.proposed.codes == ("C1001", "C1002")
    assert done.proposed.score.households == (400, 400)
    assert done.proposed.score.street_share == pytest.approx(1.0)
    assert done.in_force is None
    assert "白云第1网格" in done.page()


def test_dedicated_grids_of_the_network_before_stay(files: ProposalFiles, tmp_path: Path) -> None:
    files = ProposalFiles(
        files.outline, files.buildings, files.streets, against=str(tmp_path / "grids.gpkg")
    )
    done = propose_from_files(files, "C1", ProposalWish(Bounds(200, 400)))
    assert done.frame["code"].tolist()[-1] == "G2"
    assert done.frame["kind"].tolist() == ["basic", "basic", "dedicated"]
    assert done.proposed.score.households == (300, 300)
    assert done.in_force is not None
    assert done.in_force.score.households == (600,)


def test_counts_must_be_named_and_whole(files: ProposalFiles, tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match="no column flats"):
        propose_from_files(
            ProposalFiles(files.outline, files.buildings, households_column="flats"), "C1"
        )
    frame = gpd.GeoDataFrame({"flats": [1.5]}, geometry=[block(0, 0)], crs=4490)
    write_layer(frame, tmp_path / "odd.gpkg")
    with pytest.raises(MappingInvalid, match=r"row 1: flats is “1\.5”"):
        propose_from_files(
            ProposalFiles(files.outline, str(tmp_path / "odd.gpkg"), households_column="flats"),
            "C1",
        )
    with pytest.raises(MappingInvalid, match="no row with the code C9"):
        propose_from_files(files, "C9")
    with pytest.raises(MappingInvalid, match="holds no lines"):
        propose_from_files(ProposalFiles(files.outline, files.buildings, files.buildings), "C1")


def test_an_empty_count_is_nobody(files: ProposalFiles, tmp_path: Path) -> None:
    counts = np.array([400.0, np.nan])
    frame = gpd.GeoDataFrame({"flats": counts}, geometry=[block(0, 0), block(1, 0)], crs=4490)
    write_layer(frame, tmp_path / "some.gpkg")
    done = propose_from_files(
        ProposalFiles(files.outline, str(tmp_path / "some.gpkg"), households_column="flats"), "C1"
    )
    assert done.proposed.score.households == (400,)
