-- Tracks "crm"."subscription".
-- Written by pgwitness. Don't edit: change audit.toml and run "pgwitness generate".

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

SET ROLE audit_owner;
-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit."capture_crm_subscription"()
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

    v_row := coalesce(v_new, v_old);

    -- Who, when and from where are the defaults of audit.entry.
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part,
         entity_id, former_entity_id, entity_label, row_key, labels, old_row, new_row)
    VALUES
        ('crm', TG_OP, 'crm', 'subscription',
         'Plans and Billing', 'Subscription', NULL,
         v_row ->> 'id',
         nullif(v_old ->> 'id', v_row ->> 'id'),
         left(v_row ->> 'number', 256),
         jsonb_build_object('id', v_row -> 'id'),
         NULL,
         v_old,
         v_new);
    RETURN NULL;
END
$capture$;

COMMENT ON FUNCTION audit."capture_crm_subscription"() IS
    'Adds an entry to audit.entry for each row of "crm"."subscription" that is written.';

REVOKE ALL ON FUNCTION audit."capture_crm_subscription"() FROM PUBLIC;
CALL audit._let_owner_add_partitions(
    'crm', 'subscription', 'capture_crm_subscription');

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;
RESET ROLE;

CREATE OR REPLACE TRIGGER "!audit_insert"
    AFTER INSERT ON "crm"."subscription"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_subscription"();
COMMENT ON TRIGGER "!audit_insert" ON "crm"."subscription" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_update"
    AFTER UPDATE ON "crm"."subscription"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_subscription"();
COMMENT ON TRIGGER "!audit_update" ON "crm"."subscription" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes. What changes nothing is no update.';

CREATE OR REPLACE TRIGGER "!audit_delete"
    AFTER DELETE ON "crm"."subscription"
    FOR EACH ROW
    EXECUTE FUNCTION audit."capture_crm_subscription"();
COMMENT ON TRIGGER "!audit_delete" ON "crm"."subscription" IS
    'Fires before every other AFTER trigger: entries are in the order of the writes.';

CREATE OR REPLACE TRIGGER "!audit_truncate"
    AFTER TRUNCATE ON "crm"."subscription"
    FOR EACH STATEMENT
    EXECUTE FUNCTION audit._capture_truncate(
        'crm', 'crm', 'subscription', 'Plans and Billing', 'Subscription');
COMMENT ON TRIGGER "!audit_truncate" ON "crm"."subscription" IS
    'TRUNCATE names no rows: it leaves one entry for the table.';

-- ALWAYS: also for rows that replication applies, whatever session_replication_role says.
ALTER TABLE "crm"."subscription"
    ENABLE ALWAYS TRIGGER "!audit_insert",
    ENABLE ALWAYS TRIGGER "!audit_update",
    ENABLE ALWAYS TRIGGER "!audit_delete",
    ENABLE ALWAYS TRIGGER "!audit_truncate";

-- The words in which the viewer, and anybody in psql, reads the entries of this table.
SET ROLE audit_owner;
CALL audit._describe(
    p_table_schema => 'crm',
    p_table_name => 'subscription',
    p_module => 'Plans and Billing',
    p_entity => 'Subscription',
    p_key_columns => ARRAY['id'],
    p_ignored => ARRAY['updated_at'],
    p_label_column => 'number',
    p_link => '/settings/billing',
    p_say => '{
        "created": "Started a trial of {trial_plan}, until {trial_ends_on}"
    }',
    p_columns => '{
        "number": {"label": "Number"},
        "plan": {
            "label": "Plan",
            "values": {
                "starter": "Starter",
                "growth": "Growth",
                "pro": "Pro",
                "enterprise": "Enterprise"
            },
            "say": {
                "set": "Subscribed to {new}",
                "up": "Upgraded {old} → {new}",
                "down": "Downgraded {old} → {new}"
            }
        },
        "licence_count": {
            "label": "User licences",
            "say": {
                "set": "User licences: {new}",
                "up": "{difference:licence} added",
                "down": "{difference:licence} removed"
            }
        },
        "billing_cycle": {
            "label": "Billing cycle",
            "values": {
                "monthly": "monthly",
                "yearly": "yearly"
            },
            "say": {
                "changed": "Billed {new}"
            }
        },
        "billing_currency": {
            "label": "Billing currency",
            "values": {
                "AUD": "Australian dollar (AUD)",
                "BRL": "Brazilian real (BRL)",
                "CHF": "Swiss franc (CHF)",
                "EUR": "Euro (EUR)",
                "GBP": "Pound sterling (GBP)",
                "INR": "Indian rupee (INR)",
                "JPY": "Japanese yen (JPY)",
                "SEK": "Swedish krona (SEK)",
                "USD": "US dollar (USD)"
            }
        },
        "trial_plan": {
            "label": "Plan of the trial",
            "values": {
                "starter": "Starter",
                "growth": "Growth",
                "pro": "Pro",
                "enterprise": "Enterprise"
            },
            "say": {
                "up": "Upgraded the trial {old} → {new}",
                "down": "Downgraded the trial {old} → {new}"
            }
        },
        "trial_ends_on": {"label": "Trial until"}
    }'
);
RESET ROLE;
SET LOCAL search_path TO DEFAULT;
