"""What the CRM's application writes when somebody saves a form, statement by statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.crm import Connection, Crm, Person


@contextmanager
def editing(crm: Crm, by: Person, table: str, key: int) -> Iterator[Connection]:
    """Save the form of an entity: lock it, write what was changed, and stamp it."""
    name = sql.Identifier("crm", table)
    with crm.saving(by) as connection:
        connection.execute(sql.SQL("SELECT FROM {} WHERE id = %s FOR UPDATE").format(name), [key])
        yield connection
        connection.execute(
            sql.SQL("UPDATE {} SET updated_at = now() WHERE id = %s").format(name), [key]
        )


def add(connection: Connection, table: str, **columns: object) -> Any:
    """Add a row, and return its key."""
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
        sql.Identifier("crm", table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
    )
    [row] = connection.execute(query, _adapted(columns)).fetchall()
    return row[0]


def change(connection: Connection, table: str, key: int, **columns: object) -> None:
    """Change columns of a row."""
    query = sql.SQL("UPDATE {} SET {} WHERE id = %(key)s").format(
        sql.Identifier("crm", table), _assigned(columns, ", ")
    )
    connection.execute(query, {"key": key, **_adapted(columns)})


def remove(connection: Connection, table: str, **where: object) -> None:
    """Remove the rows that hold some values."""
    query = sql.SQL("DELETE FROM {} WHERE {}").format(
        sql.Identifier("crm", table), _assigned(where, " AND ")
    )
    connection.execute(query, where)


def _assigned(columns: dict[str, object], between: LiteralString) -> sql.Composed:
    return sql.SQL(between).join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns
    )


def _adapted(columns: dict[str, object]) -> dict[str, object]:
    return {
        name: Jsonb(value) if isinstance(value, dict) else value for name, value in columns.items()
    }
