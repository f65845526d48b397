-- A partition for each day in UTC, and one without an upper bound after the last: an entry always
-- finds its place. There is never a DEFAULT partition, because it would forbid detaching a day
-- concurrently.

CREATE OR REPLACE FUNCTION audit._partition_name(p_from timestamptz, p_to timestamptz)
    RETURNS text
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_partition_name$
    SELECT 'entry_' || m.lower || CASE
        WHEN p_to = 'infinity' THEN '_on'
        WHEN p_from = date_trunc('day', p_from) AND p_to = p_from + interval '1 day' THEN ''
        ELSE '_' || m.upper
        END
    FROM (SELECT replace(to_char(p_from, 'YYYYMMDD_HH24MISS'), '_000000', ''),
                 replace(to_char(p_to, 'YYYYMMDD_HH24MISS'), '_000000', '')) AS m (lower, upper);
$_partition_name$;

COMMENT ON FUNCTION audit._partition_name(timestamptz, timestamptz) IS
    'What a partition is called: entry_20260824 is that day in UTC, entry_20260824_20260923 is '
    'several, entry_20260824_on the open-ended one. Their bounds are what counts.';

REVOKE ALL ON FUNCTION audit._partition_name(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._make_partition(p_from timestamptz, p_to timestamptz)
    RETURNS text
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_make_partition$
DECLARE
    v_name    text := audit._partition_name(p_from, p_to);
    v_grantee text;
BEGIN
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.entry INCLUDING ALL)', v_name);
    EXECUTE format('COMMENT ON TABLE audit.%I IS %L', v_name,
                   format('Entries since %s UTC. Read audit.entry.',
                          to_char(p_from, 'YYYY-MM-DD HH24:MI')));

    -- LIKE copies no row security, and default privileges may have granted what nobody should have.
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', v_name);
    FOR v_grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = format('audit.%I', v_name)::regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON audit.%I FROM %s', v_name, v_grantee);
    END LOOP;
    EXECUTE format('CREATE TRIGGER entry_is_not_truncated BEFORE TRUNCATE ON audit.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change()', v_name);
    RETURN v_name;
END
$_make_partition$;

COMMENT ON FUNCTION audit._make_partition(timestamptz, timestamptz) IS
    'Make a table that can become a partition of audit.entry, with all that protects one, and '
    'return its name.';

REVOKE ALL ON FUNCTION audit._make_partition(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._attach_partition(
    p_name text,
    p_from timestamptz,
    p_to   timestamptz
)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    -- Bounds are written down with their zone: a bare date would be a midnight of the session's.
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_attach_partition$
BEGIN
    -- ATTACH, unlike CREATE TABLE ... PARTITION OF, does not wait for readers and writers.
    EXECUTE format('ALTER TABLE audit.entry ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%s)',
                   p_name, p_from, CASE
                       WHEN p_to = 'infinity' THEN 'MAXVALUE'
                       ELSE quote_literal(p_to)
                       END);
END
$_attach_partition$;

COMMENT ON FUNCTION audit._attach_partition(text, timestamptz, timestamptz) IS
    'Make a table of schema audit a partition of audit.entry, from one moment to another or to '
    'infinity. Writers are not delayed. Fails where a partition covers that time already.';

REVOKE ALL ON FUNCTION audit._attach_partition(text, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._add_between(p_from timestamptz, p_to timestamptz)
    RETURNS text
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_add_between$
DECLARE
    v_name text := audit._make_partition(p_from, p_to);
BEGIN
    PERFORM audit._attach_partition(v_name, p_from, p_to);
    RETURN v_name;
END
$_add_between$;

COMMENT ON FUNCTION audit._add_between(timestamptz, timestamptz) IS
    'Add a partition of audit.entry from one moment to another, or to infinity, and return its '
    'name. Writers are not delayed. Fails where a partition covers that time already.';

REVOKE ALL ON FUNCTION audit._add_between(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._add_partition(p_from date, p_to date)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_add_partition$
    SELECT audit._add_between(p_from::timestamptz, p_to::timestamptz);
$_add_partition$;

COMMENT ON FUNCTION audit._add_partition(date, date) IS
    'As audit._add_between(), from one UTC midnight to another, or to infinity.';

REVOKE ALL ON FUNCTION audit._add_partition(date, date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._partitions()
    RETURNS TABLE (
        name         text,
        starts_at    timestamptz,
        ends_at      timestamptz,
        is_detaching boolean,
        is_indexed   boolean
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_partitions$
    SELECT c.relname::text,
           CASE b.bound[1] WHEN 'MINVALUE' THEN '-infinity' ELSE b.bound[1] END::timestamptz,
           CASE b.bound[2] WHEN 'MAXVALUE' THEN 'infinity' ELSE b.bound[2] END::timestamptz,
           i.inhdetachpending,
           to_regclass(format('audit.%I', c.relname || '_words')) IS NOT NULL
    FROM pg_inherits AS i
         JOIN pg_class AS c ON c.oid = i.inhrelid,
         LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid),
                              $$FROM \('?([^')]+)'?\) TO \('?([^')]+)'?\)$$) AS b (bound)
    WHERE i.inhparent = 'audit.entry'::regclass
      AND c.relnamespace = 'audit'::regnamespace
      AND b.bound IS NOT NULL
    ORDER BY 2;
$_partitions$;

COMMENT ON FUNCTION audit._partitions() IS
    'The partitions of audit.entry, the oldest first. The last one ends at infinity. is_detaching: '
    'a concurrent detach was interrupted, or is under way. is_indexed: audit.index_day() has been.';

REVOKE ALL ON FUNCTION audit._partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._partitions() TO audit_reader;

DO $first_days$
DECLARE
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    v_day   date;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = 'audit.entry'::regclass) THEN
        RETURN;
    END IF;
    FOR v_day IN SELECT v_today + n FROM generate_series(-1, 45) AS n LOOP
        PERFORM audit._add_partition(v_day, v_day + 1);
    END LOOP;
    PERFORM audit._add_partition(v_today + 46, 'infinity');
END
$first_days$;
