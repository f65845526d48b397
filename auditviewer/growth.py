"""How fast the log grows, worked out of its days and of what was written on the last of them.

Knows no SQL and no page; entries are about so many where they come from a sample.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from auditviewer.change.records import TableName
from auditviewer.log.coverage import RATE_DAYS, Day, Written


@dataclass(frozen=True)
class Amount:
    """So many entries, and the bytes that they take with their indexes."""

    entries: float
    bytes: float

    def times(self, number: float) -> "Amount":
        """Return so many times as much."""
        return Amount(self.entries * number, self.bytes * number)


@dataclass(frozen=True)
class Growth:
    """What the log holds, and how much comes to it.

    *days* are the last whole ones, newest first; *a_day* is None where there is none. *is_exact*:
    the entries of these days were counted.
    """

    total: Amount
    days: tuple[tuple[Day, Amount], ...]
    a_day: Amount | None
    a_day_by_table: tuple[tuple[TableName, Amount], ...]
    is_exact: bool

    @property
    def whole_days(self) -> int:
        """How many days those are: a partition may hold several."""
        return _length(day for day, _ in self.days)


def work_out(days: Sequence[Day], written: Sequence[Written], begun: date, today: date) -> Growth:
    """Return how the log grows; *begun* is the first day that was recorded as a whole."""
    read: dict[date, float] = defaultdict(float)
    for each in written:
        read[each.day] += each.entries
    since = today - timedelta(days=RATE_DAYS)
    whole = [day for day in days if day.until and since < day.until <= today and begun <= day.day]
    amounts = [(day, Amount(read[day.day], day.bytes)) for day in reversed(whole)]
    number = _length(whole)
    return Growth(
        total=_total(days, read),
        days=tuple(amounts),
        a_day=_sum(amount for _, amount in amounts).times(1 / number) if number else None,
        a_day_by_table=_by_table(written, {day.day for day in whole}, number),
        is_exact=all(each.is_exact for each in written),
    )


def _by_table(
    written: Iterable[Written], whole: set[date], number: int
) -> tuple[tuple[TableName, Amount], ...]:
    amounts: dict[TableName, list[Amount]] = defaultdict(list)
    for each in written:
        if each.day in whole:
            amounts[each.table].append(Amount(each.entries, each.bytes))
    a_day = [(table, _sum(of_table).times(1 / number)) for table, of_table in amounts.items()]
    return tuple(sorted(a_day, key=lambda each: (-each[1].bytes, each[0])))


def _total(days: Iterable[Day], read: Mapping[date, float]) -> Amount:
    """Return what all days hold; those of which nothing is known are taken for like the others."""
    known, unknown = [], 0
    for day in days:
        entries = read.get(day.day) or day.entries
        if entries is None:
            unknown += day.bytes
        else:
            known.append(Amount(entries, day.bytes))
    total = _sum(known)
    more = total.entries / total.bytes * unknown if total.bytes else 0
    return Amount(total.entries + more, total.bytes + unknown)


def _length(days: Iterable[Day]) -> int:
    return sum((day.until - day.day).days for day in days if day.until)


def _sum(amounts: Iterable[Amount]) -> Amount:
    listed = list(amounts)
    return Amount(sum(each.entries for each in listed), sum(each.bytes for each in listed))
