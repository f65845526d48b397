"""Judges which days are there: none leaves the log but by the retention, and by a seal.

Knows partitions, seals of drops and what maintenance has under way; no entry.
"""

from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.seals.chain import Chain
from generator.seals.finding import CHAIN, Finding, Findings
from generator.wording import count

ATTACH = "look for the table, and attach it again; or restore it from a backup"


def judge_days(connection: Connection, chain: Chain, found: Findings) -> None:
    """Find partitions that left the log, or came to it, in another way than maintenance's."""
    untrue = sorted(chain.untrue)
    days: list[Any] = rows(
        connection,
        _DAYS,
        unproven=[*chain.unproven],
        seals=[seal for seal, _ in untrue],
        blocks=[block for _, block in untrue],
    )
    for day in days:
        _judge_day(day, chain, found)
    shortest = None
    for drop in rows(connection, _DROPS, broken=[*chain.broken]):
        _judge_drop(drop, chain, found)
        if shortest is not None and drop.retention_days < shortest:
            kept = f"with a retention of {drop.retention_days} days, before it was {shortest}"
            found.note(f"seal {drop.number}: {drop.name} was dropped {kept}")
        shortest = drop.retention_days
    for restore in rows(connection, _RESTORES, broken=[*chain.broken]):
        held = f'sealed {count(restore.entries, "entry")} that no seal held ("{restore.reason}")'
        found.note(f"seal {restore.number} acknowledged {restore.what}, and {held}")
    for row in rows(connection, _FOREIGN):
        what = "is attached to audit.entry, and none of its partitions: what it holds is not sealed"
        fix = f"ALTER TABLE audit.entry DETACH PARTITION {row.name}"
        found.add(Finding("foreign", f"partition {row.name}", what, fix))


def _judge_day(day: Any, chain: Chain, found: Findings) -> None:
    name = f"the partition of {day.name}"
    if day.dropped_by is not None:
        if day.lists:
            what = "was dropped, and has lists again"
            found.add(Finding("added", name, what, CHAIN, day.dropped_by))
        return
    seals = f"seal {day.first}" if day.first == day.last else f"seals {day.first} to {day.last}"
    sealed = f"{count(day.entries, 'entry')}, sealed in {seals}"
    if day.detached_by is not None and day.is_due:
        found.note(f"{day.detached_by} is being taken out by maintain since {day.since}: {sealed}")
    elif day.detached_by is not None:
        what = f"is detached, and nothing says that its retention is over: {sealed}"
        found.add(Finding("early", name, what, ATTACH, day.last))
    elif day.lists or not (chain.broken or chain.unproven):
        what = f"is not there, and no seal says that it was dropped: {sealed}"
        found.add(Finding("vanished", name, what, ATTACH, day.last))
    else:
        found.note(f"{name} is not there: what said so may have been a seal that is broken")


def _judge_drop(drop: Any, chain: Chain, found: Findings) -> None:
    name = f"the partition of {drop.name}"
    if drop.is_attached:
        what = f"seal {drop.number} says that it was dropped, and it is there"
        found.add(Finding("contradicted", name, what, CHAIN, drop.number))
        return
    problems = []
    if drop.is_early:
        what = f"was dropped at {drop.sealed_at}, before {drop.retention_days} days were over"
        problems.append(Finding("early", name, what, CHAIN, drop.number))
    if drop.sealed != drop.entries and not (chain.broken or chain.untrue or chain.unproven):
        what = f"{count(drop.entries, 'entry')} dropped, of {drop.sealed:,} that had been sealed"
        problems.append(Finding("differing", name, what, CHAIN, drop.number))
    elif drop.differing:
        what = f"{count(drop.differing, 'entry')} not as sealed when it was dropped"
        problems.append(Finding("differing", name, what, CHAIN, drop.number))
    for problem in problems:
        if drop.is_acknowledged:
            found.note(f"{problem.object} – {problem.what} – acknowledged by a later restore")
        else:
            found.add(problem)


# Of blocks alone that are as they were sealed.
_DAYS: LiteralString = """
SELECT d.*, to_char(d.starts_at, 'YYYY-MM-DD HH24:MI') AS name, s.number AS dropped_by,
       coalesce(m.name, p.name) AS detached_by,
       coalesce(m.is_due, false) AS is_due, m.since
FROM (
    SELECT b.partition_from AS starts_at, sum(b.entries)::bigint AS entries,
           min(b.seal) AS first, max(b.seal) AS last, count(l.seal) AS lists
    FROM audit.seal_block AS b
         LEFT JOIN audit.seal_list AS l ON (l.seal, l.block) = (b.seal, b.number)
    WHERE b.seal <> ALL (%(unproven)s::bigint[])
      AND NOT EXISTS (
          SELECT FROM unnest(%(seals)s::bigint[], %(blocks)s::int[]) AS u (seal, block)
          WHERE (u.seal, u.block) = (b.seal, b.number))
    GROUP BY b.partition_from
) AS d
     LEFT JOIN audit._partitions() AS p ON p.starts_at = d.starts_at
     LEFT JOIN (
         SELECT s.detail -> 'from' AS starts_at, min(s.number) AS number
         FROM audit.seal AS s
         WHERE s.kind = 'drop'
         GROUP BY s.detail -> 'from'
     ) AS s ON s.starts_at = to_jsonb(d.starts_at)
     LEFT JOIN (
         SELECT DISTINCT ON (f.starts_at)
                f.starts_at, r.detaching ->> 'name' AS name,
                date_trunc('second', r.started_at)::text AS since,
                (r.detaching ->> 'until')::timestamptz + r.retention_days * interval '1 day'
                    <= clock_timestamp() AS is_due
         FROM audit.maintenance_run AS r
              CROSS JOIN CAST(r.detaching ->> 'from' AS timestamptz) AS f (starts_at)
         WHERE r.detaching IS NOT NULL
         ORDER BY f.starts_at, r.started_at DESC
     ) AS m ON m.starts_at = d.starts_at
WHERE p.name IS NULL OR p.is_detaching
ORDER BY d.starts_at
"""
_DROPS: LiteralString = """
SELECT s.number, date_trunc('second', s.sealed_at)::text AS sealed_at,
       to_char(d."from", 'YYYY-MM-DD HH24:MI') AS name,
       d.entries, d.retention_days, coalesce(d.differing, 0) AS differing,
       coalesce(b.entries, 0)::bigint AS sealed,
       d.until + d.retention_days * interval '1 day' > s.sealed_at AS is_early,
       EXISTS (SELECT FROM audit._partitions() AS p
               WHERE p.starts_at = d."from" AND NOT p.is_detaching) AS is_attached,
       EXISTS (SELECT FROM audit.seal AS r WHERE r.kind = 'restore' AND r.number > s.number)
           AS is_acknowledged
FROM audit.seal AS s
     CROSS JOIN LATERAL jsonb_to_record(s.detail) AS d (
         "from" timestamptz, until timestamptz, entries bigint, retention_days integer,
         differing bigint)
     LEFT JOIN (
         SELECT b.partition_from, sum(b.entries) AS entries
         FROM audit.seal_block AS b
         GROUP BY b.partition_from
     ) AS b ON b.partition_from = d."from"
WHERE s.kind = 'drop' AND s.number <> ALL (%(broken)s::bigint[])
ORDER BY s.number
"""
# Who wants to hide entries that were added could say so, too.
_RESTORES: LiteralString = """
SELECT s.number, s.entries, s.detail ->> 'reason' AS reason,
       CASE WHEN s.identity = before.identity
            THEN 'a restore, though the database is the one of before' ELSE 'a restore' END AS what
FROM audit.seal AS s
     LEFT JOIN audit.seal AS before ON before.number = s.number - 1
WHERE s.kind = 'restore' AND s.number <> ALL (%(broken)s::bigint[])
ORDER BY s.number
"""
_FOREIGN: LiteralString = """
SELECT c.oid::regclass::text AS name
FROM pg_inherits AS i
     JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'audit.entry'::regclass
  AND (c.relkind <> 'r' OR c.relnamespace <> 'audit'::regnamespace
       OR NOT EXISTS (SELECT FROM audit._partitions() AS p WHERE p.name = c.relname))
ORDER BY 1
"""
