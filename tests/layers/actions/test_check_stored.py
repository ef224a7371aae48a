"""A draft held against the buildings and households that are stored."""

import shapely
from sqlalchemy import text

from layers.actions.check_edition import check_edition
from layers.actions.list_editions import show_edition
from layers.session import Database
from tests.layers.actions.made import STEP, grids, layer, load, middle, publish, read, square

SMALL = STEP / 4


def told(database: Database, edition: int) -> set[tuple[str, str, tuple[str, ...]]]:
    findings = read(database, "SELECT findings FROM editions WHERE id = :id", id=edition)[0][0]
    return {(f["rule"], f["severity"], tuple(f["codes"])) for f in findings}


def draft(database: Database, codes: str) -> int:
    report = load(database, "grids", grids(codes))
    assert report.edition_id is not None
    return report.edition_id


def test_without_premises_nothing_is_said_of_them(database: Database) -> None:
    assert told(database, draft(database, "AB")) == set()


def test_buildings_cut_and_left_out(database: Database) -> None:
    publish(database, grids("ABC"))
    across = shapely.box(*square(1).bounds).buffer(-STEP / 3)
    across = shapely.transform(across, lambda xy: xy - [STEP / 2, 0])  # over the line of A and B
    homes = {"cut": across, "left": square(2, size=SMALL), "never": square(9, size=SMALL)}
    load(database, "buildings", layer([{"code": c} for c in homes], list(homes.values())))

    number = draft(database, "AB")

    assert told(database, number) == {
        ("split_building", "warning", ("cut", "A", "B")),
        ("unowned_building", "error", ("left",)),  # C owns it now
        ("unowned_building", "warning", ("never",)),
    }
    assert show_edition(database, number).error_count == 1


def test_households_are_counted_and_counted_again(database: Database) -> None:
    homes = [{"code": f"h{n}"} for n in range(300)]
    load(database, "households", layer(homes, [middle(0)] * 300))

    number = draft(database, "AB")
    assert told(database, number) == {("household_count", "warning", ("B",))}

    with database.transaction() as session:
        session.execute(text("DELETE FROM households WHERE code = 'h7'"))
    check_edition(database, number)
    assert told(database, number) == {
        ("household_count", "warning", ("A",)), ("household_count", "warning", ("B",)),
    }  # fmt: skip
