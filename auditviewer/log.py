"""Queries of the log: which changes stand where, newest first, and what they consist of.

Knows SQL and the indexes that it walks; what entries mean together is `changes`' business.
A change is named by its key: transaction, module, entity, id of the entity, actor. It stands
where its newest entry stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from auditviewer.database import Reading
from auditviewer.filters import Filter

PAGE = 50
FIRST_DAYS = timedelta(days=2)
WIDENING = 4
MARGIN = timedelta(days=1)
"""How far apart two entries of one change may be, and how wrong the server's clock."""

# Not by transaction_id = …: its index finds each entry of a bulk load again and again. The one by
# entity goes straight to the next entry of the same one.
NEWER_OF_SAME = sql.SQL("""
    SELECT FROM audit.entry AS n
    WHERE n.entity = e.entity
      AND {same_id}
      AND n.transaction_id IS NOT DISTINCT FROM e.transaction_id
      AND n.module = e.module
      AND n.actor IS NOT DISTINCT FROM e.actor
      AND n.occurred_at >= e.occurred_at AND n.occurred_at < e.occurred_at + '1 day'::interval
      AND n.occurred_at >= %(low)s AND n.occurred_at < %(after)s
      AND (n.occurred_at, n.id) > (e.occurred_at, e.id)""")

SAME_ID = sql.SQL("""hashtextextended(n.entity_id, 0) = hashtextextended(e.entity_id, 0)
      AND n.entity_id = e.entity_id""")
NO_ID = sql.SQL("hashtextextended(n.entity_id, 0) IS NULL")

# A part whose parents were deleted in the same statement has lost its entity; the change of the
# entity shows it.
ENTITY_OF_ORPHAN = sql.SQL("""
    SELECT FROM audit.entry AS n
    WHERE n.entity = e.entity
      AND n.entity_id IS NOT NULL
      AND n.transaction_id IS NOT DISTINCT FROM e.transaction_id
      AND n.module = e.module
      AND n.actor IS NOT DISTINCT FROM e.actor
      AND n.occurred_at >= e.transaction_at - '1 day'::interval
      AND n.occurred_at < e.occurred_at + '1 day'::interval
      AND n.occurred_at < %(after)s""")

STANDS = sql.SQL("""
SELECT e.id, e.occurred_at, e.transaction_id::text, e.transaction_at,
       e.module, e.entity, e.entity_id, e.actor
FROM audit.entry AS e
WHERE {conditions}
ORDER BY e.occurred_at DESC, e.id DESC
LIMIT %(limit)s""")

IS_NEWEST = sql.SQL("""CASE
    WHEN e.entity_id IS NOT NULL THEN NOT EXISTS ({of_same})
    WHEN e.part IS NOT NULL AND e.operation <> 'TRUNCATE' AND EXISTS ({of_orphan}) THEN false
    ELSE NOT EXISTS ({of_none})
    END""")


@dataclass(frozen=True)
class Stand:
    """The key of a change, and its newest entry."""

    id: int
    occurred_at: datetime
    transaction_id: str
    transaction_at: datetime
    module: str
    entity: str
    entity_id: str | None
    actor: str | None


@dataclass(frozen=True)
class Cursor:
    """Where a page ended, and what could be seen when the first one was read."""

    occurred_at: datetime
    id: int
    snapshot: str

    def __str__(self) -> str:
        return f"{self.occurred_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}_{self.id}_{self.snapshot}"


CURSOR = re.compile(
    r"(\d{8}T\d{6}\.\d{6})Z_(\d{1,18})_(\d{1,19}:\d{1,19}:(?:\d{1,19}(?:,\d{1,19})*)?)",
    re.ASCII,
)


def read_cursor(text: str) -> Cursor:
    """Read a cursor of a URL; raises ValueError for one that is none."""
    match = CURSOR.fullmatch(text)
    if match is None:
        raise ValueError(text)
    moment = datetime.strptime(match[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    if moment.year == datetime.max.year:
        raise ValueError(text)
    return Cursor(moment, int(match[2]), match[3])


def find_stands(
    reading: Reading, asked: Filter, since: datetime, cursor: Cursor | None
) -> list[Stand]:
    """Return a page of changes and one more, newest first, none older than *since*.

    The newest days are asked for first, then ever more: few partitions have to be planned. What
    was not visible in the cursor's snapshot stays out, so that no page repeats a change.
    """
    first, after = asked.span(reading.now)
    low = max(since, first or since)
    high = min(after or datetime.max.replace(tzinfo=UTC), reading.now + MARGIN)
    if cursor:
        high = min(high, cursor.occurred_at + timedelta(microseconds=1))
    found: list[Stand] = []
    for start, end in _windows(low, high):
        missing = PAGE + 1 - len(found)
        found += _stands_between(reading, asked, cursor, (start, end), missing)
        if len(found) > PAGE:
            break
    return found


def _windows(low: datetime, high: datetime) -> Iterator[tuple[datetime, datetime]]:
    width = FIRST_DAYS
    while high > low:
        start = max(low, high - width)
        yield start, high
        high, width = start, width * WIDENING


def _stands_between(
    reading: Reading,
    asked: Filter,
    cursor: Cursor | None,
    span: tuple[datetime, datetime],
    limit: int,
) -> list[Stand]:
    conditions, values = _conditions(asked, cursor)
    query = STANDS.format(conditions=sql.SQL("\n  AND ").join(conditions))
    values |= {"low": span[0], "high": span[1], "after": span[1] + MARGIN, "limit": limit}
    return [Stand(**row) for row in reading.connection.execute(query, values)]


def _conditions(
    asked: Filter, cursor: Cursor | None
) -> tuple[list[sql.Composable], dict[str, Any]]:
    """Return a condition for each filter that is given, and none for the others."""
    conditions: list[sql.Composable] = [
        sql.SQL("e.occurred_at >= %(low)s AND e.occurred_at < %(high)s")
    ]
    values: dict[str, Any] = {}
    if asked.by:
        actor = asked.actor
        conditions.append(sql.SQL("e.actor IS NULL" if actor is None else "e.actor = %(actor)s"))
        values["actor"] = actor
    if asked.module:
        conditions.append(sql.SQL("e.module = %(module)s"))
        values["module"] = asked.module
    if cursor:
        conditions.append(sql.SQL("(e.occurred_at, e.id) < (%(cursor_at)s, %(cursor_id)s)"))
        conditions.append(
            sql.SQL("pg_visible_in_snapshot(e.transaction_id, %(snapshot)s::pg_snapshot)")
        )
        values |= {"cursor_at": cursor.occurred_at, "cursor_id": cursor.id}
        values["snapshot"] = cursor.snapshot
    newest = IS_NEWEST.format(
        of_same=NEWER_OF_SAME.format(same_id=SAME_ID),
        of_none=NEWER_OF_SAME.format(same_id=NO_ID),
        of_orphan=ENTITY_OF_ORPHAN,
    )
    return [*conditions, newest], values


def has_newer(reading: Reading, asked: Filter, cursor: Cursor) -> bool:
    """Tell whether changes came that the first page couldn't see, as far as two days tell."""
    conditions, values = _conditions(asked, None)
    query = sql.SQL("SELECT EXISTS (SELECT FROM audit.entry AS e WHERE {}) AS newer").format(
        sql.SQL("\n  AND ").join(
            [
                *conditions[:-1],
                sql.SQL("e.transaction_id >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)"),
                sql.SQL("NOT pg_visible_in_snapshot(e.transaction_id, %(snapshot)s::pg_snapshot)"),
            ]
        )
    )
    values |= {"low": reading.now - FIRST_DAYS, "high": reading.now + MARGIN}
    row = reading.connection.execute(query, values | {"snapshot": cursor.snapshot}).fetchone()
    return bool(row and row["newer"])
