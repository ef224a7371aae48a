"""A town of two communities, with a home and a case wherever the access table asks for one."""

from dataclasses import dataclass

import shapely

from layers.actions.seed_reference import seed_reference
from layers.session import Database
from tests.api.conftest import BANNER, COMMUNITY, SOUTH, STEP, STREET, WEST
from tests.layers.actions.made import NATIONAL, layer, load, publish

OTHER = f"{STREET}004"


@dataclass(frozen=True)
class Thing:
    """Where it lies, who owns it, and what is there."""

    owner: str
    path: str
    chart: str
    household: str
    column: int
    case_id: int = 0


def _grid(code: str, column: int) -> Thing:
    path = f"{BANNER}/{STREET}/{code[:12]}/{code}/"
    return Thing(code, path, code, f"{code[:12]}0000{column}-1-9981", column)


PLACES = {
    "own": _grid(f"{COMMUNITY}001", 0),
    "neighbour": _grid(f"{COMMUNITY}002", 1),
    "other": _grid(f"{OTHER}001", 2),
    "none": Thing(BANNER, f"{BANNER}/", "all", "", 8),
}


def build_places(database: Database) -> dict[str, Thing]:
    """Load the town; return its things with the numbers of their cases."""
    seed_reference(database)
    areas = [
        {"code": BANNER, "level": "banner", "name": "准格尔旗"},
        {"code": STREET, "level": "street", "name": "蓝天街道", "parent_code": BANNER},
        {"code": COMMUNITY, "level": "community", "name": "白云", "parent_code": STREET},
        {"code": OTHER, "level": "community", "name": "南苑", "parent_code": STREET},
    ]
    shapes = [_box(-1, 12), _box(0, 4), _box(0, 2), _box(2, 1)]
    load(database, "areas", layer(areas, shapes), NATIONAL)
    grids = [place for where, place in PLACES.items() if where != "none"]
    publish(
        database,
        layer([{"code": grid.owner} for grid in grids], [_box(grid.column, 1) for grid in grids]),
        scheme=NATIONAL.scheme,
    )
    buildings = [{"code": grid.household[:17]} for grid in grids]
    load(
        database,
        "buildings",
        layer(buildings, [_box(grid.column, 1).buffer(-STEP / 4) for grid in grids]),
        NATIONAL,
    )
    homes = [
        {
            "code": grid.household,
            "building_code": grid.household[:17],
            "room": "9981",
            "hazard": "major",
        }
        for grid in grids
    ]
    load(
        database,
        "households",
        layer(homes, [_box(grid.column, 1).centroid for grid in grids]),
        NATIONAL,
    )
    rows = [{"source_id": where, "category": "54001", "state": "reported"} for where in PLACES]
    points = [shapely.box(*_box(place.column, 1).bounds).centroid for place in PLACES.values()]
    load(database, "cases", layer(rows, points))
    with database.transaction() as session:
        rows_of = session.connection().exec_driver_sql("SELECT source_id, id FROM cases")
        numbers = {row.source_id: row.id for row in rows_of}
    return {
        where: Thing(**{**place.__dict__, "case_id": numbers[where]})
        for where, place in PLACES.items()
    }


def _box(column: int, width: int) -> shapely.Geometry:
    west = WEST + column * STEP
    return shapely.box(west, SOUTH, west + width * STEP, SOUTH + STEP)
