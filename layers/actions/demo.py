"""The demo town: loaded once, its cases reported through the service, then given a past."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import bindparam, func, select, update

from gis.town import Town, make_town
from gis.town.residents import make_residents
from layers.actions.import_layer import ImportOptions, LayerName, import_layer
from layers.actions.publish_edition import publish_edition
from layers.errors import LayerRefused
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import SourceLayer
from layers.models import Case, Edition, IdempotencyKey, Resident
from layers.sealing import Keys
from layers.session import Database
from layers.vocabulary import CaseState, EditionStatus

SOURCE: Final = "demo"
CASE_COUNT: Final = 600
_ORDER: Final = (
    LayerName.AREAS,
    LayerName.GRIDS,
    LayerName.COMPOUNDS,
    LayerName.BUILDINGS,
    LayerName.HOUSEHOLDS,
)
_VISITED: Final = 4
"""One home in so many has been visited and its people registered."""
_NOTICED_AFTER: Final = timedelta(minutes=7)


@dataclass(frozen=True)
class DemoReport:
    """A case of the demo: how it is reported (``body``), and what became of it since."""

    key: str
    body: dict[str, Any]
    state: CaseState
    reported_at: datetime


def load_demo(
    database: Database,
    *,
    households: int,
    progress: Callable[[str], None],
    keys: Keys | None = None,
) -> list[DemoReport]:
    """Load the town where there is none yet, and return the cases that are not settled yet.

    The edition is published last: a load that was cut short is simply done again. Where an
    edition that isn't the demo's is in force, somebody's own data are kept as they are.

    Parameters
    ----------
    database : Database
        At the newest schema, with its reference tables.
    households : int
        How many the town has.
    progress : callable
        Told in words how far it is.
    keys : Keys, optional
        Under which the town's people are sealed; without them nobody is registered.

    Raises
    ------
    LayerRefused
        A layer of the town was not taken whole.
    """
    with database.transaction() as session:
        in_force = session.scalar(
            select(Edition.source).where(Edition.status == EditionStatus.PUBLISHED)
        )
        settled = session.scalar(
            select(func.count()).select_from(Case).where(Case.source == SOURCE)
        )
    if in_force is not None and (in_force != SOURCE or settled == CASE_COUNT):
        return []
    progress("making the town")
    town = make_town(households=households, cases=CASE_COUNT, now=datetime.now(UTC))
    if in_force is None:
        _load_layers(database, town, progress)
    if keys is not None:
        _load_residents(database, town, keys, progress)
    return _reports(town.cases)


def unreported(database: Database, reports: Sequence[DemoReport]) -> list[DemoReport]:
    """Return the cases that no earlier start has reported."""
    with database.transaction() as session:
        known = set(
            session.scalars(
                select(IdempotencyKey.key).where(
                    IdempotencyKey.key.in_([report.key for report in reports])
                )
            )
        )
    return [report for report in reports if report.key not in known]


def settle_demo(database: Database, reports: Sequence[DemoReport]) -> None:
    """Give the reported cases their past: when each came in, and how far it has got.

    Only the demo does so; anybody else's case moves by the acts of those who handle it.
    """
    if not reports:
        return
    its_case = (
        select(IdempotencyKey.case_id)
        .where(IdempotencyKey.key == bindparam("its_key"))
        .scalar_subquery()
    )
    statement = (
        update(Case)
        .where(Case.id == its_case)
        .values(
            state=bindparam("its_state"),
            reported_at=bindparam("its_time"),
            source=SOURCE,
            source_id=bindparam("its_key"),
        )
    )
    with database.transaction() as session:
        session.connection().execute(
            statement,
            [
                {
                    "its_key": report.key,
                    "its_state": report.state,
                    "its_time": report.reported_at,
                }
                for report in reports
            ],
        )


def _load_layers(database: Database, town: Town, progress: Callable[[str], None]) -> None:
    edition_id = None
    for layer in _ORDER:
        frame: gpd.GeoDataFrame = getattr(town, layer)
        report = import_layer(
            database,
            layer,
            SourceLayer(frame, np.arange(1, len(frame) + 1), name=SOURCE, datum="cgcs2000"),
            ColumnMapping(),
            options=ImportOptions(source=SOURCE),
            progress=lambda step, done, total: progress(_words(layer, step, done, total)),  # noqa: B023 # called within the turn
        )
        if report.rejects:
            first = report.rejects[0]
            raise LayerRefused(
                f"{len(report.rejects)} rows of the demo's {layer} were not taken, "
                f"the first (row {first.row}): {first.reason}"
            )
        edition_id = edition_id or report.edition_id
    if edition_id is None:
        raise LayerRefused("the demo's grids made no edition")
    progress("publishing the boundaries")
    publish_edition(database, edition_id)


def _load_residents(
    database: Database, town: Town, keys: Keys, progress: Callable[[str], None]
) -> None:
    """Register invented people, unless an earlier start has."""
    with database.transaction() as session:
        if session.scalar(select(Resident.id).limit(1)) is not None:
            return
    frame = make_residents(town.households.iloc[::_VISITED])
    layer = LayerName.RESIDENTS
    report = import_layer(
        database,
        layer,
        SourceLayer(frame, np.arange(1, len(frame) + 1), name=SOURCE, datum=""),
        ColumnMapping(),
        options=ImportOptions(source=SOURCE, keys=keys),
        progress=lambda step, done, total: progress(_words(layer, step, done, total)),
    )
    if report.rejects:
        raise LayerRefused(f"The demo's people were not taken: {report.rejects[0].reason}")


def _words(layer: LayerName, step: str, done: int, total: int | None) -> str:
    return f"{layer}: {step} {done}/{total}" if total else f"{layer}: {step}"


def _reports(cases: gpd.GeoDataFrame) -> list[DemoReport]:
    latest = datetime.now(UTC)
    reports = []
    for number, case in enumerate(cases.itertuples(index=False), start=1):
        occurred = pd.Timestamp(case.occurred_at).to_pydatetime()
        reports.append(
            DemoReport(
                key=f"demo-{number:04d}",
                body={
                    "category": case.category,
                    "description": case.description,
                    "address": case.address,
                    "place": {
                        "lon": float(case.x),
                        "lat": float(case.y),
                        "datum": case.datum,
                        "accuracy_m": float(case.accuracy_m),
                    },
                    "reporter": {"kind": case.reporter_kind},
                    "occurred_at": occurred.isoformat(),
                },
                state=CaseState(case.state),
                reported_at=min(occurred + _NOTICED_AFTER, latest),
            )
        )
    return reports
