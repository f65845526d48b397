"""What is asked of a database to prove what its log holds.

Each record is the bytes that were sealed: see sql/11_seal.sql and sql/12_sealing.sql.
"""

from typing import LiteralString

ENTRIES: LiteralString = """
SELECT r.id, record_send(ROW(r.id, r.occurred_at)) AS place, r.record
FROM audit.entry AS e
     JOIN audit.entry_record AS r ON (r.occurred_at, r.id) = (e.occurred_at, e.id)
WHERE {asked}
ORDER BY r.occurred_at, r.id
LIMIT %(most)s
"""

# By id, or all of a time of which more may be asked.
BY_ID: LiteralString = "e.id = ANY (%(ids)s)"
BY_TIME: LiteralString = "e.occurred_at >= %(since)s AND e.occurred_at < %(until)s"
BY_TABLE: LiteralString = " AND (e.table_schema, e.table_name) = (%(schema)s, %(table)s)"
BY_ENTITY: LiteralString = " AND e.entity = %(entity)s"
BY_ENTITY_ID: LiteralString = " AND %(entity_id)s IN (e.entity_id, e.former_entity_id)"

# Blocks that have one of these entries, there or gone, or of a time that is asked for as a whole.
PLACES: LiteralString = """
SELECT b.seal, b.number, cardinality(l.ids) AS entries
FROM audit.seal_block AS b
     JOIN audit.seal_list AS l ON (l.seal, l.block) = (b.seal, b.number)
WHERE (b.first_id <= %(last)s AND b.last_id >= %(first)s
       OR b.partition_from < %(until)s AND b.partition_from >= coalesce(
           (SELECT max(p.starts_at) FROM audit._partitions() AS p WHERE p.starts_at <= %(since)s),
           '-infinity'))
  AND EXISTS (
      SELECT
      FROM unnest(l.ids, l.times) AS u (id, occurred_at)
      WHERE u.id = ANY (%(ids)s) OR u.occurred_at >= %(since)s AND u.occurred_at < %(until)s)
"""

# Of each seal all headers, of these blocks the list.
BLOCKS: LiteralString = """
SELECT b.seal,
       record_send(ROW(b.number, b.partition_from, b.entries, b.first_id, b.last_id, b.root))
           AS record,
       coalesce(i.list, '') AS list
FROM audit.seal_block AS b
     LEFT JOIN (
        SELECT l.seal, l.block, string_agg(
                   int8send(u.id) || timestamptz_send(u.occurred_at) || u.digest, ''
                   ORDER BY u.nth) AS list
        FROM unnest(%(seals)s::bigint[], %(blocks)s::integer[]) AS w (seal, block)
             JOIN audit.seal_list AS l USING (seal, block),
             unnest(l.ids, l.times, l.digests) WITH ORDINALITY AS u (id, occurred_at, digest, nth)
        GROUP BY l.seal, l.block
     ) AS i ON (i.seal, i.block) = (b.seal, b.number)
WHERE b.seal = ANY (%(seals)s)
ORDER BY b.seal, b.number
"""

SEALS: LiteralString = """
SELECT record_send(ROW('pgwitness seal 1'::text, s.number, s.kind, s.sealed_at, s.identity,
                       s.after_id, s.below, s.entries, s.root, s.detail, s.previous)) AS record,
       s.head
FROM audit.seal AS s
WHERE s.number >= least(%(first)s, (SELECT max(n.number) FROM audit.seal AS n))
ORDER BY s.number
"""
