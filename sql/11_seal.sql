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
