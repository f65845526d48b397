-- Comes last, for it writes down how the others left what protects the log. Who owns a table can
-- disable its triggers, write, and enable them again: then all is as it was, but for the version
-- that PostgreSQL keeps of the trigger's row in its catalogue.

SET ROLE audit_owner;

CREATE TABLE IF NOT EXISTS audit.object_version (
    recorded_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by       text        NOT NULL DEFAULT session_user,
    transaction_id    xid8        NOT NULL DEFAULT pg_current_xact_id(),
    transaction_at    timestamptz NOT NULL DEFAULT transaction_timestamp(),
    system_identifier bigint      NOT NULL DEFAULT (pg_control_system()).system_identifier,
    kind              text        NOT NULL,
    object_id         oid         NOT NULL,
    object_name       text        NOT NULL,
    version           xid         NOT NULL,
    CONSTRAINT object_version_pkey
        PRIMARY KEY (kind, object_id, recorded_at),
    CONSTRAINT object_version_kind_is_known
        CHECK (kind IN ('trigger', 'function', 'policy', 'partition'))
);

COMMENT ON TABLE audit.object_version IS
    'In which version the migrations left each trigger, function and policy of the log, and which '
    'partitions tracked tables had. The newest row of an object counts; pgwitness check compares '
    'it with the catalogue. Only ever added to.';
COMMENT ON COLUMN audit.object_version.recorded_at IS
    'When this was written down: right after the object was made.';
COMMENT ON COLUMN audit.object_version.recorded_by IS
    'Who had logged in.';
COMMENT ON COLUMN audit.object_version.transaction_id IS
    'The transaction that wrote it down.';
COMMENT ON COLUMN audit.object_version.transaction_at IS
    'When that began.';
COMMENT ON COLUMN audit.object_version.system_identifier IS
    'The cluster. In another one, such as after a dump was restored, versions mean nothing.';
COMMENT ON COLUMN audit.object_version.kind IS
    'Which catalogue has the object: pg_trigger, pg_proc, pg_policy or pg_inherits.';
COMMENT ON COLUMN audit.object_version.object_id IS
    'Its oid there; of a partition, the table''s.';
COMMENT ON COLUMN audit.object_version.object_name IS
    'What it was called.';
COMMENT ON COLUMN audit.object_version.version IS
    'The xmin of its row there: the transaction that last changed it.';
COMMENT ON CONSTRAINT object_version_pkey ON audit.object_version IS
    'One version at a time.';
COMMENT ON CONSTRAINT object_version_kind_is_known ON audit.object_version IS
    'The four kinds.';

GRANT SELECT ON audit.object_version TO audit_reader;

ALTER TABLE audit.object_version ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS object_version_is_read_by_readers ON audit.object_version;
CREATE POLICY object_version_is_read_by_readers
    ON audit.object_version
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY object_version_is_read_by_readers ON audit.object_version IS
    'Only the owner of the log writes versions down, whatever else a role has been granted.';

CREATE OR REPLACE TRIGGER object_version_is_append_only
    BEFORE UPDATE OR DELETE ON audit.object_version
    FOR EACH ROW EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER object_version_is_append_only ON audit.object_version IS
    'What was written down stays.';

CREATE OR REPLACE TRIGGER object_version_is_not_truncated
    BEFORE TRUNCATE ON audit.object_version
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER object_version_is_not_truncated ON audit.object_version IS
    'What was written down stays.';

CREATE OR REPLACE PROCEDURE audit._record_versions(
    p_table_schema text DEFAULT NULL,
    p_table_name   text DEFAULT NULL
)
    LANGUAGE sql
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_record_versions$
    WITH ours AS (
        SELECT t.oid, t.xmin AS version, t.tgname, t.tgrelid, t.tgfoid
        FROM pg_trigger AS t
             JOIN pg_class AS r ON r.oid = coalesce(pg_partition_root(t.tgrelid), t.tgrelid)
             JOIN pg_namespace AS n ON n.oid = r.relnamespace
        WHERE (NOT t.tgisinternal OR t.tgparentid <> 0)
          AND CASE
              WHEN p_table_schema IS NULL THEN n.nspname = 'audit' OR t.tgname ~ '^!audit_'
              WHEN p_table_schema = 'audit' THEN n.nspname = 'audit'
              ELSE (n.nspname, r.relname) = (p_table_schema, p_table_name)
                   AND t.tgname ~ '^!audit_'
              END
    ), found (kind, object_id, object_name, version) AS (
        SELECT 'trigger', oid, format('%I on %s', tgname, tgrelid::regclass), version
        FROM ours
        UNION ALL
        -- Not those that callers may be granted, which makes a version, too.
        SELECT 'function', p.oid, p.oid::regprocedure::text, p.xmin
        FROM pg_proc AS p
        WHERE p.pronamespace = 'audit'::regnamespace
          AND (p.oid IN (SELECT tgfoid FROM ours) AND p.proname ~ '^capture_'
               OR coalesce(p_table_schema, 'audit') = 'audit' AND p.proname ~ '^_')
        UNION ALL
        SELECT 'policy', p.oid, format('%I on %s', p.polname, p.polrelid::regclass), p.xmin
        FROM pg_policy AS p
             JOIN pg_class AS c ON c.oid = p.polrelid
        WHERE c.relnamespace = 'audit'::regnamespace
          AND coalesce(p_table_schema, 'audit') = 'audit'
        UNION ALL
        SELECT DISTINCT 'partition', i.inhrelid, i.inhrelid::regclass::text, i.xmin
        FROM ours AS o
             JOIN pg_class AS c ON c.oid = o.tgrelid AND c.relkind = 'p'
             CROSS JOIN LATERAL pg_partition_tree(c.oid) AS tree
             JOIN pg_inherits AS i ON i.inhrelid = tree.relid
        WHERE c.relnamespace <> 'audit'::regnamespace
    )
    INSERT INTO audit.object_version
        (kind, object_id, object_name, version)
    SELECT f.kind, f.object_id, f.object_name, f.version
    FROM found AS f;
$_record_versions$;

COMMENT ON PROCEDURE audit._record_versions(text, text) IS
    'Write down the versions of what captures a table, of what protects the log (''audit'', '
    '''entry''), or of both, for all tables (no argument): what was done to them before is known, '
    'and right. pgwitness check will not speak of it again.';

REVOKE ALL ON PROCEDURE audit._record_versions(text, text) FROM PUBLIC;

CALL audit._record_versions('audit', 'entry');

RESET ROLE;
