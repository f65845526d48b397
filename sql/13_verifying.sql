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
