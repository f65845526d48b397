-- The log. The capture functions say what happened to which row; who, when and from where are
-- the defaults below, so that they are the same for every table.

-- It cycles: pg_write_all_data covers sequences too, and one that was set to its end would refuse
-- every write of the application. No session takes ids in advance: one that did would use them
-- after audit.acknowledge_restore() has said that all later ones are greater.
CREATE SEQUENCE IF NOT EXISTS audit.entry_id_seq
    AS bigint
    INCREMENT 1
    MINVALUE 1
    MAXVALUE 9223372036854775807
    CACHE 1
    CYCLE;

COMMENT ON SEQUENCE audit.entry_id_seq IS
    'Numbers audit.entry. Not an identity column: PostgreSQL 17 refuses to attach a partition '
    'that copied one. Numbers of rolled-back writes are missing; that is no gap in the log.';

CREATE TABLE IF NOT EXISTS audit.entry (
    id               bigint      NOT NULL DEFAULT nextval('audit.entry_id_seq'),
    occurred_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    transaction_id   xid8        NOT NULL DEFAULT pg_current_xact_id(),
    transaction_at   timestamptz NOT NULL DEFAULT transaction_timestamp(),
    actor_bound      boolean              DEFAULT CASE
        WHEN current_setting('audit.actor', true) <> ''
        THEN NOT (current_setting('audit.bound_to', true) IS DISTINCT FROM
                  extract(epoch FROM transaction_timestamp())::text || ' '
                  || current_setting('audit.actor', true))
        END,
    actor_signed     boolean              DEFAULT CASE
        WHEN current_setting('audit.signature', true) <> ''
        THEN audit._is_signed()
        END,
    source           text        NOT NULL,
    operation        text        NOT NULL,
    table_schema     text        NOT NULL,
    table_name       text        NOT NULL,
    module           text        NOT NULL,
    entity           text        NOT NULL,
    part             text,
    entity_id        text,
    former_entity_id text,
    entity_label     text,
    actor            text                 DEFAULT
        nullif(left(current_setting('audit.actor', true), 256), ''),
    actor_name       text                 DEFAULT
        nullif(left(current_setting('audit.actor_name', true), 256), ''),
    ip               text                 DEFAULT
        nullif(left(current_setting('audit.ip', true), 128), ''),
    db_user          text        NOT NULL DEFAULT session_user,
    db_role          text                 DEFAULT nullif(current_setting('role'), 'none'),
    client_addr      inet                 DEFAULT inet_client_addr(),
    application_name text                 DEFAULT
        nullif(current_setting('application_name'), ''),
    context          jsonb                DEFAULT CASE
        WHEN current_setting('audit.context', true) <> ''
        THEN audit._context(current_setting('audit.context', true))
        END,
    row_key          jsonb,
    labels           jsonb,
    old_row          jsonb,
    new_row          jsonb,
    CONSTRAINT entry_pkey
        PRIMARY KEY (occurred_at, id)
) PARTITION BY RANGE (occurred_at);

COMMENT ON TABLE audit.entry IS
    'One row for each row that an insert, update or delete changed in a tracked table, and one '
    'for each TRUNCATE. Only ever added to; old days are dropped as whole partitions. The '
    'entries of one transaction_id, module, entity, entity_id and actor are what an admin calls a '
    'change.';
COMMENT ON COLUMN audit.entry.id IS
    'Orders the entries of one transaction. Across transactions ids do not follow commit order: '
    'to read the log as a stream, take transaction_id < pg_snapshot_xmin(pg_current_snapshot()).';
COMMENT ON COLUMN audit.entry.occurred_at IS
    'When the row was written, by clock_timestamp(): a transaction that began yesterday writes '
    'into today. Decides the partition, which is a day in UTC.';
COMMENT ON COLUMN audit.entry.transaction_id IS
    'The writing transaction; savepoints share it. Unique in one cluster, until a dump is '
    'restored into another.';
COMMENT ON COLUMN audit.entry.transaction_at IS
    'When the writing transaction began, by transaction_timestamp().';
COMMENT ON COLUMN audit.entry.actor_bound IS
    'True: audit.set_context() named the actor in this transaction. False: a setting did, which '
    'a pooled connection may have kept from somebody else. Null: no actor.';
COMMENT ON COLUMN audit.entry.actor_signed IS
    'True: who holds a key signed for the actor, its name and address (audit.signature). False: '
    'what was there is no signature of these, or not any more. Null: none.';
COMMENT ON COLUMN audit.entry.source IS
    'Which database wrote the entry: the word "source" of audit.toml.';
COMMENT ON COLUMN audit.entry.operation IS
    'INSERT, UPDATE, DELETE or TRUNCATE: what happened to the row, not to the entity.';
COMMENT ON COLUMN audit.entry.table_schema IS
    'Schema of the tracked table; of the root, where it is partitioned.';
COMMENT ON COLUMN audit.entry.table_name IS
    'Name of the tracked table; of the root, where it is partitioned.';
COMMENT ON COLUMN audit.entry.module IS
    'Where an admin would look for the entity, such as "Workflows".';
COMMENT ON COLUMN audit.entry.entity IS
    'What kind of thing was changed, such as "Workflow". A row of a child table has the parent''s.';
COMMENT ON COLUMN audit.entry.part IS
    'What the row is to its entity, such as "Condition". Null: the row is the entity itself.';
COMMENT ON COLUMN audit.entry.entity_id IS
    'Key of the entity as text; a JSON array where the key is composite. Null for TRUNCATE, for a '
    'table without a key, and for a part whose parents were deleted by the same statement.';
COMMENT ON COLUMN audit.entry.former_entity_id IS
    'Key of the entity that the row belonged to before the write, where that was another: a part '
    'that was moved, an entity whose key changed. Null: the same, and for parts of parts.';
COMMENT ON COLUMN audit.entry.entity_label IS
    'Name of the entity as it was after the write. Null where it has none, or could not be read.';
COMMENT ON COLUMN audit.entry.actor IS
    'Who acted, as the application said (audit.actor), cut at 256 characters. Null: it said '
    'nothing, and the product itself acted ("System").';
COMMENT ON COLUMN audit.entry.actor_name IS
    'The actor''s name at that time, as the application said (audit.actor_name).';
COMMENT ON COLUMN audit.entry.ip IS
    'The actor''s address as the application said (audit.ip), cut at 128 characters. Text, because '
    'what is no address is kept as it came.';
COMMENT ON COLUMN audit.entry.db_user IS
    'The role that logged in, as the database saw (session_user).';
COMMENT ON COLUMN audit.entry.db_role IS
    'The role it had taken by SET ROLE. Null: none.';
COMMENT ON COLUMN audit.entry.client_addr IS
    'Address of the connection, as the database saw: behind a pooler, the pooler''s. Null: a '
    'Unix-domain socket.';
COMMENT ON COLUMN audit.entry.application_name IS
    'What the connection called itself (application_name). Null: nothing.';
COMMENT ON COLUMN audit.entry.context IS
    'Anything else that the application said (audit.context), such as a request id.';
COMMENT ON COLUMN audit.entry.row_key IS
    'Key of the row after the write, or before a DELETE. Where an UPDATE changed the key, the '
    'former one is in old_row. Null for TRUNCATE and for tables without a key.';
COMMENT ON COLUMN audit.entry.labels IS
    'Names that the references of old_row and new_row had: {"owner_id": {"7": "Ana Diaz"}}. Null: '
    'the table has none, or they could not be read.';
COMMENT ON COLUMN audit.entry.old_row IS
    'The row before, less excluded columns. Redacted values are {"redacted": fingerprint}. Of a '
    'table with rows = "changed", an UPDATE has only the columns here that it changed: the others '
    'are in new_row, so that new_row || old_row is the whole row before.';
COMMENT ON COLUMN audit.entry.new_row IS
    'The row after, as it was stored: what BEFORE triggers did to it is in here.';
COMMENT ON CONSTRAINT entry_pkey ON audit.entry IS
    'Also the order in which the log is read.';

CREATE INDEX IF NOT EXISTS entry_by_transaction
    ON audit.entry (transaction_id);
COMMENT ON INDEX audit.entry_by_transaction IS
    'Collects the entries of one change.';

CREATE INDEX IF NOT EXISTS entry_by_actor
    ON audit.entry (actor, occurred_at);
COMMENT ON INDEX audit.entry_by_actor IS
    'Finds what one person did, and which persons there are.';

-- A hash, because a key may be longer than the 2,704 bytes that a btree takes.
CREATE INDEX IF NOT EXISTS entry_by_entity
    ON audit.entry (entity, hashtextextended(entity_id, 0), occurred_at);
COMMENT ON INDEX audit.entry_by_entity IS
    'Finds the history of one entity, and the changes of one kind of entity.';

CREATE INDEX IF NOT EXISTS entry_by_former_entity
    ON audit.entry (entity, hashtextextended(former_entity_id, 0), occurred_at)
    WHERE former_entity_id IS NOT NULL;
COMMENT ON INDEX audit.entry_by_former_entity IS
    'Finds what an entity lost to another one. Nearly empty.';
