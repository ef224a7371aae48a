"""Residents as they are listed, searched, unmasked and written out."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.schemas.fields import Label, OneLine
from layers.actions.resident_file import ResidentFile
from layers.actions.residents import FOUND_MAX, Wanted
from layers.actions.unmask import Unmasking
from layers.paths import codes_of_path
from layers.policy import PersonField
from layers.vocabulary import Purpose, Role, Sex

LIST_MAX: Final = 200
LIST_DEFAULT: Final = 50
WORDS_MIN: Final = 4

_HELD: Final = (
    "id", "code", "household_code", "grid_code", "building_code", "building_name", "address",
    "unit", "floor", "room", "name", "sex", "birth_date", "phone", "id_number", "since", "until",
    "basis", "source",
)  # fmt: skip
_SHOWN: Final = tuple("age_band" if name == "birth_date" else name for name in _HELD)


class ResidentQuery(BaseModel):
    """Which residents, and how many at once."""

    model_config = ConfigDict(extra="forbid")

    household: Annotated[OneLine, Field(max_length=64)] | None = Field(
        default=None, description="code of the household they live in"
    )
    grid: Annotated[OneLine, Field(max_length=64)] | None = Field(
        default=None, description="code of the grid they live in"
    )
    limit: Annotated[int, Field(ge=1, le=LIST_MAX)] = LIST_DEFAULT
    cursor: Annotated[str, Field(max_length=400)] | None = Field(
        default=None, description="from next of the page before"
    )

    def wanted(self) -> Wanted:
        """Return it as the action takes it."""
        return Wanted(self.household, self.grid)


class SearchIn(BaseModel):
    """Who is looked for: in a body, since addresses are logged on the way."""

    model_config = ConfigDict(extra="forbid")

    id_number: Annotated[OneLine, Field(min_length=1, max_length=40)] | None = Field(
        default=None, description="the whole number; blanks and full-width digits don't matter"
    )
    name: Annotated[OneLine, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="the whole name"
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.id_number is None and self.name is None:
            raise ValueError("must name id_number or name")
        return self


class UnmaskIn(BaseModel):
    """Which fields, and what for."""

    model_config = ConfigDict(extra="forbid")

    fields: Annotated[list[PersonField], Field(min_length=1, max_length=len(PersonField))]
    purpose: Purpose
    words: Annotated[OneLine, Field(min_length=WORDS_MIN, max_length=200)] = Field(
        description="the purpose in words; no personal data"
    )

    def asked(self, resident: UUID) -> Unmasking:
        """Return it as the action takes it."""
        return Unmasking(resident, tuple(dict.fromkeys(self.fields)), self.purpose, self.words)


class FileQuery(BaseModel):
    """What a resident's file is made for."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose = Field(description="as a rule subject_request")
    words: Annotated[OneLine, Field(max_length=200)] = Field(
        default="",
        description="in words, without personal data; not needed where the person asks",
    )
    lang: Literal["zh", "en"] | None = Field(default=None, description="of the page")

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.purpose is not Purpose.SUBJECT_REQUEST and len(self.words) < WORDS_MIN:
            raise ValueError(f"words must say in {WORDS_MIN} characters or more what it is for")
        return self


class ResidentOut(BaseModel):
    """A resident; name, phone, ID number and age are masked, the door outside the area too."""

    id: UUID
    code: str
    household_code: str
    grid_code: str | None
    area_path: list[str]
    building_code: str | None
    building_name: str | None
    address: str | None
    unit: str | None
    floor: int | None
    room: str | None
    name: str
    sex: Sex | None
    age_band: str | None = Field(description="such as 35-59 or 80+")
    phone: str | None
    id_number: str | None
    since: date | None
    until: date | None
    basis: str = Field(description="by what law or consent the row is kept")
    source: str


class ResidentListOut(BaseModel):
    """A page of residents."""

    residents: list[ResidentOut]
    next: str | None = Field(description="where the next page is; null on the last")


class FoundOut(BaseModel):
    """Who was found."""

    residents: Annotated[list[ResidentOut], Field(max_length=FOUND_MAX)]


class UnmaskedOut(BaseModel):
    """The fields asked for, as they are; those not asked for are null."""

    id: UUID
    name: str | None = None
    phone: str | None = None
    id_number: str | None = None
    birth_date: date | None = None


class PastStatusOut(BaseModel):
    """A status that the household has, or had."""

    scheme: Label
    status: Label
    since: datetime
    until: datetime | None
    source: str


class ReportedOut(BaseModel):
    """A case that was reported from the resident's phone."""

    id: int
    category: str
    state: str
    reported_at: datetime


class ReadingOut(BaseModel):
    """That somebody read of the resident."""

    read_at: datetime
    account: str
    role: Role
    kind: Literal["unmask", "file", "search"]
    fields: list[str]
    purpose: str | None


class HeldOut(BaseModel):
    """Everything of the register, as it is."""

    id: UUID
    code: str
    household_code: str
    grid_code: str | None
    building_code: str | None
    building_name: str | None
    address: str | None
    unit: str | None
    floor: int | None
    room: str | None
    name: str
    sex: Sex | None
    birth_date: date | None
    phone: str | None
    id_number: str | None
    since: date | None
    until: date | None
    basis: str
    source: str


class ResidentFileOut(BaseModel):
    """Everything held about a resident, and who read it."""

    made_at: datetime
    resident: HeldOut
    household_statuses: list[PastStatusOut]
    cases: list[ReportedOut]
    readings: list[ReadingOut]


def resident_json(resident: Mapping[str, Any]) -> dict[str, Any]:
    """Return a masked resident."""
    shown = {name: resident[name] for name in _SHOWN}
    return {**shown, "area_path": codes_of_path(resident["path"])}


def unmasked_json(resident: UUID, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were asked for, and null for the others."""
    return {"id": resident, **{field.value: fields.get(field.value) for field in PersonField}}


def file_json(made: ResidentFile) -> dict[str, Any]:
    """Return a resident's file."""
    return {
        "made_at": made.made_at,
        "resident": {name: made.resident[name] for name in _HELD},
        "household_statuses": [
            {
                "scheme": {"zh": each["scheme_zh"], "en": each["scheme_en"]},
                "status": {"zh": each["status_zh"], "en": each["status_en"]},
                "since": each["since"],
                "until": each["until"],
                "source": each["source"],
            }
            for each in made.statuses
        ],
        "cases": list(made.cases),
        "readings": list(made.readings),
    }
