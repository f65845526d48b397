-- Who gets a new lead: territories, and for each a rule that says what belongs to it.

CREATE TABLE IF NOT EXISTS crm.territory (
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT territory_pkey
        PRIMARY KEY (id),
    CONSTRAINT territory_has_a_name
        CHECK (name <> ''),
    CONSTRAINT territory_has_its_own_name
        UNIQUE (name)
);

COMMENT ON TABLE crm.territory IS
    'A part of the market that some of the team look after.';
COMMENT ON COLUMN crm.territory.id IS
    'Key.';
COMMENT ON COLUMN crm.territory.name IS
    'Name as the team sees it.';
COMMENT ON COLUMN crm.territory.description IS
    'What belongs to it, for people. Empty: the name says it.';
COMMENT ON COLUMN crm.territory.created_at IS
    'When it was first saved.';
COMMENT ON COLUMN crm.territory.updated_at IS
    'When it was last saved.';

CREATE TABLE IF NOT EXISTS crm.assignment_rule (
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    name         text        NOT NULL,
    territory_id bigint      NOT NULL,
    position     integer     NOT NULL,
    record_type  text        NOT NULL,
    match        text        NOT NULL DEFAULT 'all',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT assignment_rule_pkey
        PRIMARY KEY (id),
    CONSTRAINT assignment_rule_fills_a_territory
        FOREIGN KEY (territory_id) REFERENCES crm.territory (id),
    CONSTRAINT assignment_rule_is_the_only_one_of_its_territory
        UNIQUE (territory_id),
    CONSTRAINT assignment_rule_has_its_own_position
        UNIQUE (position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT assignment_rule_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT assignment_rule_has_a_name
        CHECK (name <> ''),
    CONSTRAINT assignment_rule_record_type_is_known
        CHECK (record_type IN ('lead', 'contact', 'deal')),
    CONSTRAINT assignment_rule_match_is_known
        CHECK (match IN ('all', 'any'))
);

COMMENT ON TABLE crm.assignment_rule IS
    'Which new records belong to a territory, who may see them, and who takes turns with them.';
COMMENT ON COLUMN crm.assignment_rule.id IS
    'Key.';
COMMENT ON COLUMN crm.assignment_rule.name IS
    'Name as the team sees it; two may be alike.';
COMMENT ON COLUMN crm.assignment_rule.territory_id IS
    'The territory that the records go to. It has no other rule.';
COMMENT ON COLUMN crm.assignment_rule.position IS
    'Place of the territory, from 1: a record goes to the first whose rule it meets. Two may swap '
    'places within a transaction.';
COMMENT ON COLUMN crm.assignment_rule.record_type IS
    'Which records it looks at: lead, contact or deal.';
COMMENT ON COLUMN crm.assignment_rule.match IS
    'Whether a record must meet all filter groups or any of them.';
COMMENT ON COLUMN crm.assignment_rule.created_at IS
    'When it was first saved.';
COMMENT ON COLUMN crm.assignment_rule.updated_at IS
    'When it, or a part of it, was last saved.';

CREATE TABLE IF NOT EXISTS crm.assignment_filter_group (
    id                 bigint  GENERATED ALWAYS AS IDENTITY,
    assignment_rule_id bigint  NOT NULL,
    position           integer NOT NULL,
    match              text    NOT NULL DEFAULT 'all',
    CONSTRAINT assignment_filter_group_pkey
        PRIMARY KEY (id),
    CONSTRAINT assignment_filter_group_belongs_to_a_rule
        FOREIGN KEY (assignment_rule_id) REFERENCES crm.assignment_rule (id) ON DELETE CASCADE,
    CONSTRAINT assignment_filter_group_has_its_own_position
        UNIQUE (assignment_rule_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT assignment_filter_group_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT assignment_filter_group_match_is_known
        CHECK (match IN ('all', 'any'))
);

COMMENT ON TABLE crm.assignment_filter_group IS
    'Conditions of a rule in brackets: (country is Norway or country is Sweden) and (…).';
COMMENT ON COLUMN crm.assignment_filter_group.id IS
    'Key.';
COMMENT ON COLUMN crm.assignment_filter_group.assignment_rule_id IS
    'The rule that it is a part of.';
COMMENT ON COLUMN crm.assignment_filter_group.position IS
    'Order on the page, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.assignment_filter_group.match IS
    'Whether a record must meet all conditions of the group or any of them.';

CREATE TABLE IF NOT EXISTS crm.assignment_condition (
    id              bigint  GENERATED ALWAYS AS IDENTITY,
    filter_group_id bigint  NOT NULL,
    position        integer NOT NULL,
    field           text    NOT NULL,
    operator        text    NOT NULL,
    value           text,
    CONSTRAINT assignment_condition_pkey
        PRIMARY KEY (id),
    CONSTRAINT assignment_condition_belongs_to_a_filter_group
        FOREIGN KEY (filter_group_id)
        REFERENCES crm.assignment_filter_group (id) ON DELETE CASCADE,
    CONSTRAINT assignment_condition_has_its_own_position
        UNIQUE (filter_group_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT assignment_condition_position_counts_from_1
        CHECK (position >= 1),
    CONSTRAINT assignment_condition_has_a_field
        CHECK (field <> ''),
    CONSTRAINT assignment_condition_operator_is_known
        CHECK (operator IN (
            'is', 'is_not', 'contains', 'does_not_contain', 'is_greater_than', 'is_less_than',
            'is_before', 'is_after', 'is_empty', 'is_not_empty')),
    CONSTRAINT assignment_condition_value_iff_operator_compares
        CHECK ((value IS NULL) = (operator IN ('is_empty', 'is_not_empty')))
);

COMMENT ON TABLE crm.assignment_condition IS
    'What a record must be like, within a filter group.';
COMMENT ON COLUMN crm.assignment_condition.id IS
    'Key.';
COMMENT ON COLUMN crm.assignment_condition.filter_group_id IS
    'The filter group that it is a part of.';
COMMENT ON COLUMN crm.assignment_condition.position IS
    'Order in the group, from 1. Two may swap places within a transaction.';
COMMENT ON COLUMN crm.assignment_condition.field IS
    'Field of the record, by its internal name.';
COMMENT ON COLUMN crm.assignment_condition.operator IS
    'How the field is compared with the value.';
COMMENT ON COLUMN crm.assignment_condition.value IS
    'What it is compared with, as text whatever the field''s type. Null: the operator needs none.';

CREATE TABLE IF NOT EXISTS crm.assignment_access (
    assignment_rule_id bigint NOT NULL,
    user_id            bigint NOT NULL,
    CONSTRAINT assignment_access_pkey
        PRIMARY KEY (assignment_rule_id, user_id),
    CONSTRAINT assignment_access_is_to_what_a_rule_assigns
        FOREIGN KEY (assignment_rule_id) REFERENCES crm.assignment_rule (id) ON DELETE CASCADE,
    CONSTRAINT assignment_access_is_of_a_user
        FOREIGN KEY (user_id) REFERENCES crm.app_user (id)
);

COMMENT ON TABLE crm.assignment_access IS
    'Who may see the records that a rule assigned. Taken away by deleting the row.';
COMMENT ON COLUMN crm.assignment_access.assignment_rule_id IS
    'The rule.';
COMMENT ON COLUMN crm.assignment_access.user_id IS
    'Who may.';

CREATE INDEX IF NOT EXISTS assignment_access_by_user
    ON crm.assignment_access (user_id);
COMMENT ON INDEX crm.assignment_access_by_user IS
    'Finds what is to be taken away when somebody leaves.';

CREATE TABLE IF NOT EXISTS crm.assignment_round_robin (
    assignment_rule_id bigint  NOT NULL,
    user_id            bigint  NOT NULL,
    position           integer NOT NULL,
    CONSTRAINT assignment_round_robin_pkey
        PRIMARY KEY (assignment_rule_id, user_id),
    CONSTRAINT assignment_round_robin_is_of_what_a_rule_assigns
        FOREIGN KEY (assignment_rule_id) REFERENCES crm.assignment_rule (id) ON DELETE CASCADE,
    CONSTRAINT assignment_round_robin_is_among_those_with_access
        FOREIGN KEY (assignment_rule_id, user_id)
        REFERENCES crm.assignment_access (assignment_rule_id, user_id)
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT assignment_round_robin_has_its_own_position
        UNIQUE (assignment_rule_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT assignment_round_robin_position_counts_from_1
        CHECK (position >= 1)
);

COMMENT ON TABLE crm.assignment_round_robin IS
    'Who takes turns in getting what a rule assigns. Who loses access leaves it in the same '
    'transaction.';
COMMENT ON COLUMN crm.assignment_round_robin.assignment_rule_id IS
    'The rule.';
COMMENT ON COLUMN crm.assignment_round_robin.user_id IS
    'Whose turn it is at that place.';
COMMENT ON COLUMN crm.assignment_round_robin.position IS
    'Order of the turns, from 1. Two may swap places within a transaction.';

GRANT SELECT, INSERT, UPDATE, DELETE ON crm.territory TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.assignment_rule TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.assignment_filter_group TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.assignment_condition TO crm_app;
GRANT SELECT, INSERT, DELETE ON crm.assignment_access TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.assignment_round_robin TO crm_app;
