-- Tracks "shop"."price".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- A row that jsonb can't hold is taken apart by the table's type.
GRANT USAGE ON SCHEMA "shop" TO audit_writer;

-- What TRUNCATE removes, the capture function has to read.
GRANT SELECT ON "shop"."price" TO audit_writer;

SET ROLE audit_owner;
CALL audit._require_plain_table('shop', 'price');

-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_shop_price"()
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
AS $capture$
#variable_conflict use_variable
BEGIN
    -- One INSERT for all rows that a statement wrote, in the order in which it wrote them.
    -- Where that fails, it is tried again: what jsonb can't hold goes by way of text.
    FOR v_attempt IN 1..2 LOOP
        -- Not all rows that TRUNCATE removes show in a snapshot of before, nor where policies hide
        -- some; and after a renaming, the name may be another table's.
        EXIT WHEN TG_OP = 'TRUNCATE' AND (
            current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
            OR row_security_active(TG_RELID)
            OR TG_RELID IS DISTINCT FROM to_regclass('"shop"."price"'));
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', TG_OP, 'shop', 'price',
                    'Prices', 'Price', NULL,
                    w.v_new ->> 'id',
                    nullif(w.v_old ->> 'id', w.v_new ->> 'id'),
                    NULL,
                    jsonb_build_object('id', w.v_new -> 'id'),
                    NULL,
                    coalesce((
                        SELECT jsonb_object_agg(c.key, c.value)
                        FROM jsonb_each(w.v_old) AS c
                        WHERE record_image_ne(ROW(c.value), ROW(w.v_new -> c.key))), '{}'),
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
                           ELSE audit._salvage_of(TG_RELID, new_row) END AS v_new
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
                ) AS w;
            ELSIF TG_OP = 'TRUNCATE' THEN
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', 'DELETE', 'shop', 'price',
                    'Prices', 'Price', NULL,
                    w.v_old ->> 'id',
                    NULL,
                    NULL,
                    jsonb_build_object('id', w.v_old -> 'id'),
                    NULL,
                    w.v_old,
                    NULL
                FROM (
                    SELECT CASE v_attempt WHEN 1 THEN to_jsonb(w.*)
                           ELSE audit._salvage_of(TG_RELID, w.*) END AS v_old
                    FROM "shop"."price" AS w
                    -- Not of a table that inherits, whose rows TRUNCATE ONLY leaves alone.
                    WHERE w.tableoid = TG_RELID
                       OR TG_RELID IN (SELECT pg_partition_ancestors(w.tableoid))
                    OFFSET 0
                ) AS w;
            ELSE
                INSERT INTO audit.entry
                    (source, operation, table_schema, table_name, module, entity, part,
                     entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
                SELECT
                    'shop', TG_OP, 'shop', 'price',
                    'Prices', 'Price', NULL,
                    coalesce(w.v_new, w.v_old) ->> 'id',
                    NULL,
                    NULL,
                    jsonb_build_object('id', coalesce(w.v_new, w.v_old) -> 'id'),
                    NULL,
                    w.v_old,
                    w.v_new
                FROM (
                    -- OFFSET 0: each row is turned into jsonb once, not wherever it is used.
                    SELECT CASE WHEN TG_OP = 'INSERT' THEN NULL
                           WHEN v_attempt = 1 THEN to_jsonb(w.*)
                           ELSE audit._salvage_of(TG_RELID, w.*) END AS v_old,
                           CASE WHEN TG_OP = 'DELETE' THEN NULL
                           WHEN v_attempt = 1 THEN to_jsonb(w.*)
                           ELSE audit._salvage_of(TG_RELID, w.*) END AS v_new
                    FROM written_rows AS w
                    OFFSET 0
                ) AS w;
            END IF;
            RETURN NULL;
        EXCEPTION
            WHEN insufficient_resources THEN
                RAISE;
            WHEN OTHERS THEN
                IF v_attempt = 2 AND TG_OP <> 'TRUNCATE' THEN
                    RAISE;
                END IF;
        END;
    END LOOP;

    -- Its rows could not be read, or not all of them: the entry of the TRUNCATE has to do.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part)
    VALUES
        ('shop', TG_OP, 'shop', 'price',
         'Prices', 'Price', NULL);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_shop_price"() IS
    'Adds an entry to audit.entry for each row of "shop"."price" that is written.';

REVOKE ALL ON FUNCTION audit."capture_shop_price"() FROM PUBLIC;

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "shop"."price"
    REFERENCING NEW TABLE AS written_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_price"();
COMMENT ON TRIGGER "!audit_insert" ON "shop"."price" IS
    'Fires after a statement''s row triggers, before its other statement triggers.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "shop"."price"
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_price"();
COMMENT ON TRIGGER "!audit_update" ON "shop"."price" IS
    'Fires after a statement''s row triggers, before its other statement triggers. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "shop"."price"
    REFERENCING OLD TABLE AS written_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_price"();
COMMENT ON TRIGGER "!audit_delete" ON "shop"."price" IS
    'Fires after a statement''s row triggers, before its other statement triggers.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    BEFORE TRUNCATE ON "shop"."price"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_price"();
COMMENT ON TRIGGER "!audit_truncate" ON "shop"."price" IS
    'Before, because afterwards nobody knows what was removed: an entry for each row.';

-- ALWAYS: whatever session_replication_role says. Yet logical replication fires no such trigger.
ALTER TABLE "shop"."price"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'shop',
    p_table_name => 'price',
    p_module => 'Prices',
    p_entity => 'Price',
    p_key_columns => ARRAY['id'],
    p_on_truncate => 'rows'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
