-- Tracks "crm"."assignment_access".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The capture function reads the names of what a row refers to.
GRANT USAGE ON SCHEMA "crm" TO audit_writer;
GRANT SELECT ("id", "name") ON "crm"."assignment_rule" TO audit_writer;
GRANT SELECT ("id", "full_name") ON "crm"."app_user" TO audit_writer;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_crm_assignment_access"()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
    SET intervalstyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
    SET jit = off
    -- Names are found by an index, though the plan may have been made when there were a few.
    SET enable_seqscan = off
AS $capture$
DECLARE
    v_old jsonb;
    v_new jsonb;
    v_row jsonb;
    v_entity_label text;
    v_labels jsonb;
BEGIN
    BEGIN
        -- Rows are compared as they are stored: 1.10 is not 1.1. Not by WHEN of the trigger, which
        -- is parsed anew for every statement.
        IF TG_OP = 'UPDATE' AND OLD *= NEW THEN
            RETURN NULL;
        END IF;
        v_old := to_jsonb(OLD);
        v_new := to_jsonb(NEW);
    EXCEPTION
        -- There is JSON that jsonb can't hold, and to_jsonb calls casts, code of anybody's.
        WHEN OTHERS THEN
            v_old := audit._salvage(OLD);
            v_new := audit._salvage(NEW);
    END;

    v_row := coalesce(v_new, v_old);

    -- Names as they are now. What is read may have policies, which are code of anybody's: nothing
    -- that fails in here is a reason to refuse the write.
    BEGIN
        SELECT left(a1."name"::text, 256)
        INTO v_entity_label
        FROM "crm"."assignment_rule" AS a1
        WHERE a1."id" = coalesce(NEW."assignment_rule_id", OLD."assignment_rule_id");
        -- One name is cheaper to find than two, and nearly always there is one.
        IF TG_OP = 'UPDATE'
           AND (OLD."user_id")
               IS DISTINCT FROM (NEW."user_id")
        THEN
            v_labels := nullif(jsonb_strip_nulls(jsonb_build_object(
                'user_id', (
                    SELECT jsonb_object_agg(
                        r."id", left(r."full_name"::text, 256))
                    FROM "crm"."app_user" AS r
                    WHERE r."id" IN (
                        OLD."user_id", NEW."user_id")))), '{}');
        ELSE
            v_labels := nullif(jsonb_strip_nulls(jsonb_build_object(
                'user_id', (
                    SELECT jsonb_build_object(
                        r."id", left(r."full_name"::text, 256))
                    FROM "crm"."app_user" AS r
                    WHERE r."id" = coalesce(NEW."user_id", OLD."user_id")
                    LIMIT 1))), '{}');
        END IF;
    EXCEPTION
        WHEN OTHERS THEN
            NULL;
    END;

    -- Who, when and from where are the defaults of audit.entry.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part,
         entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
    VALUES
        ('crm', TG_OP, 'crm', 'assignment_access',
         'Assignment rules', 'Assignment rule', 'Access right',
         coalesce(v_new ->> 'assignment_rule_id', v_old ->> 'assignment_rule_id'),
         nullif(v_old ->> 'assignment_rule_id',
                coalesce(v_new ->> 'assignment_rule_id', v_old ->> 'assignment_rule_id')),
         v_entity_label,
         jsonb_build_object('assignment_rule_id', v_row -> 'assignment_rule_id', 'user_id', v_row -> 'user_id'),
         v_labels,
         v_old,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_crm_assignment_access"() IS
    'Adds an entry to audit.entry for each row of "crm"."assignment_access" that is written.';

REVOKE ALL ON FUNCTION audit."capture_crm_assignment_access"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'crm', 'assignment_access', 'capture_crm_assignment_access');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "crm"."assignment_access"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_assignment_access"();
COMMENT ON TRIGGER "!audit_insert" ON "crm"."assignment_access" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "crm"."assignment_access"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_assignment_access"();
COMMENT ON TRIGGER "!audit_update" ON "crm"."assignment_access" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "crm"."assignment_access"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_assignment_access"();
COMMENT ON TRIGGER "!audit_delete" ON "crm"."assignment_access" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "crm"."assignment_access"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'crm', 'crm', 'assignment_access', 'Assignment rules', 'Assignment rule', 'Access right');
COMMENT ON TRIGGER "!audit_truncate" ON "crm"."assignment_access" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "crm"."assignment_access"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'crm',
    p_table_name => 'assignment_access',
    p_module => 'Assignment rules',
    p_entity => 'Assignment rule',
    p_part => 'Access right',
    p_parent_schema => 'crm',
    p_parent_table => 'assignment_rule',
    p_parent_key => ARRAY['assignment_rule_id'],
    p_key_columns => ARRAY['assignment_rule_id', 'user_id'],
    p_label_column => 'user_id',
    p_link => '/assignment-rules/{id}',
    p_say => '{
        "added": "Gave access to {user_id}",
        "removed": "Took access from {user_id}"
    }',
    p_columns => '{
        "user_id": {
            "label": "User",
            "references": {
                "schema": "crm",
                "table": "app_user",
                "key": "id",
                "label": "full_name"
            }
        }
    }'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
