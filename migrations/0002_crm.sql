-- The reference CRM, as its own team would write it: the example by which to audit a schema of
-- yours. Nothing in here knows of the audit log but the last three statements, which let the
-- application say who acts.
--
-- Conventions: singular names; keys are identities; *_at is a timestamptz, is_* a boolean; a
-- constraint is named after the truth that it states; the application writes updated_at.

CREATE SCHEMA IF NOT EXISTS crm;
COMMENT ON SCHEMA crm IS
    'The CRM: what an account configures. Written by the application as a member of crm_app.';

CREATE TABLE IF NOT EXISTS crm.app_user (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    full_name      text        NOT NULL,
    email          text        NOT NULL,
    role           text        NOT NULL DEFAULT 'sales_rep',
    password_hash  text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    deactivated_at timestamptz,
    CONSTRAINT app_user_pkey
        PRIMARY KEY (id),
    CONSTRAINT app_user_has_a_name
        CHECK (full_name <> ''),
    CONSTRAINT app_user_email_is_an_address
        CHECK (email LIKE '_%@_%'),
    CONSTRAINT app_user_role_is_known
        CHECK (role IN ('account_admin', 'admin', 'sales_manager', 'sales_rep'))
);

COMMENT ON TABLE crm.app_user IS
    'People who sign in to the CRM. One who leaves is deactivated, never deleted: others'' work '
    'refers to them.';
COMMENT ON COLUMN crm.app_user.id IS
    'Key.';
COMMENT ON COLUMN crm.app_user.full_name IS
    'Name as others see it. People rename themselves.';
COMMENT ON COLUMN crm.app_user.email IS
    'Address to sign in with, unique whatever its case.';
COMMENT ON COLUMN crm.app_user.role IS
    'What the person may do: account_admin (also billing and cancellation), admin (all settings), '
    'sales_manager (the team''s records), sales_rep (own records).';
COMMENT ON COLUMN crm.app_user.password_hash IS
    'Salted hash of the password. Null: signs in through the company''s identity provider.';
COMMENT ON COLUMN crm.app_user.created_at IS
    'When the person was invited.';
COMMENT ON COLUMN crm.app_user.updated_at IS
    'When the row was last saved.';
COMMENT ON COLUMN crm.app_user.deactivated_at IS
    'Since when the person can no longer sign in. Null: can.';

CREATE UNIQUE INDEX IF NOT EXISTS app_user_email_is_unique
    ON crm.app_user (lower(email));
COMMENT ON INDEX crm.app_user_email_is_unique IS
    'Ana@ and ana@ are one person.';

CREATE TABLE IF NOT EXISTS crm.account_setting (
    id                        smallint    NOT NULL DEFAULT 1,
    company_name              text        NOT NULL,
    primary_contact_id        bigint      NOT NULL,
    time_zone                 text        NOT NULL DEFAULT 'UTC',
    currency                  text        NOT NULL DEFAULT 'USD',
    language                  text        NOT NULL DEFAULT 'en',
    date_format               text        NOT NULL DEFAULT 'YYYY-MM-DD',
    time_format               text        NOT NULL DEFAULT '24h',
    is_lead_scoring_on        boolean     NOT NULL DEFAULT false,
    is_profile_enrichment_on  boolean     NOT NULL DEFAULT false,
    is_dnd_email_blocked      boolean     NOT NULL DEFAULT true,
    webhook_secret            text,
    cancellation_requested_at timestamptz,
    cancellation_reason       text,
    updated_at                timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT account_setting_pkey
        PRIMARY KEY (id),
    CONSTRAINT account_setting_is_one
        CHECK (id = 1),
    CONSTRAINT account_setting_primary_contact_is_a_user
        FOREIGN KEY (primary_contact_id) REFERENCES crm.app_user (id),
    CONSTRAINT account_setting_has_a_company_name
        CHECK (company_name <> ''),
    CONSTRAINT account_setting_currency_is_an_iso_code
        CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT account_setting_language_is_an_iso_code
        CHECK (language ~ '^[a-z]{2}$'),
    CONSTRAINT account_setting_date_format_is_known
        CHECK (date_format IN ('DD/MM/YYYY', 'MM/DD/YYYY', 'DD.MM.YYYY', 'YYYY-MM-DD')),
    CONSTRAINT account_setting_time_format_is_known
        CHECK (time_format IN ('12h', '24h')),
    CONSTRAINT account_setting_reason_needs_a_request
        CHECK (cancellation_reason IS NULL OR cancellation_requested_at IS NOT NULL)
);

COMMENT ON TABLE crm.account_setting IS
    'What holds for everybody in the account. One row: each account has a database of its own.';
COMMENT ON COLUMN crm.account_setting.id IS
    'Always 1.';
COMMENT ON COLUMN crm.account_setting.company_name IS
    'Name of the company, as on its invoices.';
COMMENT ON COLUMN crm.account_setting.primary_contact_id IS
    'Whom the vendor writes to about the account.';
COMMENT ON COLUMN crm.account_setting.time_zone IS
    'IANA name, such as Europe/Berlin: the zone of reports and of working hours.';
COMMENT ON COLUMN crm.account_setting.currency IS
    'ISO 4217 code in which deals are added up.';
COMMENT ON COLUMN crm.account_setting.language IS
    'ISO 639-1 code: the language of those who chose none.';
COMMENT ON COLUMN crm.account_setting.date_format IS
    'How dates are written for those who chose nothing else.';
COMMENT ON COLUMN crm.account_setting.time_format IS
    '12h (2:05 PM) or 24h (14:05).';
COMMENT ON COLUMN crm.account_setting.is_lead_scoring_on IS
    'Whether leads get a score from what they do.';
COMMENT ON COLUMN crm.account_setting.is_profile_enrichment_on IS
    'Whether new contacts are completed from public profiles.';
COMMENT ON COLUMN crm.account_setting.is_dnd_email_blocked IS
    'Whether e-mails to leads and contacts who asked not to be disturbed are held back.';
COMMENT ON COLUMN crm.account_setting.webhook_secret IS
    'Key that signs outgoing webhooks. Null: they are not signed.';
COMMENT ON COLUMN crm.account_setting.cancellation_requested_at IS
    'When somebody asked to close the account. Null: nobody did, or it was taken back.';
COMMENT ON COLUMN crm.account_setting.cancellation_reason IS
    'Why, in the words of whoever asked.';
COMMENT ON COLUMN crm.account_setting.updated_at IS
    'When the row was last saved.';

CREATE TABLE IF NOT EXISTS crm.workflow (
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    record_type text        NOT NULL,
    match       text        NOT NULL DEFAULT 'all',
    is_enabled  boolean     NOT NULL DEFAULT false,
    owner_id    bigint      NOT NULL,
    run_count   bigint      NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflow_pkey
        PRIMARY KEY (id),
    CONSTRAINT workflow_owner_is_a_user
        FOREIGN KEY (owner_id) REFERENCES crm.app_user (id),
    CONSTRAINT workflow_has_a_name
        CHECK (name <> ''),
    CONSTRAINT workflow_record_type_is_known
        CHECK (record_type IN ('lead', 'contact', 'deal')),
    CONSTRAINT workflow_match_is_known
        CHECK (match IN ('all', 'any')),
    CONSTRAINT workflow_run_count_only_counts
        CHECK (run_count >= 0)
);

COMMENT ON TABLE crm.workflow IS
    'Rules that act by themselves: when a record meets the conditions, the actions run.';
COMMENT ON COLUMN crm.workflow.id IS
    'Key.';
COMMENT ON COLUMN crm.workflow.name IS
    'Name as the team sees it; two may be alike.';
COMMENT ON COLUMN crm.workflow.description IS
    'What it is for. Empty: nobody wrote it down.';
COMMENT ON COLUMN crm.workflow.record_type IS
    'Which records it looks at: lead, contact or deal.';
COMMENT ON COLUMN crm.workflow.match IS
    'Whether a record must meet all conditions or any of them.';
COMMENT ON COLUMN crm.workflow.is_enabled IS
    'Whether it runs. New ones don''t until somebody enables them.';
COMMENT ON COLUMN crm.workflow.owner_id IS
    'Who answers for it, and hears when it fails.';
COMMENT ON COLUMN crm.workflow.run_count IS
    'How often it ran. Counted up by the CRM itself.';
COMMENT ON COLUMN crm.workflow.created_at IS
    'When it was first saved.';
COMMENT ON COLUMN crm.workflow.updated_at IS
    'When it, or a part of it, was last saved.';

CREATE INDEX IF NOT EXISTS workflow_by_owner
    ON crm.workflow (owner_id);
COMMENT ON INDEX crm.workflow_by_owner IS
    'Finds what is to be handed over when somebody leaves.';

CREATE TABLE IF NOT EXISTS crm.workflow_condition (
    id          bigint  GENERATED ALWAYS AS IDENTITY,
    workflow_id bigint  NOT NULL,
    position    integer NOT NULL,
    field       text    NOT NULL,
    operator    text    NOT NULL,
    value       text,
    CONSTRAINT workflow_condition_pkey
        PRIMARY KEY (id),
    CONSTRAINT workflow_condition_belongs_to_a_workflow
        FOREIGN KEY (workflow_id) REFERENCES crm.workflow (id) ON DELETE CASCADE,
    CONSTRAINT workflow_condition_has_its_own_position
        UNIQUE (workflow_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT workflow_condition_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT workflow_condition_has_a_field
        CHECK (field <> ''),
    CONSTRAINT workflow_condition_operator_is_known
        CHECK (operator IN (
            'is', 'is_not', 'contains', 'does_not_contain', 'is_greater_than', 'is_less_than',
            'is_before', 'is_after', 'is_empty', 'is_not_empty')),
    CONSTRAINT workflow_condition_value_iff_operator_compares
        CHECK ((value IS NULL) = (operator IN ('is_empty', 'is_not_empty')))
);

COMMENT ON TABLE crm.workflow_condition IS
    'What a record must be like for a workflow to act on it.';
COMMENT ON COLUMN crm.workflow_condition.id IS
    'Key.';
COMMENT ON COLUMN crm.workflow_condition.workflow_id IS
    'The workflow it is a part of.';
COMMENT ON COLUMN crm.workflow_condition.position IS
    'Order on the page, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.workflow_condition.field IS
    'Field of the record, by its internal name: the account''s own fields begin with cf_.';
COMMENT ON COLUMN crm.workflow_condition.operator IS
    'How the field is compared with the value.';
COMMENT ON COLUMN crm.workflow_condition.value IS
    'What it is compared with, as text whatever the field''s type. Null: the operator needs none.';

CREATE TABLE IF NOT EXISTS crm.workflow_action (
    id          bigint  GENERATED ALWAYS AS IDENTITY,
    workflow_id bigint  NOT NULL,
    position    integer NOT NULL,
    kind        text    NOT NULL,
    settings    jsonb   NOT NULL DEFAULT '{}',
    assignee_id bigint,
    CONSTRAINT workflow_action_pkey
        PRIMARY KEY (id),
    CONSTRAINT workflow_action_belongs_to_a_workflow
        FOREIGN KEY (workflow_id) REFERENCES crm.workflow (id) ON DELETE CASCADE,
    CONSTRAINT workflow_action_has_its_own_position
        UNIQUE (workflow_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT workflow_action_assignee_is_a_user
        FOREIGN KEY (assignee_id) REFERENCES crm.app_user (id),
    CONSTRAINT workflow_action_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT workflow_action_kind_is_known
        CHECK (kind IN ('send_email', 'assign_owner', 'create_task', 'update_field', 'add_tag')),
    CONSTRAINT workflow_action_settings_are_an_object
        CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT workflow_action_assigns_to_somebody
        CHECK (kind <> 'assign_owner' OR assignee_id IS NOT NULL)
);

COMMENT ON TABLE crm.workflow_action IS
    'What a workflow does with a record that meets its conditions, one after the other.';
COMMENT ON COLUMN crm.workflow_action.id IS
    'Key.';
COMMENT ON COLUMN crm.workflow_action.workflow_id IS
    'The workflow it is a part of.';
COMMENT ON COLUMN crm.workflow_action.position IS
    'Order in which they run, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.workflow_action.kind IS
    'What is done: send_email, assign_owner, create_task, update_field or add_tag.';
COMMENT ON COLUMN crm.workflow_action.settings IS
    'What that kind needs to know, such as {"template": "Welcome"}.';
COMMENT ON COLUMN crm.workflow_action.assignee_id IS
    'Who gets the record, or the task. Null: the record''s owner.';

CREATE INDEX IF NOT EXISTS workflow_action_by_assignee
    ON crm.workflow_action (assignee_id);
COMMENT ON INDEX crm.workflow_action_by_assignee IS
    'Finds what is to be handed over when somebody leaves.';

-- The role belongs to the whole cluster, so it may be here already.
DO $crm_app$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'crm_app') THEN
        CREATE ROLE crm_app NOLOGIN;
        COMMENT ON ROLE crm_app IS
            'What the CRM''s application may do. Its servers and jobs log in as members of it.';
    END IF;
END
$crm_app$;

GRANT USAGE ON SCHEMA crm TO crm_app;
GRANT SELECT, INSERT, UPDATE ON crm.app_user TO crm_app;
GRANT SELECT, INSERT, UPDATE ON crm.account_setting TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.workflow TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.workflow_condition TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.workflow_action TO crm_app;

-- The application says who acts, and may do nothing else with the log: not even read it.
SET ROLE audit_owner;
GRANT USAGE ON SCHEMA audit TO crm_app;
GRANT EXECUTE ON FUNCTION audit.set_context TO crm_app;
RESET ROLE;
