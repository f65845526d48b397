-- TRUNCATE removes rows without naming them, so no row trigger sees it.

-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit._capture_truncate()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    SET timezone = 'UTC'
AS $_capture_truncate$
BEGIN
    IF TG_ARGV[6] = 'reject' AND coalesce(current_setting('audit.actor', true), '') = '' THEN
        PERFORM audit._refuse_missing_actor(TG_OP, TG_ARGV[1], TG_ARGV[2]);
    END IF;
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part)
    VALUES
        (TG_ARGV[0], TG_OP, TG_ARGV[1], TG_ARGV[2], TG_ARGV[3], TG_ARGV[4],
         nullif(TG_ARGV[5], ''));
    RETURN NULL;
END
$_capture_truncate$;

COMMENT ON FUNCTION audit._capture_truncate() IS
    'Adds one entry for a TRUNCATE. Arguments: source, schema, table, module, entity, part, and '
    'what to do where nobody said who acts: nothing, or to reject.';

REVOKE ALL ON FUNCTION audit._capture_truncate() FROM PUBLIC;

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;

CREATE OR REPLACE FUNCTION audit._refuse_truncate()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_refuse_truncate$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of %.% is refused: it would remove rows without a trace of each',
                    TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'UA003',
              HINT = 'Use DELETE, or set truncate = "rows" for this table in audit.toml.';
END
$_refuse_truncate$;

COMMENT ON FUNCTION audit._refuse_truncate() IS
    'Refuses TRUNCATE of a tracked table with SQLSTATE UA003.';

REVOKE ALL ON FUNCTION audit._refuse_truncate() FROM PUBLIC;
