-- Tracks "shop"."coupon".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- What TRUNCATE removes, the capture function has to read.
GRANT USAGE ON SCHEMA "shop" TO audit_writer;
GRANT SELECT ON "shop"."coupon" TO audit_writer;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_shop_coupon"()
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
DECLARE
    v_old jsonb;
    v_new jsonb;
    v_row jsonb;
BEGIN
    -- What TRUNCATE is about to remove is written down as deleted, all rows in one INSERT.
    -- Where that fails, it is tried again: what jsonb can't hold goes by way of text.
    FOR v_attempt IN 1..2 LOOP
        EXIT WHEN TG_OP <> 'TRUNCATE';
        -- Not all rows that TRUNCATE removes show in a snapshot of before, nor where policies hide
        -- some; and after a renaming, the name may be another table's.
        EXIT WHEN current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
            OR row_security_active(TG_RELID)
            OR TG_RELID IS DISTINCT FROM to_regclass('"shop"."coupon"');
        BEGIN
            INSERT INTO audit.entry
                (source, operation, table_schema, table_name, module, entity, part,
                 entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
            SELECT
                'shop', 'DELETE', 'shop', 'coupon',
                'Coupons', 'Coupon', NULL,
                w.v_old ->> 'id',
                NULL,
                left(w.v_old ->> 'code', 256),
                jsonb_build_object('id', w.v_old -> 'id'),
                NULL,
                w.v_old,
                NULL
            FROM (
                SELECT CASE v_attempt WHEN 1 THEN to_jsonb(w.*)
                       ELSE audit._salvage_of(TG_RELID, w.*) END AS v_old
                FROM "shop"."coupon" AS w
                -- Not of a table that inherits, whose rows TRUNCATE ONLY leaves alone.
                WHERE w.tableoid = TG_RELID
                   OR TG_RELID IN (SELECT pg_partition_ancestors(w.tableoid))
                OFFSET 0
            ) AS w;
            RETURN NULL;
        EXCEPTION
            WHEN insufficient_resources THEN
                RAISE;
            WHEN OTHERS THEN
                NULL;
        END;
    END LOOP;

    -- Its rows could not be read, or not all of them: the entry of the TRUNCATE has to do.
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO audit.entry
            (source, operation, table_schema, table_name, module, entity, part)
        VALUES
            ('shop', TG_OP, 'shop', 'coupon',
             'Coupons', 'Coupon', NULL);
        RETURN NULL;
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

    -- Who, when and from where are the defaults of audit.entry.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part,
         entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
    VALUES
        ('shop', TG_OP, 'shop', 'coupon',
         'Coupons', 'Coupon', NULL,
         v_row ->> 'id',
         nullif(v_old ->> 'id', v_row ->> 'id'),
         left(v_row ->> 'code', 256),
         jsonb_build_object('id', v_row -> 'id'),
         NULL,
         CASE WHEN TG_OP = 'UPDATE'
         THEN coalesce((
                  SELECT jsonb_object_agg(c.key, c.value)
                  FROM jsonb_each(v_old) AS c
                  WHERE record_image_ne(ROW(c.value), ROW(v_new -> c.key))), '{}')
         ELSE v_old END,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_shop_coupon"() IS
    'Adds an entry to audit.entry for each row of "shop"."coupon" that is written.';

REVOKE ALL ON FUNCTION audit."capture_shop_coupon"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'shop', 'coupon', 'capture_shop_coupon');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "shop"."coupon"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_coupon"();
COMMENT ON TRIGGER "!audit_insert" ON "shop"."coupon" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "shop"."coupon"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_coupon"();
COMMENT ON TRIGGER "!audit_update" ON "shop"."coupon" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "shop"."coupon"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_shop_coupon"();
COMMENT ON TRIGGER "!audit_delete" ON "shop"."coupon" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    BEFORE TRUNCATE ON "shop"."coupon"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit."capture_shop_coupon"();
COMMENT ON TRIGGER "!audit_truncate" ON "shop"."coupon" IS
    'Before, because afterwards nobody knows what was removed: an entry for each row.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "shop"."coupon"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'shop',
    p_table_name => 'coupon',
    p_module => 'Coupons',
    p_entity => 'Coupon',
    p_key_columns => ARRAY['id'],
    p_label_column => 'code',
    p_on_truncate => 'rows'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
