"""Queries for what changes consist of: their entries, as the entities of these see them.

Knows SQL; where changes stand in the log is `stands`' business, what entries mean `changes`'.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from auditviewer.change.records import Entry, Move, Tables, read_json
from auditviewer.change.states import claims
from auditviewer.log.database import Reading
from auditviewer.log.ids import has_id, has_no_id
from auditviewer.log.stands import MARGIN, Stand

LARGEST_ROW = 1_000_000
"""Bytes as stored, old and new together: beyond that a row is not read."""
LARGEST_PAGE = 25_000_000
"""Bytes of all rows of a page together: those beyond are not read, as if they were too large.

Stored, a row may be compressed to a 255th of what it is.
"""
LARGEST = {"largest": LARGEST_ROW, "page": LARGEST_PAGE}

KEYS = sql.SQL("""
unnest(%(numbers)s::int[], %(newest)s::bigint[], %(transactions)s::text[]::xid8[],
       %(from)s::timestamptz[], %(to)s::timestamptz[], %(modules)s::text[],
       %(entities)s::text[], %(ids)s::text[], %(actors)s::text[])
    AS k (number, newest, transaction_id, transaction_at, occurred_at,
          module, entity, entity_id, actor)""")

# LIMIT 1: each row is made text of once, and not wherever that is used.
WHOLE_ENTRIES = sql.SQL("""\
SELECT {number}e.id, e.occurred_at, e.transaction_id::text, e.transaction_at, e.operation,
       e.table_schema, e.table_name, e.module, e.entity, e.part,
       e.entity_id, e.former_entity_id, e.entity_label,
       e.actor, e.actor_name, e.actor_bound, e.actor_signed, e.ip, e.db_user, e.db_role,
       host(e.client_addr) AS client_addr, e.application_name,
       e.context::text, e.row_key::text, e.labels::text, s.size,
       sum(t.bytes) OVER page <= %(page)s AS is_read,
       CASE WHEN sum(t.bytes) OVER page <= %(page)s THEN t.old_row END AS old_row,
       CASE WHEN sum(t.bytes) OVER page <= %(page)s THEN t.new_row END AS new_row
FROM {entries} AS e,
     LATERAL (VALUES (coalesce(pg_column_size(e.old_row), 0)
                      + coalesce(pg_column_size(e.new_row), 0))) AS s (size),
     LATERAL (
         SELECT r.*, coalesce(octet_length(r.old_row), 0) + coalesce(octet_length(r.new_row), 0)
         FROM (SELECT CASE WHEN s.size <= %(largest)s THEN e.old_row::text END AS old_row,
                      CASE WHEN s.size <= %(largest)s THEN e.new_row::text END AS new_row
               LIMIT 1) AS r
     ) AS t (old_row, new_row, bytes)
WINDOW page AS (ORDER BY {order})""")

OF_CHANGE = sql.SQL("""\
FROM audit.entry AS e
    WHERE e.entity = k.entity
      AND {same_id}
      AND e.transaction_id IS NOT DISTINCT FROM k.transaction_id
      AND e.module = k.module
      AND e.actor IS NOT DISTINCT FROM k.actor
      AND e.occurred_at >= k.transaction_at - '1 day'::interval
      AND e.occurred_at < k.occurred_at + '1 day'::interval
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
      AND {which}""")

# Sorted and cut before anything is made text of.
ENTRIES = sql.SQL("""\
{keys}
CROSS JOIN LATERAL (
    SELECT e.*
    {of_change}
    ORDER BY e.id <> k.newest, e.part IS NOT NULL, e.id
    LIMIT %(limit)s
)""")
NUMBER = sql.SQL("""
SELECT (SELECT count(*) FROM (SELECT {of_change} LIMIT %(limit)s) AS e) AS number
FROM {keys}""")
FIRST = sql.SQL("true")
OTHER_PARTS = sql.SQL("e.part IS NOT NULL AND e.id > %(after)s AND e.id <> k.newest")

SAME_ID = has_id("e.entity_id", "k.entity_id")
FORMER_ID = has_id("e.former_entity_id", "k.entity_id")
NO_ID = has_no_id("e.entity_id")

ANCHOR = """
SELECT e.id, e.occurred_at, e.transaction_id::text, e.transaction_at, e.module, e.entity,
       CASE WHEN %(is_former)s THEN e.former_entity_id ELSE e.entity_id END AS entity_id,
       e.actor, %(is_former)s AS is_former
FROM audit.entry AS e
WHERE e.transaction_id = %(transaction)s::text::xid8
  AND e.id = %(id)s
  AND (e.former_entity_id IS NOT NULL OR NOT %(is_former)s)
  AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s"""


@dataclass(frozen=True)
class Slice:
    """Entries of one change; *more*: there are others, of parts behind this id."""

    entries: list[Entry]
    more: int | None = None


def find_anchor(
    reading: Reading, transaction: int, entry: int, since: datetime, *, is_former: bool
) -> Stand | None:
    """Return the key of the change that an entry belongs to, or to the entity that its row left."""
    values: dict[str, Any] = {"transaction": str(transaction), "id": entry, "low": since}
    values |= {"high": reading.now + MARGIN, "is_former": is_former}
    row = reading.connection.execute(ANCHOR, values).fetchone()
    return Stand(**row) if row else None


def read_entries(
    reading: Reading,
    stands: Sequence[Stand],
    tables: Tables,
    most: int,
    after: int | None = None,
) -> list[Slice]:
    """Return so many entries of each change: the newest, those of its own row, then of its parts.

    *after* one of these, only parts behind it.
    """
    found: list[list[Entry]] = [[] for _ in stands]
    for number, entry in _entries(reading, stands, SAME_ID, most + 1, after):
        found[number].append(entry)
    for number, entry in _entries(reading, stands, FORMER_ID, most + 1, after):
        found[number].append(as_the_former_sees(entry))
    for number, entry in _entries(reading, stands, NO_ID, most + 1, after):
        if stands[number].entity_id is None or _is_lost_part(entry, found[number], tables):
            found[number].append(entry)
    return [_slice(*each, most) for each in zip(stands, found, strict=True)]


def _slice(stand: Stand, entries: list[Entry], most: int) -> Slice:
    entries.sort(key=lambda entry: (entry.id != stand.id, entry.part is not None, entry.id))
    if len(entries) <= most:
        return Slice(entries)
    parts = [
        entry.id for entry in entries[:most] if entry.part is not None and entry.id != stand.id
    ]
    return Slice(entries[:most], more=max(parts, default=0))


def _is_lost_part(entry: Entry, found: Sequence[Entry], tables: Tables) -> bool:
    is_orphan = entry.part is not None and entry.operation != "TRUNCATE"
    return is_orphan and claims(found, entry, tables)


def _entries(
    reading: Reading, stands: Sequence[Stand], same_id: sql.SQL, limit: int, after: int | None
) -> Iterator[tuple[int, Entry]]:
    if not stands:
        return
    values = _values(stands, limit) | {"after": after} | LARGEST
    which = FIRST if after is None else OTHER_PARTS
    entries = ENTRIES.format(keys=KEYS, of_change=OF_CHANGE.format(same_id=same_id, which=which))
    query = WHOLE_ENTRIES.format(
        number=sql.SQL("k.number, "), order=sql.SQL("k.number, e.id"), entries=entries
    )
    for row in reading.connection.execute(query, values):
        yield row.pop("number"), read_entry(row)


def _values(stands: Sequence[Stand], limit: int) -> dict[str, Any]:
    values = keys_of(stands) | {"limit": limit}
    values["low"] = min(stand.transaction_at for stand in stands) - MARGIN
    values["high"] = max(stand.occurred_at for stand in stands) + MARGIN
    return values


def count_entries(reading: Reading, stand: Stand, most: int) -> int:
    """Return how many entries name the entity of a change, as far as *most*."""
    same_id = NO_ID if stand.entity_id is None else SAME_ID
    query = NUMBER.format(keys=KEYS, of_change=OF_CHANGE.format(same_id=same_id, which=FIRST))
    [row] = reading.connection.execute(query, _values([stand], most))
    return int(row["number"])


def keys_of(stands: Sequence[Stand]) -> dict[str, Any]:
    """Return the values of KEYS."""
    return {
        "numbers": list(range(len(stands))),
        "newest": [stand.id for stand in stands],
        "transactions": [stand.transaction_id for stand in stands],
        "from": [stand.transaction_at for stand in stands],
        "to": [stand.occurred_at for stand in stands],
        "modules": [stand.module for stand in stands],
        "entities": [stand.entity for stand in stands],
        "ids": [stand.entity_id for stand in stands],
        "actors": [stand.actor for stand in stands],
    }


def read_entry(row: dict[str, Any]) -> Entry:
    """Return an entry of a row of WHOLE_ENTRIES, as the entity sees it that it belongs to."""
    size, is_read, former = (row.pop(name) for name in ("size", "is_read", "former_entity_id"))
    for name in ("context", "row_key", "labels", "old_row", "new_row"):
        row[name] = read_json(row[name])
    row["old_row"] = _whole(row["old_row"], row["new_row"])
    context = row.pop("context")
    if not isinstance(context, dict | None):
        # The application may say anything that is JSON.
        context = {"context": context}
    return Entry(
        table=(row.pop("table_schema"), row.pop("table_name")),
        transaction_id=int(row.pop("transaction_id")),
        context=context or {},
        labels=row.pop("labels") or {},
        size=None if is_read and size <= LARGEST_ROW else size,
        move=None if former is None else Move(is_away=False, entity_id=former),
        **row,
    )


def _whole(old: Any, new: Any) -> Any:
    """Return the row before an UPDATE, of which only what it changed may have been kept."""
    return new | old if old is not None and new is not None and old.keys() < new.keys() else old


def as_the_former_sees(entry: Entry) -> Entry:
    """Return an entry as the entity sees it that the row left; the name is that of the other."""
    if entry.move is None or entry.entity_id is None:
        return entry
    return replace(
        entry,
        entity_id=entry.move.entity_id,
        entity_label=entry.entity_label if entry.part is None else None,
        move=Move(is_away=True, entity_id=entry.entity_id, label=entry.entity_label),
    )
