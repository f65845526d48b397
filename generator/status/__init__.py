"""What the log of a database holds, since when, how fast it grows, and who takes care of it.

Reads in one snapshot, as a member of audit_reader, and of the entries no more than a sample.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg

from generator.catalogue import reading, rows
from generator.config import ConfigError
from generator.names import TableName
from generator.status import queries

RETENTION_DAYS = 90
"""Before a run of maintenance has said how many days it keeps."""
RATE_DAYS = 7
"""Days before today by which growth is told."""


@dataclass(frozen=True)
class Amount:
    """So many entries, and the bytes that they take with their indexes."""

    entries: float = 0
    bytes: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        """Return both together."""
        return Amount(self.entries + other.entries, self.bytes + other.bytes)

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
class Table:
    """A table that is or was tracked; *a_day* is None where there is no whole day to tell it by."""

    name: TableName
    tracked_at: datetime
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
    tables: tuple[Table, ...]


def read_status(connection: psycopg.Connection[Any]) -> Status:
    """Return how the log of a database stands. Raises ConfigError where it can't be read.

    The connection must not be in a transaction that has read already.
    """
    with reading(connection):
        [may] = rows(connection, queries.MAY)
        if not may.is_installed:
            what = f"{may.database} has no audit log"
            raise ConfigError([f"--database: {what} – apply the migrations"])
        if not may.may_read:
            what = f"{may.role} may not read the audit log"
            raise ConfigError([f"--database: {what} – connect as a member of audit_reader"])
        [clock] = rows(connection, queries.CLOCK)
        tracked, runs = rows(connection, queries.TABLES), rows(connection, queries.RUNS)
        partitions = rows(connection, queries.DAYS)
        written = rows(connection, queries.GROWTH, days=RATE_DAYS)
    read: dict[date, float] = defaultdict(float)
    for row in written:
        read[row.day] += row.entries
    days = list(_recent(partitions, read, _first_whole_day(tracked, clock.now), clock.today))
    whole = [day for day in days if day.until and day.until <= clock.today]
    number = sum((day.until - day.day).days for day in whole if day.until)
    a_day = sum((day.amount for day in whole), Amount()) * (1 / number) if number else None
    return Status(
        database=may.database,
        now=clock.now,
        oldest_entry=clock.oldest,
        total=_total(partitions, read),
        days=tuple(days),
        a_day=a_day,
        is_exact=all(row.is_exact for row in written),
        upkeep=_upkeep(partitions, runs, clock.today),
        tables=tuple(_tables(tracked, written, {day.day for day in whole}, number)),
    )


def _first_whole_day(tracked: Iterable[Any], now: datetime) -> date:
    begun = min((row.tracked_at for row in tracked), default=now).astimezone(UTC)
    return begun.date() + timedelta(days=begun.time() > time.min)


def _recent(
    partitions: Iterable[Any], read: Mapping[date, float], begun: date, today: date
) -> Iterator[Day]:
    since = today - timedelta(days=RATE_DAYS)
    for row in partitions:
        is_over = row.until is not None and row.until <= today
        if (since < row.until and begun <= row.day) if is_over else row.day <= today:
            yield Day(row.day, row.until, Amount(read.get(row.day, 0), row.bytes))


def _total(partitions: Iterable[Any], read: Mapping[date, float]) -> Amount:
    """Return what all days hold; those of which nothing is known are taken for like the others."""
    known, unknown = Amount(), 0
    for row in partitions:
        entries = read.get(row.day) or row.entries
        if entries is None:
            unknown += row.bytes
        else:
            known += Amount(entries, row.bytes)
    more = known.entries / known.bytes * unknown if known.bytes else 0
    return known + Amount(round(more), unknown)


def _upkeep(partitions: Sequence[Any], runs: Sequence[Any], today: date) -> Upkeep:
    over = [row for row in partitions if row.until and row.until <= today]
    indexed = [row.until for row in over if row.is_indexed]
    last = max((row.until or row.day for row in partitions), default=None)
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


def _tables(
    tracked: Iterable[Any], written: Sequence[Any], whole: set[date], number: int
) -> Iterator[Table]:
    by_table: dict[TableName, Amount] = defaultdict(Amount)
    for row in written:
        if row.day in whole:
            by_table[TableName(row.table_schema, row.table_name)] += Amount(row.entries, row.bytes)
    for row in tracked:
        name = TableName(row.table_schema, row.table_name)
        a_day = by_table[name] * (1 / number) if number else None
        yield Table(name, row.tracked_at, row.untracked_at, a_day)
