-- Tracks "shop"."order".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The capture function reads the names of what a row refers to.
GRANT USAGE ON SCHEMA "shop", "staff" TO audit_writer;
GRANT SELECT ("id", "name") ON "shop"."customer" TO audit_writer;
GRANT SELECT ("id", "full_name") ON "staff"."person" TO audit_writer;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_shop_order"()
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
            v_same."updated_at" := OLD."updated_at";
            v_same."search" := OLD."search";
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
           AND (OLD."customer_id", OLD."seller_id")
               IS DISTINCT FROM (NEW."customer_id", NEW."seller_id")
        THEN
            v_labels := nullif(jsonb_strip_nulls(jsonb_build_object(
                'customer_id', (
                    SELECT jsonb_object_agg(
                        r."id", left(r."name"::text, 256))
                    FROM "shop"."customer" AS r
                    WHERE r."id" IN (
                        OLD."customer_id", NEW."customer_id")),
                'seller_id', (
                    SELECT jsonb_object_agg(
                        r."id", left(r."full_name"::text, 256))
                    FROM "staff"."person" AS r
                    WHERE r."id" IN (
                        OLD."seller_id", NEW."seller_id")))), '{}');
        ELSE
            v_labels := nullif(jsonb_strip_nulls(jsonb_build_object(
                'customer_id', (
                    SELECT jsonb_build_object(
                        r."id", left(r."name"::text, 256))
                    FROM "shop"."customer" AS r
                    WHERE r."id" = coalesce(NEW."customer_id", OLD."customer_id")
                    LIMIT 1),
                'seller_id', (
                    SELECT jsonb_build_object(
                        r."id", left(r."full_name"::text, 256))
                    FROM "staff"."person" AS r
                    WHERE r."id" = coalesce(NEW."seller_id", OLD."seller_id")
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
        ('shop', TG_OP, 'shop', 'order',
         'Orders', 'Order', NULL,
         jsonb_build_array(v_row -> 'year', v_row -> 'number')::text,
         CASE WHEN TG_OP = 'UPDATE' THEN nullif(
             jsonb_build_array(v_old -> 'year', v_old -> 'number')::text,
             jsonb_build_array(v_row -> 'year', v_row -> 'number')::text) END,
         left(v_row ->> 'title', 256),
         jsonb_build_object('year', v_row -> 'year', 'number', v_row -> 'number'),
         v_labels,
         audit._redact(v_old - ARRAY['search'], ARRAY['card_number']),
         audit._redact(v_new - ARRAY['search'], ARRAY['card_number']));
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_shop_order"() IS
    'Adds an entry to audit.entry for each row of "shop"."order" that is written.';

REVOKE ALL ON FUNCTION audit."capture_shop_order"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'shop', 'order', 'capture_shop_order');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "shop"."order"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_order"();
COMMENT ON TRIGGER "!audit_insert" ON "shop"."order" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "shop"."order"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_order"();
COMMENT ON TRIGGER "!audit_update" ON "shop"."order" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "shop"."order"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_order"();
COMMENT ON TRIGGER "!audit_delete" ON "shop"."order" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    BEFORE TRUNCATE ON "shop"."order"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._refuse_truncate();
COMMENT ON TRIGGER "!audit_truncate" ON "shop"."order" IS
    'TRUNCATE names no rows, so it is refused here: use DELETE.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "shop"."order"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'shop',
    p_table_name => 'order',
    p_module => 'Orders',
    p_entity => 'Order',
    p_key_columns => ARRAY['year', 'number'],
    p_ignored => ARRAY['updated_at'],
    p_excluded => ARRAY['search'],
    p_redacted => ARRAY['card_number'],
    p_label_column => 'title',
    p_link => '/orders/{id}',
    p_on_truncate => 'forbid',
    p_columns => '{
        "title": {"label": "Title"},
        "state": {
            "label": "State",
            "values": {
                "open": "open",
                "paid": "paid"
            },
            "say": {
                "up": "Paid"
            }
        },
        "total": {"label": "Total", "currency": "currency"},
        "customer_id": {
            "label": "Customer",
            "references": {
                "schema": "shop",
                "table": "customer",
                "key": "id",
                "label": "name"
            }
        },
        "seller_id": {
            "label": "Seller",
            "references": {
                "schema": "staff",
                "table": "person",
                "key": "id",
                "label": "full_name"
            }
        }
    }'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
