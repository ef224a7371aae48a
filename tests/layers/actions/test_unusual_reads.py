"""Whose reads are unusual, and in which words that is told."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.actions.audit import Act, AuditEntry, record_apart
from layers.actions.keep_sealed import report_week
from layers.actions.unusual_reads import Reads, far_above, find_unusual, unusual_reads
from layers.session import Database
from layers.viewer import Viewer, seen_by
from layers.vocabulary import Role
from tests.layers.actions.made import read


def reads(account: str, ago: int = 0, role: str = "worker", **counts: int) -> Reads:
    return Reads(account, role, ago, counts)


def found(*given: Reads) -> list[tuple[str, str, int, float | None]]:
    return [(f.account, f.measure, f.number, f.usual) for f in find_unusual(given)]


def test_who_reads_far_more_than_the_others_of_the_role_is_found() -> None:
    others = [reads(name, people=count) for name, count in (("a", 20), ("b", 25), ("c", 22))]
    assert found(*others, reads("d", people=300)) == [("d", "people", 300, 22)]
    assert found(*others, reads("d", people=30)) == []


def test_who_is_looked_for_does_not_move_what_is_usual() -> None:
    others = [reads(name, people=20) for name in "abc"]
    many = [reads(name, people=400) for name in "xy"]
    assert {account for account, *_ in found(*others, *many)} == {"x", "y"}


def test_other_roles_are_not_compared() -> None:
    clerks = [reads(name, role="community", people=300) for name in "abcd"]
    assert found(*clerks, reads("w", people=300)) == []


def test_who_reads_far_more_than_before_is_found_even_alone() -> None:
    before = [reads("a", ago, people=20 + ago) for ago in range(1, 6)]
    assert found(reads("a", people=200), *before) == [("a", "people", 200, 23)]
    assert found(reads("a", people=200), *before[:2]) == []


@pytest.mark.parametrize("measure", ["unmasked", "at_night", "refused"])
def test_each_measure_is_held_to_its_own_median(measure: str) -> None:
    others = [reads(name) for name in "abc"]
    assert found(*others, reads("d", **{measure: 9})) == [("d", measure, 9, 0)]
    assert found(*others, reads("d", **{measure: 2})) == []


def test_every_read_outside_the_own_area_is_told() -> None:
    assert found(reads("a", outside=1)) == [("a", "outside", 1, None)]


def test_it_is_told_in_both_languages() -> None:
    others = [reads(name, people=20) for name in "abc"]
    (finding,) = find_unusual([*others, reads("d", people=300)])
    assert finding.message_en == (
        "d: 300 people read; the median of the others with the role worker is 20."
    )
    assert finding.message_zh == "d：查看人员 300 次；同岗位（worker）其他账号的中位数为 20。"


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=30),
    st.integers(0, 10_000),
    st.integers(0, 1000),
)
def test_more_is_never_less_unusual(sample: list[int], number: int, more: int) -> None:
    assert far_above(number + more, sample) >= far_above(number, sample)
    assert not far_above(max(min(sample), 0), sample)


def test_it_is_counted_from_the_audit(database: Database) -> None:
    served = Database(database.engine, sessions=database._sessions, service=True)
    for account in "abc":
        with seen_by(Viewer(account, Role.WORKER, "A/")):
            record_apart(served, AuditEntry(Act.READ, "resident", "1", detail={"path": "A/"}))
    with seen_by(Viewer("d", Role.WORKER, "A/")):
        record_apart(served, AuditEntry(Act.EXPORT, "residents", count=80, detail={"path": "A/"}))
        for _ in range(6):
            record_apart(served, AuditEntry(Act.UNMASK, "resident", "9", detail={"path": "B/"}))
            record_apart(served, AuditEntry(Act.REFUSE, "resident", "9"))
    now = datetime.now(UTC)
    noon = f"Etc/GMT{now.hour - 12:+d}"  # a zone in which it is about noon
    midnight = f"Etc/GMT{now.hour if now.hour < 13 else now.hour - 24:+d}"
    for zone, night in ((noon, []), (midnight, [("d", "at_night", 86)])):
        with seen_by(Viewer("e", Role.AUDITOR, "")):
            report = unusual_reads(served, until=now + timedelta(hours=1), zone=zone)
        told = [(f.account, f.measure, f.number) for f in report.findings]
        assert report.account_count == 4
        assert told == [
            *night,
            ("d", "people", 86),
            ("d", "outside", 6),
            ("d", "refused", 6),
            ("d", "unmasked", 6),
        ]
    with seen_by(Viewer("d", Role.WORKER, "A/")):
        assert unusual_reads(served, until=now, zone="UTC").account_count == 0
    with database.transaction():
        pass  # back to the role of the tests


def test_each_week_is_reported_once(database: Database) -> None:
    wednesday = datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert report_week(database, wednesday, "Asia/Shanghai")
    assert not report_week(database, wednesday + timedelta(days=2), "Asia/Shanghai")
    sunday = datetime(2026, 11, 29, 17, tzinfo=UTC)  # Monday there
    assert report_week(database, sunday, "Asia/Shanghai")
    assert read(database, "SELECT object_kind, object_code, count FROM audit ORDER BY id") == [
        ("unusual-reads", "2026-11-16", 0),
        ("unusual-reads", "2026-11-23", 0),
    ]
