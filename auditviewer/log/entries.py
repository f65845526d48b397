"""Queries for what changes consist of: their entries, and what became of their entities since.

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
from auditviewer.log.stands import MARGIN, Stand

LARGEST_ROW = 1_000_000
"""Bytes as stored, old and new together: beyond that a row is not read."""

KEYS = sql.SQL("""
unnest(%(numbers)s::int[], %(newest)s::bigint[], %(transactions)s::text[]::xid8[],
       %(from)s::timestamptz[], %(to)s::timestamptz[], %(modules)s::text[],
       %(entities)s::text[], %(ids)s::text[], %(actors)s::text[])
    AS k (number, newest, transaction_id, transaction_at, occurred_at,
          module, entity, entity_id, actor)""")

WHOLE_ENTRY = sql.SQL("""\
SELECT e.id, e.occurred_at, e.transaction_id::text, e.transaction_at, e.operation,
           e.table_schema, e.table_name, e.module, e.entity, e.part,
           e.entity_id, e.former_entity_id, e.entity_label,
           e.actor, e.actor_name, e.actor_bound, e.ip, e.db_user, e.db_role,
           host(e.client_addr) AS client_addr, e.application_name,
           e.context::text, e.row_key::text, e.labels::text, s.size,
           CASE WHEN s.size <= %(largest)s THEN e.old_row::text END AS old_row,
           CASE WHEN s.size <= %(largest)s THEN e.new_row::text END AS new_row
    FROM audit.entry AS e,
         LATERAL (VALUES (coalesce(pg_column_size(e.old_row), 0)
                          + coalesce(pg_column_size(e.new_row), 0))) AS s (size)""")

ENTRIES = sql.SQL("""
SELECT k.number, e.*
FROM {keys}
CROSS JOIN LATERAL (
    {whole_entry}
    WHERE e.entity = k.entity
      AND {same_id}
      AND e.transaction_id IS NOT DISTINCT FROM k.transaction_id
      AND e.module = k.module
      AND e.actor IS NOT DISTINCT FROM k.actor
      AND e.occurred_at >= k.transaction_at - '1 day'::interval
      AND e.occurred_at < k.occurred_at + '1 day'::interval
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.id <> k.newest, e.part IS NOT NULL, e.occurred_at, e.id
    LIMIT %(limit)s
) AS e
ORDER BY k.number, e.id""")

SAME_ID = sql.SQL("""hashtextextended(e.entity_id, 0) = hashtextextended(k.entity_id, 0)
      AND e.entity_id = k.entity_id""")
FORMER_ID = sql.SQL("""hashtextextended(e.former_entity_id, 0) = hashtextextended(k.entity_id, 0)
      AND e.former_entity_id = k.entity_id""")
NO_ID = sql.SQL("hashtextextended(e.entity_id, 0) IS NULL")

# The newest entry of the entity's own row says whether it is still there, and its name. Ordered as
# the index by entity is: by the key, every entry since then would be passed.
FATES = sql.SQL("""
SELECT k.number, e.operation = 'DELETE' AS is_deleted, e.entity_label AS label
FROM {keys}
CROSS JOIN LATERAL (
    SELECT e.operation, e.entity_label
    FROM audit.entry AS e
    WHERE e.entity = k.entity
      AND hashtextextended(e.entity_id, 0) = hashtextextended(k.entity_id, 0)
      AND e.entity_id = k.entity_id
      AND e.module = k.module
      AND e.part IS NULL
      AND e.occurred_at >= k.transaction_at
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.entity DESC, hashtextextended(e.entity_id, 0) DESC, e.occurred_at DESC, e.id DESC
    LIMIT 1
) AS e""")

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
class Fate:
    """What the log knows of an entity since a change of it."""

    is_deleted: bool = False
    label: str | None = None


def find_anchor(
    reading: Reading, transaction: int, entry: int, since: datetime, *, is_former: bool
) -> Stand | None:
    """Return the key of the change that an entry belongs to, or to the entity that its row left."""
    values: dict[str, Any] = {"transaction": str(transaction), "id": entry, "low": since}
    values |= {"high": reading.now + MARGIN, "is_former": is_former}
    row = reading.connection.execute(ANCHOR, values).fetchone()
    return Stand(**row) if row else None


def read_entries(
    reading: Reading, stands: Sequence[Stand], tables: Tables, most: int
) -> list[list[Entry]]:
    """Return the entries of each change, or so many: the newest, then those of its own row."""
    found: list[list[Entry]] = [[] for _ in stands]
    for number, entry in _entries(reading, stands, SAME_ID, most):
        found[number].append(entry)
    for number, entry in _entries(reading, stands, FORMER_ID, most):
        found[number].append(as_the_former_sees(entry))
    for number, entry in _entries(reading, stands, NO_ID, most):
        if stands[number].entity_id is None or _is_lost_part(entry, found[number], tables):
            found[number].append(entry)
    return found


def _is_lost_part(entry: Entry, found: Sequence[Entry], tables: Tables) -> bool:
    is_orphan = entry.part is not None and entry.operation != "TRUNCATE"
    return is_orphan and claims(found, entry, tables)


def _entries(
    reading: Reading, stands: Sequence[Stand], same_id: sql.SQL, most: int
) -> Iterator[tuple[int, Entry]]:
    if not stands:
        return
    values = _keys(stands) | {"largest": LARGEST_ROW, "limit": most}
    values["low"] = min(stand.transaction_at for stand in stands) - MARGIN
    values["high"] = max(stand.occurred_at for stand in stands) + MARGIN
    query = ENTRIES.format(keys=KEYS, whole_entry=WHOLE_ENTRY, same_id=same_id)
    for row in reading.connection.execute(query, values):
        yield row.pop("number"), read_entry(row)


def read_fates(reading: Reading, stands: Sequence[Stand]) -> list[Fate]:
    """Return what became of the entity of each change; each entity is looked for once."""
    if not stands:
        return []
    earliest: dict[object, int] = {}
    for number in sorted(range(len(stands)), key=lambda number: stands[number].transaction_at):
        earliest.setdefault(_entity_of(stands[number]), number)
    asked = [stands[number] for number in earliest.values()]
    values = _keys(asked)
    values["low"] = min(stand.transaction_at for stand in stands)
    values["high"] = reading.now + MARGIN
    found: dict[object, Fate] = {}
    for row in reading.connection.execute(FATES.format(keys=KEYS), values):
        stand = asked[row.pop("number")]
        found[_entity_of(stand)] = Fate(**row)
    return [found.get(_entity_of(stand), Fate()) for stand in stands]


def _entity_of(stand: Stand) -> object:
    return stand.module, stand.entity, stand.entity_id


def _keys(stands: Sequence[Stand]) -> dict[str, Any]:
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
    """Return an entry of a row of WHOLE_ENTRY, as the entity sees it that it belongs to."""
    size, former = row.pop("size"), row.pop("former_entity_id")
    for name in ("context", "row_key", "labels", "old_row", "new_row"):
        row[name] = read_json(row[name])
    context = row.pop("context")
    if not isinstance(context, dict | None):
        # The application may say anything that is JSON.
        context = {"context": context}
    return Entry(
        table=(row.pop("table_schema"), row.pop("table_name")),
        transaction_id=int(row.pop("transaction_id")),
        context=context or {},
        labels=row.pop("labels") or {},
        size=size if size > LARGEST_ROW else None,
        move=None if former is None else Move(is_away=False, entity_id=former),
        **row,
    )


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
