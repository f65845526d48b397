-- Tracks "shop"."refund".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_shop_refund"()
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
AS $capture$
DECLARE
    v_old jsonb;
    v_new jsonb;
    v_row jsonb;
    v_same record;
BEGIN
    -- An update of nothing but the columns copied here is not recorded.
    IF TG_OP = 'UPDATE' THEN
        BEGIN
            v_same := NEW;
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

    -- Not before it is clear that there will be an entry: what leaves none is not refused.
    IF coalesce(current_setting('audit.actor', true), '') = '' THEN
        PERFORM audit._refuse_missing_actor(TG_OP, 'shop', 'refund');
    END IF;

    v_row := coalesce(v_new, v_old);

    -- Who, when and from where are the defaults of audit.entry.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part,
         entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
    VALUES
        ('shop', TG_OP, 'shop', 'refund',
         'Refunds', 'Refund', NULL,
         v_row ->> 'id',
         nullif(v_old ->> 'id', v_row ->> 'id'),
         NULL,
         jsonb_build_object('id', v_row -> 'id'),
         NULL,
         v_old,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_shop_refund"() IS
    'Adds an entry to audit.entry for each row of "shop"."refund" that is written.';

REVOKE ALL ON FUNCTION audit."capture_shop_refund"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'shop', 'refund', 'capture_shop_refund');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "shop"."refund"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_refund"();
COMMENT ON TRIGGER "!audit_insert" ON "shop"."refund" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "shop"."refund"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_refund"();
COMMENT ON TRIGGER "!audit_update" ON "shop"."refund" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "shop"."refund"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_refund"();
COMMENT ON TRIGGER "!audit_delete" ON "shop"."refund" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "shop"."refund"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'shop', 'shop', 'refund', 'Refunds', 'Refund', '', 'reject');
COMMENT ON TRIGGER "!audit_truncate" ON "shop"."refund" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "shop"."refund"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'shop',
    p_table_name => 'refund',
    p_module => 'Refunds',
    p_entity => 'Refund',
    p_key_columns => ARRAY['id'],
    p_ignored => ARRAY['updated_at'],
    p_missing_actor => 'reject'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
