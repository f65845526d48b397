"""Compares the entries with the lists of the seals, a partition at a time, and names what differs.

Knows entries by id, time and digest; never reads what they hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.seals.chain import Chain, Doubt
from generator.seals.describing import describe
from generator.seals.finding import ENTRIES, Finding, Findings
from generator.seals.naming import Item, Named, name_differences
from generator.seals.reading import step
from generator.wording import count

Tell = Callable[[str], None]

MOST, MOST_OF_ALL = 10_000, 100_000
"""Differences of one partition, and of all, that are looked at; the others are counted."""


@dataclass
class Differences:
    """What differs: sealed entries that are not there so, and entries that were not sealed so."""

    sealed: list[Item] = field(default_factory=list)
    now: list[Item] = field(default_factory=list)
    compared: int = 0


def compare_entries(connection: Connection, chain: Chain, found: Findings, tell: Tell) -> int:
    """Find what became of entries, and return how many sealed ones were compared."""
    differences = Differences()
    with step(connection):
        partitions = rows(connection, _PARTITIONS)
    for partition in partitions:
        with step(connection):
            _compare(connection, partition, differences, found, tell)
    with step(connection):
        _leave_out_suspects(connection, chain, differences, found)
        _add_loose(connection, chain, differences)
        _look_again(connection, differences)
        named = list(name_differences(differences.sealed, differences.now))
        describe(connection, _beyond_doubt(named, chain.doubts), found)
    for doubt in chain.doubts:
        if doubt.entries:
            entries = count(doubt.entries, "entry")
            found.note(f"{entries} may be of {doubt.object}, or false: no list says")
    return differences.compared


def _compare(
    connection: Connection, partition: Any, differences: Differences, found: Findings, tell: Tell
) -> None:
    room = MOST_OF_ALL - len(differences.sealed) - len(differences.now)
    most = max(1, min(MOST, room))
    differing = rows(connection, _DIFFERING, name=partition.name, most=most)
    if not differing:
        return  # Detached meanwhile.
    for row in differing:
        if row.seal is not None and row.sealed_id is not None:
            differences.sealed.append(_as_sealed(row))
        if row.id is not None:
            differences.now.append(_as_it_is(row, partition.name))
    total = differing[0].total
    found.more += max(0, total - most)
    differences.compared += partition.entries
    if partition.entries or total:
        differ = ", not all is as it was sealed" if total else ""
        tell(f"{partition.name}: {count(partition.entries, 'sealed entry')} compared{differ}")


def _as_sealed(row: Any) -> Item:
    return Item(row.sealed_id, row.sealed_occurred_at, row.sealed_digest, row.seal, row.block)


def _as_it_is(row: Any, partition: str = "") -> Item:
    return Item(
        row.id,
        row.occurred_at,
        row.digest,
        transaction_id=int(row.transaction_id),
        partition=partition,
    )


def _leave_out_suspects(
    connection: Connection, chain: Chain, differences: Differences, found: Findings
) -> None:
    """Judge blocks whose list says nothing by the entries that are there, all of them together."""
    if not (chain.suspects or chain.unproven):
        return
    suspects: list[Any] = rows(
        connection,
        _SUSPECTS,
        seals=[seal for seal, _ in chain.suspects],
        blocks=[block for _, block in chain.suspects],
    )
    for row in suspects:
        differences.now = [item for item in differences.now if not _is_of(row, item)]
        if not row.is_whole:
            name = f"block {row.number} of seal {row.seal}"
            since, until = int(row.since), int(row.until)
            is_any = row.kind == "restore"
            chain.doubts.append(Doubt(name, 0 if is_any else since, None if is_any else until))
            if (row.seal, row.number) not in chain.untrue:
                what = "holds what is not as it was sealed, and without its list nobody can name it"
                what += f": {count(row.entries, 'entry')} from {row.first_id} to {row.last_id}"
                found.add(Finding("broken", name, what, ENTRIES, row.seal))
    without = chain.suspects.keys()
    differences.sealed = [
        item
        for item in differences.sealed
        if (item.seal, item.block) not in without and item.seal not in chain.unproven
    ]


def _is_of(suspect: Any, item: Item) -> bool:
    if item.partition != suspect.name or not suspect.first_id <= item.id <= suspect.last_id:
        return False
    if suspect.kind == "restore":
        return bool(item.id <= suspect.after_id)
    is_of_seal = int(suspect.since) <= item.transaction_id < int(suspect.until)
    return is_of_seal and bool(item.id > suspect.after_id)


def _add_loose(connection: Connection, chain: Chain, differences: Differences) -> None:
    """Add what lists say that no block of an attached partition leads to."""
    for seal, block in chain.loose:
        items = rows(connection, _LIST, seal=seal, block=block)
        differences.sealed.extend(_as_sealed(row) for row in items)


def _look_again(connection: Connection, differences: Differences) -> None:
    """Add entries that are in the place of a sealed one and seem to be younger than all seals."""
    there = {item.place for item in differences.now}
    gone = [item for item in differences.sealed if item.place not in there]
    if not gone:
        return
    again = rows(
        connection,
        _THERE,
        ids=[item.id for item in gone],
        times=[item.occurred_at for item in gone],
    )
    differences.now.extend(_as_it_is(row) for row in again)


def _beyond_doubt(named: Sequence[Named], doubts: Sequence[Doubt]) -> list[Named]:
    """Leave out what nothing proves to be false, and count it."""
    kept = []
    for one in named:
        doubt = (
            next((d for d in doubts if d.covers(one.now[0].transaction_id, one.now[0].id)), None)
            if (one.state == "added")
            else None
        )
        if doubt is None:
            kept.append(one)
        else:
            doubt.entries += 1
    return kept


_PARTITIONS: LiteralString = """
SELECT p.name, coalesce(sum(b.entries), 0)::bigint AS entries
FROM audit._partitions() AS p
     LEFT JOIN (audit.seal_block AS b
                JOIN audit.seal_list AS l ON (l.seal, l.block) = (b.seal, b.number))
          ON b.partition_from = p.starts_at
WHERE NOT p.is_detaching
GROUP BY p.name, p.starts_at
ORDER BY p.starts_at
"""
# One row at least. Together what one id was and is, also where there are too many.
_DIFFERING: LiteralString = """
SELECT d.seal, d.block, d.sealed_id, d.sealed_occurred_at::text, d.sealed_digest,
       d.id, d.occurred_at::text, d.digest, d.transaction_id::text,
       count(d) OVER () AS total
FROM audit._partitions() AS p
     LEFT JOIN LATERAL audit._differing_entries(p.starts_at, p.ends_at) AS d ON true
WHERE p.name = %(name)s AND NOT p.is_detaching
ORDER BY coalesce(d.sealed_id, d.id)
LIMIT %(most)s
"""
_SUSPECTS: LiteralString = """
SELECT b.seal, b.number, b.entries, b.first_id, b.last_id, p.name, s.kind, s.after_id,
       coalesce(before.below, '0')::text AS since, s.below::text AS until,
       audit._root_of_entries(b.seal, b.number) IS NOT DISTINCT FROM b.root AS is_whole
FROM unnest(%(seals)s::bigint[], %(blocks)s::int[]) AS u (seal, block)
     JOIN audit.seal_block AS b ON (b.seal, b.number) = (u.seal, u.block)
     JOIN audit._partitions() AS p ON p.starts_at = b.partition_from
     JOIN audit.seal AS s ON s.number = b.seal
     LEFT JOIN audit.seal AS before ON before.number = s.number - 1
"""
_LIST: LiteralString = """
SELECT l.seal, l.block, u.id AS sealed_id, u.occurred_at::text AS sealed_occurred_at,
       u.digest AS sealed_digest
FROM audit.seal_list AS l,
     unnest(l.ids, l.times, l.digests) AS u (id, occurred_at, digest)
WHERE (l.seal, l.block) = (%(seal)s, %(block)s)
"""
_THERE: LiteralString = """
SELECT r.id, r.occurred_at::text, sha256(r.record) AS digest, r.transaction_id::text
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) AS u (id, occurred_at)
     JOIN audit.entry_record AS r ON (r.id, r.occurred_at) = (u.id, u.occurred_at)
"""
