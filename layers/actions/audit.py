"""What is left behind of an act: who did what to which thing."""

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from layers.viewer import viewer

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class AuditEntry:
    """One act to be remembered."""

    action: str
    object_kind: str
    object_code: str | None = None
    purpose: str | None = None
    fields: tuple[str, ...] = ()
    count: int = 1
    detail: dict[str, Any] | None = None


def record(session: Session, entry: AuditEntry) -> None:  # noqa: ARG001 - the transaction of the act
    """Write an act to the log, under the role of whoever looks."""
    who = viewer()
    role = None if who is None else who.role
    _LOG.info("act %s of %s by %s", entry.action, entry.object_kind, role)
