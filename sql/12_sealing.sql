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
