-- Series of e-mails, calls and tasks by which sales keeps in touch with a lead or a contact.

CREATE TABLE IF NOT EXISTS crm.sales_sequence (
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    name        text        NOT NULL,
    kind        text        NOT NULL DEFAULT 'manual',
    record_type text        NOT NULL,
    entry_match text        NOT NULL DEFAULT 'all',
    exit_match  text        NOT NULL DEFAULT 'any',
    run_time    time        NOT NULL DEFAULT '09:00',
    time_zone   text        NOT NULL DEFAULT 'UTC',
    schedule    jsonb       NOT NULL DEFAULT '{"days": ["mon", "tue", "wed", "thu", "fri"]}',
    is_enabled  boolean     NOT NULL DEFAULT false,
    owner_id    bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sales_sequence_pkey
        PRIMARY KEY (id),
    CONSTRAINT sales_sequence_owner_is_a_user
        FOREIGN KEY (owner_id) REFERENCES crm.app_user (id),
    CONSTRAINT sales_sequence_has_a_name
        CHECK (name <> ''),
    CONSTRAINT sales_sequence_kind_is_known
        CHECK (kind IN ('manual', 'automatic')),
    CONSTRAINT sales_sequence_record_type_is_known
        CHECK (record_type IN ('lead', 'contact')),
    CONSTRAINT sales_sequence_entry_match_is_known
        CHECK (entry_match IN ('all', 'any')),
    CONSTRAINT sales_sequence_exit_match_is_known
        CHECK (exit_match IN ('all', 'any')),
    CONSTRAINT sales_sequence_schedule_has_days
        CHECK (coalesce(jsonb_typeof(schedule -> 'days'), '') = 'array')
);

COMMENT ON TABLE crm.sales_sequence IS
    'A series of steps for leads or contacts: who enters it, when it runs, who leaves it.';
COMMENT ON COLUMN crm.sales_sequence.id IS
    'Key.';
COMMENT ON COLUMN crm.sales_sequence.name IS
    'Name as the team sees it; two may be alike.';
COMMENT ON COLUMN crm.sales_sequence.kind IS
    'manual: people are put into it one by one. automatic: who meets the entry conditions enters.';
COMMENT ON COLUMN crm.sales_sequence.record_type IS
    'Whom it is for: lead or contact.';
COMMENT ON COLUMN crm.sales_sequence.entry_match IS
    'Whether a record must meet all entry conditions or any of them.';
COMMENT ON COLUMN crm.sales_sequence.exit_match IS
    'Whether a record leaves when it meets all exit conditions or any of them.';
COMMENT ON COLUMN crm.sales_sequence.run_time IS
    'Time of day at which the steps of that day are due, in time_zone.';
COMMENT ON COLUMN crm.sales_sequence.time_zone IS
    'IANA name of the zone of run_time and schedule, such as Europe/Zurich.';
COMMENT ON COLUMN crm.sales_sequence.schedule IS
    'When steps may run, and how many: {"days": ["mon", …], "window": {"from": "09:00", '
    '"until": "17:00"}, "pause": {"holidays": true}, "limit": {"per_day": 200}}. Only days is '
    'always there.';
COMMENT ON COLUMN crm.sales_sequence.is_enabled IS
    'Whether it runs. New ones don''t until somebody enables them.';
COMMENT ON COLUMN crm.sales_sequence.owner_id IS
    'Who answers for it, and in whose name its e-mails go out.';
COMMENT ON COLUMN crm.sales_sequence.created_at IS
    'When it was first saved.';
COMMENT ON COLUMN crm.sales_sequence.updated_at IS
    'When it, or a part of it, was last saved.';

CREATE INDEX IF NOT EXISTS sales_sequence_by_owner
    ON crm.sales_sequence (owner_id);
COMMENT ON INDEX crm.sales_sequence_by_owner IS
    'Finds what is to be handed over when somebody leaves.';

CREATE TABLE IF NOT EXISTS crm.sales_sequence_entry_condition (
    id                bigint  GENERATED ALWAYS AS IDENTITY,
    sales_sequence_id bigint  NOT NULL,
    position          integer NOT NULL,
    field             text    NOT NULL,
    operator          text    NOT NULL,
    value             text,
    CONSTRAINT sales_sequence_entry_condition_pkey
        PRIMARY KEY (id),
    CONSTRAINT sales_sequence_entry_condition_belongs_to_a_sequence
        FOREIGN KEY (sales_sequence_id) REFERENCES crm.sales_sequence (id) ON DELETE CASCADE,
    CONSTRAINT sales_sequence_entry_condition_has_its_own_position
        UNIQUE (sales_sequence_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT sales_sequence_entry_condition_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT sales_sequence_entry_condition_has_a_field
        CHECK (field <> ''),
    CONSTRAINT sales_sequence_entry_condition_operator_is_known
        CHECK (operator IN (
            'is', 'is_not', 'contains', 'does_not_contain', 'is_greater_than', 'is_less_than',
            'is_before', 'is_after', 'is_empty', 'is_not_empty')),
    CONSTRAINT sales_sequence_entry_condition_value_iff_operator_compares
        CHECK ((value IS NULL) = (operator IN ('is_empty', 'is_not_empty')))
);

COMMENT ON TABLE crm.sales_sequence_entry_condition IS
    'What a record must be like to enter a sequence.';
COMMENT ON COLUMN crm.sales_sequence_entry_condition.id IS
    'Key.';
COMMENT ON COLUMN crm.sales_sequence_entry_condition.sales_sequence_id IS
    'The sequence that it is a part of.';
COMMENT ON COLUMN crm.sales_sequence_entry_condition.position IS
    'Order on the page, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.sales_sequence_entry_condition.field IS
    'Field of the record, by its internal name.';
COMMENT ON COLUMN crm.sales_sequence_entry_condition.operator IS
    'How the field is compared with the value.';
COMMENT ON COLUMN crm.sales_sequence_entry_condition.value IS
    'What it is compared with, as text whatever the field''s type. Null: the operator needs none.';

CREATE TABLE IF NOT EXISTS crm.sales_sequence_exit_condition (
    id                bigint  GENERATED ALWAYS AS IDENTITY,
    sales_sequence_id bigint  NOT NULL,
    position          integer NOT NULL,
    field             text    NOT NULL,
    operator          text    NOT NULL,
    value             text,
    CONSTRAINT sales_sequence_exit_condition_pkey
        PRIMARY KEY (id),
    CONSTRAINT sales_sequence_exit_condition_belongs_to_a_sequence
        FOREIGN KEY (sales_sequence_id) REFERENCES crm.sales_sequence (id) ON DELETE CASCADE,
    CONSTRAINT sales_sequence_exit_condition_has_its_own_position
        UNIQUE (sales_sequence_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT sales_sequence_exit_condition_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT sales_sequence_exit_condition_has_a_field
        CHECK (field <> ''),
    CONSTRAINT sales_sequence_exit_condition_operator_is_known
        CHECK (operator IN (
            'is', 'is_not', 'contains', 'does_not_contain', 'is_greater_than', 'is_less_than',
            'is_before', 'is_after', 'is_empty', 'is_not_empty')),
    CONSTRAINT sales_sequence_exit_condition_value_iff_operator_compares
        CHECK ((value IS NULL) = (operator IN ('is_empty', 'is_not_empty')))
);

COMMENT ON TABLE crm.sales_sequence_exit_condition IS
    'What a record must be like to leave a sequence before its last step.';
COMMENT ON COLUMN crm.sales_sequence_exit_condition.id IS
    'Key.';
COMMENT ON COLUMN crm.sales_sequence_exit_condition.sales_sequence_id IS
    'The sequence that it is a part of.';
COMMENT ON COLUMN crm.sales_sequence_exit_condition.position IS
    'Order on the page, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.sales_sequence_exit_condition.field IS
    'Field of the record, by its internal name.';
COMMENT ON COLUMN crm.sales_sequence_exit_condition.operator IS
    'How the field is compared with the value.';
COMMENT ON COLUMN crm.sales_sequence_exit_condition.value IS
    'What it is compared with, as text whatever the field''s type. Null: the operator needs none.';

CREATE TABLE IF NOT EXISTS crm.sales_sequence_step (
    id                bigint  GENERATED ALWAYS AS IDENTITY,
    sales_sequence_id bigint  NOT NULL,
    position          integer NOT NULL,
    kind              text    NOT NULL,
    subject           text    NOT NULL,
    wait_days         integer,
    CONSTRAINT sales_sequence_step_pkey
        PRIMARY KEY (id),
    CONSTRAINT sales_sequence_step_belongs_to_a_sequence
        FOREIGN KEY (sales_sequence_id) REFERENCES crm.sales_sequence (id) ON DELETE CASCADE,
    CONSTRAINT sales_sequence_step_has_its_own_position
        UNIQUE (sales_sequence_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT sales_sequence_step_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT sales_sequence_step_kind_is_known
        CHECK (kind IN ('email', 'call', 'task', 'sms')),
    CONSTRAINT sales_sequence_step_has_a_subject
        CHECK (subject <> ''),
    CONSTRAINT sales_sequence_step_waits_whole_days
        CHECK (wait_days >= 1)
);

COMMENT ON TABLE crm.sales_sequence_step IS
    'What a sequence does, one after the other.';
COMMENT ON COLUMN crm.sales_sequence_step.id IS
    'Key.';
COMMENT ON COLUMN crm.sales_sequence_step.sales_sequence_id IS
    'The sequence that it is a part of.';
COMMENT ON COLUMN crm.sales_sequence_step.position IS
    'Order in which they run, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.sales_sequence_step.kind IS
    'What is done: email, call, task or sms.';
COMMENT ON COLUMN crm.sales_sequence_step.subject IS
    'Subject of the e-mail, text of the message, or title of the call or task.';
COMMENT ON COLUMN crm.sales_sequence_step.wait_days IS
    'Days after the step before, or after entering. Null: at once.';

GRANT SELECT, INSERT, UPDATE, DELETE ON crm.sales_sequence TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.sales_sequence_entry_condition TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.sales_sequence_exit_condition TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.sales_sequence_step TO crm_app;
