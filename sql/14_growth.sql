-- What the log covers and what it takes, for pgwitness status, for the viewer and for psql.

SET ROLE audit_owner;

CREATE OR REPLACE FUNCTION audit.list_tracked()
    RETURNS TABLE (
        table_schema text,
        table_name   text,
        since        timestamptz,
        gaps         tstzmultirange,
        until        timestamptz
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $list_tracked$
    SELECT t.table_schema, t.table_name, f.since,
           tstzmultirange(tstzrange(f.since, t.tracked_at)) - t.tracked_before,
           t.untracked_at
    FROM audit.tracked_table AS t
         CROSS JOIN LATERAL (VALUES (least(lower(t.tracked_before), t.tracked_at))) AS f (since)
    WHERE (t.table_schema, t.table_name) <> ('audit', 'entry')
    ORDER BY t.table_schema, t.table_name;
$list_tracked$;

COMMENT ON FUNCTION audit.list_tracked() IS
    'Since when changes of each table are captured, in which gaps they were not, and until when: '
    'null where they still are.';

REVOKE ALL ON FUNCTION audit.list_tracked() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.list_tracked() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._days()
    RETURNS TABLE (
        partition  oid,
        day        date,
        until      date,
        is_whole   boolean,
        is_recent  boolean,
        is_indexed boolean,
        bytes      bigint,
        pages      bigint,
        entries    double precision
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_days$
    WITH moment AS (
        SELECT now()::date AS today, min(t.tracked_at) AS begun
        FROM audit.tracked_table AS t
        WHERE (t.table_schema, t.table_name) <> ('audit', 'entry')
    )
    SELECT c.oid, d.day, d.until,
           d.until <= m.today AND d.until > m.today - 7 AND d.day >= m.begun,
           d.day <= m.today AND (d.until IS NULL OR d.until > m.today - 7),
           p.is_indexed, s.bytes, s.pages,
           CASE WHEN s.pages = 0 THEN 0
                WHEN c.reltuples >= 0 AND c.relpages > 0 THEN c.reltuples / c.relpages * s.pages
           END
    FROM moment AS m
         CROSS JOIN audit._partitions() AS p
         JOIN pg_class AS c ON (c.relnamespace, c.relname) = ('audit'::regnamespace, p.name)
         CROSS JOIN LATERAL (VALUES (
             CASE WHEN isfinite(p.starts_at) THEN p.starts_at::date ELSE '0001-01-01' END,
             CASE WHEN isfinite(p.ends_at) THEN p.ends_at::date END)) AS d (day, until)
         -- One that is dropped meanwhile has no size.
         CROSS JOIN LATERAL (VALUES (
             coalesce(pg_total_relation_size(c.oid), 0),
             coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::integer))
             AS s (bytes, pages)
    WHERE NOT p.is_detaching;
$_days$;

COMMENT ON FUNCTION audit._days() IS
    'The partitions of the log as the catalogue knows them: days in UTC before until, which is '
    'null for the open-ended one. is_whole: one of the seven days before today, and recorded from '
    'its beginning. is_recent: that, or today. pages: less indexes. entries: as the last ANALYZE '
    'found; null before the first.';

REVOKE ALL ON FUNCTION audit._days() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._days() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._sample(p_since date, p_percent double precision)
    RETURNS TABLE (
        partition    oid,
        table_schema text,
        table_name   text,
        entries      bigint,
        bytes        bigint
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_sample$
    -- No JSON is read for it: how long it is stands beside. The other columns of an entry take 280
    -- bytes, more or less.
    SELECT e.tableoid, e.table_schema, e.table_name, count(*), sum(
        280 + coalesce(pg_column_size(e.old_row), 0) + coalesce(pg_column_size(e.new_row), 0)
        + coalesce(pg_column_size(e.labels), 0) + coalesce(pg_column_size(e.context), 0))
    FROM audit.entry AS e TABLESAMPLE SYSTEM (p_percent) REPEATABLE (1)
    WHERE e.occurred_at >= p_since::timestamptz AND e.occurred_at < now() + interval '1 day'
    GROUP BY e.tableoid, e.table_schema, e.table_name;
$_sample$;

COMMENT ON FUNCTION audit._sample(date, double precision) IS
    'What a part of the pages since a day in UTC holds: entries by partition and table, and the '
    'bytes of their rows. The same pages each time.';

REVOKE ALL ON FUNCTION audit._sample(date, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._sample(date, double precision) TO audit_reader;

CREATE OR REPLACE FUNCTION audit.measure_log()
    RETURNS TABLE (
        day          date,
        until        date,
        table_schema text,
        table_name   text,
        entries      double precision,
        bytes        double precision,
        is_whole     boolean,
        is_indexed   boolean,
        is_exact     boolean
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $measure_log$
    WITH days AS MATERIALIZED (
        SELECT d.* FROM audit._days() AS d
    ), sample AS (
        SELECT min(d.day) AS since, least(1, 2000.0 / greatest(sum(d.pages), 1)) AS share
        FROM days AS d
        WHERE d.is_recent
    ), measured AS (
        SELECT d.day, d.until, f.table_schema, f.table_name, d.is_whole, d.is_indexed,
               s.share = 1 AS is_exact,
               coalesce(f.entries / s.share, d.entries) AS entries,
               -- Indexes are shared out by the length of the rows.
               d.bytes * coalesce(f.bytes::double precision
                                  / sum(f.bytes) OVER (PARTITION BY d.partition), 1) AS bytes
        FROM days AS d
             CROSS JOIN sample AS s
             LEFT JOIN (SELECT r.*
                        FROM sample AS s
                             CROSS JOIN LATERAL audit._sample(s.since, 100 * s.share) AS r) AS f
                 ON f.partition = d.partition
    )
    SELECT m.day, m.until, m.table_schema, m.table_name,
           -- A day of which nothing is known is taken for like the others.
           coalesce(m.entries, m.bytes * sum(m.entries) OVER ()
                    / nullif(sum(m.bytes) FILTER (WHERE m.entries IS NOT NULL) OVER (), 0), 0),
           m.bytes, coalesce(m.is_whole, false), m.is_indexed, m.is_exact
    FROM measured AS m
    ORDER BY m.day, m.table_schema, m.table_name;
$measure_log$;

COMMENT ON FUNCTION audit.measure_log() IS
    'What the log takes: a row for each day in UTC; for today and the seven days before, one for '
    'each table in it. Several days in one partition are one row; until is the first day that is '
    'not in it, null for the open-ended one. bytes: with indexes. entries: of recent days as '
    'counted, where is_exact, or told by a sample of 2,000 pages, so that this takes the same time '
    'however many there are; of older days as ANALYZE found. is_whole: one of the seven days '
    'before today, and recorded from its beginning: growth is told by these. is_indexed: '
    'audit.index_day() has been.';

REVOKE ALL ON FUNCTION audit.measure_log() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.measure_log() TO audit_reader;

RESET ROLE;
