"""Queries for what the log covers: its days, what they take and hold, and who takes care of them.

The list asks for the little that the catalogue knows. What is in the days is worked out in the
database, see sql/14_growth.sql: no query here takes longer because there are more entries.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from psycopg import sql

from auditviewer.change.records import TableName
from auditviewer.log.database import Reading

MOST_DROPS = 100

# A partition's name says its bounds: see audit._partition_name() in sql/05_partitions.sql.
PARTITIONS = sql.SQL("""
SELECT d.day,
       CASE WHEN right(c.relname, 3) <> '_on' THEN coalesce(
           to_date(substring(c.relname FROM '_.*_([0-9]{8})'), 'YYYYMMDD'), d.day + 1)
       END AS until
FROM pg_catalog.pg_inherits AS i
     JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
     CROSS JOIN LATERAL to_date(substring(c.relname FROM '^entry_([0-9]{8})'), 'YYYYMMDD')
         AS d (day)
WHERE i.inhparent = 'audit.entry'::regclass AND NOT i.inhdetachpending""")

UPKEEP = sql.SQL("""
WITH partition AS ({partitions}), good_run AS (
    SELECT r.finished_at, r.retention_days
    FROM audit.maintenance_run AS r
    WHERE r.finished_at IS NOT NULL AND r.given_up IS NULL
    ORDER BY r.started_at DESC
    LIMIT 1
)
SELECT min(p.day) AS oldest_day, min(p.until) AS oldest_until,
       max(coalesce(p.until, p.day)) AS prepared_until,
       (SELECT finished_at FROM good_run) AS ran_at,
       (SELECT retention_days FROM good_run) AS retention_days
FROM partition AS p""").format(partitions=PARTITIONS)

LOG = "SELECT * FROM audit.measure_log()"

GAPS = "SELECT t.table_schema, t.table_name, t.since, t.gaps FROM audit.list_tracked() AS t"

OLDEST = "SELECT e.occurred_at FROM audit.entry AS e ORDER BY e.occurred_at LIMIT 1"

DROPS = """
SELECT ((d.drop ->> 'from')::timestamptz AT TIME ZONE 'UTC')::date AS first,
       ((d.drop ->> 'until')::timestamptz AT TIME ZONE 'UTC')::date AS after,
       (d.drop ->> 'entries')::bigint AS entries, r.started_at AS dropped_at
FROM audit.maintenance_run AS r
     CROSS JOIN LATERAL jsonb_array_elements(r.dropped) AS d (drop)
WHERE r.dropped <> '[]'
ORDER BY first DESC
LIMIT %(limit)s"""


@dataclass(frozen=True)
class Upkeep:
    """From when until when there is a partition for each day, and the last good run of maintenance.

    The oldest partition ends before *oldest_until*. *retention_days* is what that run kept.
    """

    oldest_day: date | None
    oldest_until: date | None
    prepared_until: date | None
    ran_at: datetime | None
    retention_days: int | None

    def days_ahead(self, now: datetime) -> int:
        """Return how many days after today in UTC have a partition of their own."""
        today = now.astimezone(UTC).date()
        return max(0, (self.prepared_until - today).days - 1) if self.prepared_until else 0


@dataclass(frozen=True)
class Measured:
    """What a day in UTC takes, indexes included; of a recent one, what a table of it does.

    Several days in one partition are one; all that come after have no *until*. *is_whole*: growth
    is told by it. *is_exact*: recent entries were counted, and not told by a sample.
    """

    day: date
    until: date | None
    table: TableName | None
    entries: float
    bytes: float
    is_whole: bool
    is_indexed: bool
    is_exact: bool


@dataclass(frozen=True)
class Period:
    """Since when a table is tracked, and when it was not, later on."""

    since: datetime
    gaps: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class Drop:
    """A partition that left the log with so many entries: days in UTC, before *after*."""

    first: date
    after: date
    entries: int
    dropped_at: datetime


def midnight(day: date) -> datetime:
    """Return when a day in UTC begins."""
    return datetime.combine(day, time.min, UTC)


def read_upkeep(reading: Reading) -> Upkeep:
    """Return what the catalogue and the runs of maintenance tell of how the log is kept."""
    [row] = reading.connection.execute(UPKEEP)
    return Upkeep(**row)


def read_log(reading: Reading) -> list[Measured]:
    """Return what the log takes, oldest days first."""
    return list(map(_measured, reading.connection.execute(LOG)))


def _measured(row: dict[str, Any]) -> Measured:
    schema, name = row.pop("table_schema"), row.pop("table_name")
    return Measured(table=(schema, name) if name else None, **row)


def read_periods(reading: Reading) -> dict[TableName, Period]:
    """Return since when each table is tracked."""
    return {
        (row["table_schema"], row["table_name"]): Period(
            row["since"], tuple((gap.lower, gap.upper) for gap in row["gaps"])
        )
        for row in reading.connection.execute(GAPS)
    }


def find_oldest(reading: Reading) -> datetime | None:
    """Return when the oldest entry was written, if there is one."""
    row = reading.connection.execute(OLDEST).fetchone()
    return row["occurred_at"] if row else None


def read_drops(reading: Reading) -> list[Drop]:
    """Return the days that were dropped, the newest first, as far as a page shows them."""
    return [Drop(**row) for row in reading.connection.execute(DROPS, {"limit": MOST_DROPS})]
