"""What the log of a database holds, since when, how fast it grows, and who takes care of it.

Reads in one snapshot, as a member of audit_reader, and of the entries no more than a sample.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from generator.access import require_member
from generator.database import Connection, reading, rows
from generator.names import TableName
from generator.status import queries

RETENTION_DAYS = 90
"""Before a run of maintenance has said how many days it keeps."""


@dataclass(frozen=True)
class Amount:
    """So many entries, and the bytes that they take with their indexes."""

    entries: float
    bytes: int

    def __mul__(self, number: float) -> "Amount":
        """Return so many times as much."""
        return Amount(self.entries * number, round(self.bytes * number))


@dataclass(frozen=True)
class Day:
    """A day in UTC, or several in one partition; *until* is None for the open-ended one."""

    day: date
    until: date | None
    amount: Amount


@dataclass(frozen=True)
class Gap:
    """When changes of a table were not captured, which they were before and are since."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Table:
    """A table that is or was tracked; *a_day* is None where there is no whole day to tell it by."""

    name: TableName
    tracked_at: datetime
    gaps: tuple[Gap, ...]
    untracked_at: datetime | None
    a_day: Amount | None


@dataclass(frozen=True)
class Upkeep:
    """What is prepared and done, before *prepared_until* and *indexed_until*.

    *given_up* is what the very last run left undone. *not_indexed* counts the partitions between
    the first and the last with an index of their words that have none.
    """

    retention_days: int
    days_ahead: int
    prepared_until: date | None
    indexed_until: date | None
    not_indexed: int
    ran_well_at: datetime | None
    last_run_at: datetime | None
    given_up: str | None


@dataclass(frozen=True)
class Sealed:
    """The last seal, and what the last verification said that was written down, if any was."""

    number: int
    sealed_at: datetime
    verified_at: datetime | None
    verified_up_to: int | None
    found: int | None


@dataclass(frozen=True)
class Status:
    """All of that. *days* are the last whole ones, oldest first, and then today.

    *is_exact*: the entries of these days were counted, and not told by a sample.
    """

    database: str
    now: datetime
    oldest_entry: datetime | None
    total: Amount
    days: tuple[Day, ...]
    a_day: Amount | None
    is_exact: bool
    upkeep: Upkeep
    sealed: Sealed | None
    tables: tuple[Table, ...]


def read_status(connection: Connection) -> Status:
    """Return how the log of a database stands. Raises ConfigError where it can't be read.

    The connection must not be in a transaction that has read already.
    """
    require_member(connection)
    with reading(connection):
        [clock] = rows(connection, queries.CLOCK)
        tracked, runs = rows(connection, queries.TABLES), rows(connection, queries.RUNS)
        sealed = rows(connection, queries.SEALED)
        log = rows(connection, queries.LOG)
    days = _days(log)
    whole = [row for row in log if row.is_whole]
    number = sum((row.until - row.day).days for row in days if row.is_whole)
    return Status(
        database=clock.database,
        now=clock.now,
        oldest_entry=clock.oldest,
        total=_sum(log),
        days=tuple(_recent(days, log, clock.today)),
        a_day=_sum(whole) * (1 / number) if number else None,
        is_exact=all(row.is_exact for row in log),
        upkeep=_upkeep(days, runs, clock.today),
        sealed=Sealed(*sealed[0]) if sealed else None,
        tables=tuple(_tables(tracked, whole, number)),
    )


def _sum(log: Iterable[Any]) -> Amount:
    listed = list(log)
    return Amount(sum(row.entries for row in listed), round(sum(row.bytes for row in listed)))


def _days(log: Iterable[Any]) -> list[Any]:
    """Return one row of each day: a recent one has as many as tables."""
    return list({row.day: row for row in log}.values())


def _recent(days: Iterable[Any], log: Sequence[Any], today: date) -> Iterator[Day]:
    for day in days:
        if day.is_whole or (day.day <= today and (day.until is None or day.until > today)):
            yield Day(day.day, day.until, _sum(row for row in log if row.day == day.day))


def _upkeep(days: Sequence[Any], runs: Sequence[Any], today: date) -> Upkeep:
    over = [row for row in days if row.until and row.until <= today]
    indexed = [row.until for row in over if row.is_indexed]
    last = max((row.until or row.day for row in days), default=None)
    [run] = runs or [None]
    return Upkeep(
        retention_days=run.retention_days if run else RETENTION_DAYS,
        days_ahead=max(0, (last - today).days - 1) if last else 0,
        prepared_until=last,
        indexed_until=indexed[-1] if indexed else None,
        not_indexed=sum(
            not row.is_indexed for row in over if indexed and indexed[0] < row.until < indexed[-1]
        ),
        ran_well_at=run.ran_well_at if run else None,
        last_run_at=run.started_at if run else None,
        given_up=run.given_up if run else None,
    )


def _tables(tracked: Iterable[Any], whole: Sequence[Any], number: int) -> Iterator[Table]:
    for row in tracked:
        name = (row.table_schema, row.table_name)
        of_it = _sum(r for r in whole if (r.table_schema, r.table_name) == name)
        gaps = tuple(Gap(gap.lower, gap.upper) for gap in row.gaps)
        a_day = of_it * (1 / number) if number else None
        yield Table(TableName(*name), row.since, gaps, row.until, a_day)
