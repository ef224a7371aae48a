"""Seal every resident anew under a new key; what was interrupted is gone on with."""

from dataclasses import dataclass

from sqlalchemy import bindparam, update

from layers.actions.audit import AuditEntry, record
from layers.exchange.progress import Progress, silent
from layers.models import Resident
from layers.sealing import Keys, load_keys, replace_key
from layers.session import Database
from layers.settings import Settings
from layers.store import people

BATCH: int = 1000
"""Residents sealed anew in one transaction."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The key under which everything is sealed now, and how many residents had another."""

    key_id: str
    former_key_id: str | None
    sealed_count: int


def rotate_residents(
    database: Database, settings: Settings, *, progress: Progress = silent
) -> Rotation:
    """Make a new key and seal every resident under it.

    Where residents are still sealed under the former key (a rotation was cut short, or whoever
    keeps the keys in the environment has put a new one there), no further key is made.

    Parameters
    ----------
    database : Database
        An operator's: it reads and writes every resident, a thousand a transaction.
    settings : Settings
        Where the keys are.
    progress : callable, optional
        Told how many are done.

    Returns
    -------
    Rotation
        The former key stays readable beside the new one: backups need it.

    Raises
    ------
    KeyMissing, SealBroken
        A resident is sealed under a key that is neither, or was changed.
    """
    keys = load_keys(settings)
    with database.transaction() as session:
        unfinished = session.execute(people.sealed_otherwise(keys.id, limit=1)).first()
    if unfinished is None:
        keys = replace_key(settings)
    done = 0
    while count := _seal_some(database, keys):
        done += count
        progress("sealing", done, None)
    with database.transaction() as session:
        detail = {"key": keys.id}
        record(session, AuditEntry("rotate-key", "residents", count=done, detail=detail))
    return Rotation(keys.id, keys.former_id, done)


def _seal_some(database: Database, keys: Keys) -> int:
    """Seal a batch anew; return how many there were."""
    with database.transaction() as session:
        rows = session.execute(people.sealed_otherwise(keys.id, limit=BATCH)).all()
        if rows:
            session.connection().execute(_SEALED, [_anew(row._asdict(), keys) for row in rows])
    return len(rows)


def _anew(row: dict[str, object], keys: Keys) -> dict[str, object]:
    changed = {"its_id": row["id"], "new_key": keys.id}
    for field in ("phone", "id_number"):
        sealed = row[f"{field}_sealed"]
        changed[f"new_{field}"] = None
        if sealed is not None:
            plain = keys.open(sealed, row["key_id"], row["id"], field)  # type: ignore[arg-type] # a row of the table
            changed[f"new_{field}"] = keys.seal(plain, row["id"], field)  # type: ignore[arg-type]
    return changed


_SEALED = (
    update(Resident)
    .where(Resident.id == bindparam("its_id"))
    .values(
        key_id=bindparam("new_key"),
        phone_sealed=bindparam("new_phone"),
        id_number_sealed=bindparam("new_id_number"),
    )
)
