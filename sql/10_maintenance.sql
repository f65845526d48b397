-- Days are added ahead, made quick to read once they are over, and leave the log when they are past
-- the retention. pgwitness maintain calls what is here, a transaction for each step: what has to be
-- true together is one function.

CREATE TABLE IF NOT EXISTS audit.maintenance_run (
    started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at    timestamptz,
    retention_days integer     NOT NULL,
    created        text[]      NOT NULL DEFAULT '{}',
    indexed        text[]      NOT NULL DEFAULT '{}',
    dropped        jsonb       NOT NULL DEFAULT '[]',
    detaching      jsonb,
    given_up       text,
    CONSTRAINT maintenance_run_pkey
        PRIMARY KEY (started_at),
    CONSTRAINT maintenance_run_retention_is_positive
        CHECK (retention_days > 0)
);

COMMENT ON TABLE audit.maintenance_run IS
    'What each run of pgwitness maintain did. A good run is one that has finished and gave nothing '
    'up. Never deleted: what was dropped when outlives the entries that say so.';
COMMENT ON COLUMN audit.maintenance_run.started_at IS
    'When it began, by the database''s clock.';
COMMENT ON COLUMN audit.maintenance_run.finished_at IS
    'When it ended. Null: it still runs, or was killed.';
COMMENT ON COLUMN audit.maintenance_run.retention_days IS
    'How many days it kept.';
COMMENT ON COLUMN audit.maintenance_run.created IS
    'Names of the partitions that it added.';
COMMENT ON COLUMN audit.maintenance_run.indexed IS
    'Names of the partitions that it made quick to read.';
COMMENT ON COLUMN audit.maintenance_run.dropped IS
    'Partitions that it dropped: [{"name": "entry_20260824", "from": "2026-08-24T00:00:00+00:00", '
    '"until": "2026-08-25T00:00:00+00:00", "entries": 12345}]. Committed together with each drop.';
COMMENT ON COLUMN audit.maintenance_run.detaching IS
    'The partition that it was taking out of the log last, as one of "dropped": where it still is, '
    'as a table of its own, the next run drops it, and no other table. Null: none.';
COMMENT ON COLUMN audit.maintenance_run.given_up IS
    'What it left undone, why, and who was in the way. Null: nothing.';
COMMENT ON CONSTRAINT maintenance_run_pkey ON audit.maintenance_run IS
    'One runs at a time.';
COMMENT ON CONSTRAINT maintenance_run_retention_is_positive ON audit.maintenance_run IS
    'The day that is being written is never dropped.';

GRANT SELECT ON audit.maintenance_run TO audit_reader;

ALTER TABLE audit.maintenance_run ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS maintenance_run_is_read_by_readers ON audit.maintenance_run;
CREATE POLICY maintenance_run_is_read_by_readers
    ON audit.maintenance_run
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY maintenance_run_is_read_by_readers ON audit.maintenance_run IS
    'Only the owner of the log writes down what was maintained, whatever else a role has been '
    'granted.';

-- The words for the entries that say what was dropped. Nothing captures this table, so it counts as
-- untracked; tracked_at is when the log was installed.
INSERT INTO audit.tracked_table AS t
    (table_schema, table_name, module, entity, key_columns, say, columns,
     ignored, excluded, redacted, on_truncate, untracked_at)
VALUES
    ('audit', 'entry', 'Audit log', 'Day', ARRAY['day'],
     '{"deleted": "Removed the entries of {day}, {entries} of them, '
     'by the retention of {retention_days} days"}',
     '{"day": {"label": "Day (UTC)"}, "entries": {"label": "Entries"}, '
     '"retention_days": {"label": "Days kept"}}',
     '{}', '{}', '{}', 'forbid', now())
ON CONFLICT (table_schema, table_name) DO UPDATE
SET module = excluded.module,
    entity = excluded.entity,
    say = excluded.say,
    columns = excluded.columns;

-- Only the writer adds entries, so the one that says what was dropped is added as the writer.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit._log_removal(
    p_source         text,
    p_day            date,
    p_entries        bigint,
    p_retention_days integer
)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    SET timezone = 'UTC'
AS $_log_removal$
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, entity_id, entity_label,
         row_key, old_row)
    VALUES
        (p_source, 'DELETE', 'audit', 'entry', 'Audit log', 'Day',
         to_char(p_day, 'YYYY-MM-DD'), to_char(p_day, 'FMDD FMMonth YYYY'),
         jsonb_build_object('day', to_char(p_day, 'YYYY-MM-DD')),
         jsonb_build_object('day', to_char(p_day, 'YYYY-MM-DD'),
                            'entries', p_entries,
                            'retention_days', p_retention_days));
$_log_removal$;

COMMENT ON FUNCTION audit._log_removal(text, date, bigint, integer) IS
    'Add the entry that says how many entries of a day in UTC were dropped, by which retention.';

REVOKE ALL ON FUNCTION audit._log_removal(text, date, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._log_removal(text, date, bigint, integer) TO audit_owner;

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;

CREATE OR REPLACE FUNCTION audit._log_removals(
    p_name           text,
    p_from           timestamptz,
    p_until          timestamptz,
    p_source         text,
    p_retention_days integer
)
    RETURNS bigint
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_log_removals$
DECLARE
    v_day     record;
    v_entries bigint := 0;
BEGIN
    FOR v_day IN EXECUTE format(
        'SELECT d::date AS day, count(e.id) AS entries '
        'FROM generate_series(date_trunc(''day'', $1), $2 - interval ''1 us'', ''1 day'') AS d '
        'LEFT JOIN audit.%I AS e '
        '     ON e.occurred_at >= d AND e.occurred_at < d + interval ''1 day'' '
        'GROUP BY d ORDER BY d', p_name) USING p_from, p_until
    LOOP
        PERFORM audit._log_removal(p_source, v_day.day, v_day.entries, p_retention_days);
        v_entries := v_entries + v_day.entries;
    END LOOP;
    RETURN v_entries;
END
$_log_removals$;

COMMENT ON FUNCTION audit._log_removals(text, timestamptz, timestamptz, text, integer) IS
    'Add an entry for each day of a partition that is about to be dropped, also for those without '
    'entries, and return how many entries it holds.';

REVOKE ALL ON FUNCTION audit._log_removals(text, timestamptz, timestamptz, text, integer)
    FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._drop_detached(
    p_run    timestamptz,
    p_name   text,
    p_from   timestamptz,
    p_until  timestamptz,
    p_source text,
    p_day    interval DEFAULT '1 day'
)
    RETURNS bigint
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_drop_detached$
DECLARE
    v_days    integer := (SELECT retention_days FROM audit.maintenance_run
                          WHERE started_at = p_run);
    v_cutoff  timestamptz := clock_timestamp() - v_days * p_day;
    v_is_kept boolean;
    v_entries bigint := 0;
BEGIN
    EXECUTE format('LOCK TABLE audit.%I IN ACCESS EXCLUSIVE MODE', p_name);
    -- Of the open-ended partition, any entry at all.
    EXECUTE format('SELECT EXISTS (SELECT FROM audit.%I AS e WHERE e.occurred_at >= $1)', p_name)
        INTO v_is_kept
        USING CASE WHEN p_until = 'infinity' THEN p_from ELSE v_cutoff END;
    IF v_is_kept OR v_days IS NULL OR (p_until > v_cutoff AND p_until <> 'infinity') THEN
        RAISE EXCEPTION 'audit.% is not dropped: it is not wholly past the retention', p_name
            USING ERRCODE = 'UA007',
                  DETAIL = format('It holds entries until %s.', p_until),
                  HINT = 'Leave the dropping to pgwitness maintain.';
    END IF;
    IF audit._holds_unsealed(p_name) THEN
        RAISE EXCEPTION 'audit.% is not dropped: it holds entries that are not sealed', p_name
            USING ERRCODE = 'UA012',
                  HINT = 'Run pgwitness maintain again: it puts it back, and seals them.';
    END IF;
    IF p_until <> 'infinity' THEN
        v_entries := audit._log_removals(p_name, p_from, p_until, p_source, v_days);
        UPDATE audit.maintenance_run
        SET dropped = dropped || jsonb_build_object(
            'name', p_name, 'from', p_from, 'until', p_until, 'entries', v_entries)
        WHERE started_at = p_run;
        PERFORM audit._seal_drop(p_from, p_until, v_entries, v_days, (
            SELECT (r.detaching ->> 'differing')::bigint
            FROM audit.maintenance_run AS r
            WHERE r.detaching ->> 'name' = p_name
            ORDER BY r.started_at DESC
            LIMIT 1));
    END IF;
    EXECUTE format('DROP TABLE audit.%I', p_name);
    UPDATE audit.maintenance_run SET detaching = NULL WHERE detaching ->> 'name' = p_name;
    RETURN v_entries;
END
$_drop_detached$;

COMMENT ON FUNCTION audit._drop_detached IS
    'Drop a partition that has been detached, and say so: in the log, in the chain of seals, and '
    'in the run of audit.maintenance_run that p_run names. All of it or nothing. Refuses with '
    'SQLSTATE UA007 what is not wholly past that run''s retention; of the open-ended one, what '
    'holds an entry; with UA012, what holds an entry that is not sealed.';

REVOKE ALL ON FUNCTION audit._drop_detached FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._bound_last(p_until timestamptz)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_bound_last$
DECLARE
    v_last record;
BEGIN
    SELECT p.name, p.starts_at INTO STRICT v_last
    FROM audit._partitions() AS p
    WHERE p.ends_at = 'infinity';
    -- Waits for autovacuum, and keeps nobody waiting behind it yet.
    EXECUTE format('LOCK TABLE audit.%I IN SHARE UPDATE EXCLUSIVE MODE', v_last.name);
    EXECUTE format('ALTER TABLE audit.%I DROP CONSTRAINT IF EXISTS entry_is_in_bounds',
                   v_last.name);
    IF p_until IS NOT NULL THEN
        EXECUTE format('ALTER TABLE audit.%I ADD CONSTRAINT entry_is_in_bounds CHECK '
                       '(occurred_at IS NOT NULL AND occurred_at >= %L AND occurred_at < %L) '
                       'NOT VALID', v_last.name, v_last.starts_at, p_until);
    END IF;
END
$_bound_last$;

COMMENT ON FUNCTION audit._bound_last(timestamptz) IS
    'Let the open-ended partition take no entries from a moment on, which has to be far ahead: '
    'they would fail. Null lifts that. It is what makes audit._split_last() quick, once validated.';

REVOKE ALL ON FUNCTION audit._bound_last(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._split_last(p_at timestamptz)
    RETURNS text
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_split_last$
DECLARE
    v_last record;
    v_next text := audit._make_partition(p_at, 'infinity');
    v_name text;
BEGIN
    SELECT p.name, p.starts_at INTO STRICT v_last
    FROM audit._partitions() AS p
    WHERE p.ends_at = 'infinity';
    v_name := audit._partition_name(v_last.starts_at, p_at);
    -- Waits for autovacuum, and keeps nobody waiting behind it yet.
    EXECUTE format('LOCK TABLE audit.%I IN SHARE UPDATE EXCLUSIVE MODE', v_last.name);

    -- From here on writers wait. No entry is read or moved: the constraint proves the bounds.
    -- Other days are not locked: somebody may be at work in one of them.
    LOCK TABLE ONLY audit.entry IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('ALTER TABLE audit.entry DETACH PARTITION audit.%I', v_last.name);
    EXECUTE format('ALTER TABLE audit.%I RENAME TO %I', v_last.name, v_name);
    PERFORM audit._attach_partition(v_name, v_last.starts_at, p_at),
            audit._attach_partition(v_next, p_at, 'infinity');
    EXECUTE format('ALTER TABLE audit.%I DROP CONSTRAINT entry_is_in_bounds', v_name);
    RETURN v_name;
END
$_split_last$;

COMMENT ON FUNCTION audit._split_last(timestamptz) IS
    'End the open-ended partition at a moment, put an empty one behind it, and return its new '
    'name. Writers wait for milliseconds, and as long as this waits for a lock: set lock_timeout. '
    'Needs what audit._bound_last() adds.';

REVOKE ALL ON FUNCTION audit._split_last(timestamptz) FROM PUBLIC;
