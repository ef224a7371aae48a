"""Blocks of the audit: what of a row is digested, what a seal is over, and what is kept outside.

The rows' SHA-256 are listed in the seal, so that a row that was changed can be named. The seal is
an HMAC over that list and the seal before, with a key that the database does not have: who can
change every row still cannot make the seals anew. The newest seal is also noted in a file beside
the key, so that the end of the chain cannot be cut off unseen.
"""

import hashlib
import hmac
import json
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from layers.errors import SettingsInvalid
from layers.folder import claim
from layers.secrets import secret
from layers.settings import Settings
from layers.store.audit import Position

KEY: Final = "audit_key"
NO_SEAL: Final = bytes(32)
"""What the first seal has before it."""

_FOLDER, _NOTE = "secrets", "audit_last_seal"
_ENTRY = struct.Struct(">q32s")


@dataclass(frozen=True)
class Witness:
    """What the database does not have: the key of the seals, and the note of the newest one."""

    key: bytes
    note: Path

    @property
    def key_id(self) -> str:
        """A name of the key that tells nothing of it."""
        return hmac.digest(self.key, b"lianxin audit key", "sha256").hex()[:16]


@dataclass(frozen=True)
class Seal:
    """A seal, as the table holds it."""

    number: int
    sealed_at: datetime
    first_transaction: int
    first_id: int
    last_transaction: int
    last_id: int
    row_count: int
    digests: bytes
    block_hash: bytes
    previous: bytes
    key_id: str
    seal: bytes

    @property
    def first(self) -> Position:
        """Where the block begins."""
        return self.first_transaction, self.first_id

    @property
    def last(self) -> Position:
        """Where the block ends; the row there belongs to it."""
        return self.last_transaction, self.last_id

    def listed(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and digest of each row that was sealed."""
        whole = len(self.digests) // _ENTRY.size * _ENTRY.size
        return _ENTRY.iter_unpack(self.digests[:whole])

    def sealed_with(self, key: bytes) -> bytes:
        """Return the seal that all the rest of it should have."""
        content = orjson.dumps(
            [
                self.number, self.sealed_at.astimezone(UTC).isoformat(), *self.first, *self.last,
                self.row_count, self.block_hash.hex(), self.previous.hex(), self.key_id,
            ]
        )  # fmt: skip
        return hmac.digest(key, content, "sha256")


def witness(settings: Settings) -> Witness:
    """Return the key and the place of the note; the key is made if there is none.

    Raises
    ------
    SettingsInvalid
        The folder of the note cannot be made; and as ``layers.secrets.secret``.
    """
    key = secret(settings, KEY)
    folder = settings.data_dir / _FOLDER  # not there yet where the key is the environment's
    try:
        if not folder.is_dir():
            claim(settings.data_dir)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(
            f"The folder {folder}, in which the newest seal of the audit is noted, cannot be made "
            f"({error}). Name another data folder with LIANXIN_DATA_DIR."
        ) from None
    return Witness(key, folder / _NOTE)


def digest(row: Sequence[Any]) -> bytes:
    """Return the SHA-256 of all that a row of ``store.audit.in_order`` says."""
    return hashlib.sha256(orjson.dumps([*row])).digest()


def entries(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the list of numbers and digests of a block's rows."""
    return b"".join(_ENTRY.pack(row[1], digest(row)) for row in rows)


def note_seal(keeper: Witness, seal: Seal) -> None:
    """Note outside the database which seal is the newest; whole or not at all."""
    noted = noted_seal(keeper)
    if noted is not None and noted[0] > seal.number:  # another process was faster
        return
    handle, made = tempfile.mkstemp(dir=keeper.note.parent, prefix=f".{_NOTE}.")  # 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump({"number": seal.number, "seal": seal.seal.hex()}, file)
    Path(made).replace(keeper.note)


def forget_note(keeper: Witness) -> None:
    """Remove the note: what it says was lost, and somebody accepts that."""
    keeper.note.unlink(missing_ok=True)


def noted_seal(keeper: Witness) -> tuple[int, bytes] | None:
    """Return number and seal of the newest as noted outside; None where no note can be read."""
    try:
        found = json.loads(keeper.note.read_text("ascii"))
        return int(found["number"]), bytes.fromhex(found["seal"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
