"""A small place with everything in it, stored row by row for the tests of charts and overviews."""

from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gis.routing import Rule
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.models import Area, Building, Case, Edition, Grid, Household, Status
from layers.session import Database
from layers.vocabulary import AreaLevel, CaseState, CodeScheme, ReporterKind, SubjectKind
from tests.layers.actions.made import middle, square

BANNER, STREET = "150622", "150622003"
BAIYUN, NANYUAN = "150622003003", "150622003004"
FIRST, SECOND, THIRD = f"{BAIYUN}001", f"{BAIYUN}002", f"{NANYUAN}001"
BAIYUN_PATH = f"{BANNER}/{STREET}/{BAIYUN}/"

ORDINARY, CONFIDENTIAL = "53001", "51002"


def store_place(database: Database, **names: str) -> int:
    """Store two communities with three grids, a building and two households; return the edition.

    ``names`` replace what people typed: area, grid, responsible, building, address, room.
    """
    seed_reference(database)
    with database.transaction() as session:
        _areas(session, names)
        edition = _grids(session, names)
        _premises(session, names)
    publish_edition(database, edition)
    return edition


def store_case(database: Database, column: int | None = 0, **changes: Any) -> int:
    """Store a case in the grid of a column, waiting for somebody; None is nowhere."""
    grid = None if column is None else (FIRST, SECOND, THIRD)[column]
    community = NANYUAN if column == 2 else BAIYUN
    days = changes.pop("days", 0)
    with database.transaction() as session:
        edition = None
        if grid is not None:
            edition = session.query(Edition.id).where(Edition.status == "published").scalar()
        case = Case(
            **{
                "category": ORDINARY,
                "state": CaseState.REPORTED,
                "reporter_kind": ReporterKind.WORKER,
                "reported_at": datetime.now(UTC) - timedelta(days=days),
                "location": None if column is None else _stored(middle(column)),
                "rule": Rule.UNPLACED if column is None else Rule.INSIDE,
                "edition_id": edition,
                "grid_code": grid,
                "path": grid and f"{BANNER}/{STREET}/{community}/{grid}/",
                **changes,
            }
        )
        session.add(case)
        session.flush()
        return case.id


def _areas(session: Session, names: dict[str, str]) -> None:
    path = f"{BANNER}/{STREET}/"
    rows = [
        (BANNER, AreaLevel.BANNER, "准格尔旗", "Jungar Banner", None, f"{BANNER}/", None),
        (STREET, AreaLevel.STREET, "蓝天街道", None, BANNER, path, None),
        (
            BAIYUN,
            AreaLevel.COMMUNITY,
            names.get("area", "白云社区"),
            names.get("area", "Baiyun Community"),
            STREET,
            BAIYUN_PATH,
            square(0).union(square(1)),
        ),
        (NANYUAN, AreaLevel.COMMUNITY, "南苑社区", None, STREET, f"{path}{NANYUAN}/", square(2)),
    ]
    for code, level, name, name_en, parent, place, shape in rows:
        session.add(
            Area(
                code=code,
                level=level,
                code_scheme=CodeScheme.NATIONAL,
                name=name,
                name_en=name_en,
                parent_code=parent,
                path=place,
                boundary=None if shape is None else _stored(shape),
            )
        )
        session.flush()


def _grids(session: Session, names: dict[str, str]) -> int:
    edition = Edition(name="首版", source="test", content_hash="0" * 64)
    session.add(edition)
    session.flush()
    for column, (code, community) in enumerate(
        ((FIRST, BAIYUN), (SECOND, BAIYUN), (THIRD, NANYUAN))
    ):
        session.add(
            Grid(
                edition_id=edition.id,
                code=code,
                code_scheme=CodeScheme.NATIONAL,
                name=names.get("grid", f"第{column + 1}网格"),
                community_code=community,
                responsible=names.get("responsible", "张三"),
                path=f"{BANNER}/{STREET}/{community}/{code}/",
                boundary=_stored(square(column)),
            )
        )
    return edition.id


def _premises(session: Session, names: dict[str, str]) -> None:
    outline = middle(0).buffer(0.0005)
    session.add(
        Building(
            code="B1",
            name=names.get("building", "1号楼"),
            address=names.get("address", "迎宾街1号"),
            outline=_stored(outline),
            anchor=_stored(outline.centroid),
        )
    )
    session.flush()
    for code, column, word in (("H1", 0, "rented"), ("H2", 0, None), ("H3", 9, None)):
        session.add(
            Household(
                code=code,
                building_code="B1" if column == 0 else None,
                unit="1",
                floor=1,
                room=names.get("room", "101"),
                location=_stored(middle(column)),
            )
        )
        if word is not None:
            session.add(
                Status(
                    subject_kind=SubjectKind.HOUSEHOLD,
                    subject_code=code,
                    scheme_code="occupancy",
                    status_code=word,
                    source="test",
                )
            )


def _stored(shape: shapely.Geometry) -> Any:
    if shape.geom_type == "Polygon":
        shape = shapely.MultiPolygon([shape])
    return from_shape(shape, srid=4490, extended=True)
