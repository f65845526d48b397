-- Entries are added and read. Nobody may change one: not by a privilege that covers every table
-- (pg_write_all_data), and not by mistake; who owns the log can detach a day and change it.

-- What happened is said by the capture functions. Who, when and from where is said by the defaults
-- alone: not even code that runs as the writer, such as a policy of a table that it reads, can.
GRANT INSERT (source, operation, table_schema, table_name, module, entity, part, entity_id,
              former_entity_id, entity_label, row_key, labels, old_row, new_row)
    ON audit.entry TO audit_writer;
GRANT USAGE ON SEQUENCE audit.entry_id_seq TO audit_writer;
GRANT SELECT ON audit.entry TO audit_reader;
-- Who verifies sees whether the ids were set back.
GRANT SELECT ON SEQUENCE audit.entry_id_seq TO audit_reader;

ALTER TABLE audit.entry ENABLE ROW LEVEL SECURITY;

-- Which rows an operation has is said here, not by CHECK constraints: a policy is planned once in a
-- session, a constraint is parsed anew for every INSERT, which would cost a third of it.
DROP POLICY IF EXISTS entry_is_written_by_capture ON audit.entry;
CREATE POLICY entry_is_written_by_capture
    ON audit.entry
    FOR INSERT
    TO audit_writer
    WITH CHECK (operation = CASE
        WHEN old_row IS NOT NULL AND new_row IS NOT NULL THEN 'UPDATE'
        WHEN old_row IS NOT NULL THEN 'DELETE'
        WHEN new_row IS NOT NULL THEN 'INSERT'
        ELSE 'TRUNCATE'
        END);
COMMENT ON POLICY entry_is_written_by_capture ON audit.entry IS
    'Only the capture functions add entries, whatever else a role has been granted; and an '
    'operation has the rows that it should: before, after, both, or none for a TRUNCATE.';

DROP POLICY IF EXISTS entry_is_read_by_readers ON audit.entry;
CREATE POLICY entry_is_read_by_readers
    ON audit.entry
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY entry_is_read_by_readers ON audit.entry IS
    'Members of audit_reader see every entry; roles with pg_read_all_data alone see none.';

CREATE OR REPLACE FUNCTION audit._refuse_change()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_refuse_change$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: entries of the audit log are never changed',
                    TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'UA001',
              HINT = 'Old days leave the log as whole partitions; nothing else does.';
END
$_refuse_change$;

COMMENT ON FUNCTION audit._refuse_change() IS
    'Refuses UPDATE, DELETE and TRUNCATE of the log with SQLSTATE UA001.';

REVOKE ALL ON FUNCTION audit._refuse_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER entry_is_append_only
    BEFORE UPDATE OR DELETE ON audit.entry
    FOR EACH ROW EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER entry_is_append_only ON audit.entry IS
    'No entry is changed or removed, not even by the owner. Costs an INSERT nothing.';

CREATE OR REPLACE TRIGGER entry_is_not_truncated
    BEFORE TRUNCATE ON audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER entry_is_not_truncated ON audit.entry IS
    'The log is not emptied, not even by the owner. Each partition has the same trigger.';
