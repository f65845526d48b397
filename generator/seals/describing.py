"""Says in words what became of entries.

Tells id, time and table of an entry, never what it holds: that may be a secret.
"""

from collections.abc import Sequence
from typing import LiteralString

from generator.database import Connection, rows
from generator.seals.finding import CHAIN, ENTRIES, Finding, Findings
from generator.seals.naming import Named


def describe(connection: Connection, named: Sequence[Named], found: Findings) -> None:
    """Add a finding for each, as long as there is room; the others are counted."""
    room = max(0, found.most - len(found.kept))
    found.more += len(named[room:])
    kept = named[:room]
    if not kept:
        return
    now = [item for one in kept for item in one.now]
    tables = {
        (row.id, row.occurred_at): row.name
        for row in rows(
            connection,
            _TABLES,
            ids=[item.id for item in now],
            times=[item.occurred_at for item in now],
        )
    }
    seals = sorted({item.seal for one in kept for item in one.sealed})
    sealed_at = {row.number: row.sealed_at for row in rows(connection, _SEALED_AT, numbers=seals)}
    for one in kept:
        found.add(_as_finding(one, tables, sealed_at))


def _as_finding(
    one: Named, tables: dict[tuple[int, str], str], sealed_at: dict[int, str]
) -> Finding:
    first = (one.sealed or one.now)[0]
    ids = [item.id for item in one.sealed or one.now]
    name = f"entry {ids[0]}" if len(ids) == 1 else f"entries {' and '.join(map(str, ids))}"
    of = "".join(f"{tables[place]}, " for place in _places(one) if place in tables)
    when = f" ({of}{first.occurred_at})"
    if one.state == "added":
        what = f"is in no seal, though its transaction {first.transaction_id} was sealed{when}"
        return Finding("added", name, what, CHAIN, None, first.id)
    now = one.now[0] if one.now else first
    become = {
        "re-timed": f" and is of {now.occurred_at} now",
        "re-numbered": f" and has the id {now.id} now",
    }.get(one.state, "")
    if one.state == "re-numbered" and now.occurred_at != first.occurred_at:
        become += f", and is of {now.occurred_at}"
    at = f" at {sealed_at[first.seal]}" if first.seal in sealed_at else ""
    were = "was" if len(ids) == 1 else "were"
    what = f"{were} sealed in seal {first.seal}{at}{become}{when}"
    return Finding(one.state, name, what, ENTRIES, first.seal, first.id)


def _places(one: Named) -> list[tuple[int, str]]:
    return [(item.id, item.occurred_at) for item in one.now[:1]]


_TABLES: LiteralString = """
SELECT e.id, e.occurred_at::text, e.table_schema || '.' || e.table_name AS name
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) AS u (id, occurred_at)
     JOIN audit.entry AS e ON (e.id, e.occurred_at) = (u.id, u.occurred_at)
"""
_SEALED_AT: LiteralString = """
SELECT s.number, date_trunc('second', s.sealed_at)::text AS sealed_at
FROM audit.seal AS s
WHERE s.number = ANY (%(numbers)s::bigint[])
"""
