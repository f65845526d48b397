SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Three roles, none of which can log in: one owns the log, one may only add to it, one may only
-- read it. Roles belong to the whole cluster, so they may be here already.

DO $roles$
DECLARE
    v_role    text;
    v_comment text;
BEGIN
    IF current_setting('server_encoding') = 'SQL_ASCII' THEN
        RAISE EXCEPTION 'pgwitness cannot be installed in database %', current_database()
            USING ERRCODE = 'UA002',
                  DETAIL = 'Its encoding is SQL_ASCII: not every text in it is JSON''s Unicode.',
                  HINT = 'Create the database with ENCODING ''UTF8''.';
    END IF;
    FOR v_role, v_comment IN
        VALUES ('audit_owner',  'Owns the schema audit. Members maintain the log.'),
               ('audit_writer', 'Owns the capture functions. May add entries, and nothing else.'),
               ('audit_reader', 'May read the log. The viewer logs in as a member of it.')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            EXECUTE format('COMMENT ON ROLE %I IS %L', v_role, v_comment);
        END IF;
    END LOOP;
END
$roles$;

-- Whoever installs must be able to act as the owner and the writer.
DO $membership$
BEGIN
    GRANT audit_owner, audit_writer TO CURRENT_USER;
EXCEPTION
    WHEN insufficient_privilege THEN
        -- Another database's installer made the roles, and may have granted them already.
        IF pg_has_role('audit_owner', 'MEMBER') AND pg_has_role('audit_writer', 'MEMBER') THEN
            RETURN;
        END IF;
        RAISE EXCEPTION '% can''t act as audit_owner and audit_writer, which are there already',
                        current_user
            USING ERRCODE = 'UA005',
                  DETAIL = 'Roles belong to the whole cluster: another database has made them.',
                  HINT = format('As who made them, or as a superuser, run: '
                                'GRANT audit_owner, audit_writer TO %1$I; '
                                'GRANT audit_reader TO %1$I WITH ADMIN OPTION', current_user);
END
$membership$;

CREATE SCHEMA IF NOT EXISTS audit AUTHORIZATION audit_owner;

SET ROLE audit_owner;

REVOKE ALL ON SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO audit_writer, audit_reader;
COMMENT ON SCHEMA audit IS
    'pgwitness: who changed what, and what it was before. Read audit.entry.';

-- Where the log is in use already, all of it is locked before any of it is replaced: lock by lock,
-- whoever reads and writes meanwhile could come to wait for this, and this for them. Nobody waits
-- for longer than 100 ms at a time, and nobody in a transaction is cut off.
DO $lock_what_is_there$
DECLARE
    v_tables text := (
        SELECT string_agg(format('audit.%I', c.relname), ', ' ORDER BY c.relname)
        FROM pg_catalog.pg_class AS c
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        -- What maintenance has just taken out of the log, it is about to drop.
        WHERE n.nspname = 'audit' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'entry\_%');
    v_name   text;
BEGIN
    FOR v_try IN 1..25 LOOP
        BEGIN
            SET LOCAL lock_timeout = '100ms';
            EXECUTE coalesce('LOCK TABLE ' || v_tables || ' IN ACCESS EXCLUSIVE MODE', 'SELECT');
            -- A partition that is half detached would not get a column that is added, and then
            -- could not be detached at all. While maintenance runs, it is about to finish that.
            FOR v_name IN
                SELECT c.relname
                FROM pg_catalog.pg_inherits AS i
                     JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
                WHERE i.inhparent = to_regclass('audit.entry') AND i.inhdetachpending
            LOOP
                IF NOT pg_catalog.pg_try_advisory_xact_lock(x'7067776974'::bigint) THEN
                    RAISE lock_not_available;
                END IF;
                EXECUTE format('ALTER TABLE audit.entry DETACH PARTITION audit.%I FINALIZE',
                               v_name);
            END LOOP;
            SET LOCAL lock_timeout = '5s';
            RETURN;
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM pg_catalog.pg_sleep(0.2);
        END;
    END LOOP;
    RAISE EXCEPTION 'the audit schema is not replaced: a transaction that does not end is using it'
        USING ERRCODE = 'UA014',
              DETAIL = (
                  SELECT format('In it now: pid %s.', string_agg(DISTINCT l.pid::text, ', '))
                  FROM pg_catalog.pg_locks AS l
                  WHERE l.relation IN (SELECT c.oid FROM pg_catalog.pg_class AS c
                                       WHERE c.relnamespace = 'audit'::regnamespace)
                    AND l.granted),
              HINT = 'Apply this again once it has ended. Nothing was changed.';
END
$lock_what_is_there$;

-- What the application says about itself: settings, which last as long as its transaction.
--
--     SET LOCAL audit.actor = '42';            who: a stable key of the person
--     SET LOCAL audit.actor_name = 'Ana Diaz'; the name to show, as it is today
--     SET LOCAL audit.ip = '203.0.113.24';     from where
--     SET LOCAL audit.context = '{"request": "7f1c"}';  anything else, as JSON

CREATE OR REPLACE FUNCTION audit.set_context(
    p_actor      text,
    p_ip         text DEFAULT NULL,
    p_actor_name text DEFAULT NULL,
    p_context    text DEFAULT NULL,
    p_signature  text DEFAULT NULL
)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $set_context$
    SELECT set_config('audit.actor', coalesce(p_actor, ''), true),
           set_config('audit.ip', coalesce(p_ip, ''), true),
           set_config('audit.actor_name', coalesce(p_actor_name, ''), true),
           set_config('audit.context', coalesce(p_context, ''), true),
           set_config('audit.signature', coalesce(p_signature, ''), true),
           set_config('audit.bound_to', coalesce(
               extract(epoch FROM transaction_timestamp())::text || ' ' || p_actor, ''), true);
$set_context$;

COMMENT ON FUNCTION audit.set_context(text, text, text, text, text) IS
    'Say who acts, from where and why (as JSON), until the end of this transaction. The same as '
    'as many SET LOCAL, and it binds the actor to the transaction: entry.actor_bound is true, so '
    'that one that a pooled connection kept from somebody else can be told from one that was '
    'meant.';

REVOKE ALL ON FUNCTION audit.set_context(text, text, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._context(p_said text)
    RETURNS jsonb
    LANGUAGE plpgsql
    IMMUTABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_context$
BEGIN
    IF length(p_said) > 8192 THEN
        RETURN jsonb_build_object('unparsed', left(p_said, 8192));
    END IF;
    RETURN p_said::jsonb;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN jsonb_build_object('unparsed', p_said);
END
$_context$;

COMMENT ON FUNCTION audit._context(text) IS
    'The setting audit.context as JSON. What is not JSON, or is longer than 8,192 characters, is '
    'kept as it came under the key "unparsed": bad context never refuses the write.';

REVOKE ALL ON FUNCTION audit._context(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._context(text) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._refuse_missing_actor(
    p_operation    text,
    p_table_schema text,
    p_table_name   text
)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_refuse_missing_actor$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: nobody said who acts',
                    p_operation, p_table_schema, p_table_name
        USING ERRCODE = 'UA008',
              DETAIL = 'The setting audit.actor is empty, and audit.toml has missing_actor = '
                       '"reject" for this table, whoever writes to it.',
              HINT = 'In the transaction of the write, before it, run SET LOCAL audit.actor = '
                     '''…'', or call audit.set_context().';
END
$_refuse_missing_actor$;

COMMENT ON FUNCTION audit._refuse_missing_actor(text, text, text) IS
    'Refuses with SQLSTATE UA008 to write to a table that wants to know who acts. Arguments: '
    'operation, schema, table.';

REVOKE ALL ON FUNCTION audit._refuse_missing_actor(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._refuse_missing_actor(text, text, text) TO audit_writer;

-- Who holds the database password can name any actor. An application whose users are known to
-- somebody else, such as a gateway, can have that one sign for them:
--
--     SET LOCAL audit.signature = '1800000000.9f86d0…';
--
-- Until when it holds, in seconds since 1970, and the HMAC-SHA256 (RFC 2104) in hexadecimal of the
-- settings audit.actor, audit.actor_name and audit.ip and of that time, as UTF-8 with a character
-- 31 between each two; a setting that is not set is an empty one.

CREATE TABLE IF NOT EXISTS audit.actor_key (
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    inner_pad  bytea       NOT NULL,
    outer_pad  bytea       NOT NULL,
    retired_at timestamptz,
    CONSTRAINT actor_key_pkey
        PRIMARY KEY (id),
    CONSTRAINT actor_key_pads_are_blocks
        CHECK (octet_length(inner_pad) = 64 AND octet_length(outer_pad) = 64)
);

COMMENT ON TABLE audit.actor_key IS
    'The keys that who acts may be signed with, as set by audit.set_actor_key(). Nobody but '
    'audit_owner can read them: with one, any actor could be signed for.';
COMMENT ON COLUMN audit.actor_key.id IS
    'Tells keys apart. Says nothing of them.';
COMMENT ON COLUMN audit.actor_key.inner_pad IS
    'The key as a block of SHA-256, each byte xor 0x36: HMAC hashes it before the message.';
COMMENT ON COLUMN audit.actor_key.outer_pad IS
    'The same, each byte xor 0x5c: HMAC hashes it before the inner hash.';
COMMENT ON COLUMN audit.actor_key.retired_at IS
    'From when the key no longer holds. Null: it does.';
COMMENT ON CONSTRAINT actor_key_pkey ON audit.actor_key IS
    'A key is there once.';
COMMENT ON CONSTRAINT actor_key_pads_are_blocks ON audit.actor_key IS
    'A block of SHA-256 has 64 bytes.';

-- No policy: roles that may read or write every table (pg_read_all_data) find nothing in here.
ALTER TABLE audit.actor_key ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION audit._hmac_pad(p_key bytea, p_byte integer)
    RETURNS bytea
    LANGUAGE sql
    IMMUTABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_hmac_pad$
    SELECT string_agg(set_byte(decode('00', 'hex'), 0, get_byte(k.block, n) # p_byte), NULL
                      ORDER BY n)
    FROM (SELECT CASE WHEN length(p_key) > 64 THEN sha256(p_key) ELSE p_key END
                 || decode(repeat('00', 64), 'hex')) AS k (block),
         generate_series(0, 63) AS n;
$_hmac_pad$;

COMMENT ON FUNCTION audit._hmac_pad(bytea, integer) IS
    'A key as a block of SHA-256, each byte xor the given one (RFC 2104): longer keys are hashed, '
    'shorter ones filled up with zeros.';

REVOKE ALL ON FUNCTION audit._hmac_pad(bytea, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.set_actor_key(p_key bytea, p_overlap interval DEFAULT '00:00:00')
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $set_actor_key$
BEGIN
    IF p_key IS NULL OR length(p_key) < 16 THEN
        RAISE EXCEPTION 'the key of actors is not set: it has fewer than 16 bytes'
            USING ERRCODE = 'UA009',
                  HINT = 'Take 32 random ones, such as: openssl rand -hex 32';
    END IF;
    -- least() takes no notice of a null.
    UPDATE audit.actor_key AS k
    SET retired_at = least(k.retired_at, transaction_timestamp() + p_overlap);

    INSERT INTO audit.actor_key (inner_pad, outer_pad)
    VALUES (audit._hmac_pad(p_key, 54), audit._hmac_pad(p_key, 92));
END
$set_actor_key$;

COMMENT ON FUNCTION audit.set_actor_key(bytea, interval) IS
    'Set the key that who acts is signed with. Former ones hold for the overlap yet, so that '
    'signers can change; without one, no longer. For members of audit_owner. Never in a migration, '
    'which everybody reads.';

REVOKE ALL ON FUNCTION audit.set_actor_key(bytea, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._is_signed()
    RETURNS boolean
    LANGUAGE plpgsql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $_is_signed$
DECLARE
    v_signature text := current_setting('audit.signature', true);
    v_until     text := split_part(v_signature, '.', 1);
    v_message   text;
BEGIN
    v_message := concat_ws(
        chr(31),
        coalesce(current_setting('audit.actor', true), ''),
        coalesce(current_setting('audit.actor_name', true), ''),
        coalesce(current_setting('audit.ip', true), ''),
        v_until);
    IF v_signature IS NULL OR v_signature !~ '^[0-9]{1,12}[.][0-9a-f]{64}$'
        -- One that is part of a name would let it be read in two ways.
        OR length(v_message) - length(replace(v_message, chr(31), '')) <> 3
        -- When its transaction began, so that a long one does not lose it halfway.
        OR v_until::bigint < extract(epoch FROM transaction_timestamp())
    THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT
        FROM audit.actor_key AS k
        WHERE (k.retired_at IS NULL OR k.retired_at > transaction_timestamp())
          AND encode(sha256(k.outer_pad || sha256(
                  k.inner_pad || convert_to(v_message, 'UTF8'))), 'hex')
              = split_part(v_signature, '.', 2));
EXCEPTION
    -- Not every text of every encoding is one in UTF-8.
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN false;
END
$_is_signed$;

COMMENT ON FUNCTION audit._is_signed() IS
    'Whether audit.signature holds for what is said of who acts, when the transaction began. '
    'Whatever it is, it never refuses the write.';

REVOKE ALL ON FUNCTION audit._is_signed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._is_signed() TO audit_writer;

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

-- Entries are added and read. Nobody may change one: not by a privilege that covers every table
-- (pg_write_all_data), and not by mistake; who owns the log can detach a day and change it.

-- What happened is said by the capture functions. Who, when and from where is said by the defaults
-- alone: not even code that runs as the writer, such as a policy of a table that it reads, can.
GRANT INSERT (source, operation, table_schema, table_name, module, entity, part, entity_id,
              former_entity_id, entity_label, row_key, labels, old_row, new_row)
    ON audit.entry TO audit_writer;
GRANT USAGE ON SEQUENCE audit.entry_id_seq TO audit_writer;
GRANT SELECT ON audit.entry TO audit_reader;
-- Who verifies sees whether the ids were set back.
GRANT SELECT ON SEQUENCE audit.entry_id_seq TO audit_reader;

ALTER TABLE audit.entry ENABLE ROW LEVEL SECURITY;

-- Which rows an operation has is said here, not by CHECK constraints: a policy is planned once in a
-- session, a constraint is parsed anew for every INSERT, which would cost a third of it.
DROP POLICY IF EXISTS entry_is_written_by_capture ON audit.entry;
CREATE POLICY entry_is_written_by_capture
    ON audit.entry
    FOR INSERT
    TO audit_writer
    WITH CHECK (operation = CASE
        WHEN old_row IS NOT NULL AND new_row IS NOT NULL THEN 'UPDATE'
        WHEN old_row IS NOT NULL THEN 'DELETE'
        WHEN new_row IS NOT NULL THEN 'INSERT'
        ELSE 'TRUNCATE'
        END);
COMMENT ON POLICY entry_is_written_by_capture ON audit.entry IS
    'Only the capture functions add entries, whatever else a role has been granted; and an '
    'operation has the rows that it should: before, after, both, or none for a TRUNCATE.';

DROP POLICY IF EXISTS entry_is_read_by_readers ON audit.entry;
CREATE POLICY entry_is_read_by_readers
    ON audit.entry
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY entry_is_read_by_readers ON audit.entry IS
    'Members of audit_reader see every entry; roles with pg_read_all_data alone see none.';

CREATE OR REPLACE FUNCTION audit._refuse_change()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_refuse_change$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: entries of the audit log are never changed',
                    TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'UA001',
              HINT = 'Old days leave the log as whole partitions; nothing else does.';
END
$_refuse_change$;

COMMENT ON FUNCTION audit._refuse_change() IS
    'Refuses UPDATE, DELETE and TRUNCATE of the log with SQLSTATE UA001.';

REVOKE ALL ON FUNCTION audit._refuse_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER entry_is_append_only
    BEFORE UPDATE OR DELETE ON audit.entry
    FOR EACH ROW EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER entry_is_append_only ON audit.entry IS
    'No entry is changed or removed, not even by the owner. Costs an INSERT nothing.';

CREATE OR REPLACE TRIGGER entry_is_not_truncated
    BEFORE TRUNCATE ON audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER entry_is_not_truncated ON audit.entry IS
    'The log is not emptied, not even by the owner. Each partition has the same trigger.';

-- A partition for each day in UTC, and one without an upper bound after the last: an entry always
-- finds its place. There is never a DEFAULT partition, because it would forbid detaching a day
-- concurrently.

CREATE OR REPLACE FUNCTION audit._partition_name(p_from timestamptz, p_to timestamptz)
    RETURNS text
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_partition_name$
    SELECT 'entry_' || m.lower || CASE
        WHEN p_to = 'infinity' THEN '_on'
        WHEN p_from = date_trunc('day', p_from) AND p_to = p_from + interval '1 day' THEN ''
        ELSE '_' || m.upper
        END
    FROM (SELECT replace(to_char(p_from, 'YYYYMMDD_HH24MISS'), '_000000', ''),
                 replace(to_char(p_to, 'YYYYMMDD_HH24MISS'), '_000000', '')) AS m (lower, upper);
$_partition_name$;

COMMENT ON FUNCTION audit._partition_name(timestamptz, timestamptz) IS
    'What a partition is called: entry_20260824 is that day in UTC, entry_20260824_20260923 is '
    'several, entry_20260824_on the open-ended one. Their bounds are what counts.';

REVOKE ALL ON FUNCTION audit._partition_name(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._make_partition(p_from timestamptz, p_to timestamptz)
    RETURNS text
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_make_partition$
DECLARE
    v_name    text := audit._partition_name(p_from, p_to);
    v_grantee text;
BEGIN
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.entry INCLUDING ALL)', v_name);
    EXECUTE format('COMMENT ON TABLE audit.%I IS %L', v_name,
                   format('Entries since %s UTC. Read audit.entry.',
                          to_char(p_from, 'YYYY-MM-DD HH24:MI')));

    -- LIKE copies no row security, and default privileges may have granted what nobody should have.
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', v_name);
    FOR v_grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = format('audit.%I', v_name)::regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON audit.%I FROM %s', v_name, v_grantee);
    END LOOP;
    EXECUTE format('CREATE TRIGGER entry_is_not_truncated BEFORE TRUNCATE ON audit.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change()', v_name);
    RETURN v_name;
END
$_make_partition$;

COMMENT ON FUNCTION audit._make_partition(timestamptz, timestamptz) IS
    'Make a table that can become a partition of audit.entry, with all that protects one, and '
    'return its name.';

REVOKE ALL ON FUNCTION audit._make_partition(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._attach_partition(
    p_name text,
    p_from timestamptz,
    p_to   timestamptz
)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    -- Bounds are written down with their zone: a bare date would be a midnight of the session's.
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_attach_partition$
BEGIN
    -- ATTACH, unlike CREATE TABLE ... PARTITION OF, does not wait for readers and writers.
    EXECUTE format('ALTER TABLE audit.entry ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%s)',
                   p_name, p_from, CASE
                       WHEN p_to = 'infinity' THEN 'MAXVALUE'
                       ELSE quote_literal(p_to)
                       END);
END
$_attach_partition$;

COMMENT ON FUNCTION audit._attach_partition(text, timestamptz, timestamptz) IS
    'Make a table of schema audit a partition of audit.entry, from one moment to another or to '
    'infinity. Writers are not delayed. Fails where a partition covers that time already.';

REVOKE ALL ON FUNCTION audit._attach_partition(text, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._add_between(p_from timestamptz, p_to timestamptz)
    RETURNS text
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_add_between$
DECLARE
    v_name text := audit._make_partition(p_from, p_to);
BEGIN
    PERFORM audit._attach_partition(v_name, p_from, p_to);
    RETURN v_name;
END
$_add_between$;

COMMENT ON FUNCTION audit._add_between(timestamptz, timestamptz) IS
    'Add a partition of audit.entry from one moment to another, or to infinity, and return its '
    'name. Writers are not delayed. Fails where a partition covers that time already.';

REVOKE ALL ON FUNCTION audit._add_between(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._add_partition(p_from date, p_to date)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_add_partition$
    SELECT audit._add_between(p_from::timestamptz, p_to::timestamptz);
$_add_partition$;

COMMENT ON FUNCTION audit._add_partition(date, date) IS
    'As audit._add_between(), from one UTC midnight to another, or to infinity.';

REVOKE ALL ON FUNCTION audit._add_partition(date, date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._partitions()
    RETURNS TABLE (
        name         text,
        starts_at    timestamptz,
        ends_at      timestamptz,
        is_detaching boolean,
        is_indexed   boolean
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_partitions$
    SELECT c.relname::text,
           CASE b.bound[1] WHEN 'MINVALUE' THEN '-infinity' ELSE b.bound[1] END::timestamptz,
           CASE b.bound[2] WHEN 'MAXVALUE' THEN 'infinity' ELSE b.bound[2] END::timestamptz,
           i.inhdetachpending,
           to_regclass(format('audit.%I', c.relname || '_words')) IS NOT NULL
    FROM pg_inherits AS i
         JOIN pg_class AS c ON c.oid = i.inhrelid,
         LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid),
                              $$FROM \('?([^')]+)'?\) TO \('?([^')]+)'?\)$$) AS b (bound)
    WHERE i.inhparent = 'audit.entry'::regclass
      AND c.relnamespace = 'audit'::regnamespace
      AND b.bound IS NOT NULL
    ORDER BY 2;
$_partitions$;

COMMENT ON FUNCTION audit._partitions() IS
    'The partitions of audit.entry, the oldest first. The last one ends at infinity. is_detaching: '
    'a concurrent detach was interrupted, or is under way. is_indexed: audit.index_day() has been.';

REVOKE ALL ON FUNCTION audit._partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._partitions() TO audit_reader;

DO $first_days$
DECLARE
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    v_day   date;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = 'audit.entry'::regclass) THEN
        RETURN;
    END IF;
    FOR v_day IN SELECT v_today + n FROM generate_series(-1, 45) AS n LOOP
        PERFORM audit._add_partition(v_day, v_day + 1);
    END LOOP;
    PERFORM audit._add_partition(v_today + 46, 'infinity');
END
$first_days$;

-- Rows as the log stores them: as jsonb, and redacted where audit.toml says so.

CREATE OR REPLACE FUNCTION audit._as_text(p_value anyelement)
    RETURNS text
    LANGUAGE plpgsql
    STABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_as_text$
DECLARE
    v_text text;
BEGIN
    -- Not p_value::text, which would call a cast that somebody made.
    v_text := format('%s', p_value);
    IF length(v_text) <= 1048576 THEN
        RETURN v_text;
    END IF;
    -- The digest tells values apart that begin alike.
    RETURN format('%s… (%s characters, SHA-256 %s)', left(v_text, 1048576), length(v_text),
                  encode(sha256(convert_to(v_text, 'UTF8')), 'hex'));
EXCEPTION
    WHEN program_limit_exceeded OR internal_error THEN
        RETURN format('(%s bytes, too many for a text)', pg_column_size(p_value));
END
$_as_text$;

COMMENT ON FUNCTION audit._as_text(anyelement) IS
    'A value as text; one of more than 1,048,576 characters is cut there, and its length and '
    'digest follow. Only its size where PostgreSQL can''t write it as text, such as a bytea of '
    '600 MB.';

REVOKE ALL ON FUNCTION audit._as_text(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._as_text(anyelement) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._salvage(p_row anyelement)
    RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_salvage$
DECLARE
    v_row   jsonb := '{}'::jsonb;
    v_name  name;
    v_value jsonb;
BEGIN
    FOR v_name IN
        SELECT a.attname
        FROM pg_type AS t
             JOIN pg_attribute AS a ON a.attrelid = t.typrelid
        WHERE t.oid = pg_typeof(p_row) AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        BEGIN
            EXECUTE format('SELECT to_jsonb(($1).%I)', v_name) INTO v_value USING p_row;
            v_row := v_row || jsonb_build_object(v_name, v_value);
        EXCEPTION
            -- to_jsonb calls casts to json, which are code of anybody's.
            WHEN OTHERS THEN
                EXECUTE format('SELECT to_jsonb(audit._as_text(($1).%I))', v_name)
                INTO v_value USING p_row;
                v_row := v_row || jsonb_build_object(v_name, v_value);
        END;
    END LOOP;
    RETURN v_row;
END
$_salvage$;

COMMENT ON FUNCTION audit._salvage(anyelement) IS
    'A row of which jsonb can''t hold some value, such as "\u0000" in a json column or a text of '
    '260 MB. That value is kept as audit._as_text() has it; the others are whole.';

REVOKE ALL ON FUNCTION audit._salvage(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._salvage(anyelement) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._salvage_as(p_as anyelement, p_row record)
    RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_salvage_as$
BEGIN
    -- Not by way of text, which would call the CHECKs of domains: code of anybody's.
    p_as := p_row;
    RETURN audit._salvage(p_as);
END
$_salvage_as$;

COMMENT ON FUNCTION audit._salvage_as(anyelement, record) IS
    'A row, salvaged as one of the type of the first argument, whose columns have names.';

REVOKE ALL ON FUNCTION audit._salvage_as(anyelement, record) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._salvage_as(anyelement, record) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._salvage_of(p_table oid, p_row anyelement)
    RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_salvage_of$
DECLARE
    v_row jsonb;
BEGIN
    RETURN to_jsonb(p_row);
EXCEPTION
    WHEN OTHERS THEN
        BEGIN
            -- A row of a transition table is of no type whose columns could be named.
            EXECUTE format('SELECT audit._salvage_as(NULL::%s, $1)', p_table::regclass)
            INTO v_row USING p_row;
        EXCEPTION
            WHEN OTHERS THEN
                v_row := jsonb_build_object(
                    'unreadable', format('(%s bytes)', pg_column_size(p_row)));
        END;
        RETURN v_row;
END
$_salvage_of$;

COMMENT ON FUNCTION audit._salvage_of(oid, anyelement) IS
    'A row that a statement wrote to this table, as jsonb; salvaged where jsonb can''t hold it. '
    '{"unreadable": size} where that can''t be, either: one of more than 500 MB, or in a schema '
    'that audit_writer may not use.';

REVOKE ALL ON FUNCTION audit._salvage_of(oid, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._salvage_of(oid, anyelement) TO audit_writer;

-- A redacted column shows that a value changed, and whether it came back, never the value.

CREATE TABLE IF NOT EXISTS audit.fingerprint_key (
    is_only boolean NOT NULL DEFAULT true,
    secret  text    NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text,
    CONSTRAINT fingerprint_key_pkey PRIMARY KEY (is_only),
    CONSTRAINT fingerprint_key_is_one CHECK (is_only)
);

COMMENT ON TABLE audit.fingerprint_key IS
    'The secret of this database behind the fingerprints of redacted values, in one row. '
    'Nobody but audit_owner can read it: with it, a short value could be guessed from its '
    'fingerprint.';
COMMENT ON COLUMN audit.fingerprint_key.is_only IS
    'Always true: there is one key. A new one makes old fingerprints incomparable.';
COMMENT ON COLUMN audit.fingerprint_key.secret IS
    '244 random bits as text.';
COMMENT ON CONSTRAINT fingerprint_key_pkey ON audit.fingerprint_key IS
    'One row.';
COMMENT ON CONSTRAINT fingerprint_key_is_one ON audit.fingerprint_key IS
    'One row.';

-- No policy: roles that may read or write every table (pg_read_all_data) find nothing in here.
ALTER TABLE audit.fingerprint_key ENABLE ROW LEVEL SECURITY;

INSERT INTO audit.fingerprint_key (is_only) VALUES (true) ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION audit._redact(p_row jsonb, p_columns text[])
    RETURNS jsonb
    LANGUAGE sql
    STABLE
    STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $_redact$
    -- A dump of the schema alone leaves the key behind: values are hidden without it, too, and
    -- look alike.
    SELECT p_row || coalesce(jsonb_object_agg(c.name, jsonb_build_object('redacted',
               coalesce(left(encode(sha256(convert_to(k.secret || c.name || chr(31)
                                                      || (p_row ->> c.name), 'UTF8')), 'hex'), 16),
                        repeat('0', 16)))), '{}')
    FROM unnest(p_columns) AS c (name)
         LEFT JOIN audit.fingerprint_key AS k ON true
    WHERE p_row ->> c.name IS NOT NULL;
$_redact$;

COMMENT ON FUNCTION audit._redact(jsonb, text[]) IS
    'A row with the named columns'' values replaced by {"redacted": fingerprint}. Equal values of '
    'one column have equal fingerprints; all have, while there is no key. Null stays null.';

REVOKE ALL ON FUNCTION audit._redact(jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._redact(jsonb, text[]) TO audit_writer;

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

-- TRUNCATE removes rows without naming them, so no row trigger sees it.

-- The writer owns what adds entries, and may create it here only for as long as that takes.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit._capture_truncate()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    SET timezone = 'UTC'
AS $_capture_truncate$
BEGIN
    IF TG_ARGV[6] = 'reject' AND coalesce(current_setting('audit.actor', true), '') = '' THEN
        PERFORM audit._refuse_missing_actor(TG_OP, TG_ARGV[1], TG_ARGV[2]);
    END IF;
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, part)
    VALUES
        (TG_ARGV[0], TG_OP, TG_ARGV[1], TG_ARGV[2], TG_ARGV[3], TG_ARGV[4],
         nullif(TG_ARGV[5], ''));
    RETURN NULL;
END
$_capture_truncate$;

COMMENT ON FUNCTION audit._capture_truncate() IS
    'Adds one entry for a TRUNCATE. Arguments: source, schema, table, module, entity, part, and '
    'what to do where nobody said who acts: nothing, or to reject.';

REVOKE ALL ON FUNCTION audit._capture_truncate() FROM PUBLIC;

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;

CREATE OR REPLACE FUNCTION audit._refuse_truncate()
    RETURNS trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_refuse_truncate$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of %.% is refused: it would remove rows without a trace of each',
                    TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'UA003',
              HINT = 'Use DELETE, or set truncate = "rows" for this table in audit.toml.';
END
$_refuse_truncate$;

COMMENT ON FUNCTION audit._refuse_truncate() IS
    'Refuses TRUNCATE of a tracked table with SQLSTATE UA003.';

REVOKE ALL ON FUNCTION audit._refuse_truncate() FROM PUBLIC;

-- What only reading needs: indexes of the words in the log, of the modules and of what was deleted,
-- and a list of the persons. Every write would have to pay for them, so they are made of a day that
-- is over.

CREATE OR REPLACE FUNCTION audit._words(
    p_label  text,
    p_labels jsonb,
    p_old    jsonb,
    p_new    jsonb
)
    RETURNS tsvector
    LANGUAGE plpgsql
    IMMUTABLE
    SECURITY INVOKER
    -- So dear that the planner reads an index wherever there is one.
    COST 2000
    SET search_path = pg_catalog, pg_temp
AS $_words$
DECLARE
    -- A redacted value is none that anybody could type.
    c_readable constant jsonpath := '$.* ? (!exists(@.redacted))'::jsonpath;
    c_leaves   constant jsonpath :=
        'strict $.** ? (@.type() == "string" || @.type() == "number")'::jsonpath;
    v_told jsonb;
    v_text text;
BEGIN
    v_told := jsonb_build_array(p_label,
                                p_labels,
                                jsonb_path_query_array(p_old, c_readable),
                                jsonb_path_query_array(p_new, c_readable));
    v_text := v_told::text;
    IF length(v_text) < 1000000 AND v_text !~ '[^[:space:]]{255}|<!--' THEN
        RETURN jsonb_to_tsvector('simple', v_told, '["string", "numeric"]');
    END IF;
    -- At each sign of "a_a_a_a" the parser looks ahead to its end, and at each "<!--" to the end of
    -- the text: a megabyte of them would take hours.
    RETURN to_tsvector('simple', left((
        SELECT string_agg(CASE WHEN length(w.word) < 255 THEN replace(w.word, '<', ' ')
                          ELSE translate(w.word, '_./@-:~<', '        ') END, ' ')
        FROM jsonb_path_query(v_told, c_leaves) AS l (leaf),
             regexp_split_to_table(left(l.leaf #>> '{}', 1000000), '[[:space:]]+') AS w (word)),
        1000000));
EXCEPTION
    WHEN program_limit_exceeded THEN
        RETURN to_tsvector('simple', left(coalesce(p_label, ''), 10000));
END
$_words$;

COMMENT ON FUNCTION audit._words(text, jsonb, jsonb, jsonb) IS
    'The words of an entry''s entity_label, labels, old_row and new_row: texts and numbers, less '
    'redacted values. Of rows with a megabyte of different words, the label''s alone; with a '
    'million characters, or 255 without a blank, the first million, and of the latter what is '
    'between their signs. An index holds what this returned: after changing it, drop the indexes '
    'of audit.index_day().';

REVOKE ALL ON FUNCTION audit._words(text, jsonb, jsonb, jsonb) FROM PUBLIC;
-- The writer, too: a clock that was set back writes into a day that is indexed.
GRANT EXECUTE ON FUNCTION audit._words(text, jsonb, jsonb, jsonb) TO audit_reader, audit_writer;

CREATE TABLE IF NOT EXISTS audit.person (
    actor      text NOT NULL,
    actor_name text,
    acted_on   date NOT NULL,
    CONSTRAINT person_pkey PRIMARY KEY (actor)
);

COMMENT ON TABLE audit.person IS
    'Who made changes on the days that audit.index_day() was called for. Other days are read in '
    'the log itself.';
COMMENT ON COLUMN audit.person.actor IS 'As entry.actor.';
COMMENT ON COLUMN audit.person.actor_name IS 'As entry.actor_name, the last of that day.';
COMMENT ON COLUMN audit.person.acted_on IS 'The last of those days in UTC with a change of theirs.';
COMMENT ON CONSTRAINT person_pkey ON audit.person IS 'A person is listed once.';

GRANT SELECT ON audit.person TO audit_reader;

ALTER TABLE audit.person ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS person_is_read_by_readers ON audit.person;
CREATE POLICY person_is_read_by_readers
    ON audit.person
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY person_is_read_by_readers ON audit.person IS
    'Only audit.index_day() writes the persons, whatever else a role has been granted.';

CREATE OR REPLACE FUNCTION audit._list_persons(p_day date)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_list_persons$
    INSERT INTO audit.person AS p (actor, actor_name, acted_on)
    SELECT DISTINCT ON (e.actor) e.actor, e.actor_name, p_day
    FROM audit.entry AS e
    WHERE e.actor IS NOT NULL
      AND e.occurred_at >= p_day::timestamptz
      AND e.occurred_at < (p_day + 1)::timestamptz
    ORDER BY e.actor, e.occurred_at DESC, e.id DESC
    ON CONFLICT (actor) DO UPDATE
    SET actor_name = excluded.actor_name,
        acted_on = excluded.acted_on
    WHERE p.acted_on < excluded.acted_on;
$_list_persons$;

COMMENT ON FUNCTION audit._list_persons(date) IS
    'Note who made changes on one day in UTC.';

REVOKE ALL ON FUNCTION audit._list_persons(date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._index_partition(p_name text)
    RETURNS boolean
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    -- A word of 2 kB is left out with a notice: there may be one in every row.
    SET client_min_messages = 'warning'
AS $_index_partition$
DECLARE
    v_part record;
BEGIN
    SELECT p.name, p.starts_at, p.ends_at, p.is_indexed INTO v_part
    FROM audit._partitions() AS p
    WHERE p.name = p_name AND p.ends_at <= clock_timestamp() AND NOT p.is_detaching;
    IF v_part IS NULL OR v_part.is_indexed THEN
        RETURN v_part IS NOT NULL;
    END IF;
    EXECUTE format('CREATE INDEX %I ON audit.%I '
                   'USING gin (audit._words(entity_label, labels, old_row, new_row))',
                   p_name || '_words', p_name);
    EXECUTE format('COMMENT ON INDEX audit.%I IS %L', p_name || '_words',
                   'Finds entries by the words in them.');
    EXECUTE format('CREATE INDEX %I ON audit.%I (module)', p_name || '_module', p_name);
    EXECUTE format('COMMENT ON INDEX audit.%I IS %L', p_name || '_module',
                   'Finds the changes of a module in which there are few.');
    EXECUTE format('CREATE INDEX %I ON audit.%I (occurred_at) '
                   'WHERE part IS NULL AND operation IN (''DELETE'', ''TRUNCATE'')',
                   p_name || '_deleted', p_name);
    EXECUTE format('COMMENT ON INDEX audit.%I IS %L', p_name || '_deleted',
                   'Finds the deleted entities, of which there are few.');
    -- Nothing is added to the day any more, so that autovacuum would never count its words.
    EXECUTE format('ANALYZE audit.%I', p_name);
    PERFORM audit._list_persons(d::date)
    FROM generate_series(v_part.starts_at, v_part.ends_at - interval '1 us', '1 day') AS d;
    RETURN true;
END
$_index_partition$;

COMMENT ON FUNCTION audit._index_partition(text) IS
    'Do what audit.index_day() does for a partition that is over, by its name. False for one that '
    'is not, or is none.';

REVOKE ALL ON FUNCTION audit._index_partition(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.index_day(p_day date)
    RETURNS boolean
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $index_day$
    SELECT audit._index_partition(
        audit._partition_name(p_day::timestamptz, (p_day + 1)::timestamptz));
$index_day$;

COMMENT ON FUNCTION audit.index_day(date) IS
    'Make one day in UTC that is over quick to read, unless it is: index its words, its modules '
    'and what was deleted, list its persons. Returns whether it is now: false for a day that is '
    'not over or has no partition. Writers of other days are not delayed.';

REVOKE ALL ON FUNCTION audit.index_day(date) FROM PUBLIC;

-- Days are added ahead, made quick to read once they are over, and leave the log when they are past
-- the retention. pgwitness maintain calls what is here, a transaction for each step: what has to be
-- true together is one function.

CREATE TABLE IF NOT EXISTS audit.maintenance_run (
    started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at    timestamptz,
    retention_days integer     NOT NULL,
    created        text[]      NOT NULL DEFAULT '{}',
    indexed        text[]      NOT NULL DEFAULT '{}',
    dropped        jsonb       NOT NULL DEFAULT '[]',
    detaching      jsonb,
    given_up       text,
    CONSTRAINT maintenance_run_pkey
        PRIMARY KEY (started_at),
    CONSTRAINT maintenance_run_retention_is_positive
        CHECK (retention_days > 0)
);

COMMENT ON TABLE audit.maintenance_run IS
    'What each run of pgwitness maintain did. A good run is one that has finished and gave nothing '
    'up. Never deleted: what was dropped when outlives the entries that say so.';
COMMENT ON COLUMN audit.maintenance_run.started_at IS
    'When it began, by the database''s clock.';
COMMENT ON COLUMN audit.maintenance_run.finished_at IS
    'When it ended. Null: it still runs, or was killed.';
COMMENT ON COLUMN audit.maintenance_run.retention_days IS
    'How many days it kept.';
COMMENT ON COLUMN audit.maintenance_run.created IS
    'Names of the partitions that it added.';
COMMENT ON COLUMN audit.maintenance_run.indexed IS
    'Names of the partitions that it made quick to read.';
COMMENT ON COLUMN audit.maintenance_run.dropped IS
    'Partitions that it dropped: [{"name": "entry_20260824", "from": "2026-08-24T00:00:00+00:00", '
    '"until": "2026-08-25T00:00:00+00:00", "entries": 12345}]. Committed together with each drop.';
COMMENT ON COLUMN audit.maintenance_run.detaching IS
    'The partition that it was taking out of the log last, as one of "dropped": where it still is, '
    'as a table of its own, the next run drops it, and no other table. Null: none.';
COMMENT ON COLUMN audit.maintenance_run.given_up IS
    'What it left undone, why, and who was in the way. Null: nothing.';
COMMENT ON CONSTRAINT maintenance_run_pkey ON audit.maintenance_run IS
    'One runs at a time.';
COMMENT ON CONSTRAINT maintenance_run_retention_is_positive ON audit.maintenance_run IS
    'The day that is being written is never dropped.';

GRANT SELECT ON audit.maintenance_run TO audit_reader;

ALTER TABLE audit.maintenance_run ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS maintenance_run_is_read_by_readers ON audit.maintenance_run;
CREATE POLICY maintenance_run_is_read_by_readers
    ON audit.maintenance_run
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY maintenance_run_is_read_by_readers ON audit.maintenance_run IS
    'Only the owner of the log writes down what was maintained, whatever else a role has been '
    'granted.';

-- The words for the entries that say what was dropped. Nothing captures this table, so it counts as
-- untracked; tracked_at is when the log was installed.
INSERT INTO audit.tracked_table AS t
    (table_schema, table_name, module, entity, key_columns, say, columns,
     ignored, excluded, redacted, on_truncate, untracked_at)
VALUES
    ('audit', 'entry', 'Audit log', 'Day', ARRAY['day'],
     '{"deleted": "Removed the entries of {day}, {entries} of them, '
     'by the retention of {retention_days} days"}',
     '{"day": {"label": "Day (UTC)"}, "entries": {"label": "Entries"}, '
     '"retention_days": {"label": "Days kept"}}',
     '{}', '{}', '{}', 'forbid', now())
ON CONFLICT (table_schema, table_name) DO UPDATE
SET module = excluded.module,
    entity = excluded.entity,
    say = excluded.say,
    columns = excluded.columns;

-- Only the writer adds entries, so the one that says what was dropped is added as the writer.
GRANT CREATE ON SCHEMA audit TO audit_writer;
SET ROLE audit_writer;

CREATE OR REPLACE FUNCTION audit._log_removal(
    p_source         text,
    p_day            date,
    p_entries        bigint,
    p_retention_days integer
)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    SET timezone = 'UTC'
AS $_log_removal$
    INSERT INTO audit.entry
        (source, operation, table_schema, table_name, module, entity, entity_id, entity_label,
         row_key, old_row)
    VALUES
        (p_source, 'DELETE', 'audit', 'entry', 'Audit log', 'Day',
         to_char(p_day, 'YYYY-MM-DD'), to_char(p_day, 'FMDD FMMonth YYYY'),
         jsonb_build_object('day', to_char(p_day, 'YYYY-MM-DD')),
         jsonb_build_object('day', to_char(p_day, 'YYYY-MM-DD'),
                            'entries', p_entries,
                            'retention_days', p_retention_days));
$_log_removal$;

COMMENT ON FUNCTION audit._log_removal(text, date, bigint, integer) IS
    'Add the entry that says how many entries of a day in UTC were dropped, by which retention.';

REVOKE ALL ON FUNCTION audit._log_removal(text, date, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._log_removal(text, date, bigint, integer) TO audit_owner;

SET ROLE audit_owner;
REVOKE CREATE ON SCHEMA audit FROM audit_writer;

CREATE OR REPLACE FUNCTION audit._log_removals(
    p_name           text,
    p_from           timestamptz,
    p_until          timestamptz,
    p_source         text,
    p_retention_days integer
)
    RETURNS bigint
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_log_removals$
DECLARE
    v_day     record;
    v_entries bigint := 0;
BEGIN
    FOR v_day IN EXECUTE format(
        'SELECT d::date AS day, count(e.id) AS entries '
        'FROM generate_series(date_trunc(''day'', $1), $2 - interval ''1 us'', ''1 day'') AS d '
        'LEFT JOIN audit.%I AS e '
        '     ON e.occurred_at >= d AND e.occurred_at < d + interval ''1 day'' '
        'GROUP BY d ORDER BY d', p_name) USING p_from, p_until
    LOOP
        PERFORM audit._log_removal(p_source, v_day.day, v_day.entries, p_retention_days);
        v_entries := v_entries + v_day.entries;
    END LOOP;
    RETURN v_entries;
END
$_log_removals$;

COMMENT ON FUNCTION audit._log_removals(text, timestamptz, timestamptz, text, integer) IS
    'Add an entry for each day of a partition that is about to be dropped, also for those without '
    'entries, and return how many entries it holds.';

REVOKE ALL ON FUNCTION audit._log_removals(text, timestamptz, timestamptz, text, integer)
    FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._drop_detached(
    p_run    timestamptz,
    p_name   text,
    p_from   timestamptz,
    p_until  timestamptz,
    p_source text,
    p_day    interval DEFAULT '1 day'
)
    RETURNS bigint
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_drop_detached$
DECLARE
    v_days    integer := (SELECT retention_days FROM audit.maintenance_run
                          WHERE started_at = p_run);
    v_cutoff  timestamptz := clock_timestamp() - v_days * p_day;
    v_is_kept boolean;
    v_entries bigint := 0;
BEGIN
    EXECUTE format('LOCK TABLE audit.%I IN ACCESS EXCLUSIVE MODE', p_name);
    -- Of the open-ended partition, any entry at all.
    EXECUTE format('SELECT EXISTS (SELECT FROM audit.%I AS e WHERE e.occurred_at >= $1)', p_name)
        INTO v_is_kept
        USING CASE WHEN p_until = 'infinity' THEN p_from ELSE v_cutoff END;
    IF v_is_kept OR v_days IS NULL OR (p_until > v_cutoff AND p_until <> 'infinity') THEN
        RAISE EXCEPTION 'audit.% is not dropped: it is not wholly past the retention', p_name
            USING ERRCODE = 'UA007',
                  DETAIL = format('It holds entries until %s.', p_until),
                  HINT = 'Leave the dropping to pgwitness maintain.';
    END IF;
    IF audit._holds_unsealed(p_name) THEN
        RAISE EXCEPTION 'audit.% is not dropped: it holds entries that are not sealed', p_name
            USING ERRCODE = 'UA012',
                  HINT = 'Run pgwitness maintain again: it puts it back, and seals them.';
    END IF;
    IF p_until <> 'infinity' THEN
        v_entries := audit._log_removals(p_name, p_from, p_until, p_source, v_days);
        UPDATE audit.maintenance_run
        SET dropped = dropped || jsonb_build_object(
            'name', p_name, 'from', p_from, 'until', p_until, 'entries', v_entries)
        WHERE started_at = p_run;
        PERFORM audit._seal_drop(p_from, p_until, v_entries, v_days, (
            SELECT (r.detaching ->> 'differing')::bigint
            FROM audit.maintenance_run AS r
            WHERE r.detaching ->> 'name' = p_name
            ORDER BY r.started_at DESC
            LIMIT 1));
    END IF;
    EXECUTE format('DROP TABLE audit.%I', p_name);
    UPDATE audit.maintenance_run SET detaching = NULL WHERE detaching ->> 'name' = p_name;
    RETURN v_entries;
END
$_drop_detached$;

COMMENT ON FUNCTION audit._drop_detached IS
    'Drop a partition that has been detached, and say so: in the log, in the chain of seals, and '
    'in the run of audit.maintenance_run that p_run names. All of it or nothing. Refuses with '
    'SQLSTATE UA007 what is not wholly past that run''s retention; of the open-ended one, what '
    'holds an entry; with UA012, what holds an entry that is not sealed.';

REVOKE ALL ON FUNCTION audit._drop_detached FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._bound_last(p_until timestamptz)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_bound_last$
DECLARE
    v_last record;
BEGIN
    SELECT p.name, p.starts_at INTO STRICT v_last
    FROM audit._partitions() AS p
    WHERE p.ends_at = 'infinity';
    -- Waits for autovacuum, and keeps nobody waiting behind it yet.
    EXECUTE format('LOCK TABLE audit.%I IN SHARE UPDATE EXCLUSIVE MODE', v_last.name);
    EXECUTE format('ALTER TABLE audit.%I DROP CONSTRAINT IF EXISTS entry_is_in_bounds',
                   v_last.name);
    IF p_until IS NOT NULL THEN
        EXECUTE format('ALTER TABLE audit.%I ADD CONSTRAINT entry_is_in_bounds CHECK '
                       '(occurred_at IS NOT NULL AND occurred_at >= %L AND occurred_at < %L) '
                       'NOT VALID', v_last.name, v_last.starts_at, p_until);
    END IF;
END
$_bound_last$;

COMMENT ON FUNCTION audit._bound_last(timestamptz) IS
    'Let the open-ended partition take no entries from a moment on, which has to be far ahead: '
    'they would fail. Null lifts that. It is what makes audit._split_last() quick, once validated.';

REVOKE ALL ON FUNCTION audit._bound_last(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._split_last(p_at timestamptz)
    RETURNS text
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_split_last$
DECLARE
    v_last record;
    v_next text := audit._make_partition(p_at, 'infinity');
    v_name text;
BEGIN
    SELECT p.name, p.starts_at INTO STRICT v_last
    FROM audit._partitions() AS p
    WHERE p.ends_at = 'infinity';
    v_name := audit._partition_name(v_last.starts_at, p_at);
    -- Waits for autovacuum, and keeps nobody waiting behind it yet.
    EXECUTE format('LOCK TABLE audit.%I IN SHARE UPDATE EXCLUSIVE MODE', v_last.name);

    -- From here on writers wait. No entry is read or moved: the constraint proves the bounds.
    -- Other days are not locked: somebody may be at work in one of them.
    LOCK TABLE ONLY audit.entry IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('ALTER TABLE audit.entry DETACH PARTITION audit.%I', v_last.name);
    EXECUTE format('ALTER TABLE audit.%I RENAME TO %I', v_last.name, v_name);
    PERFORM audit._attach_partition(v_name, v_last.starts_at, p_at),
            audit._attach_partition(v_next, p_at, 'infinity');
    EXECUTE format('ALTER TABLE audit.%I DROP CONSTRAINT entry_is_in_bounds', v_name);
    RETURN v_name;
END
$_split_last$;

COMMENT ON FUNCTION audit._split_last(timestamptz) IS
    'End the open-ended partition at a moment, put an empty one behind it, and return its new '
    'name. Writers wait for milliseconds, and as long as this waits for a lock: set lock_timeout. '
    'Needs what audit._bound_last() adds.';

REVOKE ALL ON FUNCTION audit._split_last(timestamptz) FROM PUBLIC;

-- What is written is sealed a moment later, outside of the writers' path: the entries of all
-- transactions that have ended are put into blocks, the digests of the blocks into a seal, and the
-- head of each seal into the next one. Whoever kept a head elsewhere can prove what was there then.

-- record_send() writes each value with its type and length, so that no two entries have the same
-- bytes. Of its session's settings only client_encoding matters, which has to be UTF8.
CREATE OR REPLACE VIEW audit.entry_record AS
SELECT e.tableoid AS partition_id,
       e.transaction_id,
       e.id,
       e.occurred_at,
       record_send(ROW(
           'pgwitness entry 1'::text, e.transaction_id, e.transaction_at, e.actor_bound,
           e.actor_signed, e.source, e.operation, e.table_schema, e.table_name, e.module, e.entity,
           e.part, e.entity_id, e.former_entity_id, e.entity_label, e.actor, e.actor_name, e.ip,
           e.db_user, e.db_role, e.client_addr, e.application_name, e.context, e.row_key, e.labels,
           e.old_row, e.new_row
       )) AS record
FROM audit.entry AS e;

COMMENT ON VIEW audit.entry_record IS
    'Each entry as the bytes that are sealed.';
COMMENT ON COLUMN audit.entry_record.partition_id IS 'The partition that holds it.';
COMMENT ON COLUMN audit.entry_record.transaction_id IS 'As entry.transaction_id.';
COMMENT ON COLUMN audit.entry_record.id IS 'As entry.id.';
COMMENT ON COLUMN audit.entry_record.occurred_at IS 'As entry.occurred_at.';
COMMENT ON COLUMN audit.entry_record.record IS
    'All columns but id and occurred_at, in the binary form that record_send() gives them.';

GRANT SELECT ON audit.entry_record TO audit_reader;

CREATE TABLE IF NOT EXISTS audit.seal (
    number    bigint      NOT NULL,
    kind      text        NOT NULL,
    sealed_at timestamptz NOT NULL,
    identity  text        NOT NULL,
    after_id  bigint      NOT NULL,
    below     xid8        NOT NULL,
    entries   bigint      NOT NULL,
    root      bytea       NOT NULL,
    detail    jsonb       NOT NULL,
    previous  bytea       NOT NULL,
    head      bytea       NOT NULL,
    CONSTRAINT seal_pkey
        PRIMARY KEY (number),
    CONSTRAINT seal_kind_is_known
        CHECK (kind IN ('entries', 'drop', 'restore'))
);

COMMENT ON TABLE audit.seal IS
    'The chain: each row is proof of all before it. Only ever added to, and never dropped.';
COMMENT ON COLUMN audit.seal.number IS 'From 1, without a gap.';
COMMENT ON COLUMN audit.seal.kind IS
    'entries: what was new. drop: a partition that left the log by the retention. restore: that '
    'this is another database than before was acknowledged.';
COMMENT ON COLUMN audit.seal.sealed_at IS 'When, by clock_timestamp().';
COMMENT ON COLUMN audit.seal.identity IS
    'Which database it was: system identifier, timeline and oid.';
COMMENT ON COLUMN audit.seal.after_id IS
    'Entries with a greater id are of this database, those before of a former one.';
COMMENT ON COLUMN audit.seal.below IS
    'All entries of lower transactions, with an id greater than after_id, are in this seal or in '
    'an earlier one.';
COMMENT ON COLUMN audit.seal.entries IS 'How many are in its blocks.';
COMMENT ON COLUMN audit.seal.root IS 'SHA-256 over its blocks.';
COMMENT ON COLUMN audit.seal.detail IS
    'Of a drop: {"from", "until", "entries", "retention_days", "differing"}, the latter being how '
    'many were not as they were sealed. Of a restore: {"reason", "lost": [{"number", "head"}]}.';
COMMENT ON COLUMN audit.seal.previous IS 'The head before; of the first seal, no bytes.';
COMMENT ON COLUMN audit.seal.head IS 'SHA-256 over all other columns.';
COMMENT ON CONSTRAINT seal_pkey ON audit.seal IS 'One chain.';
COMMENT ON CONSTRAINT seal_kind_is_known ON audit.seal IS 'The three kinds.';

-- Where a seal ends, so that the one of an entry is found however long the chain is.
CREATE INDEX IF NOT EXISTS seal_by_transaction
    ON audit.seal (after_id, below) WHERE kind = 'entries';
COMMENT ON INDEX audit.seal_by_transaction IS
    'Finds the seal of an entry by its transaction.';

CREATE INDEX IF NOT EXISTS seal_of_restore
    ON audit.seal (number, after_id) WHERE kind = 'restore';
COMMENT ON INDEX audit.seal_of_restore IS
    'Finds from which seal on the numbers of transactions are of another database. Nearly empty.';

CREATE INDEX IF NOT EXISTS seal_of_drop
    ON audit.seal (number) WHERE kind = 'drop';
COMMENT ON INDEX audit.seal_of_drop IS
    'Finds which days were dropped. Nearly empty.';

CREATE TABLE IF NOT EXISTS audit.seal_block (
    seal           bigint      NOT NULL,
    number         integer     NOT NULL,
    partition_from timestamptz NOT NULL,
    entries        integer     NOT NULL,
    first_id       bigint      NOT NULL,
    last_id        bigint      NOT NULL,
    root           bytea       NOT NULL,
    CONSTRAINT seal_block_pkey
        PRIMARY KEY (seal, number)
);

COMMENT ON TABLE audit.seal_block IS
    'Up to 1,024 entries of one partition that one seal covers. Stays when the partition is gone.';
COMMENT ON COLUMN audit.seal_block.seal IS 'The number of its seal.';
COMMENT ON COLUMN audit.seal_block.number IS 'From 1 within the seal.';
COMMENT ON COLUMN audit.seal_block.partition_from IS 'The lower bound of the partition.';
COMMENT ON COLUMN audit.seal_block.entries IS 'How many.';
COMMENT ON COLUMN audit.seal_block.first_id IS 'The least id.';
COMMENT ON COLUMN audit.seal_block.last_id IS 'The greatest id.';
COMMENT ON COLUMN audit.seal_block.root IS 'SHA-256 over the list of its entries.';
COMMENT ON CONSTRAINT seal_block_pkey ON audit.seal_block IS 'Their order in the seal.';

CREATE INDEX IF NOT EXISTS seal_block_by_partition
    ON audit.seal_block (partition_from);
COMMENT ON INDEX audit.seal_block_by_partition IS
    'Finds what was sealed of a day, however long the chain is.';

CREATE TABLE IF NOT EXISTS audit.seal_list (
    seal    bigint        NOT NULL,
    block   integer       NOT NULL,
    ids     bigint[]      NOT NULL,
    times   timestamptz[] NOT NULL,
    digests bytea[]       NOT NULL,
    CONSTRAINT seal_list_pkey
        PRIMARY KEY (seal, block)
);

-- Digests don't compress, and are read whole.
ALTER TABLE audit.seal_list ALTER COLUMN digests SET STORAGE EXTERNAL;

COMMENT ON TABLE audit.seal_list IS
    'Which entries a block holds. Without it a block would be known to be broken, and not where. '
    'Deleted with the partition; the block''s root proves it.';
COMMENT ON COLUMN audit.seal_list.seal IS 'The number of the seal.';
COMMENT ON COLUMN audit.seal_list.block IS 'The number of the block in it.';
COMMENT ON COLUMN audit.seal_list.ids IS 'Their ids in order.';
COMMENT ON COLUMN audit.seal_list.times IS 'For each id, occurred_at.';
COMMENT ON COLUMN audit.seal_list.digests IS 'For each id, SHA-256 over entry_record.record.';
COMMENT ON CONSTRAINT seal_list_pkey ON audit.seal_list IS 'One list for a block.';

CREATE TABLE IF NOT EXISTS audit.verification (
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    up_to       bigint      NOT NULL,
    head        bytea       NOT NULL,
    entries     bigint      NOT NULL,
    anchors     integer,
    findings    jsonb       NOT NULL,
    CONSTRAINT verification_pkey
        PRIMARY KEY (verified_at)
);

COMMENT ON TABLE audit.verification IS
    'What pgwitness verify found, each time that who ran it could act as the owner of the log. '
    'What it says is as true as the database that holds it: trust your own run.';
COMMENT ON COLUMN audit.verification.verified_at IS 'When it ended.';
COMMENT ON COLUMN audit.verification.up_to IS 'The last seal then; 0 where there was none.';
COMMENT ON COLUMN audit.verification.head IS 'Its head.';
COMMENT ON COLUMN audit.verification.entries IS 'How many sealed entries were compared.';
COMMENT ON COLUMN audit.verification.anchors IS
    'How many anchors from outside the database were compared. Null: none were given.';
COMMENT ON COLUMN audit.verification.findings IS
    'Up to 1,000 findings: [{"state", "object", "what", "seal", "id"}]. Empty: all holds.';
COMMENT ON CONSTRAINT verification_pkey ON audit.verification IS 'One at a time.';

-- Only the owner of the log seals. Nobody changes a seal, not even by mistake; lists go with the
-- partition whose entries they name.
GRANT SELECT ON audit.seal TO audit_reader;
GRANT SELECT ON audit.seal_block TO audit_reader;
GRANT SELECT ON audit.seal_list TO audit_reader;
GRANT SELECT ON audit.verification TO audit_reader;

ALTER TABLE audit.seal ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.seal_block ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.seal_list ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.verification ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seal_is_read_by_readers ON audit.seal;
CREATE POLICY seal_is_read_by_readers
    ON audit.seal
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY seal_is_read_by_readers ON audit.seal IS
    'Only the owner of the log writes it, whatever else a role has been granted.';

DROP POLICY IF EXISTS seal_block_is_read_by_readers ON audit.seal_block;
CREATE POLICY seal_block_is_read_by_readers
    ON audit.seal_block
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY seal_block_is_read_by_readers ON audit.seal_block IS
    'Only the owner of the log writes it, whatever else a role has been granted.';

DROP POLICY IF EXISTS seal_list_is_read_by_readers ON audit.seal_list;
CREATE POLICY seal_list_is_read_by_readers
    ON audit.seal_list
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY seal_list_is_read_by_readers ON audit.seal_list IS
    'Only the owner of the log writes it, whatever else a role has been granted.';

DROP POLICY IF EXISTS verification_is_read_by_readers ON audit.verification;
CREATE POLICY verification_is_read_by_readers
    ON audit.verification
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY verification_is_read_by_readers ON audit.verification IS
    'Only the owner of the log writes it, whatever else a role has been granted.';

CREATE OR REPLACE TRIGGER seal_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER seal_is_append_only ON audit.seal IS
    'No row of it is changed or removed, not even by the owner.';

CREATE OR REPLACE TRIGGER seal_block_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal_block
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER seal_block_is_append_only ON audit.seal_block IS
    'No row of it is changed or removed, not even by the owner.';

CREATE OR REPLACE TRIGGER verification_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.verification
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER verification_is_append_only ON audit.verification IS
    'No row of it is changed or removed, not even by the owner.';

-- Sealing: pgwitness maintain and pgwitness seal call what is here, as the owner of the log.

CREATE OR REPLACE FUNCTION audit._identity()
    RETURNS text
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_identity$
    SELECT concat_ws('/', s.system_identifier, CASE
               WHEN pg_is_in_recovery() THEN c.timeline_id
               -- Of a promotion, the control file knows only after the next checkpoint.
               ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
               END, d.oid)
    FROM pg_control_system() AS s, pg_control_checkpoint() AS c, pg_database AS d
    WHERE d.datname = current_database();
$_identity$;

COMMENT ON FUNCTION audit._identity() IS
    'Which database this is, as system identifier, timeline and oid: another one after a dump was '
    'restored, a standby was promoted, or pg_upgrade was run.';

REVOKE ALL ON FUNCTION audit._identity() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._identity() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._is_set_back(p_after_id bigint)
    RETURNS boolean
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_is_set_back$
    SELECT s.last_value < p_after_id OR s.last_value = p_after_id AND NOT s.is_called
    FROM audit.entry_id_seq AS s;
$_is_set_back$;

COMMENT ON FUNCTION audit._is_set_back(bigint) IS
    'Whether the next entry has an id that is not greater than seal.after_id, so that no seal '
    'would take it: somebody set back the sequence, or it began anew.';

REVOKE ALL ON FUNCTION audit._is_set_back(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._is_set_back(bigint) TO audit_reader;

-- Of many lists at a time: for a short one, a call takes three times as long as what it computes.
CREATE OR REPLACE FUNCTION audit._blocks_of_lists(p_lists audit.seal_list[])
    RETURNS TABLE (
        seal     bigint,
        number   integer,
        entries  integer,
        first_id bigint,
        last_id  bigint,
        root     bytea
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_blocks_of_lists$
    SELECT l.seal, l.block,
           -- Neither empty nor nested, longer, or counted from another number than 1.
           CASE WHEN format('[1:%s]', cardinality(l.ids)) = ALL (ARRAY[
                         array_dims(l.ids), array_dims(l.times), array_dims(l.digests)])
                THEN cardinality(l.ids) END,
           l.ids[1], l.ids[cardinality(l.ids)], r.root
    FROM unnest(p_lists) AS l,
         LATERAL (
            -- Null where an item is not whole: it would count as none, or its bytes as another's.
            SELECT CASE
                WHEN bool_and(octet_length(i.digest) IS NOT DISTINCT FROM 32
                              AND i.id IS NOT NULL AND i.occurred_at IS NOT NULL)
                THEN sha256('pgwitness block 1' || string_agg(
                    int8send(i.id) || timestamptz_send(i.occurred_at) || i.digest,
                    '' ORDER BY i.nth))
                END
            FROM unnest(l.ids, l.times, l.digests) WITH ORDINALITY
                     AS i (id, occurred_at, digest, nth)
         ) AS r (root);
$_blocks_of_lists$;

COMMENT ON FUNCTION audit._blocks_of_lists(audit.seal_list[]) IS
    'What blocks are, by their lists. entries is null where a list is none of so many items, root '
    'where an item is not whole.';

REVOKE ALL ON FUNCTION audit._blocks_of_lists(audit.seal_list[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._blocks_of_lists(audit.seal_list[]) TO audit_reader;

CREATE OR REPLACE FUNCTION audit._root_of_list(
    p_ids     bigint[],
    p_times   timestamptz[],
    p_digests bytea[]
)
    RETURNS bytea
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_root_of_list$
    SELECT b.root
    FROM audit._blocks_of_lists(
             ARRAY[ROW(0, 0, p_ids, p_times, p_digests)::audit.seal_list]) AS b;
$_root_of_list$;

COMMENT ON FUNCTION audit._root_of_list(bigint[], timestamptz[], bytea[]) IS
    'What seal_block.root is, by the list of a block.';

REVOKE ALL ON FUNCTION audit._root_of_list(bigint[], timestamptz[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._root_of_list(bigint[], timestamptz[], bytea[]) TO audit_reader;

CREATE OR REPLACE FUNCTION audit._partition_start(p_partition oid)
    RETURNS timestamptz
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
AS $_partition_start$
    SELECT coalesce(substring(pg_get_expr(c.relpartbound, c.oid) FROM $$FROM \('([^']+)'\)$$),
                    '-infinity')::timestamptz
    FROM pg_class AS c
    WHERE c.oid = p_partition;
$_partition_start$;

COMMENT ON FUNCTION audit._partition_start(oid) IS
    'The lower bound of a partition of audit.entry, as audit._partitions() has it for all of them.';

REVOKE ALL ON FUNCTION audit._partition_start(oid) FROM PUBLIC;

-- Planned once in a session: over all partitions that takes as long as sealing a thousand entries.
-- That plan must hold for millions of lists, though it is made where there are none.
CREATE OR REPLACE FUNCTION audit._add_blocks(
    p_seal     bigint,
    p_after_id bigint,
    p_up_to_id bigint,
    p_from     xid8,
    p_below    xid8,
    p_listed   boolean DEFAULT true
)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_nestloop = off
    SET jit = off
    SET work_mem = '64MB'
AS $_add_blocks$
BEGIN
    WITH numbered AS (
        SELECT r.*,
               (row_number() OVER (PARTITION BY r.partition_id ORDER BY r.id, r.occurred_at) - 1)
               / 1024 AS nth
        FROM (
            SELECT e.partition_id, e.id, e.occurred_at, sha256(e.record) AS digest
            FROM audit.entry_record AS e
            WHERE e.transaction_id >= p_from AND e.transaction_id < p_below
              AND e.id > p_after_id AND e.id <= p_up_to_id
            -- Digests are joined and sorted, not entries.
            OFFSET 0
        ) AS r
             LEFT JOIN (
                SELECT u.id, u.occurred_at
                FROM audit.seal_list AS l, unnest(l.ids, l.times) AS u (id, occurred_at)
                WHERE NOT p_listed
             ) AS l USING (id, occurred_at)
        WHERE l.id IS NULL
    ), listed AS (
        SELECT n.partition_id, n.nth,
               -- An id may be there twice, where ids were set back.
               array_agg(n.id ORDER BY n.id, n.occurred_at) AS ids,
               array_agg(n.occurred_at ORDER BY n.id, n.occurred_at) AS times,
               array_agg(n.digest ORDER BY n.id, n.occurred_at) AS digests
        FROM numbered AS n
        GROUP BY n.partition_id, n.nth
    ), blocks AS (
        SELECT (row_number() OVER (ORDER BY p.starts_at, l.nth))::integer AS number,
               p.starts_at, l.ids, l.times, l.digests
        FROM listed AS l, LATERAL audit._partition_start(l.partition_id) AS p (starts_at)
    ), lists AS (
        INSERT INTO audit.seal_list (seal, block, ids, times, digests)
        SELECT p_seal, b.number, b.ids, b.times, b.digests
        FROM blocks AS b
    )
    INSERT INTO audit.seal_block (seal, number, partition_from, entries, first_id, last_id, root)
    SELECT p_seal, b.number, b.starts_at, cardinality(b.ids), b.ids[1],
           b.ids[cardinality(b.ids)], audit._root_of_list(b.ids, b.times, b.digests)
    FROM blocks AS b;
END
$_add_blocks$;

COMMENT ON FUNCTION audit._add_blocks(bigint, bigint, bigint, xid8, xid8, boolean) IS
    'Put the entries of a range of transactions, and of ids after one up to another, into blocks '
    'of a seal; unless p_listed, only those that no block has yet.';

REVOKE ALL ON FUNCTION audit._add_blocks(bigint, bigint, bigint, xid8, xid8, boolean)
    FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._begin_seal(p_is_restore boolean DEFAULT false)
    RETURNS audit.seal
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_begin_seal$
DECLARE
    v_last audit.seal;
BEGIN
    IF current_setting('client_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'entries are sealed and verified in UTF8 only'
            USING ERRCODE = 'UA010',
                  DETAIL = format('client_encoding is %s.', current_setting('client_encoding')),
                  HINT = 'Run: SET client_encoding = ''UTF8''.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'entries are sealed under READ COMMITTED only'
            USING ERRCODE = 'UA010',
                  DETAIL = 'A snapshot from before the lock does not see what others sealed.',
                  HINT = 'Run: SET default_transaction_isolation = ''read committed''.';
    END IF;
    -- One seals at a time, and no partition leaves the log meanwhile. Writers are not in the way.
    LOCK TABLE audit.seal IN EXCLUSIVE MODE;
    LOCK TABLE ONLY audit.entry IN ACCESS SHARE MODE;
    SELECT s.* INTO v_last FROM audit.seal AS s ORDER BY s.number DESC LIMIT 1;
    IF v_last.number IS NULL THEN
        v_last.number := 0;
        v_last.identity := audit._identity();
        v_last.after_id := -9223372036854775808;
        v_last.below := '0';
        v_last.head := '';
    ELSIF v_last.identity <> audit._identity() AND NOT p_is_restore THEN
        RAISE EXCEPTION 'nothing is sealed: this is another database than the one sealed before'
            USING ERRCODE = 'UA011',
                  DETAIL = format('It was %s, and is %s: system identifier, timeline and oid.',
                                  v_last.identity, audit._identity()),
                  HINT = 'Where that is meant, run: pgwitness seal --acknowledge "why".';
    ELSIF NOT p_is_restore AND audit._is_set_back(v_last.after_id) THEN
        RAISE EXCEPTION 'nothing is sealed: the ids of entries were set back'
            USING ERRCODE = 'UA011',
                  DETAIL = format('Those up to %s are of a former database.', v_last.after_id),
                  HINT = 'Find out why, and run: pgwitness seal --acknowledge "why".';
    END IF;
    RETURN v_last;
END
$_begin_seal$;

COMMENT ON FUNCTION audit._begin_seal(boolean) IS
    'Keep others from sealing until the end of the transaction, and return the last seal; number 0 '
    'where there is none. Refuses with SQLSTATE UA010 where client_encoding is not UTF8, or the '
    'isolation level is not READ COMMITTED; with UA011, unless p_is_restore, in another database '
    'than the one sealed before, and where ids were set back to those of a former one.';

REVOKE ALL ON FUNCTION audit._begin_seal(boolean) FROM PUBLIC;

-- In PL/pgSQL, which plans an expression once: called for each seal of a chain, SQL takes four
-- times as long.
CREATE OR REPLACE FUNCTION audit._head_of_seal(p_seal audit.seal)
    RETURNS bytea
    LANGUAGE plpgsql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_head_of_seal$
BEGIN
    RETURN sha256(record_send(ROW(
        'pgwitness seal 1'::text, p_seal.number, p_seal.kind, p_seal.sealed_at, p_seal.identity,
        p_seal.after_id, p_seal.below, p_seal.entries, p_seal.root, p_seal.detail,
        p_seal.previous)));
END
$_head_of_seal$;

COMMENT ON FUNCTION audit._head_of_seal(audit.seal) IS
    'What seal.head is, by the other columns.';

REVOKE ALL ON FUNCTION audit._head_of_seal(audit.seal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._head_of_seal(audit.seal) TO audit_reader;

CREATE OR REPLACE FUNCTION audit._sums_of_seals(p_seals bigint[])
    RETURNS TABLE (seal bigint, entries bigint, root bytea)
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_sums_of_seals$
    -- Seal by seal along the key, also where nobody has counted yet how many blocks there are.
    SELECT u.seal, b.entries, b.root
    FROM unnest(p_seals) AS u (seal),
         LATERAL (
            SELECT coalesce(sum(b.entries), 0) AS entries,
                   sha256('pgwitness blocks 1' || coalesce(string_agg(record_send(ROW(
                       b.number, b.partition_from, b.entries, b.first_id, b.last_id, b.root)),
                       '' ORDER BY b.number), '')) AS root
            FROM audit.seal_block AS b
            WHERE b.seal = u.seal
         ) AS b;
$_sums_of_seals$;

COMMENT ON FUNCTION audit._sums_of_seals(bigint[]) IS
    'What seal.entries and seal.root are, by the blocks of seals. Of all of them in one call: a '
    'chain has half a million in a year.';

REVOKE ALL ON FUNCTION audit._sums_of_seals(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._sums_of_seals(bigint[]) TO audit_reader;

CREATE OR REPLACE FUNCTION audit._end_seal(
    p_last     audit.seal,
    p_kind     text,
    p_after_id bigint,
    p_below    xid8,
    p_detail   jsonb
)
    RETURNS audit.seal
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_end_seal$
DECLARE
    v_seal audit.seal;
BEGIN
    v_seal.number := p_last.number + 1;
    v_seal.kind := p_kind;
    v_seal.sealed_at := clock_timestamp();
    v_seal.identity := audit._identity();
    v_seal.after_id := p_after_id;
    v_seal.below := p_below;
    SELECT s.entries, s.root INTO STRICT v_seal.entries, v_seal.root
    FROM audit._sums_of_seals(ARRAY[v_seal.number]) AS s;
    v_seal.detail := p_detail;
    v_seal.previous := p_last.head;
    v_seal.head := audit._head_of_seal(v_seal);
    INSERT INTO audit.seal
        (number, kind, sealed_at, identity, after_id, below, entries, root, detail, previous, head)
    VALUES
        (v_seal.number, v_seal.kind, v_seal.sealed_at, v_seal.identity, v_seal.after_id,
         v_seal.below, v_seal.entries, v_seal.root, v_seal.detail, v_seal.previous, v_seal.head);
    RETURN v_seal;
END
$_end_seal$;

COMMENT ON FUNCTION audit._end_seal(audit.seal, text, bigint, xid8, jsonb) IS
    'Close the seal after p_last over the blocks that it has, add it to the chain, and return it.';

REVOKE ALL ON FUNCTION audit._end_seal(audit.seal, text, bigint, xid8, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._horizon(p_last audit.seal, p_most integer)
    RETURNS xid8
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_horizon$
DECLARE
    -- Every transaction below has ended, in whatever database of the cluster.
    v_ended    xid8 := pg_snapshot_xmin(pg_current_snapshot());
    v_assigned bigint := (SELECT s.last_value FROM audit.entry_id_seq AS s);
    v_sealed   bigint := (SELECT b.last_id FROM audit.seal_block AS b
                          ORDER BY b.seal DESC, b.number DESC LIMIT 1);
BEGIN
    -- Where ids were set back, the difference says nothing.
    IF v_assigned - coalesce(v_sealed, 0) BETWEEN 0 AND p_most THEN
        RETURN v_ended;
    END IF;
    -- Up to where so many entries come first, whole transactions only.
    RETURN least(v_ended, (
        SELECT e.transaction_id
        FROM audit.entry AS e
        WHERE e.id > p_last.after_id
          AND e.transaction_id > (
              SELECT f.transaction_id
              FROM audit.entry AS f
              WHERE f.transaction_id >= p_last.below AND f.id > p_last.after_id
              ORDER BY f.transaction_id
              OFFSET p_most - 1
              LIMIT 1)
        ORDER BY e.transaction_id
        LIMIT 1));
END
$_horizon$;

COMMENT ON FUNCTION audit._horizon(audit.seal, integer) IS
    'Below which transaction the next seal may end, so that it has some p_most entries.';

REVOKE ALL ON FUNCTION audit._horizon(audit.seal, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.seal_entries(p_most integer DEFAULT 250000)
    RETURNS audit.seal
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $seal_entries$
DECLARE
    v_last  audit.seal := audit._begin_seal();
    v_below xid8 := audit._horizon(v_last, p_most);
BEGIN
    PERFORM audit._add_blocks(v_last.number + 1, v_last.after_id, 9223372036854775807,
                              v_last.below, v_below);
    IF NOT EXISTS (SELECT FROM audit.seal_block AS b WHERE b.seal = v_last.number + 1) THEN
        RETURN NULL;
    END IF;
    RETURN audit._end_seal(v_last, 'entries', v_last.after_id, v_below, '{}');
END
$seal_entries$;

COMMENT ON FUNCTION audit.seal_entries(integer) IS
    'Seal what is new, of transactions that have ended, and return the seal: null where nothing '
    'is. About so many entries; call it again until it returns null. Refuses with SQLSTATE UA011 '
    'in another database than the one sealed before, and where ids were set back to those of a '
    'former one.';

REVOKE ALL ON FUNCTION audit.seal_entries(integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._last_id_of_former()
    RETURNS bigint
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_last_id_of_former$
DECLARE
    -- A copy that had the entries and not the sequence has greater ids than it knows. That many are
    -- never given out: beyond, somebody made them up.
    v_id bigint := (SELECT max(e.id) FROM audit.entry AS e WHERE e.id < 4611686018427387904);
BEGIN
    BEGIN
        LOCK TABLE ONLY audit.entry IN SHARE MODE;
        SELECT greatest(s.last_value, v_id) INTO v_id FROM audit.entry_id_seq AS s;
        PERFORM setval('audit.entry_id_seq', v_id);
        -- Rolled back, so that writers wait no longer: a sequence keeps its value, and so do we.
        RAISE no_data_found;
    EXCEPTION
        WHEN no_data_found THEN
            RETURN v_id;
    END;
END
$_last_id_of_former$;

COMMENT ON FUNCTION audit._last_id_of_former() IS
    'Return the last id of all entries that are there: those of writers that have ended, and all '
    'later ones have greater ids. Writers wait as long as this waits for those before them: set '
    'lock_timeout.';

REVOKE ALL ON FUNCTION audit._last_id_of_former() FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.acknowledge_restore(
    p_reason text,
    p_lost   jsonb DEFAULT '[]'
)
    RETURNS audit.seal
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $acknowledge_restore$
DECLARE
    v_last audit.seal := audit._begin_seal(p_is_restore => true);
    v_id   bigint := audit._last_id_of_former();
BEGIN
    -- Whatever the numbers of their transactions, which may be of another cluster.
    PERFORM audit._add_blocks(v_last.number + 1, -9223372036854775808, v_id,
                              '0', '18446744073709551615', p_listed => false);
    RETURN audit._end_seal(v_last, 'restore', v_id, '0',
                           jsonb_build_object('reason', p_reason, 'lost', p_lost));
END
$acknowledge_restore$;

COMMENT ON FUNCTION audit.acknowledge_restore(text, jsonb) IS
    'Say that this is another database than the one sealed before, and why: a dump that was '
    'restored, a standby that was promoted; or that ids were set back. Seals all that no seal '
    'holds, of whatever database, and returns that seal. p_lost: seals that others know of and '
    'that are not here any more, as [{"number": 7, "head": "hex"}].';

REVOKE ALL ON FUNCTION audit.acknowledge_restore(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._holds_unsealed(p_name text)
    RETURNS boolean
    LANGUAGE plpgsql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_holds_unsealed$
DECLARE
    v_last  audit.seal;
    v_holds boolean;
BEGIN
    -- In another database than the one that sealed, any entry may be a later one.
    SELECT s.* INTO v_last
    FROM (SELECT l.* FROM audit.seal AS l ORDER BY l.number DESC LIMIT 1) AS s
    WHERE s.identity = audit._identity();
    EXECUTE format('SELECT EXISTS (SELECT FROM audit.%I AS e '
                   'WHERE e.transaction_id >= $1 AND e.id > $2)', p_name)
        INTO v_holds
        USING coalesce(v_last.below, '0'), coalesce(v_last.after_id, -9223372036854775808);
    RETURN v_holds;
END
$_holds_unsealed$;

COMMENT ON FUNCTION audit._holds_unsealed(text) IS
    'Whether a partition, attached or not, holds entries that are not sealed yet.';

REVOKE ALL ON FUNCTION audit._holds_unsealed(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._seal_drop(
    p_from           timestamptz,
    p_until          timestamptz,
    p_entries        bigint,
    p_retention_days integer,
    p_differing      bigint
)
    RETURNS audit.seal
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_seal_drop$
DECLARE
    v_last audit.seal := audit._begin_seal();
BEGIN
    DELETE FROM audit.seal_list AS l
    USING audit.seal_block AS b
    WHERE (b.seal, b.number) = (l.seal, l.block) AND b.partition_from = p_from;

    RETURN audit._end_seal(v_last, 'drop', v_last.after_id, v_last.below, jsonb_build_object(
        'from', p_from, 'until', p_until, 'entries', p_entries,
        'retention_days', p_retention_days, 'differing', p_differing));
END
$_seal_drop$;

COMMENT ON FUNCTION audit._seal_drop IS
    'Add to the chain that a partition leaves the log by the retention, with so many entries, of '
    'which so many are not as they were sealed (null: not known), and return that seal.';

REVOKE ALL ON FUNCTION audit._seal_drop(timestamptz, timestamptz, bigint, integer, bigint)
    FROM PUBLIC;

-- To verify is to compute all of it again. Each function says what does not hold, as rows; what
-- that means is for pgwitness verify to say.

CREATE OR REPLACE FUNCTION audit._differing_entries(p_from timestamptz, p_until timestamptz)
    RETURNS TABLE (
        seal               bigint,
        block              integer,
        sealed_id          bigint,
        sealed_occurred_at timestamptz,
        sealed_digest      bytea,
        id                 bigint,
        occurred_at        timestamptz,
        digest             bytea,
        transaction_id     xid8
    )
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    -- One partition may hold nothing, and another one millions.
    SET plan_cache_mode = force_custom_plan
    SET jit = off
AS $_differing_entries$
#variable_conflict use_column
BEGIN
    -- Were the partition detached meanwhile, it would seem to be empty.
    LOCK TABLE audit.entry IN ACCESS SHARE MODE;
    RETURN QUERY
    SELECT s.seal, s.block, s.id, s.occurred_at, s.digest,
           e.id, e.occurred_at, e.digest, e.transaction_id
    FROM (
            SELECT b.seal, b.number AS block, u.id, u.occurred_at, u.digest
            FROM audit.seal_block AS b,
                 LATERAL (
                    SELECT i.id, i.occurred_at, i.digest
                    FROM audit.seal_list AS l,
                         unnest(l.ids, l.times, l.digests) AS i (id, occurred_at, digest)
                    WHERE (l.seal, l.block) = (b.seal, b.number)
                    -- List by list, by its key: joined, the lists of all days would be read.
                    OFFSET 0
                 ) AS u
            WHERE b.partition_from = p_from
         ) AS s
         FULL JOIN (
            SELECT r.id, r.occurred_at, r.transaction_id, sha256(r.record) AS digest
            FROM audit.entry_record AS r
            WHERE r.occurred_at >= p_from
              AND (r.occurred_at < p_until OR p_until = 'infinity')
            OFFSET 0
         ) AS e ON (e.id, e.occurred_at, e.digest) = (s.id, s.occurred_at, s.digest)
    WHERE e.id IS NULL
       OR s.seal IS NULL AND EXISTS (
          -- Sealed by now, if it was there.
          SELECT
          FROM (SELECT n.after_id, n.below FROM audit.seal AS n ORDER BY n.number DESC LIMIT 1) AS n
          WHERE e.transaction_id < n.below OR e.id <= n.after_id);
END
$_differing_entries$;

COMMENT ON FUNCTION audit._differing_entries(timestamptz, timestamptz) IS
    'Of a partition with these bounds: each sealed entry that is not there as it was sealed (null '
    'on the right), and each entry that no seal has, though its transaction was sealed (null on '
    'the left). One that was changed is both. Takes the lists as they are.';

REVOKE ALL ON FUNCTION audit._differing_entries(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._differing_entries(timestamptz, timestamptz) TO audit_reader;

CREATE OR REPLACE FUNCTION audit._broken_seals()
    RETURNS TABLE (number bigint, what text)
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_broken_seals$
    WITH linked AS (
        SELECT c.*,
               lag(c.number) OVER w AS number_before,
               lag(c.head) OVER w AS head_before,
               lag(c.true_head) OVER w AS true_head_before,
               lag(c.identity) OVER w AS identity_before,
               lag(c.after_id) OVER w AS after_id_before,
               lag(c.below) OVER w AS below_before
        FROM (
            SELECT s.*, audit._head_of_seal(s) AS true_head
            FROM audit.seal AS s
            -- Computed once.
            OFFSET 0
        ) AS c
        WINDOW w AS (ORDER BY c.number)
    ), compared AS (
        SELECT l.number,
               l.head <> l.true_head AS head,
               l.root <> b.root AS root,
               l.number <> coalesce(l.number_before, 0) + 1 AS gap,
               l.previous NOT IN (coalesce(l.head_before, ''), coalesce(l.true_head_before, ''))
                   AS previous,
               l.entries <> b.entries AS entries,
               l.kind <> 'restore' AND (l.identity, l.after_id)
                   <> (l.identity_before, l.after_id_before) AS identity,
               l.kind <> 'restore' AND l.below < l.below_before AS below
        FROM linked AS l
             JOIN audit._sums_of_seals(ARRAY(SELECT s.number FROM audit.seal AS s)) AS b
                  ON b.seal = l.number
    )
    SELECT c.number, w.what
    FROM compared AS c,
         LATERAL (VALUES
            ('head', c.head), ('root', c.root), ('gap', c.gap), ('previous', c.previous),
            ('entries', c.entries), ('identity', c.identity), ('below', c.below)
         ) AS w (what, is_so)
    WHERE (c.head OR c.root OR c.gap OR c.previous OR c.entries OR c.identity OR c.below)
      AND w.is_so
    UNION ALL
    SELECT DISTINCT b.seal, 'missing'
    FROM audit.seal_block AS b
    WHERE NOT EXISTS (SELECT FROM audit.seal AS s WHERE s.number = b.seal)
    ORDER BY 1, 2;
$_broken_seals$;

COMMENT ON FUNCTION audit._broken_seals() IS
    'Seals that don''t follow from their own columns (head), their blocks (root, entries) or the '
    'seal before (gap, previous, identity, below), and which of these it is; and those that are '
    'not there, though they have blocks (missing).';

REVOKE ALL ON FUNCTION audit._broken_seals() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._broken_seals() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._broken_lists()
    RETURNS TABLE (seal bigint, block integer, what text)
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_broken_lists$
    WITH listed AS (
        SELECT b.*
        FROM (
            SELECT array_agg(ROW(n.seal, n.block, n.ids, n.times, n.digests)::audit.seal_list
                             ORDER BY n.nth) AS lists
            FROM (SELECT l.*, row_number() OVER (ORDER BY l.seal, l.block) AS nth
                  FROM audit.seal_list AS l) AS n
            -- Enough for a call, and two megabytes at most.
            GROUP BY n.nth / 32
        ) AS g,
             LATERAL audit._blocks_of_lists(g.lists) AS b
    ), dropped AS (
        SELECT DISTINCT s.detail -> 'from' AS "from"
        FROM audit.seal AS s
        WHERE s.kind = 'drop'
    ), compared AS (
        SELECT coalesce(b.seal, l.seal) AS seal, coalesce(b.number, l.number) AS block,
               CASE
                   WHEN b.seal IS NULL THEN 'orphan'
                   WHEN l.seal IS NULL THEN CASE WHEN d."from" IS NULL THEN 'missing' END
                   WHEN l.root IS DISTINCT FROM b.root THEN 'root'
                   WHEN (l.entries, l.first_id, l.last_id)
                        IS DISTINCT FROM (b.entries, b.first_id, b.last_id) THEN 'header'
               END AS what
        FROM audit.seal_block AS b
             FULL JOIN listed AS l ON (l.seal, l.number) = (b.seal, b.number)
             LEFT JOIN dropped AS d
                  ON l.seal IS NULL AND d."from" = to_jsonb(b.partition_from)
    )
    SELECT c.seal, c.block, c.what
    FROM compared AS c
    WHERE c.what IS NOT NULL
    ORDER BY 1, 2;
$_broken_lists$;

COMMENT ON FUNCTION audit._broken_lists() IS
    'Blocks whose list is missing though their partition was not dropped, lists without a block '
    '(orphan), and those that don''t belong together by digest (root) or number (header).';

REVOKE ALL ON FUNCTION audit._broken_lists() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._broken_lists() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._count_differing(p_from timestamptz, p_until timestamptz)
    RETURNS bigint
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_count_differing$
    SELECT greatest(
        (SELECT count(DISTINCT coalesce(d.sealed_id, d.id))
         FROM audit._differing_entries(p_from, p_until) AS d),
        -- Of a block whose list is not as it was, any.
        (SELECT coalesce(sum(b.entries), 0)
         FROM audit.seal_block AS b
              LEFT JOIN audit.seal_list AS l ON (l.seal, l.block) = (b.seal, b.number)
         WHERE b.partition_from = p_from
           AND b.root IS DISTINCT FROM audit._root_of_list(l.ids, l.times, l.digests)));
$_count_differing$;

COMMENT ON FUNCTION audit._count_differing(timestamptz, timestamptz) IS
    'How many entries of a partition with these bounds are, or may be, not as they were sealed.';

REVOKE ALL ON FUNCTION audit._count_differing(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._root_of_entries(p_seal bigint, p_block integer)
    RETURNS bytea
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_root_of_entries$
    SELECT audit._root_of_list(array_agg(r.id ORDER BY r.id, r.occurred_at),
                               array_agg(r.occurred_at ORDER BY r.id, r.occurred_at),
                               array_agg(sha256(r.record) ORDER BY r.id, r.occurred_at))
    FROM audit.seal AS s
         LEFT JOIN audit.seal AS before ON before.number = s.number - 1
         JOIN audit.seal_block AS b ON b.seal = s.number AND b.number = p_block
         JOIN audit._partitions() AS p ON p.starts_at = b.partition_from
         JOIN audit.entry_record AS r
              ON r.occurred_at >= p.starts_at
                 AND (r.occurred_at < p.ends_at OR p.ends_at = 'infinity')
                 AND r.id BETWEEN b.first_id AND b.last_id
    WHERE s.number = p_seal
      AND CASE s.kind
          WHEN 'entries' THEN r.id > s.after_id
                              AND r.transaction_id >= coalesce(before.below, '0')
                              AND r.transaction_id < s.below
          -- A restore takes what no block has, of whatever transaction.
          ELSE r.id <= s.after_id
               AND NOT EXISTS (
                  SELECT
                  FROM audit.seal_block AS o
                       JOIN audit.seal_list AS l ON (l.seal, l.block) = (o.seal, o.number),
                       unnest(l.ids, l.times) AS u (id, occurred_at)
                  WHERE (o.seal, o.number) <> (p_seal, p_block)
                    AND (u.id, u.occurred_at) = (r.id, r.occurred_at))
          END;
$_root_of_entries$;

COMMENT ON FUNCTION audit._root_of_entries(bigint, integer) IS
    'What the root of a block should be by the entries that are there: where it is, they are as '
    'they were sealed, whatever became of the block''s list.';

REVOKE ALL ON FUNCTION audit._root_of_entries(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._root_of_entries(bigint, integer) TO audit_reader;

CREATE OR REPLACE FUNCTION audit._is_listed(
    p_seal        bigint,
    p_occurred_at timestamptz,
    p_id          bigint
)
    RETURNS boolean
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_is_listed$
    SELECT EXISTS (
        SELECT
        FROM audit.seal_block AS b
             JOIN audit.seal_list AS l ON (l.seal, l.block) = (b.seal, b.number)
        WHERE b.seal = p_seal
          AND p_id BETWEEN b.first_id AND b.last_id
          AND EXISTS (
              SELECT
              FROM unnest(l.ids, l.times) AS u (id, occurred_at)
              WHERE (u.id, u.occurred_at) = (p_id, p_occurred_at)));
$_is_listed$;

COMMENT ON FUNCTION audit._is_listed(bigint, timestamptz, bigint) IS
    'Whether a seal has a list that names an entry, by its time and id.';

REVOKE ALL ON FUNCTION audit._is_listed(bigint, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._is_listed(bigint, timestamptz, bigint) TO audit_reader;

CREATE OR REPLACE FUNCTION audit.seal_of(
    p_transaction_id xid8,
    p_occurred_at    timestamptz,
    p_id             bigint
)
    RETURNS audit.seal
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $seal_of$
    -- Of the seals of the database that wrote the entry, the first that goes so far; or else the
    -- one by which the next database took over what it found. Along indexes: chains get long.
    WITH began AS MATERIALIZED (
        SELECT coalesce(max(r.number), 1) AS number,
               coalesce((array_agg(r.after_id ORDER BY r.number DESC))[1], -9223372036854775808)
                   AS after_id
        FROM audit.seal AS r
        WHERE r.kind = 'restore' AND r.after_id < p_id
    )
    SELECT u.seal
    FROM (
            (SELECT s.number, s AS seal
             FROM audit.seal AS s
             WHERE s.kind = 'entries'
               AND s.after_id = (SELECT b.after_id FROM began AS b)
               AND s.number >= (SELECT b.number FROM began AS b)
               AND s.below > p_transaction_id
             ORDER BY s.below
             LIMIT 1)
            UNION ALL
            (SELECT s.number, s
             FROM audit.seal AS s
             WHERE s.kind = 'restore'
               AND s.after_id >= p_id
               AND s.number >= (SELECT b.number FROM began AS b))
         ) AS u
    -- Numbers of transactions say nothing of an entry from before that was acknowledged.
    WHERE audit._is_listed(u.number, p_occurred_at, p_id)
    ORDER BY u.number
    LIMIT 1;
$seal_of$;

COMMENT ON FUNCTION audit.seal_of(xid8, timestamptz, bigint) IS
    'The seal of an entry, by its transaction_id, occurred_at and id. Null: it is not sealed yet.';

REVOKE ALL ON FUNCTION audit.seal_of(xid8, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.seal_of(xid8, timestamptz, bigint) TO audit_reader;

RESET ROLE;

-- What the log covers and what it takes, for pgwitness status, for the viewer and for psql.

SET ROLE audit_owner;

CREATE OR REPLACE FUNCTION audit.list_tracked()
    RETURNS TABLE (
        table_schema text,
        table_name   text,
        since        timestamptz,
        gaps         tstzmultirange,
        until        timestamptz
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $list_tracked$
    SELECT t.table_schema, t.table_name, f.since,
           tstzmultirange(tstzrange(f.since, t.tracked_at)) - t.tracked_before,
           t.untracked_at
    FROM audit.tracked_table AS t
         CROSS JOIN LATERAL (VALUES (least(lower(t.tracked_before), t.tracked_at))) AS f (since)
    WHERE (t.table_schema, t.table_name) <> ('audit', 'entry')
    ORDER BY t.table_schema, t.table_name;
$list_tracked$;

COMMENT ON FUNCTION audit.list_tracked() IS
    'Since when changes of each table are captured, in which gaps they were not, and until when: '
    'null where they still are.';

REVOKE ALL ON FUNCTION audit.list_tracked() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.list_tracked() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._days()
    RETURNS TABLE (
        partition  oid,
        day        date,
        until      date,
        is_whole   boolean,
        is_recent  boolean,
        is_indexed boolean,
        bytes      bigint,
        pages      bigint,
        entries    double precision
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_days$
    WITH moment AS (
        SELECT now()::date AS today, min(t.tracked_at) AS begun
        FROM audit.tracked_table AS t
        WHERE (t.table_schema, t.table_name) <> ('audit', 'entry')
    )
    SELECT c.oid, d.day, d.until,
           d.until <= m.today AND d.until > m.today - 7 AND d.day >= m.begun,
           d.day <= m.today AND (d.until IS NULL OR d.until > m.today - 7),
           p.is_indexed, s.bytes, s.pages,
           CASE WHEN s.pages = 0 THEN 0
                WHEN c.reltuples >= 0 AND c.relpages > 0 THEN c.reltuples / c.relpages * s.pages
           END
    FROM moment AS m
         CROSS JOIN audit._partitions() AS p
         JOIN pg_class AS c ON (c.relnamespace, c.relname) = ('audit'::regnamespace, p.name)
         CROSS JOIN LATERAL (VALUES (
             CASE WHEN isfinite(p.starts_at) THEN p.starts_at::date ELSE '0001-01-01' END,
             CASE WHEN isfinite(p.ends_at) THEN p.ends_at::date END)) AS d (day, until)
         -- One that is dropped meanwhile has no size.
         CROSS JOIN LATERAL (VALUES (
             coalesce(pg_total_relation_size(c.oid), 0),
             coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::integer))
             AS s (bytes, pages)
    WHERE NOT p.is_detaching;
$_days$;

COMMENT ON FUNCTION audit._days() IS
    'The partitions of the log as the catalogue knows them: days in UTC before until, which is '
    'null for the open-ended one. is_whole: one of the seven days before today, and recorded from '
    'its beginning. is_recent: that, or today. pages: less indexes. entries: as the last ANALYZE '
    'found; null before the first.';

REVOKE ALL ON FUNCTION audit._days() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._days() TO audit_reader;

CREATE OR REPLACE FUNCTION audit._sample(p_since date, p_percent double precision)
    RETURNS TABLE (
        partition    oid,
        table_schema text,
        table_name   text,
        entries      bigint,
        bytes        bigint
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_sample$
    -- No JSON is read for it: how long it is stands beside. The other columns of an entry take 280
    -- bytes, more or less.
    SELECT e.tableoid, e.table_schema, e.table_name, count(*), sum(
        280 + coalesce(pg_column_size(e.old_row), 0) + coalesce(pg_column_size(e.new_row), 0)
        + coalesce(pg_column_size(e.labels), 0) + coalesce(pg_column_size(e.context), 0))
    FROM audit.entry AS e TABLESAMPLE SYSTEM (p_percent) REPEATABLE (1)
    WHERE e.occurred_at >= p_since::timestamptz AND e.occurred_at < now() + interval '1 day'
    GROUP BY e.tableoid, e.table_schema, e.table_name;
$_sample$;

COMMENT ON FUNCTION audit._sample(date, double precision) IS
    'What a part of the pages since a day in UTC holds: entries by partition and table, and the '
    'bytes of their rows. The same pages each time.';

REVOKE ALL ON FUNCTION audit._sample(date, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._sample(date, double precision) TO audit_reader;

CREATE OR REPLACE FUNCTION audit.measure_log()
    RETURNS TABLE (
        day          date,
        until        date,
        table_schema text,
        table_name   text,
        entries      double precision,
        bytes        double precision,
        is_whole     boolean,
        is_indexed   boolean,
        is_exact     boolean
    )
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $measure_log$
    WITH days AS MATERIALIZED (
        SELECT d.* FROM audit._days() AS d
    ), sample AS (
        SELECT min(d.day) AS since, least(1, 2000.0 / greatest(sum(d.pages), 1)) AS share
        FROM days AS d
        WHERE d.is_recent
    ), measured AS (
        SELECT d.day, d.until, f.table_schema, f.table_name, d.is_whole, d.is_indexed,
               s.share = 1 AS is_exact,
               coalesce(f.entries / s.share, d.entries) AS entries,
               -- Indexes are shared out by the length of the rows.
               d.bytes * coalesce(f.bytes::double precision
                                  / sum(f.bytes) OVER (PARTITION BY d.partition), 1) AS bytes
        FROM days AS d
             CROSS JOIN sample AS s
             LEFT JOIN (SELECT r.*
                        FROM sample AS s
                             CROSS JOIN LATERAL audit._sample(s.since, 100 * s.share) AS r) AS f
                 ON f.partition = d.partition
    )
    SELECT m.day, m.until, m.table_schema, m.table_name,
           -- A day of which nothing is known is taken for like the others.
           coalesce(m.entries, m.bytes * sum(m.entries) OVER ()
                    / nullif(sum(m.bytes) FILTER (WHERE m.entries IS NOT NULL) OVER (), 0), 0),
           m.bytes, coalesce(m.is_whole, false), m.is_indexed, m.is_exact
    FROM measured AS m
    ORDER BY m.day, m.table_schema, m.table_name;
$measure_log$;

COMMENT ON FUNCTION audit.measure_log() IS
    'What the log takes: a row for each day in UTC; for today and the seven days before, one for '
    'each table in it. Several days in one partition are one row; until is the first day that is '
    'not in it, null for the open-ended one. bytes: with indexes. entries: of recent days as '
    'counted, where is_exact, or told by a sample of 2,000 pages, so that this takes the same time '
    'however many there are; of older days as ANALYZE found. is_whole: one of the seven days '
    'before today, and recorded from its beginning: growth is told by these. is_indexed: '
    'audit.index_day() has been.';

REVOKE ALL ON FUNCTION audit.measure_log() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.measure_log() TO audit_reader;

RESET ROLE;

-- Comes last, for it writes down how the others left what protects the log. Who owns a table can
-- disable its triggers, write, and enable them again: then all is as it was, but for the version
-- that PostgreSQL keeps of the trigger's row in its catalogue.

SET ROLE audit_owner;

CREATE TABLE IF NOT EXISTS audit.object_version (
    recorded_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by       text        NOT NULL DEFAULT session_user,
    transaction_id    xid8        NOT NULL DEFAULT pg_current_xact_id(),
    transaction_at    timestamptz NOT NULL DEFAULT transaction_timestamp(),
    system_identifier bigint      NOT NULL DEFAULT (pg_control_system()).system_identifier,
    kind              text        NOT NULL,
    object_id         oid         NOT NULL,
    object_name       text        NOT NULL,
    version           xid         NOT NULL,
    CONSTRAINT object_version_pkey
        PRIMARY KEY (kind, object_id, recorded_at),
    CONSTRAINT object_version_kind_is_known
        CHECK (kind IN ('trigger', 'function', 'policy', 'partition'))
);

COMMENT ON TABLE audit.object_version IS
    'In which version the migrations left each trigger, function and policy of the log, and which '
    'partitions tracked tables had. The newest row of an object counts; pgwitness check compares '
    'it with the catalogue. Only ever added to.';
COMMENT ON COLUMN audit.object_version.recorded_at IS
    'When this was written down: right after the object was made.';
COMMENT ON COLUMN audit.object_version.recorded_by IS
    'Who had logged in.';
COMMENT ON COLUMN audit.object_version.transaction_id IS
    'The transaction that wrote it down.';
COMMENT ON COLUMN audit.object_version.transaction_at IS
    'When that began.';
COMMENT ON COLUMN audit.object_version.system_identifier IS
    'The cluster. In another one, such as after a dump was restored, versions mean nothing.';
COMMENT ON COLUMN audit.object_version.kind IS
    'Which catalogue has the object: pg_trigger, pg_proc, pg_policy or pg_inherits.';
COMMENT ON COLUMN audit.object_version.object_id IS
    'Its oid there; of a partition, the table''s.';
COMMENT ON COLUMN audit.object_version.object_name IS
    'What it was called.';
COMMENT ON COLUMN audit.object_version.version IS
    'The xmin of its row there: the transaction that last changed it.';
COMMENT ON CONSTRAINT object_version_pkey ON audit.object_version IS
    'One version at a time.';
COMMENT ON CONSTRAINT object_version_kind_is_known ON audit.object_version IS
    'The four kinds.';

GRANT SELECT ON audit.object_version TO audit_reader;

ALTER TABLE audit.object_version ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS object_version_is_read_by_readers ON audit.object_version;
CREATE POLICY object_version_is_read_by_readers
    ON audit.object_version
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY object_version_is_read_by_readers ON audit.object_version IS
    'Only the owner of the log writes versions down, whatever else a role has been granted.';

CREATE OR REPLACE TRIGGER object_version_is_append_only
    BEFORE UPDATE OR DELETE ON audit.object_version
    FOR EACH ROW EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER object_version_is_append_only ON audit.object_version IS
    'What was written down stays.';

CREATE OR REPLACE TRIGGER object_version_is_not_truncated
    BEFORE TRUNCATE ON audit.object_version
    FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();
COMMENT ON TRIGGER object_version_is_not_truncated ON audit.object_version IS
    'What was written down stays.';

CREATE OR REPLACE PROCEDURE audit._record_versions(
    p_table_schema text DEFAULT NULL,
    p_table_name   text DEFAULT NULL
)
    LANGUAGE sql
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_record_versions$
    WITH ours AS (
        SELECT t.oid, t.xmin AS version, t.tgname, t.tgrelid, t.tgfoid
        FROM pg_trigger AS t
             JOIN pg_class AS r ON r.oid = coalesce(pg_partition_root(t.tgrelid), t.tgrelid)
             JOIN pg_namespace AS n ON n.oid = r.relnamespace
        WHERE (NOT t.tgisinternal OR t.tgparentid <> 0)
          AND CASE
              WHEN p_table_schema IS NULL THEN n.nspname = 'audit' OR t.tgname ~ '^!audit_'
              WHEN p_table_schema = 'audit' THEN n.nspname = 'audit'
              ELSE (n.nspname, r.relname) = (p_table_schema, p_table_name)
                   AND t.tgname ~ '^!audit_'
              END
    ), found (kind, object_id, object_name, version) AS (
        SELECT 'trigger', oid, format('%I on %s', tgname, tgrelid::regclass), version
        FROM ours
        UNION ALL
        -- Not those that callers may be granted, which makes a version, too.
        SELECT 'function', p.oid, p.oid::regprocedure::text, p.xmin
        FROM pg_proc AS p
        WHERE p.pronamespace = 'audit'::regnamespace
          AND (p.oid IN (SELECT tgfoid FROM ours) AND p.proname ~ '^capture_'
               OR coalesce(p_table_schema, 'audit') = 'audit' AND p.proname ~ '^_')
        UNION ALL
        SELECT 'policy', p.oid, format('%I on %s', p.polname, p.polrelid::regclass), p.xmin
        FROM pg_policy AS p
             JOIN pg_class AS c ON c.oid = p.polrelid
        WHERE c.relnamespace = 'audit'::regnamespace
          AND coalesce(p_table_schema, 'audit') = 'audit'
        UNION ALL
        SELECT DISTINCT 'partition', i.inhrelid, i.inhrelid::regclass::text, i.xmin
        FROM ours AS o
             JOIN pg_class AS c ON c.oid = o.tgrelid AND c.relkind = 'p'
             CROSS JOIN LATERAL pg_partition_tree(c.oid) AS tree
             JOIN pg_inherits AS i ON i.inhrelid = tree.relid
        WHERE c.relnamespace <> 'audit'::regnamespace
    )
    INSERT INTO audit.object_version
        (kind, object_id, object_name, version)
    SELECT f.kind, f.object_id, f.object_name, f.version
    FROM found AS f;
$_record_versions$;

COMMENT ON PROCEDURE audit._record_versions(text, text) IS
    'Write down the versions of what captures a table, of what protects the log (''audit'', '
    '''entry''), or of both, for all tables (no argument): what was done to them before is known, '
    'and right. pgwitness check will not speak of it again.';

REVOKE ALL ON PROCEDURE audit._record_versions(text, text) FROM PUBLIC;

CALL audit._record_versions('audit', 'entry');

RESET ROLE;

-- What follows in the same transaction finds names as before.
SET LOCAL search_path TO DEFAULT;
