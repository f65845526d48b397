"""The partitions of the log as they are, and which days are missing among them.

Knows bounds, never names; reads the catalogue, and changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from generator.database import Connection, rows

FOREVER = datetime.max.replace(tzinfo=UTC)
"""Where the open-ended partition ends."""
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Partition:
    """A partition; *is_detaching*: its concurrent detach was interrupted."""

    name: str
    starts_at: datetime
    ends_at: datetime
    is_detaching: bool = False
    is_indexed: bool = False

    @property
    def is_last(self) -> bool:
        """Whether it is the open-ended one."""
        return self.ends_at == FOREVER

    @property
    def until(self) -> str:
        """Where it ends, for SQL."""
        return "infinity" if self.is_last else self.ends_at.isoformat()


def read_partitions(connection: Connection) -> list[Partition]:
    """Return the partitions of the log, the oldest first."""
    return [Partition(*row) for row in rows(connection, _PARTITIONS, forever=FOREVER)]


def read_clock(connection: Connection) -> datetime:
    """Return the time by the database's clock."""
    now: datetime = rows(connection, "SELECT clock_timestamp() AS now")[0].now
    return now.astimezone(UTC)


def start_of(moment: datetime, day: timedelta) -> datetime:
    """Return when the day of a moment began."""
    return moment - (moment - EPOCH) % day


def missing_days(
    partitions: Sequence[Partition], first: datetime, end: datetime, day: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the days from *first* to *end* that no partition covers."""
    at = first
    for partition in partitions:
        if partition.ends_at > at:
            yield from _days(at, min(partition.starts_at, end), day)
            at = max(at, partition.ends_at)
    yield from _days(at, end, day)


def _days(at: datetime, end: datetime, day: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while at < end:
        then = min(at + day, end)
        yield at, then
        at = then


# What PostgreSQL calls infinity, Python can't hold.
_PARTITIONS: LiteralString = """
SELECT name,
       CASE WHEN isfinite(starts_at) THEN starts_at ELSE '0001-01-01 00:00:00+00' END AS starts_at,
       CASE WHEN isfinite(ends_at) THEN ends_at ELSE %(forever)s END AS ends_at,
       is_detaching, is_indexed
FROM audit._partitions()
ORDER BY starts_at
"""
