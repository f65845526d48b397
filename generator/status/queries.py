"""What is asked of a database to tell how its log stands.

A partition's name says its bounds: see audit._partition_name() in sql/05_partitions.sql.
"""

from typing import LiteralString

MAY: LiteralString = """
SELECT current_database() AS database, current_user AS role,
       EXISTS (SELECT FROM pg_class AS c
                    JOIN pg_namespace AS n ON n.oid = c.relnamespace
               WHERE n.nspname = 'audit' AND c.relname = 'maintenance_run') AS is_installed,
       EXISTS (SELECT FROM pg_roles AS r
               WHERE r.rolname IN ('audit_reader', 'audit_owner')
                 AND pg_has_role(r.oid, 'USAGE')) AS may_read
"""

CLOCK: LiteralString = """
SELECT now() AS now, (now() AT TIME ZONE 'UTC')::date AS today,
       (SELECT e.occurred_at FROM audit.entry AS e ORDER BY e.occurred_at LIMIT 1) AS oldest
"""

TABLES: LiteralString = """
SELECT t.table_schema, t.table_name, t.tracked_at, t.untracked_at
FROM audit.tracked_table AS t
WHERE (t.table_schema, t.table_name) <> ('audit', 'entry')
ORDER BY t.table_schema, t.table_name
"""

# A good run has finished, and gave nothing up.
RUNS: LiteralString = """
SELECT r.started_at, r.finished_at, r.retention_days, r.given_up,
       (SELECT g.finished_at
        FROM audit.maintenance_run AS g
        WHERE g.finished_at IS NOT NULL AND g.given_up IS NULL
        ORDER BY g.started_at DESC
        LIMIT 1) AS ran_well_at
FROM audit.maintenance_run AS r
ORDER BY r.started_at DESC
LIMIT 1
"""

# One that is dropped meanwhile has no size.
_PARTITIONS: LiteralString = """
WITH partition AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relpages, c.reltuples, d.day,
           CASE WHEN right(c.relname, 3) <> '_on' THEN coalesce(
               to_date(substring(c.relname FROM '_.*_([0-9]{8})'), 'YYYYMMDD'), d.day + 1)
           END AS until,
           coalesce(pg_total_relation_size(c.oid), 0) AS bytes,
           coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int AS pages
    FROM pg_inherits AS i
         JOIN pg_class AS c ON c.oid = i.inhrelid
         CROSS JOIN LATERAL to_date(substring(c.relname FROM '^entry_([0-9]{8})'), 'YYYYMMDD')
             AS d (day)
    WHERE i.inhparent = 'audit.entry'::regclass AND NOT i.inhdetachpending
)"""

# Entries as the last ANALYZE knew of them; null before the first.
_DAYS: LiteralString = """
SELECT p.day, p.until, p.bytes,
       to_regclass(format('audit.%%I', p.relname || '_words')) IS NOT NULL AS is_indexed,
       CASE WHEN p.pages = 0 THEN 0
            WHEN p.reltuples >= 0 AND p.relpages > 0 THEN p.reltuples / p.relpages * p.pages
       END AS entries
FROM partition AS p
ORDER BY p.day
"""

# Of today and the days before, 2,000 pages. No JSON is read for it: how long it is stands
# beside. The other columns of an entry take 280 bytes, more or less. Indexes are shared out.
_GROWTH: LiteralString = """, recent AS (
    SELECT p.*
    FROM partition AS p
    WHERE p.day <= (now() AT TIME ZONE 'UTC')::date
      AND (p.until IS NULL OR p.until > (now() AT TIME ZONE 'UTC')::date - %(days)s::int)
), sample AS (
    SELECT min(p.day)::timestamp AT TIME ZONE 'UTC' AS since,
           least(1, 2000.0 / greatest(sum(p.pages), 1)) AS share
    FROM recent AS p
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
       (p.bytes * f.bytes / sum(f.bytes) OVER (PARTITION BY p.day))::bigint AS bytes,
       s.share = 1 AS is_exact
FROM found AS f
     JOIN recent AS p ON p.oid = f.partition
     CROSS JOIN sample AS s
"""

DAYS: LiteralString = _PARTITIONS + _DAYS
GROWTH: LiteralString = _PARTITIONS + _GROWTH
