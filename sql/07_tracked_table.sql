-- What is tracked, and in which words: the page and every psql user read the same ones.

CREATE TABLE IF NOT EXISTS audit.tracked_table (
    table_schema  text        NOT NULL,
    table_name    text        NOT NULL,
    module        text        NOT NULL,
    entity        text        NOT NULL,
    part          text,
    key_columns   text[]      NOT NULL,
    label_column  text,
    parent_schema text,
    parent_table  text,
    parent_key    text[],
    link          text,
    say           json        NOT NULL,
    columns       json        NOT NULL,
    ignored       text[]      NOT NULL,
    excluded      text[]      NOT NULL,
    redacted      text[]      NOT NULL,
    on_truncate   text        NOT NULL,
    missing_actor text        NOT NULL DEFAULT 'allow',
    tracked_at    timestamptz NOT NULL DEFAULT now(),
    tracked_before tstzmultirange NOT NULL DEFAULT '{}',
    untracked_at  timestamptz,
    CONSTRAINT tracked_table_pkey
        PRIMARY KEY (table_schema, table_name),
    CONSTRAINT tracked_table_part_iff_parent
        CHECK ((part IS NOT NULL) = (parent_table IS NOT NULL)),
    CONSTRAINT tracked_table_parent_is_whole
        CHECK (num_nulls(parent_schema, parent_table, parent_key) IN (0, 3)),
    CONSTRAINT tracked_table_on_truncate_is_known
        CHECK (on_truncate IN ('log', 'rows', 'forbid')),
    CONSTRAINT tracked_table_missing_actor_is_known
        CHECK (missing_actor IN ('allow', 'mark', 'reject'))
);

COMMENT ON TABLE audit.tracked_table IS
    'The tables whose changes are captured, with the words to show them in. Written by the '
    'migrations; a table that is no longer tracked stays, for the sake of its old entries.';
COMMENT ON COLUMN audit.tracked_table.table_schema IS 'Schema of the table.';
COMMENT ON COLUMN audit.tracked_table.table_name IS 'Name of the table.';
COMMENT ON COLUMN audit.tracked_table.module IS 'As entry.module.';
COMMENT ON COLUMN audit.tracked_table.entity IS 'As entry.entity.';
COMMENT ON COLUMN audit.tracked_table.part IS 'As entry.part.';
COMMENT ON COLUMN audit.tracked_table.key_columns IS
    'Columns of the key in order. Empty: the table has none.';
COMMENT ON COLUMN audit.tracked_table.label_column IS
    'The column that names a row. Null: rows are named by their key.';
COMMENT ON COLUMN audit.tracked_table.parent_schema IS
    'Schema of the table whose entity a row belongs to. Null: a row is an entity itself.';
COMMENT ON COLUMN audit.tracked_table.parent_table IS 'Table of the parent.';
COMMENT ON COLUMN audit.tracked_table.parent_key IS
    'Columns of this table that hold the parent''s key, in the order of the parent''s key_columns.';
COMMENT ON COLUMN audit.tracked_table.link IS
    'Where the entity is found in the product, such as /workflows/{id}; {id} stands for entity_id. '
    'Null: nowhere.';
COMMENT ON COLUMN audit.tracked_table.say IS
    'Sentences in which to say that a row came, went or moved: {"added": "Gave access to '
    '{user_id}"}. A column''s name in braces stands for its value in words.';
COMMENT ON COLUMN audit.tracked_table.columns IS
    'Words by column, in the order in which to show them: {"owner_id": {"label": "Owner", '
    '"values": {...}, "references": {...}, "currency": "EUR", "item_key": "slug", "say": {"up": '
    '"Upgraded {old} → {new}"}}}. Not jsonb, which would forget that order.';
COMMENT ON COLUMN audit.tracked_table.ignored IS
    'Columns whose change alone is no entry. Their values are stored.';
COMMENT ON COLUMN audit.tracked_table.excluded IS
    'Columns that are never stored.';
COMMENT ON COLUMN audit.tracked_table.redacted IS
    'Columns that are stored as fingerprints.';
COMMENT ON COLUMN audit.tracked_table.on_truncate IS
    'log: TRUNCATE leaves an entry. rows: it leaves a DELETE of each row. forbid: it is refused '
    'with SQLSTATE UA003.';
COMMENT ON COLUMN audit.tracked_table.missing_actor IS
    'What an entry without an actor is. allow: of the product itself ("System"). mark: of somebody '
    'whom nobody named. reject: refused, with the write, with SQLSTATE UA008.';
COMMENT ON COLUMN audit.tracked_table.tracked_at IS
    'Since when changes are captured without a gap.';
COMMENT ON COLUMN audit.tracked_table.tracked_before IS
    'When changes were captured before tracked_at: what is in between are gaps.';
COMMENT ON COLUMN audit.tracked_table.untracked_at IS
    'Since when they no longer are. Null: they are.';
COMMENT ON CONSTRAINT tracked_table_pkey ON audit.tracked_table IS
    'A table is tracked once.';
COMMENT ON CONSTRAINT tracked_table_part_iff_parent ON audit.tracked_table IS
    'A part is a part of something.';
COMMENT ON CONSTRAINT tracked_table_parent_is_whole ON audit.tracked_table IS
    'A parent is a table and a way to find its row.';
COMMENT ON CONSTRAINT tracked_table_on_truncate_is_known ON audit.tracked_table IS
    'The three policies.';
COMMENT ON CONSTRAINT tracked_table_missing_actor_is_known ON audit.tracked_table IS
    'The three policies.';

GRANT SELECT ON audit.tracked_table TO audit_reader;

ALTER TABLE audit.tracked_table ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tracked_table_is_read_by_readers ON audit.tracked_table;
CREATE POLICY tracked_table_is_read_by_readers
    ON audit.tracked_table
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY tracked_table_is_read_by_readers ON audit.tracked_table IS
    'Only the migrations write the words by which entries are read, whatever else a role has been '
    'granted.';

CREATE OR REPLACE PROCEDURE audit._describe(
    p_table_schema  text,
    p_table_name    text,
    p_module        text,
    p_entity        text,
    p_part          text   DEFAULT NULL,
    p_key_columns   text[] DEFAULT '{}',
    p_label_column  text   DEFAULT NULL,
    p_parent_schema text   DEFAULT NULL,
    p_parent_table  text   DEFAULT NULL,
    p_parent_key    text[] DEFAULT NULL,
    p_link          text   DEFAULT NULL,
    p_say           json   DEFAULT '{}',
    p_columns       json   DEFAULT '{}',
    p_ignored       text[] DEFAULT '{}',
    p_excluded      text[] DEFAULT '{}',
    p_redacted      text[] DEFAULT '{}',
    p_on_truncate   text   DEFAULT 'log',
    p_missing_actor text   DEFAULT 'allow'
)
    LANGUAGE plpgsql
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_describe$
DECLARE
    v_since timestamptz := (
        SELECT t.tracked_at
        FROM audit.tracked_table AS t
        WHERE (t.table_schema, t.table_name) = (p_table_schema, p_table_name)
          AND t.untracked_at IS NULL);
    v_before tstzmultirange := (
        SELECT t.tracked_before + CASE WHEN t.untracked_at IS NULL THEN '{}' ELSE tstzmultirange(
            -- A clock may go back.
            tstzrange(least(t.tracked_at, t.untracked_at), t.untracked_at)) END
        FROM audit.tracked_table AS t
        WHERE (t.table_schema, t.table_name) = (p_table_schema, p_table_name));
BEGIN
    DELETE FROM audit.tracked_table AS t
    WHERE (t.table_schema, t.table_name) = (p_table_schema, p_table_name);

    INSERT INTO audit.tracked_table
        (table_schema, table_name, module, entity, part, key_columns, label_column,
         parent_schema, parent_table, parent_key, link, say, columns,
         ignored, excluded, redacted, on_truncate, missing_actor, tracked_at, tracked_before)
    VALUES
        (p_table_schema, p_table_name, p_module, p_entity, p_part, p_key_columns, p_label_column,
         p_parent_schema, p_parent_table, p_parent_key, p_link, p_say, p_columns,
         p_ignored, p_excluded, p_redacted, p_on_truncate, p_missing_actor,
         coalesce(v_since, now()), coalesce(v_before, '{}'));

    CALL audit._record_versions(p_table_schema, p_table_name);
END
$_describe$;

COMMENT ON PROCEDURE audit._describe IS
    'Write down that a table is tracked, in which words, and in which version its triggers and its '
    'function are. Describing it again replaces the words and keeps since when it has been, and '
    'when it was before.';

REVOKE ALL ON PROCEDURE audit._describe FROM PUBLIC;

CREATE OR REPLACE PROCEDURE audit._forget(p_table_schema text, p_table_name text)
    LANGUAGE sql
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_forget$
    UPDATE audit.tracked_table AS t
    SET untracked_at = coalesce(t.untracked_at, now())
    WHERE (t.table_schema, t.table_name) = (p_table_schema, p_table_name);
$_forget$;

COMMENT ON PROCEDURE audit._forget(text, text) IS
    'Write down that a table is no longer tracked. Its words stay, to read its old entries by.';

REVOKE ALL ON PROCEDURE audit._forget(text, text) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE audit._require_plain_table(p_table_schema text, p_table_name text)
    LANGUAGE plpgsql
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_require_plain_table$
DECLARE
    v_kind text;
    v_is   text;
BEGIN
    SELECT c.relkind, CASE
        WHEN c.relkind = 'p' THEN 'partitioned'
        WHEN c.relkind = 'v' THEN 'a view'
        WHEN c.relkind = 'm' THEN 'a materialized view'
        WHEN c.relkind = 'f' THEN 'a foreign table'
        WHEN c.relkind <> 'r' THEN 'no table'
        WHEN c.relispartition THEN 'a partition'
        WHEN c.oid IN (SELECT i.inhrelid FROM pg_inherits AS i) THEN 'inheriting from another'
        WHEN c.oid IN (SELECT i.inhparent FROM pg_inherits AS i) THEN 'inherited from'
        END
    INTO v_kind, v_is
    FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE (n.nspname, c.relname) = (p_table_schema, p_table_name);

    IF v_is IS NOT NULL THEN
        RAISE EXCEPTION 'statements on %.% can''t be captured as a whole',
                        p_table_schema, p_table_name
            USING ERRCODE = 'UA006',
                  DETAIL = format('It is %s: a statement trigger sees no rows of it, or some, '
                                  'or sees them in pieces.', v_is),
                  HINT = CASE WHEN v_kind IN ('v', 'm')
                         THEN 'Track the tables that it reads instead.'
                         ELSE 'Set capture = "row" for this table in audit.toml.' END;
    END IF;
END
$_require_plain_table$;

COMMENT ON PROCEDURE audit._require_plain_table(text, text) IS
    'Refuses with SQLSTATE UA006 to track a table by statement that is no plain one.';

REVOKE ALL ON PROCEDURE audit._require_plain_table(text, text) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE audit._let_owner_add_partitions(
    p_table_schema text,
    p_table_name   text,
    p_function     text
)
    LANGUAGE plpgsql
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_let_owner_add_partitions$
DECLARE
    v_owner name := (
        SELECT pg_get_userbyid(c.relowner)
        FROM pg_class AS c
             JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname, c.relkind) = (p_table_schema, p_table_name, 'p')
          AND NOT has_function_privilege(
              c.relowner, format('audit.%I()', p_function), 'EXECUTE'));
BEGIN
    IF v_owner IS NOT NULL THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION audit.%I() TO %I', p_function, v_owner);
    END IF;
END
$_let_owner_add_partitions$;

COMMENT ON PROCEDURE audit._let_owner_add_partitions(text, text, text) IS
    'Let who owns a partitioned table add partitions: they get its triggers, and for that '
    'PostgreSQL asks for EXECUTE on their function. With it, the owner can also write entries of '
    'this table without writing to it, as who may disable its triggers could leave them out.';

REVOKE ALL ON PROCEDURE audit._let_owner_add_partitions(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE audit._let_owner_add_partitions(text, text, text) TO audit_writer;
