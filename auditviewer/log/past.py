"""Queries for one entity over time: the entries of it and of its parts, however many saves.

Knows SQL; what the entity was at a moment is worked out in `moments`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from auditviewer.change.records import Entry, Tables
from auditviewer.change.states import claims
from auditviewer.log.database import Reading
from auditviewer.log.entries import (
    LARGEST,
    NO_ID,
    WHOLE_ENTRIES,
    as_the_former_sees,
    read_entry,
)
from auditviewer.log.filters import Filter, of_scope
from auditviewer.log.seen import FORMER_AS_ASKED, SAME_AS_ASKED
from auditviewer.log.stands import MARGIN, Span

MOST_ENTRIES = 5000
"""Of one entity, before a moment and after it."""

OF_ONE = sql.SQL("""(
    SELECT e.*
    FROM audit.entry AS e
    WHERE e.entity = %(entity)s
      AND {which}
      AND (%(module)s = '' OR e.module = %(module)s)
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.occurred_at {way}, e.id {way}
    LIMIT %(limit)s)""")

# What a TRUNCATE removed is not named, and a part that a cascade removed after its parent has
# lost its entity.
WITHOUT_ID = sql.SQL("""{no_id}
      AND (e.operation = 'TRUNCATE'
           OR e.part IS NOT NULL AND e.transaction_id = ANY (%(transactions)s::text[]::xid8[]))""")

ANY_ENTRY = sql.SQL("""
SELECT EXISTS (
    SELECT FROM audit.entry AS e
    WHERE {which} AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
) AS found""")


@dataclass(frozen=True)
class Past:
    """Entries of one entity in the order of their writing; *is_cut*: there are more."""

    entries: tuple[Entry, ...]
    is_cut: bool = False


def read_past(
    reading: Reading, asked: Filter, span: Span, tables: Tables, *, newest: bool = False
) -> Past:
    """Return the entries of the entity asked for; of too many the oldest, or the *newest*."""
    low, high = span
    values: dict[str, Any] = {
        "entity": asked.entity,
        "entity_id": asked.entity_id,
        "module": asked.module,
        "low": low,
        "high": high,
        "limit": MOST_ENTRIES + 1,
    } | LARGEST
    found = _read(reading, SAME_AS_ASKED, values, newest=newest)
    left = _read(reading, FORMER_AS_ASKED, values, newest=newest)
    found += [as_the_former_sees(entry) for entry in left]
    found.sort(key=_moment, reverse=newest)
    is_cut = len(found) > MOST_ENTRIES
    found = found[:MOST_ENTRIES]
    if is_cut:
        values["low" if newest else "high"] = found[-1].occurred_at
    values["transactions"] = sorted({str(entry.transaction_id) for entry in found})
    others = _read(reading, WITHOUT_ID.format(no_id=NO_ID), values, newest=newest)
    found += [entry for entry in others if _belongs(entry, found, tables)]
    return Past(tuple(sorted(found, key=_moment)), is_cut)


def _moment(entry: Entry) -> tuple[datetime, int]:
    return entry.occurred_at, entry.id


def _read(
    reading: Reading, which: sql.Composable, values: dict[str, Any], *, newest: bool
) -> list[Entry]:
    way = sql.SQL("DESC" if newest else "ASC")
    query = WHOLE_ENTRIES.format(
        number=sql.SQL(""),
        order=sql.SQL("e.occurred_at {way}, e.id {way}").format(way=way),
        entries=OF_ONE.format(which=which, way=way),
    )
    return [read_entry(row) for row in reading.connection.execute(query, values)]


def _belongs(other: Entry, found: Sequence[Entry], tables: Tables) -> bool:
    if other.operation == "TRUNCATE":
        return True
    same = [entry for entry in found if entry.transaction_id == other.transaction_id]
    return claims(same, other, tables)


def has_entries(reading: Reading, asked: Filter, tables: Tables, since: datetime) -> bool:
    """Tell whether anything was recorded of the module and the entity asked for."""
    values: dict[str, Any] = {"low": since, "high": reading.now + MARGIN}
    which: list[sql.Composable] = [sql.SQL("true")]
    if asked.is_somewhere:
        # By the entities of a module: only they have an index.
        values["entities"] = sorted({table.entity for table in of_scope(tables, asked).values()})
        which = [sql.SQL("e.entity = ANY (%(entities)s)")]
    if asked.module:
        values["module"] = asked.module
        which.append(sql.SQL("e.module = %(module)s"))
    query = ANY_ENTRY.format(which=sql.SQL(" AND ").join(which))
    [row] = reading.connection.execute(query, values)
    return bool(row["found"])
