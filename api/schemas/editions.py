"""Editions as they are sent, and what may be asked to be done with one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import LARGEST_EDITION, DatumName, OneLine
from layers.actions.import_layer import ImportReport
from layers.actions.list_editions import EditionSummary
from layers.actions.plan_publication import PublicationPlan
from layers.actions.publish_edition import PublishReport

REJECTS_SHOWN: Final = 1000

Column = Annotated[OneLine, Field(min_length=1, max_length=200)]
Severity = Literal["error", "warning", "info"]


class UploadQuery(BaseModel):
    """What is said about an uploaded file beyond what it says itself."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[OneLine, Field(min_length=1, max_length=80)] = Field(
        description="the file's name; its ending says its format: GeoJSON, GeoPackage, zipped "
        "shapefile, FlatGeobuf, GeoParquet",
        examples=["grids.zip"],
    )
    code: Column | None = Field(default=None, description="column of the codes")
    name: Column | None = Field(default=None, description="column of the names")
    datum: DatumName | None = Field(
        default=None, description="of a file that declares none: wgs84, cgcs2000, EPSG:n …"
    )
    layer: Column | None = Field(default=None, description="of a file that has several")
    encoding: Annotated[OneLine, Field(max_length=40)] | None = Field(
        default=None, description="code page, if it is found wrong"
    )
    codes: Literal["national", "free"] = Field(
        default="national", description="codes by the national 6+3+3+3 digits, or of your own"
    )
    merge_pieces: bool = Field(default=False, description="rows of one code are pieces of one grid")
    source: Annotated[OneLine, Field(max_length=200)] | None = Field(
        default=None, description="whose grids these are; the file's name if not given"
    )


class FindingsQuery(BaseModel):
    """Which findings; several of one kind are alternatives."""

    model_config = ConfigDict(extra="forbid")

    rule: list[Annotated[OneLine, Field(max_length=64)]] = []
    severity: list[Severity] = []
    f: Literal["json", "geojson"] | None = Field(
        default=None, description="the form of the answer, before what Accept says"
    )


class PublishIn(BaseModel):
    """How a draft is to be published; a dry run unless told otherwise."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=True, strict=True, description="only say what would move")
    reason: Annotated[OneLine, Field(min_length=1, max_length=2000)] | None = Field(
        default=None, description="why it may be published in spite of errors; kept for ever"
    )
    in_force: Annotated[int, Field(strict=True, ge=1, le=LARGEST_EDITION)] | None = Field(
        default=None,
        description="the edition that you took to be in force, as a dry run says; if another one "
        "is by now, nothing is published",
    )
    valid_from: Annotated[OneLine, Field(max_length=40)] | None = Field(
        default=None,
        description="for history: since when, in the past, it is in force; a date or time",
        examples=["1959-01-01"],
    )


class FindingOut(BaseModel):
    """One thing that a coverage check found."""

    rule: str
    severity: str
    codes: list[str]
    measure: float | None = None
    unit: str | None = None
    message_zh: str
    message_en: str
    place: list[float] | None = None


class EditionOut(BaseModel):
    """One edition of the boundaries."""

    id: int
    name: str
    status: str
    source: str
    grid_count: int
    error_count: int
    finding_count: int
    created_at: datetime
    valid_from: datetime | None
    valid_until: datetime | None
    override_reason: str | None


class EditionSheet(EditionOut):
    """One edition with its findings."""

    findings: list[FindingOut]


class EditionList(BaseModel):
    """All editions, the newest first."""

    editions: list[EditionOut]


class RejectOut(BaseModel):
    """A row that could not be taken."""

    row: int
    reason: str


class DraftOut(EditionSheet):
    """The draft that a file became."""

    notes: list[str] = Field(description="what the reader had to decide")
    rejected_count: int
    rejects: list[RejectOut] = Field(description=f"the first {REJECTS_SHOWN:,} of them")


class FindingsOut(BaseModel):
    """What the checks found in an edition."""

    edition: int
    status: str
    findings: list[FindingOut]


class PublicationOut(BaseModel):
    """What publishing moved, or would move.

    A dry run counts what would get another grid; a publication the rows that got a new owner, which
    is also one of another edition.
    """

    dry_run: bool
    edition: int
    in_force: int | None = Field(description="the edition that was in force before")
    building_count: int
    household_count: int
    case_count: int
    error_count: int = Field(description="that need a reason")


def edition_json(edition: EditionSummary) -> dict[str, Any]:
    """Return an edition without its findings."""
    return {
        "id": edition.edition_id,
        "name": edition.name,
        "status": str(edition.status),
        "source": edition.source,
        "grid_count": edition.grid_count,
        "error_count": edition.error_count,
        "finding_count": len(edition.findings),
        "created_at": edition.created_at,
        "valid_from": edition.valid_from,
        "valid_until": edition.valid_until,
        "override_reason": edition.override_reason,
    }


def sheet_json(edition: EditionSummary) -> dict[str, Any]:
    """Return an edition with its findings."""
    return {**edition_json(edition), "findings": [finding_json(f) for f in edition.findings]}


def draft_json(edition: EditionSummary, report: ImportReport, said: Iterable[str]) -> Any:
    """Return the draft that a file became, and what did not come in."""
    rejects = [{"row": each.row, "reason": each.reason} for each in report.rejects[:REJECTS_SHOWN]]
    return {
        **sheet_json(edition),
        "notes": [*said, *report.notes],
        "rejected_count": len(report.rejects),
        "rejects": rejects,
    }


def finding_json(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding without its geometry."""
    return FindingOut.model_validate(finding).model_dump()


def finding_feature(number: int, finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding as a GeoJSON feature; its geometry is null where it has no place.

    ``number`` is its place among all of the edition's, from 1.
    """
    properties = finding_json(finding)
    place = properties.pop("place")
    geometry = finding.get("geometry")
    if geometry is None and place is not None:
        geometry = {"type": "Point", "coordinates": place}
    return {"type": "Feature", "id": number, "geometry": geometry, "properties": properties}


def plan_json(plan: PublicationPlan) -> dict[str, Any]:
    """Return what publishing would move."""
    return {
        "dry_run": True,
        "edition": plan.edition_id,
        "in_force": plan.in_force_id,
        "building_count": plan.building_count,
        "household_count": plan.household_count,
        "case_count": plan.case_count,
        "error_count": len(plan.findings),
    }


def published_json(done: PublishReport, errors: int) -> dict[str, Any]:
    """Return what publishing moved."""
    return {
        "dry_run": False,
        "edition": done.edition_id,
        "in_force": done.superseded_id,
        "building_count": done.building_count,
        "household_count": done.household_count,
        "case_count": done.case_count,
        "error_count": errors,
    }
