-- Tracks "shop"."stock".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- A row that jsonb can't hold is taken apart by the table's type.
GRANT USAGE ON SCHEMA "shop" TO audit_writer;

-- The capture function reads the names of what a row refers to.
GRANT SELECT ("id", "title") ON "shop"."product" TO audit_writer;

SET ROLE audit_owner;
CALL audit._require_plain_table('shop', 'stock');

-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_shop_stock"()
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
#variable_conflict use_variable
BEGIN
    -- One INSERT for all rows that a statement wrote, in the order in which it wrote them.
    -- Where that fails, it is tried again: what jsonb can't hold goes by way of text, and at last
    -- names are left out, since what is read may have policies, which are code of anybody's.
    FOR v_attempt IN 1..3 LOOP
        BEGIN
            IF TG_OP = 'UPDATE' AND v_attempt < 3 THEN
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', TG_OP, 'shop', 'stock',
                    'Stock', 'Stock', NULL,
                    w.v_new ->> 'product_id',
                    nullif(w.v_old ->> 'product_id', w.v_new ->> 'product_id'),
                    NULL,
                    jsonb_build_object('product_id', w.v_new -> 'product_id'),
                    nullif(jsonb_strip_nulls(jsonb_build_object(
                        'product_id', (
                            SELECT jsonb_object_agg(
                                r."id", left(r."title"::text, 256))
                            FROM "shop"."product" AS r
                            WHERE r."id" IN (
                                w.old_1, w.new_1)))), '{}'),
                    w.v_old,
                    w.v_new
                FROM (
                    -- PostgreSQL appends to both tables together: the n-th row before is the n-th
                    -- after. A FULL JOIN, for PostgreSQL never runs one as a nested loop, and the
                    -- plan is kept; IS NOT FALSE, for a plain condition would let it become an
                    -- inner one. coalesce(o.*) is the row, even where it has a column o.
                    -- OFFSET 0: each row is turned into jsonb once, not once more to filter it.
                    SELECT CASE v_attempt WHEN 1 THEN to_jsonb(old_row)
                           ELSE audit._salvage_of(TG_RELID, old_row) END AS v_old,
                           CASE v_attempt WHEN 1 THEN to_jsonb(new_row)
                           ELSE audit._salvage_of(TG_RELID, new_row) END AS v_new,
                           old_1, new_1
                    FROM (
                            SELECT row_number() OVER () AS nth,
                                   coalesce(o.*) AS old_row,
                                   o."product_id" AS old_1
                            FROM old_rows AS o
                         ) AS o
                         FULL JOIN (
                            SELECT row_number() OVER () AS nth,
                                   coalesce(n.*) AS new_row,
                                   n."product_id" AS new_1
                            FROM new_rows AS n
                         ) AS n USING (nth)
                    WHERE (old_row *<> new_row) IS NOT FALSE
                    ORDER BY nth
                    OFFSET 0
                ) AS w
                -- As they are stored: to jsonb's own comparison, 1.10 is 1.1.
                WHERE record_image_ne(ROW(w.v_old - ARRAY['counted_at']),
                                      ROW(w.v_new - ARRAY['counted_at']));
            ELSIF TG_OP = 'UPDATE' THEN
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', TG_OP, 'shop', 'stock',
                    'Stock', 'Stock', NULL,
                    w.v_new ->> 'product_id',
                    nullif(w.v_old ->> 'product_id', w.v_new ->> 'product_id'),
                    NULL,
                    jsonb_build_object('product_id', w.v_new -> 'product_id'),
                    NULL,
                    w.v_old,
                    w.v_new
                FROM (
                    SELECT audit._salvage_of(TG_RELID, old_row) AS v_old,
                           audit._salvage_of(TG_RELID, new_row) AS v_new
                    FROM (
                            SELECT row_number() OVER () AS nth,
                                   coalesce(o.*) AS old_row
                            FROM old_rows AS o
                         ) AS o
                         FULL JOIN (
                            SELECT row_number() OVER () AS nth,
                                   coalesce(n.*) AS new_row
                            FROM new_rows AS n
                         ) AS n USING (nth)
                    WHERE (old_row *<> new_row) IS NOT FALSE
                    ORDER BY nth
                    OFFSET 0
                ) AS w
                -- As they are stored: to jsonb's own comparison, 1.10 is 1.1.
                WHERE record_image_ne(ROW(w.v_old - ARRAY['counted_at']),
                                      ROW(w.v_new - ARRAY['counted_at']));
            ELSIF v_attempt < 3 THEN
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', TG_OP, 'shop', 'stock',
                    'Stock', 'Stock', NULL,
                    coalesce(w.v_new, w.v_old) ->> 'product_id',
                    NULL,
                    NULL,
                    jsonb_build_object('product_id', coalesce(w.v_new, w.v_old) -> 'product_id'),
                    nullif(jsonb_strip_nulls(jsonb_build_object(
                        'product_id', (
                            SELECT jsonb_object_agg(
                                r."id", left(r."title"::text, 256))
                            FROM "shop"."product" AS r
                            WHERE r."id" IN (
                                w.of_1)))), '{}'),
                    w.v_old,
                    w.v_new
                FROM (
                    -- OFFSET 0: each row is turned into jsonb once, not wherever it is used.
                    SELECT CASE WHEN TG_OP = 'INSERT' THEN NULL
                           WHEN v_attempt = 1 THEN to_jsonb(w.*)
                           ELSE audit._salvage_of(TG_RELID, w.*) END AS v_old,
                           CASE WHEN TG_OP = 'DELETE' THEN NULL
                           WHEN v_attempt = 1 THEN to_jsonb(w.*)
                           ELSE audit._salvage_of(TG_RELID, w.*) END AS v_new,
                           w."product_id" AS of_1
                    FROM written_rows AS w
                    OFFSET 0
                ) AS w;
            ELSE
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', TG_OP, 'shop', 'stock',
                    'Stock', 'Stock', NULL,
                    coalesce(w.v_new, w.v_old) ->> 'product_id',
                    NULL,
                    NULL,
                    jsonb_build_object('product_id', coalesce(w.v_new, w.v_old) -> 'product_id'),
                    NULL,
                    w.v_old,
                    w.v_new
                FROM (
                    SELECT CASE TG_OP WHEN 'DELETE' THEN audit._salvage_of(TG_RELID, w.*) END
                               AS v_old,
                           CASE TG_OP WHEN 'INSERT' THEN audit._salvage_of(TG_RELID, w.*) END
                               AS v_new
                    FROM written_rows AS w
                    OFFSET 0
                ) AS w;
            END IF;
            RETURN NULL;
        EXCEPTION
            WHEN insufficient_resources THEN
                RAISE;
            WHEN OTHERS THEN
                IF v_attempt = 3 THEN
                    RAISE;
                END IF;
        END;
    END LOOP;
END
$capture$;

COMMENT ON FUNCTION audit."capture_shop_stock"() IS
    'Adds an entry to audit.entry for each row of "shop"."stock" that is written.';

REVOKE ALL ON FUNCTION audit."capture_shop_stock"() FROM PUBLIC;

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "shop"."stock"
    REFERENCING NEW TABLE AS written_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_stock"();
COMMENT ON TRIGGER "!audit_insert" ON "shop"."stock" IS
    'Fires after a statement''s row triggers, before its other statement triggers.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "shop"."stock"
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_stock"();
COMMENT ON TRIGGER "!audit_update" ON "shop"."stock" IS
    'Fires after a statement''s row triggers, before its other statement triggers. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "shop"."stock"
    REFERENCING OLD TABLE AS written_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_stock"();
COMMENT ON TRIGGER "!audit_delete" ON "shop"."stock" IS
    'Fires after a statement''s row triggers, before its other statement triggers.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "shop"."stock"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'shop', 'shop', 'stock', 'Stock', 'Stock');
COMMENT ON TRIGGER "!audit_truncate" ON "shop"."stock" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: whatever session_replication_role says. Yet logical replication fires no such trigger.
ALTER TABLE "shop"."stock"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'shop',
    p_table_name => 'stock',
    p_module => 'Stock',
    p_entity => 'Stock',
    p_key_columns => ARRAY['product_id'],
    p_ignored => ARRAY['counted_at'],
    p_columns => '{
        "product_id": {
            "references": {
                "schema": "shop",
                "table": "product",
                "key": "id",
                "label": "title"
            }
        }
    }'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
