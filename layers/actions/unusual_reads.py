"""Who read far more than is usual: the report that an auditor gets each week.

What is usual is a median, and how far from it is told in median absolute deviations: neither moves
because of the one who is looked for. See Iglewicz and Hoaglin, "How to detect and handle outliers"
(1993), for the factors.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from sqlalchemy import text

from layers.actions.audit import READS, Act
from layers.session import Database
from layers.store import audit

PERIOD: Final = timedelta(days=7)
PERIODS_BEFORE: Final = 8
"""So many periods before say what an account's own usual number is."""

FAR: Final = 3.5
_NORMAL: Final = 1.4826  # makes the deviation comparable with a standard deviation
_MORNING, _EVENING = 6, 21
_FEWEST_ACCOUNTS, _FEWEST_PERIODS = 3, 3


@dataclass(frozen=True)
class Measure:
    """Something that is counted: from how many on it is worth a look, and what it is called."""

    name: str
    fewest: int
    zh: str
    en: str


MEASURES: Final = (
    Measure("people", 20, "查看人员", "people read"),
    Measure("unmasked", 5, "查看未脱敏信息", "unmaskings"),
    Measure("at_night", 3, "夜间（22:00 至 6:00）查看人员", "people read at night (22:00 to 6:00)"),
    Measure("refused", 5, "被拒绝的操作", "refusals"),
)


@dataclass(frozen=True)
class Unusual:
    """One number of one account that is far from usual; ``usual`` is the median it is held to."""

    account: str
    role: str
    measure: str
    number: int
    usual: float | None
    message_zh: str
    message_en: str


@dataclass(frozen=True)
class UnusualReport:
    """What was unusual between two instants, and of how many accounts anything was recorded."""

    since: datetime
    until: datetime
    account_count: int
    findings: tuple[Unusual, ...]


Counts = Mapping[str, int]


@dataclass(frozen=True)
class Reads:
    """What an account did in a period; ``ago`` counts the periods back, 0 is the one at hand."""

    account: str
    role: str
    ago: int
    counts: Counts


def unusual_reads(
    database: Database, *, until: datetime, zone: str, period: timedelta = PERIOD
) -> UnusualReport:
    """Find accounts that read far more people than others of their role, or than they used to.

    Counted are people shown by reading, unmasking and exporting; unmaskings; people read at night;
    people read outside the account's own area (each of them is told); and refusals. A number is
    far from usual where it exceeds the median by 3.5 deviations.

    Parameters
    ----------
    database : Database
        Read as the viewer at hand may see it.
    until : datetime
        The end of the period.
    zone : str
        In which it is night.
    period : timedelta, optional
        How long the period is; as many before it as ``PERIODS_BEFORE`` are compared with it.

    Returns
    -------
    UnusualReport
        The findings in words, the largest number first.
    """
    since = until - period * (PERIODS_BEFORE + 1)
    with database.transaction() as session:
        rows = session.execute(
            text(audit.READS_BY_PERIOD),
            {
                "until": until, "since": since, "period_s": period.total_seconds(), "zone": zone,
                "reads": [str(act) for act in READS], "unmask": str(Act.UNMASK),
                "refuse": str(Act.REFUSE), "morning": _MORNING, "evening": _EVENING,
            },
        ).all()  # fmt: skip
    reads = [Reads(row.account, row.role, row.ago, _counts(row._asdict())) for row in rows]
    accounts = {each.account for each in reads if each.ago == 0}
    return UnusualReport(until - period, until, len(accounts), tuple(find_unusual(reads)))


def find_unusual(reads: Iterable[Reads]) -> list[Unusual]:
    """Return what is unusual in the period at hand, the largest number first.

    Parameters
    ----------
    reads : iterable of Reads
        Of the period at hand and of those before.
    """
    reads = list(reads)
    now = [each for each in reads if each.ago == 0]
    before: dict[str, list[Counts]] = defaultdict(list)
    for each in reads:
        if 0 < each.ago <= PERIODS_BEFORE:
            before[each.account].append(each.counts)
    found = []
    for each in now:
        outside = each.counts.get("outside", 0)
        if outside:
            found.append(_outside(each, outside))
        peers = [p.counts for p in now if p.role == each.role and p.account != each.account]
        for measure in MEASURES:
            number = each.counts.get(measure.name, 0)
            if number < measure.fewest:
                continue
            others = [counts.get(measure.name, 0) for counts in peers]
            own = [counts.get(measure.name, 0) for counts in before[each.account]]
            found += _compare(each, measure, number, others, own)
    return sorted(found, key=lambda finding: (-finding.number, finding.account, finding.measure))


def far_above(number: float, sample: Sequence[float]) -> bool:
    """Whether a number is far above what a sample has as usual.

    Parameters
    ----------
    number : float
        What is compared.
    sample : sequence of float
        At least one number. Where all are the same, one is taken for a deviation.

    Examples
    --------
    >>> far_above(60, [10, 12, 9, 11, 10]), far_above(13, [10, 12, 9, 11, 10])
    (True, False)
    >>> far_above(6, [0, 0, 0]), far_above(5, [0, 0, 0])
    (True, False)
    """
    middle = median(sample)
    deviation = max(median([abs(each - middle) for each in sample]), 1.0)
    return number > middle + FAR * _NORMAL * deviation


def _compare(
    reads: Reads, measure: Measure, number: int, others: Sequence[int], own: Sequence[int]
) -> list[Unusual]:
    zh, en = (
        f"{reads.account}：{measure.zh} {number:,} 次",
        f"{reads.account}: {number:,} {measure.en}",
    )
    found = []
    if len(others) >= _FEWEST_ACCOUNTS - 1 and far_above(number, others):
        usual = median(others)
        found.append(
            (usual, f"{zh}；同岗位（{reads.role}）其他账号的中位数为 {usual:g}。",
             f"{en}; the median of the others with the role {reads.role} is {usual:g}.")
        )  # fmt: skip
    if len(own) >= _FEWEST_PERIODS and far_above(number, own):
        usual = median(own)
        found.append(
            (usual, f"{zh}；其本人此前各期的中位数为 {usual:g}。",
             f"{en}; the median of its own periods before is {usual:g}.")
        )  # fmt: skip
    return [
        Unusual(reads.account, reads.role, measure.name, number, usual, message_zh, message_en)
        for usual, message_zh, message_en in found
    ]


def _outside(reads: Reads, number: int) -> Unusual:
    return Unusual(
        reads.account,
        reads.role,
        "outside",
        number,
        None,
        f"{reads.account}：查看本辖区以外人员 {number:,} 次。",
        f"{reads.account}: {number:,} people read outside its own area.",
    )


def _counts(row: Mapping[str, Any]) -> Counts:
    return {name: int(row[name]) for name in (*(m.name for m in MEASURES), "outside")}
