"""Find what was done to the audit: rows changed, removed or inserted, blocks rewritten or cut."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from sqlalchemy import text

from layers.actions.audit_blocks import NO_SEAL, Seal, Witness, digest, noted_seal
from layers.session import Database
from layers.store import audit
from layers.store.audit import Position
from layers.viewer import SYSTEM, seen_by

_CHUNK: Final = 5_000
_NAMED: Final = 20
"""Rows of one block that are told one by one; of more only their number."""

_KINDS: Final = {
    "row-changed": ("被改动", "was changed", "were changed"),
    "row-removed": ("被删除", "was removed", "were removed"),
    "row-inserted": ("是事后插入的", "was inserted afterwards", "were inserted afterwards"),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was sealed; ``row`` is None where it is a whole block."""

    kind: str
    block: int
    row: int | None
    message_zh: str
    message_en: str


@dataclass(frozen=True)
class Unsealed:
    """Rows that no seal covers yet: until they are sealed, nothing is proved of them."""

    row_count: int
    first_id: int
    last_id: int
    oldest_at: str


@dataclass(frozen=True)
class AuditReport:
    """What verifying found; the audit is whole where there is no fault.

    ``end_known`` says whether the note outside the database was there: without it nobody can tell
    whether the newest blocks were cut off.
    """

    block_count: int
    row_count: int
    faults: tuple[Fault, ...]
    unsealed: Unsealed | None
    end_known: bool

    @property
    def whole(self) -> bool:
        """Whether every sealed row is there as it was, and no other between them."""
        return not self.faults


def verify(database: Database, keeper: Witness) -> AuditReport:
    """Compare the audit with its seals, row by row.

    Parameters
    ----------
    database : Database
        Read as the service's own work sees it, in two streams.
    keeper : Witness
        The key of the seals, and the note of the newest one.

    Returns
    -------
    AuditReport
        Every fault in words; rows that are not sealed yet are no fault.
    """
    noted = noted_seal(keeper)  # before the seals: the note is never ahead of them
    with seen_by(SYSTEM), database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        streamed = {"yield_per": _CHUNK}
        seals = session.execute(audit.seals(), execution_options={"yield_per": 50})
        rows = session.execute(audit.in_order(), execution_options=streamed)
        walk = _Walk(keeper, noted, iter(rows))
        for row in seals:
            walk.check(Seal(**row._mapping))
        return walk.end()


@dataclass
class _Walk:
    """Goes along the seals and the rows at once."""

    keeper: Witness
    noted: tuple[int, bytes] | None
    rows: Iterator[Any]
    faults: list[Fault] = field(default_factory=list)
    block_count: int = 0
    row_count: int = 0
    number: int = 0
    previous: bytes | None = NO_SEAL
    """The seal before; None where it cannot be trusted."""
    head: Any = None

    def __post_init__(self) -> None:
        self.head = next(self.rows, None)

    def check(self, seal: Seal) -> None:
        """Check a seal against the one before, and its rows against it."""
        missing = range(self.number + 1, seal.number)
        if missing:
            self._miss(missing)
        follows = bool(missing) or self.previous in {None, seal.previous}
        genuine = self._check_seal(seal, follows=follows)
        if self.noted is not None and self.noted[0] == seal.number and self.noted[1] != seal.seal:
            self._tell(
                "block-rewritten", seal.number,
                f"第 {seal.number} 块的封印与数据库外的记录不符：封印被换过。",
                f"Block {seal.number}: its seal is not the one noted outside the database; it was "
                "exchanged.",
            )  # fmt: skip
        if genuine:
            if missing or self.previous is None:
                # What lies before the block belonged to one that cannot be trusted.
                self._take(lambda position: position < seal.first)
            self._compare(seal, self._take(lambda position: position <= seal.last))
        self.block_count += 1
        self.number, self.previous = seal.number, seal.seal if genuine else None

    def end(self) -> AuditReport:
        """Look at what is left: rows without a seal, and seals that the note knows of."""
        if self.noted is not None and self.noted[0] > self.number:
            self._miss(range(self.number + 1, self.noted[0] + 1))
        end_known = self.noted is not None or self.number == 0
        return AuditReport(
            self.block_count, self.row_count, tuple(self.faults), self._unsealed(), end_known
        )

    def _check_seal(self, seal: Seal, *, follows: bool) -> bool:
        """Tell what is wrong with a seal itself; whether its list of rows can be trusted."""
        number = seal.number
        if seal.key_id != self.keeper.key_id:
            self._tell(
                "key-unknown", number,
                f"第 {number} 块用另一把密钥（{seal.key_id}）封印，无法核验。"
                "请放回原来的密钥 audit_key。",
                f"Block {number} was sealed with another key ({seal.key_id}) and cannot be "
                "verified. Put the former audit_key back.",
            )  # fmt: skip
            return False
        content = hashlib.sha256(seal.digests).digest()
        if seal.seal != seal.sealed_with(self.keeper.key) or content != seal.block_hash:
            self._tell(
                "block-rewritten", number,
                f"第 {number} 块的封印被改写，不能再证明其中各行。",
                f"Block {number}: its seal was rewritten, and proves nothing of its rows any more.",
            )  # fmt: skip
            return False
        if not follows:
            self._tell(
                "block-rewritten", number - 1,
                f"第 {number} 块所接的不是现在的第 {number - 1} 块：第 {number - 1} 块被换过。",
                f"Block {number} does not follow block {number - 1} as it is now: that one was "
                "exchanged.",
            )  # fmt: skip
        return True

    def _compare(self, seal: Seal, rows: list[Any]) -> None:
        """Tell which rows of a block are not those that were sealed."""
        awaited = dict(seal.listed())
        wrong: dict[str, dict[int, Any]] = {kind: {} for kind in _KINDS}
        for row in rows:
            sealed = awaited.pop(row.id, None)
            if sealed is None:
                wrong["row-inserted"][row.id] = row
            elif sealed != digest(row):
                wrong["row-changed"][row.id] = row
        wrong["row-removed"] = dict.fromkeys(awaited)
        self.row_count += len(rows)
        for kind, found in wrong.items():
            self._tell_rows(kind, seal.number, found)

    def _tell_rows(self, kind: str, block: int, found: dict[int, Any]) -> None:
        zh, one, many = _KINDS[kind]
        if len(found) > _NAMED:
            self._tell(
                kind, block,
                f"第 {block} 块有 {len(found):,} 行{zh}。",
                f"Block {block}: {len(found):,} rows {many}.",
            )  # fmt: skip
            return
        for number, row in found.items():
            told = "" if row is None else f" ({_of(row)})"
            self._tell(
                kind, block,
                f"第 {block} 块第 {number} 行{zh}{told}。",
                f"Block {block}: row {number} {one}{told}.",
                number,
            )  # fmt: skip

    def _miss(self, numbers: range) -> None:
        first, last = numbers[0], numbers[-1]
        which = f"{first}" if first == last else f"{first}–{last}"
        verb = "is" if first == last else "are"
        self._tell(
            "block-removed", first,
            f"第 {which} 块的封印不见了：被删除，或数据库由较早的备份恢复。其中各行无法核验。",
            f"Block {which} {verb} gone: removed, or the database was restored from an older "
            "backup. Nothing is proved of the rows in it.",
        )  # fmt: skip

    def _tell(self, kind: str, block: int, zh: str, en: str, row: int | None = None) -> None:
        self.faults.append(Fault(kind, block, row, zh, en))

    def _take(self, belongs: Callable[[Position], bool]) -> list[Any]:
        """Take rows off the stream as long as they belong."""
        taken = []
        while self.head is not None and belongs((self.head.transaction_id, self.head.id)):
            taken.append(self.head)
            self.head = next(self.rows, None)
        return taken

    def _unsealed(self) -> Unsealed | None:
        if self.head is None:
            return None
        count, lowest, highest = 0, self.head.id, self.head.id
        oldest = self.head.recorded_at or ""
        for row in chain([self.head], self.rows):
            count += 1
            lowest, highest = min(lowest, row.id), max(highest, row.id)
            oldest = min(oldest, row.recorded_at or oldest)
        return Unsealed(count, lowest, highest, oldest)


def _of(row: Any) -> str:
    """Say which act a row is about, as it stands there now."""
    thing = row.object_kind + (f" {row.object_code}" if row.object_code else "")
    return f"{row.recorded_at}, {row.account}: {row.action} {thing}"
