"""Load a layer from a file: every row is loaded, or falls out with its reason; all or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.coverage import Finding
from layers.actions.audit import Act, AuditEntry, record
from layers.actions.importing import areas, cases, grids, premises, residents
from layers.actions.importing.batch import Batch, ImportOptions
from layers.actions.publish_edition import PublishReport, publish_edition
from layers.exchange.fields import FieldSpec
from layers.exchange.mapping import ColumnMapping
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer
from layers.exchange.rejects import Reject
from layers.models import Edition
from layers.session import Database
from layers.store import territory
from layers.vocabulary import EditionStatus

__all__ = ["ImportOptions", "ImportReport", "LayerName", "import_layer"]


class LayerName(StrEnum):
    """The layers that can be loaded."""

    AREAS = "areas"
    GRIDS = "grids"
    COMPOUNDS = "compounds"
    BUILDINGS = "buildings"
    HOUSEHOLDS = "households"
    CASES = "cases"
    RESIDENTS = "residents"


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    ``findings`` are of the whole layer (grids, buildings); ``unowned`` counts the premises that
    no grid owns; ``rules`` says how many cases each rule placed; ``edition_id`` is the edition
    that grids became, or were already.
    """

    layer: LayerName
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejects: tuple[Reject, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    edition_id: int | None = None
    published: PublishReport | None = None
    unowned: int | None = None
    rules: Mapping[str, int] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stand against publishing."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def import_layer(
    database: Database,
    layer: LayerName,
    source: SourceLayer,
    mapping: ColumnMapping,
    *,
    options: ImportOptions | None = None,
    progress: Progress = silent,
) -> ImportReport:
    """Load a layer's rows into the database, in one transaction.

    Rows are checked one by one, staged by COPY and merged: new codes are inserted, known ones
    updated where something differs, so that the same file twice changes nothing. A column that
    the file doesn't have leaves what is stored alone.

    Parameters
    ----------
    database : Database
        At the newest schema, with its reference tables.
    layer : LayerName
        What the rows are.
    source : SourceLayer
        The rows, in the storage CRS.
    mapping : ColumnMapping
        Which column is which field.
    options : ImportOptions, optional
        How codes are made, how dates are read, and so on.
    progress : callable, optional
        Told the name of each step, how many rows are done, and of how many.

    Returns
    -------
    ImportReport
        What was done, and every row that fell out.

    Raises
    ------
    MappingInvalid
        The mapping doesn't fit the file.
    LayerRefused
        The layer as a whole cannot be read without being told more.
    NoEditionInForce
        Cases came before any grids were published.
    """
    options = options or ImportOptions()
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(territory.hold(territory.Hold.BULK, exclusive=True))
        progress("checking rows", 0, len(source.frame))
        batch = Batch(source, mapping, _fields(session, layer), options.calendar)
        report = _load(session, layer, batch, options, progress)
        record(session, _told(report, source.name))
    rejects = batch.rejects()
    if layer is LayerName.RESIDENTS:  # a file of rejects is no place for persons' data
        rejects = tuple(replace(reject, record={}) for reject in rejects)
    report = replace(report, notes=tuple(batch.notes), rejects=rejects)
    if layer is LayerName.GRIDS and options.publish:
        return _published(database, report, options, progress)
    return report


def _told(report: ImportReport, source: str) -> AuditEntry:
    """Return what the audit says of it."""
    changed = {"inserted": report.inserted, "updated": report.updated, "source": source}
    edition = None if report.edition_id is None else str(report.edition_id)
    return AuditEntry(
        Act.IMPORT, str(report.layer), edition, count=report.inserted + report.updated,
        detail=changed,
    )  # fmt: skip


def layer_fields(database: Database, layer: LayerName) -> tuple[FieldSpec, ...]:
    """Return the fields that a layer can be given."""
    with database.transaction() as session:
        return _fields(session, layer)


def _fields(session: Session, layer: LayerName) -> tuple[FieldSpec, ...]:
    return premises.household_fields(session) if layer not in _FIELDS else _FIELDS[layer]


def _load(
    session: Session, layer: LayerName, batch: Batch, options: ImportOptions, progress: Progress
) -> ImportReport:
    report = ImportReport(layer)
    match layer:
        case LayerName.AREAS:
            counts, findings = areas.load_areas(session, batch, options, progress)
            report = replace(report, findings=tuple(findings))
        case LayerName.GRIDS:
            drafted = grids.draft_edition(session, batch, options, progress)
            counts = drafted.counts
            report = replace(
                report, findings=tuple(drafted.findings), edition_id=drafted.edition_id
            )
        case LayerName.CASES:
            counts, rules = cases.load_cases(session, batch, options, progress)
            report = replace(report, rules=rules)
        case LayerName.RESIDENTS:
            counts = residents.load_residents(session, batch, options, progress)
        case _:
            loaded = _PREMISES[layer](session, batch, options, progress)
            counts = loaded.counts
            report = replace(report, findings=tuple(loaded.findings), unowned=loaded.unowned)
    return replace(
        report, inserted=counts.inserted, updated=counts.updated, unchanged=counts.unchanged
    )


_FIELDS = {
    LayerName.AREAS: areas.FIELDS,
    LayerName.GRIDS: grids.FIELDS,
    LayerName.COMPOUNDS: premises.COMPOUND_FIELDS,
    LayerName.BUILDINGS: premises.BUILDING_FIELDS,
    LayerName.CASES: cases.FIELDS,
    LayerName.RESIDENTS: residents.FIELDS,
}

_PREMISES = {
    LayerName.COMPOUNDS: premises.load_compounds,
    LayerName.BUILDINGS: premises.load_buildings,
    LayerName.HOUSEHOLDS: premises.load_households,
}


def _published(
    database: Database, report: ImportReport, options: ImportOptions, progress: Progress
) -> ImportReport:
    """Publish the draft that grids became, unless it lacks rows, has errors, or is in force."""
    doubtful = bool(report.errors or report.rejects)
    if report.edition_id is None or (doubtful and not options.accept_findings):
        return report
    with database.transaction() as session:
        edition = session.get_one(Edition, report.edition_id)
        if edition.status is EditionStatus.PUBLISHED:
            return report
    done = publish_edition(
        database, report.edition_id, override_reason=options.accept_findings, progress=progress
    )
    return replace(report, published=done)
