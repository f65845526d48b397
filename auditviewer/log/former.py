"""What entities were called that a part left: its entry has the name of the new one only.

Knows SQL; how a move is told is for `auditviewer.change` to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from psycopg import sql

from auditviewer.change.records import Entry, Tables
from auditviewer.log.database import Reading
from auditviewer.log.ids import has_id
from auditviewer.log.stands import FIRST_DAYS, Span, windows

MOST_NAMES = 100
"""Entities that are looked up; others are shown by their key."""

# Ordered as the index by entity is: by the key, every entry until then would be passed.
NAMES = sql.SQL("""
SELECT k.number, e.entity_label AS label
FROM unnest(%(numbers)s::int[], %(modules)s::text[], %(entities)s::text[], %(ids)s::text[],
            %(moments)s::timestamptz[]) AS k (number, module, entity, entity_id, occurred_at)
CROSS JOIN LATERAL (
    SELECT e.entity_label
    FROM audit.entry AS e
    WHERE e.entity = k.entity
      AND {same_id}
      AND e.module = k.module
      AND e.entity_label IS NOT NULL
      AND e.occurred_at < k.occurred_at
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.entity DESC, hashtextextended(e.entity_id, 0) DESC, e.occurred_at DESC, e.id DESC
    LIMIT 1
) AS e""").format(same_id=has_id("e.entity_id", "k.entity_id"))

Former = tuple[str, str, str, int]
"""Module, entity and id of what a part left, and the transaction in which it did."""


def with_former_names(
    reading: Reading, changes: Sequence[Sequence[Entry]], tables: Tables, since: datetime
) -> list[list[Entry]]:
    """Return the entries of changes with the names of what their parts left.

    That is what the reference to it was called, or what the newest entry before says. Of what has
    no entry *since* then, the name is not known.
    """
    names: dict[Former, str | None] = {}
    moments: dict[Former, datetime] = {}
    for entry in (entry for entries in changes for entry in entries):
        if former := _former(entry):
            names[former] = names.get(former) or _referred(entry, former, tables)
            moments[former] = min(entry.occurred_at, moments.get(former, entry.occurred_at))
    asked = {each: moments[each] for each in [*moments][:MOST_NAMES] if names[each] is None}
    if asked:
        for span in windows((since, max(asked.values())), FIRST_DAYS):
            names |= _read_names(reading, asked, span)
            asked = {each: moment for each, moment in asked.items() if names[each] is None}
            if not asked:
                break
    return [[_named(entry, names) for entry in entries] for entries in changes]


def _former(entry: Entry) -> Former | None:
    if entry.move is None or entry.part is None or entry.entity_id is None:
        return None
    left = entry.entity_id if entry.is_former else entry.move.entity_id
    return entry.module, entry.entity, left, entry.transaction_id


def _referred(entry: Entry, former: Former, tables: Tables) -> str | None:
    table = tables.get(entry.table)
    key = table.parent_key[0] if table and len(table.parent_key) == 1 else ""
    return entry.labels.get(key, {}).get(former[2])


def _read_names(
    reading: Reading, asked: Mapping[Former, datetime], span: Span
) -> dict[Former, str | None]:
    formers, moments = list(asked), list(asked.values())
    modules, entities, ids, _ = map(list, zip(*formers, strict=True))
    values = {"numbers": list(range(len(formers))), "moments": moments}
    values |= {"modules": modules, "entities": entities, "ids": ids}
    rows = reading.connection.execute(NAMES, values | {"low": span[0], "high": span[1]})
    return {formers[row["number"]]: row["label"] for row in rows}


def _named(entry: Entry, names: Mapping[Former, str | None]) -> Entry:
    former = _former(entry)
    if former is None or entry.move is None:
        return entry
    if entry.is_former:
        return replace(entry, entity_label=names[former])
    return replace(entry, move=replace(entry.move, label=names[former]))
