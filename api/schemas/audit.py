"""The audit as an auditor reads it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.cases import QueryInstant
from api.schemas.fields import OneLine
from layers.actions.audit import Act
from layers.actions.unusual_reads import UnusualReport
from layers.store.audit import AuditFilter

LIST_MAX: Final = 1000
LIST_DEFAULT: Final = 100
_LARGEST: Final = 2**63 - 1
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

_Word = Annotated[OneLine, Field(min_length=1, max_length=100)]


class AuditQuery(BaseModel):
    """Which acts."""

    model_config = ConfigDict(extra="forbid")

    account: _Word | None = Field(default=None, description="who did it")
    action: _Word | None = Field(
        default=None, description="what was done", examples=[str(act) for act in Act]
    )
    object: _Word | None = Field(
        default=None,
        description="with what: a kind, or a kind, a slash and a code",
        examples=["edition", "edition/3"],
    )
    since: QueryInstant | None = Field(default=None, alias="from", description="then or later")
    until: QueryInstant | None = Field(default=None, alias="to", description="before")
    limit: int = Field(default=LIST_DEFAULT, ge=1, le=LIST_MAX)
    before: int | None = Field(
        default=None, ge=1, le=_LARGEST, description="the number with which the page before ended"
    )

    def to_filter(self) -> AuditFilter:
        """Return it as the store takes it."""
        kind, _, code = (self.object or "").partition("/")
        return AuditFilter(
            account=self.account,
            action=self.action,
            object_kind=kind or None,
            object_code=code or None,
            since=self.since,
            until=self.until,
        )


class UnusualQuery(BaseModel):
    """Until when, and how many days of it."""

    model_config = ConfigDict(extra="forbid")

    until: Annotated[QueryInstant, Field(ge=_EARLIEST)] | None = Field(
        default=None, alias="to", description="now, if not given"
    )
    days: int = Field(default=7, ge=1, le=92)


class ActOut(BaseModel):
    """One act."""

    id: int
    recorded_at: datetime
    account: str
    role: str
    area: str
    action: str
    object_kind: str
    object_code: str | None
    purpose: str | None
    fields: list[str]
    count: int
    detail: dict[str, Any] | None
    origin: str | None
    request_id: str | None


class AuditOut(BaseModel):
    """A page of acts, the latest first."""

    acts: list[ActOut]
    next: str | None = Field(description="where the next page is; null on the last")


class UnusualOut(BaseModel):
    """One number of one account that is far from usual."""

    account: str
    role: str
    measure: str
    number: int
    usual: float | None = Field(description="the median that it is held to")
    message_zh: str
    message_en: str


class UnusualReportOut(BaseModel):
    """What was unusual between two instants."""

    since: datetime
    until: datetime
    account_count: int
    findings: list[UnusualOut]


def act_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an act for machines."""
    return {name: row[name] for name in ActOut.model_fields}


def unusual_json(report: UnusualReport) -> dict[str, Any]:
    """Return a report of unusual reads for machines."""
    return {
        "since": report.since,
        "until": report.until,
        "account_count": report.account_count,
        "findings": [
            {name: getattr(finding, name) for name in UnusualOut.model_fields}
            for finding in report.findings
        ],
    }
