"""How a database is read: rows with names, or all of it in one snapshot.

Knows no query; what is there, others ask.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

Connection = psycopg.Connection[Any]
Statement = LiteralString | sql.Composed


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Read in one snapshot, without the right to write, and with names deparsed the same always.

    The connection must not be in a transaction that has read already.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for setting, value in _SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, true)", [setting, value])
        yield


def rows(connection: Connection, query: Statement, **parameters: object) -> list[Any]:
    """Return the rows of a query as named tuples, whatever row factory the connection has."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


_SETTINGS = {
    "search_path": "pg_catalog, pg_temp",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "quote_all_identifiers": "off",
    "row_security": "on",
    "standard_conforming_strings": "on",
}
