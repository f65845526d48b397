-- A partition for each day in UTC, and one without an upper bound after the last: an entry always
-- finds its place. There is never a DEFAULT partition, because it would forbid detaching a day
-- concurrently.

CREATE OR REPLACE FUNCTION audit._add_partition(p_from date, p_to date)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO, YMD'
AS $_add_partition$
DECLARE
    v_name  text := 'entry_' || to_char(p_from, 'YYYYMMDD')
                    || CASE WHEN p_to = 'infinity' THEN '_on' ELSE '' END;
    v_upper text := CASE
        WHEN p_to = 'infinity' THEN 'MAXVALUE'
        ELSE quote_literal(p_to || ' 00:00:00+00')
        END;
    v_grantee text;
BEGIN
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.entry INCLUDING ALL)', v_name);
    EXECUTE format('COMMENT ON TABLE audit.%I IS %L', v_name,
                   format('Entries since %s 00:00 UTC. Read audit.entry.', p_from));

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

    -- ATTACH, unlike CREATE TABLE ... PARTITION OF, does not wait for readers and writers.
    EXECUTE format('ALTER TABLE audit.entry ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%s)',
                   v_name, p_from || ' 00:00:00+00', v_upper);
END
$_add_partition$;

COMMENT ON FUNCTION audit._add_partition(date, date) IS
    'Add a partition of audit.entry from one UTC midnight to another, or to infinity. Writers are '
    'not delayed. Fails where a partition covers that time already.';

REVOKE ALL ON FUNCTION audit._add_partition(date, date) FROM PUBLIC;

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
