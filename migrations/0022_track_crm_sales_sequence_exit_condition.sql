-- Tracks "crm"."sales_sequence_exit_condition".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The capture function reads the names of what a row refers to.
GRANT USAGE ON SCHEMA "crm" TO audit_writer;
GRANT SELECT ("id", "name") ON "crm"."sales_sequence" TO audit_writer;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_crm_sales_sequence_exit_condition"()
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
        FROM "crm"."sales_sequence" AS a1
        WHERE a1."id" = coalesce(NEW."sales_sequence_id", OLD."sales_sequence_id");
    EXCEPTION
        WHEN OTHERS THEN
            NULL;
    END;

    -- Who, when and from where are the defaults of audit.entry.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part,
         entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
    VALUES
        ('crm', TG_OP, 'crm', 'sales_sequence_exit_condition',
         'Sales sequences', 'Sales sequence', 'Exit condition',
         coalesce(v_new ->> 'sales_sequence_id', v_old ->> 'sales_sequence_id'),
         nullif(v_old ->> 'sales_sequence_id',
                coalesce(v_new ->> 'sales_sequence_id', v_old ->> 'sales_sequence_id')),
         v_entity_label,
         jsonb_build_object('id', v_row -> 'id'),
         NULL,
         v_old,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_crm_sales_sequence_exit_condition"() IS
    'Adds an entry to audit.entry for each row of "crm"."sales_sequence_exit_condition" that is written.';

REVOKE ALL ON FUNCTION audit."capture_crm_sales_sequence_exit_condition"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'crm', 'sales_sequence_exit_condition', 'capture_crm_sales_sequence_exit_condition');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "crm"."sales_sequence_exit_condition"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_sales_sequence_exit_condition"();
COMMENT ON TRIGGER "!audit_insert" ON "crm"."sales_sequence_exit_condition" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "crm"."sales_sequence_exit_condition"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_sales_sequence_exit_condition"();
COMMENT ON TRIGGER "!audit_update" ON "crm"."sales_sequence_exit_condition" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "crm"."sales_sequence_exit_condition"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_sales_sequence_exit_condition"();
COMMENT ON TRIGGER "!audit_delete" ON "crm"."sales_sequence_exit_condition" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "crm"."sales_sequence_exit_condition"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'crm', 'crm', 'sales_sequence_exit_condition', 'Sales sequences', 'Sales sequence', 'Exit condition');
COMMENT ON TRIGGER "!audit_truncate" ON "crm"."sales_sequence_exit_condition" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "crm"."sales_sequence_exit_condition"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'crm',
    p_table_name => 'sales_sequence_exit_condition',
    p_module => 'Sales sequences',
    p_entity => 'Sales sequence',
    p_part => 'Exit condition',
    p_parent_schema => 'crm',
    p_parent_table => 'sales_sequence',
    p_parent_key => ARRAY['sales_sequence_id'],
    p_key_columns => ARRAY['id'],
    p_label_column => 'field',
    p_link => '/sales-sequences/{id}',
    p_columns => '{
        "position": {"label": "Position"},
        "field": {
            "label": "Field",
            "values": {
                "deal_stage": "Deal stage",
                "lead_score": "Lead score",
                "lifecycle_stage": "Lifecycle stage",
                "meeting_booked_at": "Meeting booked",
                "replied_at": "Replied",
                "tags": "Tags",
                "unsubscribed_at": "Unsubscribed"
            }
        },
        "operator": {
            "label": "Operator",
            "values": {
                "is": "is",
                "is_not": "is not",
                "contains": "contains",
                "does_not_contain": "does not contain",
                "is_greater_than": "is greater than",
                "is_less_than": "is less than",
                "is_before": "is before",
                "is_after": "is after",
                "is_empty": "is empty",
                "is_not_empty": "is not empty"
            }
        },
        "value": {"label": "Value"}
    }'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
