-- Tracks "shop"."discount".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The capture function reads the names of what a row refers to.
GRANT USAGE ON SCHEMA "shop" TO audit_writer;
GRANT SELECT ("id", "order_year", "order_number") ON "shop"."item" TO audit_writer;
GRANT SELECT ("year", "number", "title") ON "shop"."order" TO audit_writer;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_shop_discount"()
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
    v_entity_id text;
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
        SELECT jsonb_build_array(a2."year", a2."number")::text, left(a2."title"::text, 256)
        INTO v_entity_id, v_entity_label
        FROM "shop"."item" AS a1
             JOIN "shop"."order" AS a2
             ON a2."year" = a1."order_year" AND
                a2."number" = a1."order_number"
        WHERE a1."id" = coalesce(NEW."item_id", OLD."item_id");
    EXCEPTION
        WHEN OTHERS THEN
            NULL;
    END;

    -- Who, when and from where are the defaults of audit.entry.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part,
         entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
    VALUES
        ('shop', TG_OP, 'shop', 'discount',
         'Orders', 'Order', 'Discount',
         v_entity_id,
         NULL,
         v_entity_label,
         jsonb_build_object('id', v_row -> 'id'),
         NULL,
         v_old,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_shop_discount"() IS
    'Adds an entry to audit.entry for each row of "shop"."discount" that is written.';

REVOKE ALL ON FUNCTION audit."capture_shop_discount"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'shop', 'discount', 'capture_shop_discount');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "shop"."discount"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_discount"();
COMMENT ON TRIGGER "!audit_insert" ON "shop"."discount" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "shop"."discount"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_discount"();
COMMENT ON TRIGGER "!audit_update" ON "shop"."discount" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "shop"."discount"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_discount"();
COMMENT ON TRIGGER "!audit_delete" ON "shop"."discount" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "shop"."discount"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'shop', 'shop', 'discount', 'Orders', 'Order', 'Discount');
COMMENT ON TRIGGER "!audit_truncate" ON "shop"."discount" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "shop"."discount"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'shop',
    p_table_name => 'discount',
    p_module => 'Orders',
    p_entity => 'Order',
    p_part => 'Discount',
    p_parent_schema => 'shop',
    p_parent_table => 'item',
    p_parent_key => ARRAY['item_id'],
    p_key_columns => ARRAY['id'],
    p_link => '/orders/{id}'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
