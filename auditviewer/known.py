"""Queries for what there is: the tracked tables with their words, and the persons of the log."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditviewer.database import Reading
from auditviewer.log import MARGIN
from auditviewer.records import Table, read_columns

MOST_PERSONS = 200

TABLES = """
SELECT table_schema, table_name, module, entity, part, key_columns, label_column,
       parent_schema, parent_table, parent_key, link, columns, ignored, tracked_at, untracked_at
FROM audit.tracked_table
ORDER BY table_schema, table_name"""

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
SELECT p.actor, n.actor_name AS name
FROM (SELECT actor FROM person WHERE actor IS NOT NULL LIMIT %(limit)s) AS p
CROSS JOIN LATERAL (
    SELECT e.actor_name
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


def read_tables(reading: Reading) -> dict[tuple[str, str], Table]:
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
        columns=read_columns(row["columns"]),
        ignored=frozenset(row["ignored"]),
        tracked_at=row["tracked_at"],
        untracked_at=row["untracked_at"],
    )


def find_persons(reading: Reading, since: datetime) -> list[Person]:
    """Return who made changes since then, by name; two of one name are told apart by their key."""
    values = {"low": since, "high": reading.now + MARGIN, "limit": MOST_PERSONS}
    rows = [
        (row["actor"], row["name"] or row["actor"])
        for row in reading.connection.execute(PERSONS, values)
    ]
    names = Counter(name for _, name in rows)
    persons = [
        Person(actor, f"{name} (#{actor})" if names[name] > 1 else name) for actor, name in rows
    ]
    return sorted(persons, key=lambda person: (person.name.casefold(), person.actor))
