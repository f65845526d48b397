"""Queries for what the log covers: its days, what they take and hold, and who takes care of them.

The list asks for the little that the catalogue knows. What is in the days is told by a sample of
so many pages of them: no query here takes longer because there are more entries.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from psycopg import sql

from auditviewer.change.records import TableName
from auditviewer.log.database import Reading

RATE_DAYS = 7
"""Days before today by which growth is told."""
MOST_DROPS = 100

# A partition's name says its bounds: see audit._partition_name() in sql/05_partitions.sql.
PARTITIONS = sql.SQL("""
SELECT c.oid, c.relname, c.relpages, c.reltuples, d.day,
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

# A partition that is dropped meanwhile has no size.
DAYS = sql.SQL("""
SELECT p.day, p.until, s.bytes,
       to_regclass(format('audit.%I', p.relname || '_words')) IS NOT NULL AS is_indexed,
       CASE WHEN s.pages = 0 THEN 0
            WHEN p.reltuples >= 0 AND p.relpages > 0 THEN p.reltuples / p.relpages * s.pages
       END AS entries
FROM ({partitions}) AS p
     CROSS JOIN LATERAL (VALUES (
         coalesce(pg_total_relation_size(p.oid), 0),
         coalesce(pg_relation_size(p.oid), 0) / current_setting('block_size')::int))
         AS s (bytes, pages)
ORDER BY p.day""").format(partitions=PARTITIONS)

# Of today and the days before, 2,000 pages. No JSON is read for it: how long it is stands
# beside. The other columns of an entry take 280 bytes, more or less. Indexes are shared out.
GROWTH = sql.SQL("""
WITH partition AS MATERIALIZED (
    SELECT p.oid, p.day, p.until, coalesce(pg_total_relation_size(p.oid), 0) AS bytes,
           coalesce(pg_relation_size(p.oid), 0) / current_setting('block_size')::int AS pages
    FROM ({partitions}) AS p
    WHERE p.day <= (now() AT TIME ZONE 'UTC')::date
      AND (p.until IS NULL OR p.until > (now() AT TIME ZONE 'UTC')::date - %(days)s)
), sample AS (
    SELECT min(p.day)::timestamp AT TIME ZONE 'UTC' AS since,
           least(1, 2000.0 / greatest(sum(p.pages), 1)) AS share
    FROM partition AS p
), read AS MATERIALIZED (
    SELECT e.tableoid AS partition, e.table_schema, e.table_name,
           280 + coalesce(pg_column_size(e.old_row), 0) + coalesce(pg_column_size(e.new_row), 0)
           + coalesce(pg_column_size(e.labels), 0) + coalesce(pg_column_size(e.context), 0)
               AS bytes
    FROM audit.entry AS e TABLESAMPLE SYSTEM ((SELECT 100 * share FROM sample)) REPEATABLE (1)
    WHERE e.occurred_at >= (SELECT since FROM sample) AND e.occurred_at < now() + '1 day'::interval
), found AS (
    SELECT r.partition, r.table_schema, r.table_name, count(*) AS entries, sum(r.bytes) AS bytes
    FROM read AS r
    GROUP BY r.partition, r.table_schema, r.table_name
)
SELECT p.day, f.table_schema, f.table_name, (f.entries / s.share)::float8 AS entries,
       (p.bytes * f.bytes / sum(f.bytes) OVER (PARTITION BY p.day))::float8 AS bytes,
       s.share = 1 AS is_exact
FROM found AS f
     JOIN partition AS p ON p.oid = f.partition
     CROSS JOIN sample AS s""").format(partitions=PARTITIONS)

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
class Day:
    """A partition: a day in UTC, or several, or all that come after; these have no *until*.

    *entries* is what the last ANALYZE knew of, None before the first.
    """

    day: date
    until: date | None
    bytes: int
    is_indexed: bool
    entries: float | None


@dataclass(frozen=True)
class Written:
    """What was written of a table into the partition of a day, indexes included."""

    day: date
    table: TableName
    entries: float
    bytes: float
    is_exact: bool


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


def read_days(reading: Reading) -> list[Day]:
    """Return the partitions of the log, oldest first."""
    return [Day(**row) for row in reading.connection.execute(DAYS)]


def read_growth(reading: Reading) -> list[Written]:
    """Return what was written today and on the days before, since a partition began."""
    return [
        Written(
            day=row["day"],
            table=(row["table_schema"], row["table_name"]),
            entries=row["entries"],
            bytes=row["bytes"],
            is_exact=row["is_exact"],
        )
        for row in reading.connection.execute(GROWTH, {"days": RATE_DAYS})
    ]


def find_oldest(reading: Reading) -> datetime | None:
    """Return when the oldest entry was written, if there is one."""
    row = reading.connection.execute(OLDEST).fetchone()
    return row["occurred_at"] if row else None


def read_drops(reading: Reading) -> list[Drop]:
    """Return the days that were dropped, the newest first, as far as a page shows them."""
    return [Drop(**row) for row in reading.connection.execute(DROPS, {"limit": MOST_DROPS})]
