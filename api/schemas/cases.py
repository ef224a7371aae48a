"""Reports, and cases as they are listed and read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from api.schemas.fields import (
    LARGEST_ACCURACY_M,
    LARGEST_COORDINATE,
    CategoryCode,
    DatumName,
    Label,
    OneLine,
    SomeLines,
)
from api.schemas.placements import PlacementOut
from gis.routing import Rule
from layers.actions.cases_by_grid import GridCount
from layers.actions.place import Place
from layers.actions.read_cases import CaseHistory, state_names
from layers.actions.report_case import Report, ReportedCase
from layers.paths import codes_of_path
from layers.small_numbers import ShownCount, sum_shown
from layers.store.cases import CaseFilter
from layers.vocabulary import ENDED_STATES, CaseState, ReporterKind

LIST_MAX: Final = 1000
LIST_DEFAULT: Final = 100
STATE_NAMES: Final = state_names()

_NUMBER = Field(strict=True, allow_inf_nan=False, ge=-LARGEST_COORDINATE, le=LARGEST_COORDINATE)
_BLANK_OFFSET = re.compile(r" (\d\d:?\d\d)$")


def _text(value: object) -> object:
    """Refuse numbers, which would be taken for seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text such as 2026-05-01T08:30:00+08:00")
    return value


def _plus(value: object) -> object:
    """Give an offset back the plus that a query string has turned into a blank."""
    text = str(value)
    if not re.match(r"\d{4}-\d\d-\d\d[Tt ]", text):
        raise ValueError("must be a date and time such as 2026-05-01T08:30:00+08:00")
    return _BLANK_OFFSET.sub(r"+\1", text)


def _phone(value: str) -> str:
    if not re.fullmatch(r"[+0-9][0-9 ()-]{2,31}", value):
        raise ValueError("must be a phone number of 3 to 32 digits, blanks, hyphens or brackets")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_text)]
QueryInstant = Annotated[AwareDatetime, BeforeValidator(_plus)]


class PlaceIn(BaseModel):
    """Where it is, as the reporter's device says."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[float, _NUMBER]
    lat: Annotated[float, _NUMBER]
    datum: Annotated[DatumName, Field(strict=True)]
    accuracy_m: Annotated[
        float | None, Field(strict=True, allow_inf_nan=False, ge=0, le=LARGEST_ACCURACY_M)
    ] = None


class ReporterIn(BaseModel):
    """Who reports; name and phone are never shown again unmasked."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["worker", "resident", "hotline", "sensor"]
    name: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = None
    phone: Annotated[OneLine, Field(max_length=32), AfterValidator(_phone)] | None = None


class ReportIn(BaseModel):
    """A report (上报)."""

    model_config = ConfigDict(extra="forbid")

    category: CategoryCode
    description: Annotated[SomeLines, Field(min_length=1, max_length=4000)]
    place: PlaceIn | None = Field(
        description="null for a matter that is nowhere; it is stored and queued all the same"
    )
    reporter: ReporterIn
    address: Annotated[OneLine, Field(max_length=500)] | None = None
    occurred_at: Instant | None = Field(
        default=None, description="with its time zone; not in the future", strict=False
    )

    def to_report(self) -> Report:
        """Return it as the action takes it."""
        where = self.place
        return Report(
            category=self.category,
            description=self.description,
            place=None
            if where is None
            else Place(where.lon, where.lat, where.datum, where.accuracy_m),
            reporter_kind=ReporterKind(self.reporter.kind),
            reporter_name=self.reporter.name,
            reporter_phone=self.reporter.phone,
            address=self.address,
            occurred_at=self.occurred_at,
        )


class CountQuery(BaseModel):
    """Which cases."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["then", "today"] = Field(
        default="then",
        description="which grids: then, those that cases were last routed by (open ones by the "
        "edition in force, ended ones by that of their time), or today's for all of them",
    )
    area: Annotated[OneLine, Field(max_length=64)] | None = Field(
        default=None,
        description="code of a banner, street or community; all below it count, as last routed",
    )
    state: list[CaseState | Literal["open"]] = Field(
        default=[], description="repeatable; open stands for every state that has not ended"
    )
    category: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9]{2}([0-9]{3})?$",
                description="five digits, or the two of a major (大类)",
            ),
        ]
        | None
    ) = None
    since: QueryInstant | None = Field(default=None, description="reported then or later")
    until: QueryInstant | None = Field(default=None, description="reported before")
    bbox: Annotated[OneLine, Field(max_length=200)] | None = Field(
        default=None,
        description="minlon,minlat,maxlon,maxlat in CGCS2000 or WGS 84 degrees. Cases of a "
        "confidential category are never found by a box.",
        examples=["111.1,39.8,111.3,40.0"],
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CountQuery":
        if self.since and self.until and self.since > self.until:
            raise ValueError("since must not be after until")
        self.box()
        return self

    def box(self) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north."""
        if self.bbox is None:
            return None
        words = "bbox must be four numbers in degrees: minlon,minlat,maxlon,maxlat"
        try:
            west, south, east, north = (float(part) for part in self.bbox.split(","))
        except ValueError:
            raise ValueError(words) from None
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(f"{words}, west before east and south before north")
        return west, south, east, north

    def to_filter(self) -> CaseFilter:
        """Return it as the action takes it."""
        states: set[CaseState] = set()
        for state in self.state:
            if state == "open":
                states |= set(CaseState) - ENDED_STATES
            else:
                states.add(CaseState(state))
        return CaseFilter(
            area=self.area,
            states=states or None,
            category=self.category,
            since=self.since,
            until=self.until,
            bbox=self.box(),
        )


class CaseQuery(CountQuery):
    """Which cases, and how many at once."""

    grid: Annotated[OneLine, Field(max_length=64)] | None = Field(
        default=None, description="code of the grid that owns them; by says by which edition"
    )
    limit: Annotated[int, Field(ge=1, le=LIST_MAX)] = LIST_DEFAULT
    cursor: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="from next of the page before"
    )
    f: Literal["json", "geojson"] | None = Field(
        default=None, description="the form of the answer, before what Accept says"
    )

    def to_filter(self) -> CaseFilter:
        """Return it as the action takes it."""
        return replace(super().to_filter(), grid=self.grid)


class GridCountOut(BaseModel):
    """How many cases a grid has, or the queue of an area.

    A count that is hidden outside the owning community is null; its text says what may be known.
    """

    edition: int | None
    grid_code: str | None
    grid_name: str | None
    queue_code: str | None
    case_count: int | None
    case_count_text: str = Field(examples=["12", "<5", "13–16"])
    open_count: int | None
    open_count_text: str


class CaseCountsOut(BaseModel):
    """Cases counted by grid; a total of which a part is hidden is null, its text an interval."""

    by: Literal["then", "today"]
    case_count: int | None
    case_count_text: str
    open_count: int | None
    open_count_text: str
    counts: list[GridCountOut]


class ReportedCaseOut(BaseModel):
    """The case that a report became, and who owns it."""

    id: int
    category: str
    category_name: Label
    department: Label
    state: CaseState
    state_name: Label
    reported_at: datetime
    placement: PlacementOut


class CaseOut(BaseModel):
    """A case in a list; of a confidential category neither words nor place are shown."""

    id: int
    category: str
    category_name: Label
    department: Label
    level: Literal["P0", "P1", "P2", "P3"]
    confidential: bool
    description: str | None
    address: str | None
    state: CaseState
    state_name: Label
    reporter_kind: ReporterKind
    occurred_at: datetime | None
    reported_at: datetime
    lon: float | None
    lat: float | None
    rule: Rule
    edition: int | None
    grid_code: str | None
    grid_name: str | None
    responsible: str | None
    queue_code: str | None
    area_path: list[str]


class CaseListOut(BaseModel):
    """A page of cases."""

    cases: list[CaseOut]
    next: str | None = Field(description="where the next page is; null on the last")


class ReporterOut(BaseModel):
    """Who reported, masked."""

    name: str | None
    phone: str | None


class PastPlacementOut(PlacementOut):
    """A placement that a case had, and why it got it."""

    placed_at: datetime
    reason: str
    accuracy_m: float | None
    raw: list[float] | None = Field(description="the coordinates as they were sent")


class CaseDetailOut(CaseOut):
    """One case with every placement that it ever had, the first one first."""

    reporter: ReporterOut
    placements: list[PastPlacementOut]


def counts_json(by: str, counts: Sequence[GridCount]) -> dict[str, Any]:
    """Return counts by grid, and their sums."""
    return {
        "by": by,
        **_count_json("case_count", sum_shown(each.case_count for each in counts)),
        **_count_json("open_count", sum_shown(each.open_count for each in counts)),
        "counts": [
            {
                "edition": each.owner.edition_id,
                "grid_code": each.owner.grid_code,
                "grid_name": each.grid_name,
                "queue_code": each.owner.queue_code,
                **_count_json("case_count", each.case_count),
                **_count_json("open_count", each.open_count),
            }
            for each in counts
        ],
    }


def _count_json(name: str, count: ShownCount) -> dict[str, Any]:
    return {name: count.exact, f"{name}_text": str(count)}


def reported_json(case: ReportedCase, placement: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a report."""
    return {
        "id": case.id,
        "category": case.category,
        "category_name": case.category_names,
        "department": case.department,
        "state": case.state.value,
        "state_name": STATE_NAMES[case.state],
        "reported_at": case.reported_at,
        "placement": placement,
    }


def case_json(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a masked case as a list shows it."""
    return {
        "id": case["id"],
        "category": case["category"],
        "category_name": {"zh": case["category_zh"], "en": case["category_en"]},
        "department": {"zh": case["department_zh"], "en": case["department_en"]},
        "level": case["level"],
        "confidential": case["confidential"],
        "description": case["description"],
        "address": case["address"],
        "state": case["state"].value,
        "state_name": STATE_NAMES[case["state"]],
        "reporter_kind": case["reporter_kind"].value,
        "occurred_at": case["occurred_at"],
        "reported_at": case["reported_at"],
        "lon": case["lon"],
        "lat": case["lat"],
        "rule": case["rule"].value,
        "edition": case["edition_id"],
        "grid_code": case["grid_code"],
        "grid_name": case["grid_name"],
        "responsible": case["responsible"],
        "queue_code": case["queue_code"],
        "area_path": codes_of_path(case["path"]),
    }


def feature_json(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a masked case as a GeoJSON feature; without a place its geometry is null."""
    properties = case_json(case)
    case_id, lon, lat = (properties.pop(name) for name in ("id", "lon", "lat"))
    geometry = None if lon is None else {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "id": case_id, "geometry": geometry, "properties": properties}


def history_json(history: CaseHistory) -> dict[str, Any]:
    """Return one masked case with its placements."""
    case = history.case
    return {
        **case_json(case),
        "reporter": case["reporter"],
        "placements": [_past_json(each, case) for each in history.placements],
    }


def _past_json(past: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    distance = past["distance_to_boundary_m"]
    return {
        "placed_at": past["placed_at"],
        "reason": past["reason"],
        "grid_code": past["grid_code"],
        "grid_name": past["grid_name"],
        "area_path": codes_of_path(past["path"]),
        "rule": past["rule"].value,
        "edition": past["edition_id"],
        "distance_to_boundary_m": None if distance is None else round(distance, 3),
        "candidates": past["candidates"],
        "datum": past["datum"],
        "lon": case["lon"],
        "lat": case["lat"],
        "warnings": past["warnings"],
        "queue_code": past["queue_code"],
        "responsible": past["responsible"],
        "accuracy_m": past["accuracy_m"],
        "raw": None if past["raw_x"] is None else [past["raw_x"], past["raw_y"]],
    }
