"""Statuses that come as columns of a household: what differs ends, and the new one begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from layers.actions.importing.staging import tell_planner
from layers.exchange.fields import FieldKind, FieldSpec
from layers.store import premises

SCHEMES = ("occupancy", "party", "hazard", "care")
"""Permanent schemes that a household bears; a campaign's never come by import."""

_SYNONYMS = {
    "occupancy": ("居住状况", "居住状态"),
    "party": ("党员户", "党员情况"),
    "hazard": ("隐患", "安全隐患"),
    "care": ("关爱对象", "关爱"),
}


@dataclass(frozen=True)
class Touched:
    """How many statuses began, and how many ended."""

    opened: int = 0
    closed: int = 0


def status_fields(session: Session) -> list[FieldSpec]:
    """Return a field a scheme; its words are codes or names of the scheme's values."""
    words: dict[str, dict[str, str]] = {scheme: {} for scheme in SCHEMES}
    for scheme, code, name_zh, name_en in session.execute(premises.status_words()):
        if scheme in words:
            words[scheme] |= {code.lower(): code, name_zh.lower(): code, name_en.lower(): code}
    return [
        FieldSpec(scheme, FieldKind.CHOICE, synonyms=_SYNONYMS[scheme], choices=words[scheme])
        for scheme in SCHEMES
    ]


def set_statuses(
    connection: psycopg.Connection[Any], staged: str, schemes: Sequence[str], source: str
) -> Touched:
    """End the statuses that differ from the staged ones, and begin those; empty says nothing."""
    opened = closed = 0
    for scheme in schemes:
        names = {"staged": sql.Identifier(staged), "status": sql.Identifier(scheme)}
        given = {"scheme": scheme, "source": source}
        closed += connection.execute(_END.format(**names), given).rowcount
        row = connection.execute(_BEGIN.format(**names), given).fetchone()
        opened += 0 if row is None else row[0]
    tell_planner(connection, "statuses", opened + closed)
    return Touched(opened, closed)


_END = sql.SQL(
    "UPDATE statuses AS t SET until = clock_timestamp() FROM {staged} AS s"
    " WHERE t.scheme_code = %(scheme)s::text AND t.subject_kind = 'household'"
    " AND t.subject_code = s.code AND t.until IS NULL"
    " AND s.{status} IS NOT NULL AND t.status_code <> s.{status}"
)

_BEGIN = sql.SQL(
    "WITH begun AS ("
    " INSERT INTO statuses (subject_kind, subject_code, path, scheme_code, status_code, since,"
    " source) SELECT 'household', s.code, h.path, %(scheme)s::text, s.{status},"
    " clock_timestamp(), %(source)s"
    " FROM {staged} AS s JOIN households AS h ON h.code = s.code"
    " WHERE s.{status} IS NOT NULL AND NOT EXISTS ("
    "  SELECT FROM statuses AS t WHERE t.scheme_code = %(scheme)s::text"
    "  AND t.subject_kind = 'household' AND t.subject_code = s.code AND t.until IS NULL)"
    " RETURNING 1"
    ") SELECT count(*) FROM begun"
)
