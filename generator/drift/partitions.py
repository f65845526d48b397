"""What must hold for every partition of audit.entry, and for all of them together.

Knows what protects an entry in its partition; making and dropping partitions is for others.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import LiteralString

from generator.database import Connection, rows
from generator.drift.differences import compare_trigger, drop_trigger, find_excess
from generator.drift.finding import Finding, fold
from generator.drift.objects import AUDIT, ENTRY, Objects, Trigger, in_sql, named, written
from generator.names import TableName

_TABLE = named("table", ENTRY.table)
_OPEN = "MAXVALUE"


@dataclass(frozen=True)
class Partition:
    """A partition of audit.entry; its bounds as PostgreSQL writes them, empty for DEFAULT.

    ``limits`` are what keeps entries out of it, each with the statement that drops it.
    """

    table: TableName
    owner: str
    lower: str
    upper: str
    is_secured: bool
    is_unlogged: bool
    is_detaching: bool
    is_plain: bool
    limits: tuple[tuple[str, str], ...]

    @property
    def is_open_ended(self) -> bool:
        """Whether it is the last one."""
        return self.upper == _OPEN

    @property
    def written(self) -> str:
        """Its name in SQL."""
        return f"{written(self.table.schema)}.{written(self.table.table)}"

    @property
    def object(self) -> str:
        """What a finding calls it."""
        return f"table {self.written}"


def read_partitions(connection: Connection) -> list[Partition]:
    """Return the partitions of audit.entry, the oldest first."""
    partitions = []
    for row in rows(connection, _PARTITIONS):
        bounds = _BOUNDS.search(row.bound)
        partition = Partition(
            table=TableName(row.schema, row.name),
            owner=row.owner,
            lower=bounds[1] if bounds else "",
            upper=bounds[2] if bounds else "",
            is_secured=row.is_secured,
            is_unlogged=row.is_unlogged,
            is_detaching=row.is_detaching,
            is_plain=row.is_plain,
            limits=tuple(zip(row.limits, row.drops, strict=True)),
        )
        partitions.append(partition)
    return sorted(partitions, key=lambda partition: partition.lower)


def compare_partitions(
    partitions: Sequence[Partition], declared: Objects, installed: Objects, again: str
) -> Iterator[Finding]:
    """Yield what is wrong with partitions; what is wrong with many in the same way, once."""
    attached = [p for p in partitions if p.lower and not p.is_detaching]
    yield from _compare_bounds(attached)
    roots = [trigger for trigger in declared.triggers.values() if trigger.table == ENTRY]
    # What is wrong with the root's trigger is wrong with its clones, and has been said.
    broken = [t for t in roots if list(compare_trigger(t, installed.triggers.get(t.object), again))]
    findings = [
        finding
        for partition in partitions
        for finding in (
            *_compare_partition(partition, declared, installed),
            *_compare_triggers(partition, roots, broken, installed, again),
        )
    ]
    yield from fold(findings)


def _compare_bounds(attached: Sequence[Partition]) -> Iterator[Finding]:
    """Yield the times for which there is no partition: writes at these times would fail."""
    ends = [(before.upper, after.lower) for before, after in pairwise(attached)]
    if not any(partition.is_open_ended for partition in attached):
        ends.append((attached[-1].upper if attached else "today", "infinity"))
    for upper, lower in ends:
        if upper != lower:
            days = f"'{upper.split()[0]}', '{lower.split()[0]}'"
            yield Finding(
                "missing",
                _TABLE,
                f"has no partition from {upper} to {lower}: writes would fail",
                f"SET ROLE audit_owner; SELECT audit._add_partition({days})",
            )


def _compare_partition(
    partition: Partition, declared: Objects, installed: Objects
) -> Iterator[Finding]:
    name, owner = partition.object, declared.owners[_TABLE]
    alter = f"ALTER {in_sql(name)}"
    if partition.table.schema != AUDIT:
        what = f"is outside of schema {AUDIT}"
        yield Finding("changed", name, what, f"{alter} SET SCHEMA {AUDIT}")
    if partition.owner != owner:
        what = f"belongs to {written(partition.owner)} instead of {owner}"
        yield Finding("changed", name, what, f"{alter} OWNER TO {owner}")
    if not partition.is_secured:
        what = "row level security is off"
        yield Finding("disabled", name, what, f"{alter} ENABLE ROW LEVEL SECURITY")
    if not partition.is_plain:
        what = "is partitioned itself, or foreign: nobody sees what becomes of entries in it"
        fix = f"ALTER TABLE {ENTRY} DETACH PARTITION {partition.written}; add its entries again"
        yield Finding("changed", name, what, fix)
    for limit, fix in partition.limits:
        yield Finding("orphan", name, f"has {limit}, which could refuse entries", fix)
    if partition.is_unlogged:
        what = "is UNLOGGED: a crash empties it"
        yield Finding("changed", name, what, f"{alter} SET LOGGED")
    if partition.is_detaching:
        fix = f"ALTER TABLE {ENTRY} DETACH PARTITION {partition.written} FINALIZE"
        yield Finding("changed", name, "is half detached: that was interrupted", fix)
    elif not partition.lower:
        what = "is a DEFAULT partition: no other can be detached concurrently"
        fix = f"ALTER TABLE {ENTRY} DETACH PARTITION {partition.written}; add its entries again"
        yield Finding("changed", name, what, fix)
    yield from find_excess([grant for grant in installed.grants if grant.object == name])


def _compare_triggers(
    partition: Partition,
    roots: Sequence[Trigger],
    broken: Sequence[Trigger],
    installed: Objects,
    again: str,
) -> Iterator[Finding]:
    for root in roots:
        if root not in broken:
            trigger = _on_partition(root, partition)
            yield from compare_trigger(trigger, installed.triggers.get(trigger.object), again)
    expected = {root.name for root in roots}
    for found in installed.triggers.values():
        if found.table == partition.table and not found.is_clone and found.name not in expected:
            yield drop_trigger(found, f"is {found.definition}")


def _on_partition(trigger: Trigger, partition: Partition) -> Trigger:
    definition = re.sub(rf"\bON {ENTRY}\b", f"ON {partition.written}", trigger.definition)
    return replace(trigger, table=partition.table, definition=definition)


_BOUNDS = re.compile(r"FROM \('?(.*?)'?\) TO \('?(.*?)'?\)")

# What bounds the open-ended partition is the log's own; and to detach one concurrently leaves its
# bounds behind as a constraint.
_PARTITIONS: LiteralString = r"""
SELECT s.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
       pg_get_expr(c.relpartbound, c.oid) AS bound,
       c.relrowsecurity AS is_secured, c.relpersistence = 'u' AS is_unlogged,
       i.inhdetachpending AS is_detaching, c.relkind = 'r' AS is_plain, l.limits, l.drops
FROM pg_inherits AS i
     JOIN pg_class AS c ON c.oid = i.inhrelid
     JOIN pg_namespace AS s ON s.oid = c.relnamespace
     JOIN pg_class AS p ON p.oid = i.inhparent
     JOIN pg_namespace AS n ON n.oid = p.relnamespace
     CROSS JOIN LATERAL (
         SELECT coalesce(array_agg(f.what ORDER BY f.what), '{}') AS limits,
                coalesce(array_agg(f.fix ORDER BY f.what), '{}') AS drops
         FROM (
             SELECT format('constraint %%I', k.conname),
                    format('ALTER TABLE %%s DROP CONSTRAINT %%I', c.oid::regclass, k.conname)
             FROM pg_constraint AS k
             WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n') AND k.coninhcount = 0
               AND NOT i.inhdetachpending
               AND pg_get_constraintdef(k.oid)
                   <> format('CHECK (%%s)', pg_get_partition_constraintdef(c.oid))
               AND (k.conname <> 'entry_is_in_bounds' OR pg_get_constraintdef(k.oid) !~ (
                    '^CHECK \(\(\(occurred_at IS NOT NULL\)'
                    || '( AND \(occurred_at [<>]=? ''[^'']*''::timestamp with time zone\)){2}'
                    || '\)\)( NOT VALID)?$'))
             UNION ALL
             SELECT format('NOT NULL on %%I', a.attname),
                    format('ALTER TABLE %%s ALTER %%I DROP NOT NULL', c.oid::regclass, a.attname)
             FROM pg_attribute AS a
                  JOIN pg_attribute AS r ON (r.attrelid, r.attname) = (p.oid, a.attname)
             WHERE a.attrelid = c.oid AND a.attnotnull AND NOT r.attnotnull
         ) AS f (what, fix)
     ) AS l
WHERE n.nspname = 'audit' AND p.relname = 'entry'
"""
