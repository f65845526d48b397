"""How fast the log grows: what was measured of its days, summed up.

Knows no SQL and no page; entries are about so many where they come from a sample.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from auditviewer.change.records import TableName
from auditviewer.log.coverage import Measured


@dataclass(frozen=True)
class Amount:
    """So many entries, and the bytes that they take with their indexes."""

    entries: float
    bytes: float

    def times(self, number: float) -> "Amount":
        """Return so many times as much."""
        return Amount(self.entries * number, self.bytes * number)


@dataclass(frozen=True)
class Day:
    """A day in UTC, or several in one partition, before *until*; and what they take."""

    day: date
    until: date | None
    is_whole: bool
    is_indexed: bool
    amount: Amount


@dataclass(frozen=True)
class Growth:
    """What the log holds, and how much comes to it.

    *days* are all, oldest first; *whole* are the last ones, by which growth is told, newest first.
    *a_day* is None where there is none. *is_exact*: the entries of these were counted.
    """

    total: Amount
    days: tuple[Day, ...]
    a_day: Amount | None
    a_day_by_table: tuple[tuple[TableName, Amount], ...]
    is_exact: bool

    @property
    def whole(self) -> list[Day]:
        """The last whole days, newest first."""
        return [day for day in reversed(self.days) if day.is_whole]

    @property
    def whole_days(self) -> int:
        """How many days those are: a partition may hold several."""
        return _length(self.days)


def sum_up(log: Sequence[Measured]) -> Growth:
    """Return how the log grows."""
    days, whole = tuple(_days(log)), [each for each in log if each.is_whole]
    number = _length(days)
    return Growth(
        total=_sum(log),
        days=days,
        a_day=_sum(whole).times(1 / number) if number else None,
        a_day_by_table=tuple(sorted(_by_table(whole, number), key=_by_size)),
        is_exact=all(each.is_exact for each in log),
    )


def _days(log: Sequence[Measured]) -> Iterator[Day]:
    for each in {each.day: each for each in log}.values():
        amount = _sum(other for other in log if other.day == each.day)
        yield Day(each.day, each.until, each.is_whole, each.is_indexed, amount)


def _length(days: Iterable[Day]) -> int:
    return sum((day.until - day.day).days for day in days if day.is_whole and day.until)


def _by_table(whole: Sequence[Measured], number: int) -> Iterator[tuple[TableName, Amount]]:
    for table in {each.table for each in whole if each.table}:
        yield table, _sum(each for each in whole if each.table == table).times(1 / number)


def _by_size(of_table: tuple[TableName, Amount]) -> tuple[float, TableName]:
    table, amount = of_table
    return -amount.bytes, table


def _sum(log: Iterable[Measured]) -> Amount:
    listed = list(log)
    return Amount(sum(each.entries for each in listed), sum(each.bytes for each in listed))
