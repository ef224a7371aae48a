"""Seal what was added to the audit, block by block."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from layers.actions.audit import Act, AuditEntry, record_apart
from layers.actions.audit_blocks import (
    NO_SEAL,
    Seal,
    Witness,
    entries,
    forget_note,
    note_seal,
    noted_seal,
)
from layers.errors import AuditBroken
from layers.session import Database
from layers.store import audit
from layers.viewer import SYSTEM, seen_by

BLOCK_ROWS: Final = 4_000


def seal(database: Database, keeper: Witness, *, wait: bool = True) -> list[Seal]:
    """Seal every row that is older than every running transaction.

    Rows are sealed in the order (transaction, number), and none of a transaction that may still
    add some: what commits late is sealed late, and never skipped.

    Parameters
    ----------
    database : Database
        Where the audit is.
    keeper : Witness
        The key, and where the newest seal is noted.
    wait : bool, optional
        Whether to wait while another process seals, or to leave it to that one.

    Returns
    -------
    list of Seal
        One a block of at most ``BLOCK_ROWS`` rows; empty where nothing is to be sealed.

    Raises
    ------
    AuditBroken
        Seals that are noted outside are gone, or the database's transactions count from lower than
        before: it was restored, or somebody cut it. Nothing is sealed over that.
    """
    made: list[Seal] = []
    while (sealed := _seal_block(database, keeper, wait=wait)) is not None:
        made.append(sealed)
        if sealed.row_count < BLOCK_ROWS:
            break
    return made


def accept_loss(database: Database, keeper: Witness, reason: str) -> None:
    """Seal on from what there is, where blocks were lost with a restored backup; it is recorded.

    Parameters
    ----------
    database : Database
        Where the audit is.
    keeper : Witness
        Its note of the newest seal is given up.
    reason : str
        Who takes responsibility, and why.
    """
    noted = noted_seal(keeper)
    with seen_by(SYSTEM), database.transaction() as session:
        row = session.execute(audit.last_seal()).one_or_none()
    record_apart(
        database,
        AuditEntry(
            Act.ACCEPT_LOSS,
            "audit",
            purpose=reason,
            detail={"noted": noted and noted[0], "found": 0 if row is None else row.number},
        ),
    )
    forget_note(keeper)


def _seal_block(database: Database, keeper: Witness, *, wait: bool) -> Seal | None:
    with seen_by(SYSTEM), database.transaction() as session:
        if not _hold(session, wait=wait):
            return None
        row = session.execute(audit.last_seal()).one_or_none()
        before = None if row is None else Seal(**row._mapping)
        _check_chain(session, before, keeper)
        after = None if before is None else before.last
        rows = session.execute(audit.in_order(after=after, settled=True).limit(BLOCK_ROWS)).all()
        if not rows:
            return None
        made = _sealed(rows, before, keeper)
        session.execute(audit.sealed(asdict(made)))
    note_seal(keeper, made)
    return made


def _check_chain(session: Session, last: Seal | None, keeper: Witness) -> None:
    """Refuse to seal over an end that was cut off: the note would then say that all is well."""
    noted = noted_seal(keeper)
    found = 0 if last is None else last.number
    if noted is not None and noted[0] > found:
        raise AuditBroken(
            f"Block {noted[0]} of the audit was sealed, but the database ends at block {found}: it "
            "was restored from a backup, or blocks were removed. Look with: lianxin audit verify. "
            "If the loss is known and accepted: lianxin audit seal --accept-loss REASON"
        )
    if last is None:
        return
    if noted is not None and noted[0] == found and noted[1] != last.seal:
        raise AuditBroken(
            f"Block {found} of the audit is not the one that was sealed. See: lianxin audit verify"
        )
    newest = session.scalars(audit.newest_transaction()).one()
    if last.last_transaction >= newest:
        raise AuditBroken(
            f"The audit ends at transaction {last.last_transaction}, and this server counts only "
            f"to {newest}: the database was restored into another server. Stop that server, run "
            f"pg_resetwal --epoch={(last.last_transaction >> 32) + 1} there, and start it again."
        )


def _hold(session: Session, *, wait: bool) -> bool:
    """Be the only one who seals until the transaction ends; whether that came about."""
    if wait:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(select(func.pg_advisory_xact_lock(audit.SEALING)))
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(audit.SEALING))))


def _sealed(rows: Sequence[Any], before: Seal | None, keeper: Witness) -> Seal:
    digests = entries(rows)
    parts = {
        "number": 1 if before is None else before.number + 1,
        "sealed_at": datetime.now(UTC),
        "first_transaction": rows[0].transaction_id,
        "first_id": rows[0].id,
        "last_transaction": rows[-1].transaction_id,
        "last_id": rows[-1].id,
        "row_count": len(rows),
        "digests": digests,
        "block_hash": hashlib.sha256(digests).digest(),
        "previous": NO_SEAL if before is None else before.seal,
        "key_id": keeper.key_id,
    }
    return Seal(**parts, seal=Seal(**parts, seal=b"").sealed_with(keeper.key))
