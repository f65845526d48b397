-- Takes the audit schema away again, while it is empty and nothing writes into it. Without CASCADE:
-- what somebody has built on it, such as a view, is a reason for PostgreSQL to refuse.

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

LOCK TABLE audit.entry, audit.tracked_table IN ACCESS EXCLUSIVE MODE;

DO $refuse_to_lose_entries$
BEGIN
    IF EXISTS (SELECT FROM audit.entry) THEN
        RAISE EXCEPTION 'the audit schema is not removed: the log holds entries'
            USING ERRCODE = 'UA004',
                  HINT = 'To give them up, run DROP SCHEMA audit CASCADE by hand.';
    END IF;
    IF EXISTS (SELECT FROM audit.tracked_table AS t WHERE t.untracked_at IS NULL) THEN
        RAISE EXCEPTION 'the audit schema is not removed: tables are still tracked'
            USING ERRCODE = 'UA004',
                  HINT = 'Roll their migrations back first, or untrack them.';
    END IF;
END
$refuse_to_lose_entries$;

DROP FUNCTION audit.seal_of(xid8, timestamptz, bigint);
DROP FUNCTION audit._is_listed(bigint, timestamptz, bigint);
DROP FUNCTION audit._root_of_entries(bigint, integer);
DROP FUNCTION audit._broken_lists();
DROP FUNCTION audit._broken_seals();
DROP FUNCTION audit._differing_entries(timestamptz, timestamptz);
DROP FUNCTION audit._seal_drop;
DROP FUNCTION audit._count_differing(timestamptz, timestamptz);
DROP FUNCTION audit._holds_unsealed(text);
DROP FUNCTION audit.acknowledge_restore(text, jsonb);
DROP FUNCTION audit._last_id_of_former();
DROP FUNCTION audit.seal_entries(integer);
DROP FUNCTION audit._horizon(audit.seal, integer);
DROP FUNCTION audit._end_seal(audit.seal, text, bigint, xid8, jsonb);
DROP FUNCTION audit._sums_of_seals(bigint[]);
DROP FUNCTION audit._head_of_seal(audit.seal);
DROP FUNCTION audit._begin_seal(boolean);
DROP FUNCTION audit._add_blocks(bigint, bigint, bigint, xid8, xid8, boolean);
DROP FUNCTION audit._partition_start(oid);
DROP FUNCTION audit._root_of_list(bigint[], timestamptz[], bytea[]);
DROP FUNCTION audit._blocks_of_lists(audit.seal_list[]);
DROP FUNCTION audit._is_set_back(bigint);
DROP FUNCTION audit._identity();
DROP TABLE audit.verification;
DROP TABLE audit.seal_list;
DROP TABLE audit.seal_block;
DROP TABLE audit.seal;
DROP VIEW audit.entry_record;
DROP TABLE audit.entry;
DROP SEQUENCE audit.entry_id_seq;
DROP TABLE audit.tracked_table;
DROP TABLE audit.fingerprint_key;
DROP TABLE audit.actor_key;
DROP TABLE audit.person;
DROP TABLE audit.maintenance_run;
DROP TABLE audit.object_version;
DROP FUNCTION audit.set_context(text, text, text, text, text);
DROP FUNCTION audit._context(text);
DROP FUNCTION audit._is_signed();
DROP FUNCTION audit.set_actor_key(bytea, interval);
DROP FUNCTION audit._hmac_pad(bytea, integer);
DROP FUNCTION audit._refuse_missing_actor(text, text, text);
DROP FUNCTION audit._refuse_change();
DROP FUNCTION audit._refuse_truncate();
DROP FUNCTION audit._capture_truncate();
DROP FUNCTION audit.measure_log();
DROP FUNCTION audit._sample(date, double precision);
DROP FUNCTION audit._days();
DROP FUNCTION audit.list_tracked();
DROP FUNCTION audit._split_last(timestamptz);
DROP FUNCTION audit._bound_last(timestamptz);
DROP FUNCTION audit._drop_detached;
DROP FUNCTION audit._log_removals(text, timestamptz, timestamptz, text, integer);
DROP FUNCTION audit._log_removal(text, date, bigint, integer);
DROP FUNCTION audit._partitions();
DROP FUNCTION audit._add_partition(date, date);
DROP FUNCTION audit._add_between(timestamptz, timestamptz);
DROP FUNCTION audit._attach_partition(text, timestamptz, timestamptz);
DROP FUNCTION audit._make_partition(timestamptz, timestamptz);
DROP FUNCTION audit._partition_name(timestamptz, timestamptz);
DROP FUNCTION audit._redact(jsonb, text[]);
DROP FUNCTION audit._salvage_of(oid, anyelement);
DROP FUNCTION audit._salvage_as(anyelement, record);
DROP FUNCTION audit._salvage(anyelement);
DROP FUNCTION audit._as_text(anyelement);
DROP FUNCTION audit.index_day(date);
DROP FUNCTION audit._index_partition(text);
DROP FUNCTION audit._list_persons(date);
DROP FUNCTION audit._words;
DROP PROCEDURE audit._describe;
DROP PROCEDURE audit._forget(text, text);
DROP PROCEDURE audit._record_versions(text, text);
DROP PROCEDURE audit._require_plain_table(text, text);
DROP PROCEDURE audit._let_owner_add_partitions(text, text, text);
DROP SCHEMA audit;

-- The roles stay: they belong to the cluster, where another database may use them.

SET LOCAL search_path TO DEFAULT;
