"""Queries for what there is: the tracked tables with their words, and the persons of the log."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from auditviewer.change.records import Table, TableName, read_columns
from auditviewer.log.database import Reading
from auditviewer.log.stands import MARGIN

MOST_PERSONS = 200

TABLES = """
SELECT table_schema, table_name, module, entity, part, key_columns, label_column,
       parent_schema, parent_table, parent_key, link, say, columns, ignored,
       missing_actor, tracked_at, untracked_at
FROM audit.tracked_table
ORDER BY table_schema, table_name"""

PERSONS_OF_INDEXED_DAYS = """
SELECT p.actor, p.actor_name AS name, p.acted_on
FROM audit.person AS p
WHERE p.acted_on >= %(since)s
ORDER BY p.acted_on DESC
LIMIT %(limit)s"""

INDEXED_DAYS = """
SELECT to_date(substring(c.relname FROM '^entry_([0-9]{8})_words$'), 'YYYYMMDD') AS day
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = 'audit'::regnamespace
  AND c.relkind = 'i'
  AND c.relname ~ '^entry_[0-9]{8}_words$'
ORDER BY day"""

# From one person to the next along the index: SELECT DISTINCT would read every entry.
PERSONS = """
WITH RECURSIVE person (actor) AS (
    (SELECT e.actor
     FROM audit.entry AS e
     WHERE e.actor IS NOT NULL AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
     ORDER BY e.actor
     LIMIT 1)
    UNION ALL
    SELECT (SELECT e.actor
            FROM audit.entry AS e
            WHERE e.actor > p.actor AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
            ORDER BY e.actor
            LIMIT 1)
    FROM person AS p
    WHERE p.actor IS NOT NULL
)
SELECT p.actor, n.actor_name AS name, n.acted_on
FROM (SELECT actor FROM person WHERE actor IS NOT NULL LIMIT %(limit)s) AS p
CROSS JOIN LATERAL (
    SELECT e.actor_name, (e.occurred_at AT TIME ZONE 'UTC')::date AS acted_on
    FROM audit.entry AS e
    WHERE e.actor = p.actor AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.occurred_at DESC
    LIMIT 1
) AS n"""


@dataclass(frozen=True)
class Person:
    """Somebody in the log, by their latest name there."""

    actor: str
    name: str


def read_tables(reading: Reading) -> dict[TableName, Table]:
    """Return the words of all tables that are or were tracked."""
    return {table.name: table for table in map(_table, reading.connection.execute(TABLES))}


def _table(row: dict[str, Any]) -> Table:
    parent = (row["parent_schema"], row["parent_table"]) if row["parent_table"] else None
    return Table(
        name=(row["table_schema"], row["table_name"]),
        module=row["module"],
        entity=row["entity"],
        part=row["part"],
        key=tuple(row["key_columns"]),
        label_column=row["label_column"],
        parent=parent,
        parent_key=tuple(row["parent_key"] or ()),
        link=row["link"],
        say=row["say"],
        columns=read_columns(row["columns"]),
        ignored=frozenset(row["ignored"]),
        wants_actor=row["missing_actor"] != "allow",
        tracked_at=row["tracked_at"],
        untracked_at=row["untracked_at"],
    )


def find_persons(reading: Reading, since: datetime) -> list[Person]:
    """Return who made changes since then, by name; two of one name are told apart by their key."""
    latest: dict[str, dict[str, Any]] = {}
    for row in sorted(_persons(reading, since), key=lambda row: row["acted_on"]):
        latest[row["actor"]] = row
    newest = sorted(latest.values(), key=lambda row: row["acted_on"])[-MOST_PERSONS:]
    rows = [(row["actor"], row["name"] or row["actor"]) for row in newest]
    names = Counter(name for _, name in rows)
    persons = [
        Person(actor, f"{name} (#{actor})" if names[name] > 1 else name) for actor, name in rows
    ]
    return sorted(persons, key=lambda person: (person.name.casefold(), person.actor))


def _persons(reading: Reading, since: datetime) -> Iterator[dict[str, Any]]:
    """Yield persons, the same one perhaps often: those of a day that is over are listed."""
    execute, limit = reading.connection.execute, {"limit": MOST_PERSONS}
    yield from execute(PERSONS_OF_INDEXED_DAYS, {"since": since.astimezone(UTC).date()} | limit)
    indexed = [row["day"] for row in execute(INDEXED_DAYS)]
    for low, high in _spans_between(indexed, since, reading.now + MARGIN):
        yield from execute(PERSONS, {"low": low, "high": high} | limit)


def _spans_between(
    days: Iterable[date], low: datetime, high: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what is left from *low* to *high* without those days in UTC."""
    for day in days:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if low < begin < high:
            yield low, begin
        low = max(low, begin + timedelta(days=1))
    if low < high:
        yield low, high
