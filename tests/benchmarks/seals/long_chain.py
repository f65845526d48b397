"""What the length of a chain costs: that of one who seals each minute, for months.

Compares CPU time of the same log, sealed all at once and each transaction in a seal of its own.
"""

import time
from dataclasses import dataclass

import psycopg

from auditviewer.demo.cluster import Cluster
from generator.seals.verifying import verify
from tests.benchmarks.filled import SMALL, filled_log
from tests.benchmarks.seals.owner import Owner, owner_of

DAYS = 90
TURNS = 25

# A log that is kept has them already.
ADD = """
INSERT INTO audit.entry
    (occurred_at, transaction_id, transaction_at, source, operation, table_schema, table_name,
     module, entity, entity_id, row_key, new_row)
SELECT m.moment, (2000000 + n)::text::xid8, m.moment, 'crm', 'INSERT', 'crm', 'territory',
       'Sales', 'Territory', n::text, jsonb_build_object('id', n),
       jsonb_build_object('id', n, 'name', md5(n::text))
FROM generate_series(1, %(seals)s) AS n,
     LATERAL (SELECT date_trunc('day', now()) - interval '1 day' * %(days)s
                     * (1 - n::float8 / %(seals)s)) AS m (moment),
     generate_series(1, 1 + n %% 3)
WHERE NOT EXISTS (SELECT FROM audit.entry WHERE transaction_id > '2000000')
"""
START_OVER = """
SET session_replication_role = replica;
TRUNCATE audit.seal, audit.seal_block, audit.seal_list;
SET session_replication_role = origin;
"""
LISTS = """
INSERT INTO audit.seal_list (seal, block, ids, times, digests)
SELECT dense_rank() OVER (ORDER BY t.transaction_id),
       row_number() OVER (PARTITION BY t.transaction_id ORDER BY t.day), t.ids, t.times, t.digests
FROM (
    SELECT r.transaction_id, date_trunc('day', r.occurred_at) AS day,
           array_agg(r.id ORDER BY r.id) AS ids,
           array_agg(r.occurred_at ORDER BY r.id) AS times,
           array_agg(sha256(r.record) ORDER BY r.id) AS digests
    FROM audit.entry_record AS r
    GROUP BY r.transaction_id, date_trunc('day', r.occurred_at)
) AS t
"""
BLOCKS = """
INSERT INTO audit.seal_block (seal, number, partition_from, entries, first_id, last_id, root)
SELECT l.seal, l.block, date_trunc('day', l.times[1]), cardinality(l.ids), l.ids[1],
       l.ids[cardinality(l.ids)], audit._root_of_list(l.ids, l.times, l.digests)
FROM audit.seal_list AS l
"""
SEALS = """
DO $$
DECLARE
    v_last  audit.seal := audit._begin_seal();
    v_below xid8;
BEGIN
    FOR v_below IN
        SELECT DISTINCT (e.transaction_id::text::bigint + 1)::text::xid8 AS below
        FROM audit.entry AS e
        ORDER BY below
    LOOP
        v_last := audit._end_seal(v_last, 'entries', v_last.after_id, v_below, '{}');
    END LOOP;
END
$$
"""
WRITE = "INSERT INTO crm.territory (name) VALUES (gen_random_uuid()::text)"


@dataclass(frozen=True)
class Costs:
    """What a chain of so many seals costs, in milliseconds of CPU: the least of some turns."""

    seals: int
    verify: float
    seal: float


def measure_chains(cluster: Cluster, seals: int) -> tuple[Costs, Costs]:
    """Return what a chain of a few seals costs, and one of so many more over the same entries."""
    log = filled_log(cluster, "chain", SMALL, DAYS)
    with psycopg.connect(log.superuser, autocommit=True) as superuser:
        superuser.execute("SET client_encoding = 'UTF8'")
        superuser.execute("SET timezone = 'UTC'")
        superuser.execute(ADD.encode(), {"seals": seals, "days": DAYS - 1})
        superuser.execute(START_OVER.encode())
        owner = owner_of(log.superuser)
        while owner.seal():
            pass
        few = _costs(superuser, owner)
        for statement in (START_OVER, LISTS, BLOCKS, SEALS):
            superuser.execute(statement.encode())
        return few, _costs(superuser, owner_of(log.superuser))


def _costs(superuser: psycopg.Connection, owner: Owner) -> Costs:
    superuser.execute("VACUUM (ANALYZE) audit.seal, audit.seal_block, audit.seal_list")
    verifying, sealing = [], []
    for _ in range(3):
        before, python = owner.spent(), time.process_time()
        report = verify(owner.connection)
        assert report.is_clean
        verifying.append(owner.spent() - before + (time.process_time() - python) * 1e3)
    for _ in range(TURNS):
        superuser.execute(WRITE)
        before = owner.spent()
        assert owner.seal() == 1
        sealing.append(owner.spent() - before)
    return Costs(report.seals, min(verifying), min(sealing))
