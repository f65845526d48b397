-- Tracks "crm"."sales_sequence".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The capture function reads the names of what a row refers to.
GRANT USAGE ON SCHEMA "crm" TO audit_writer;
GRANT SELECT ("id", "full_name") ON "crm"."app_user" TO audit_writer;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_crm_sales_sequence"()
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
    v_same record;
    v_labels jsonb;
BEGIN
    -- An update of nothing but the columns copied here is not recorded.
    IF TG_OP = 'UPDATE' THEN
        BEGIN
            v_same := NEW;
            v_same."created_at" := OLD."created_at";
            v_same."updated_at" := OLD."updated_at";
            IF OLD *= v_same THEN
                RETURN NULL;
            END IF;
        EXCEPTION
            -- One of them was renamed or dropped: then the update is recorded.
            WHEN OTHERS THEN
                NULL;
        END;
    END IF;

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
        -- One name is cheaper to find than two, and nearly always there is one.
        IF TG_OP = 'UPDATE'
           AND (OLD."owner_id")
               IS DISTINCT FROM (NEW."owner_id")
        THEN
            v_labels := nullif(jsonb_strip_nulls(jsonb_build_object(
                'owner_id', (
                    SELECT jsonb_object_agg(
                        r."id", left(r."full_name"::text, 256))
                    FROM "crm"."app_user" AS r
                    WHERE r."id" IN (
                        OLD."owner_id", NEW."owner_id")))), '{}');
        ELSE
            v_labels := nullif(jsonb_strip_nulls(jsonb_build_object(
                'owner_id', (
                    SELECT jsonb_build_object(
                        r."id", left(r."full_name"::text, 256))
                    FROM "crm"."app_user" AS r
                    WHERE r."id" = coalesce(NEW."owner_id", OLD."owner_id")
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
        ('crm', TG_OP, 'crm', 'sales_sequence',
         'Sales sequences', 'Sales sequence', NULL,
         v_row ->> 'id',
         nullif(v_old ->> 'id', v_row ->> 'id'),
         left(v_row ->> 'name', 256),
         jsonb_build_object('id', v_row -> 'id'),
         v_labels,
         v_old,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_crm_sales_sequence"() IS
    'Adds an entry to audit.entry for each row of "crm"."sales_sequence" that is written.';

REVOKE ALL ON FUNCTION audit."capture_crm_sales_sequence"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'crm', 'sales_sequence', 'capture_crm_sales_sequence');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "crm"."sales_sequence"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_sales_sequence"();
COMMENT ON TRIGGER "!audit_insert" ON "crm"."sales_sequence" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "crm"."sales_sequence"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_sales_sequence"();
COMMENT ON TRIGGER "!audit_update" ON "crm"."sales_sequence" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "crm"."sales_sequence"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_sales_sequence"();
COMMENT ON TRIGGER "!audit_delete" ON "crm"."sales_sequence" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "crm"."sales_sequence"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'crm', 'crm', 'sales_sequence', 'Sales sequences', 'Sales sequence');
COMMENT ON TRIGGER "!audit_truncate" ON "crm"."sales_sequence" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "crm"."sales_sequence"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'crm',
    p_table_name => 'sales_sequence',
    p_module => 'Sales sequences',
    p_entity => 'Sales sequence',
    p_key_columns => ARRAY['id'],
    p_ignored => ARRAY['created_at', 'updated_at'],
    p_label_column => 'name',
    p_link => '/sales-sequences/{id}',
    p_columns => '{
        "name": {"label": "Name"},
        "kind": {
            "label": "Type",
            "values": {
                "manual": "manual",
                "automatic": "automatic"
            }
        },
        "record_type": {
            "label": "For",
            "values": {
                "lead": "leads",
                "contact": "contacts"
            }
        },
        "entry_match": {
            "label": "Entry conditions match",
            "values": {
                "all": "all of them",
                "any": "any of them"
            }
        },
        "exit_match": {
            "label": "Exit conditions match",
            "values": {
                "all": "all of them",
                "any": "any of them"
            }
        },
        "run_time": {"label": "Run time"},
        "time_zone": {"label": "Time zone"},
        "schedule": {"label": "Schedule"},
        "is_enabled": {
            "label": "Status",
            "values": {
                "true": "enabled",
                "false": "disabled"
            }
        },
        "owner_id": {
            "label": "Owner",
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
