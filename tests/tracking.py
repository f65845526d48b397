"""Tables of a test's own in the shop, tracked for as long as its transaction lasts."""

from typing import Any

from psycopg.rows import namedtuple_row

from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_track
from tests.shop import APP, Connection, acting_as


def track(owner: Connection, table: str, **words: Any) -> None:
    """Track a table of the schema shop, with *words* as of a TrackedTable."""
    tracked = TrackedTable(TableName("shop", table), "shop", "Own", "Own", **words)
    owner.execute(render_track(tracked).encode())


def make(owner: Connection, table: str, columns: str, **words: Any) -> None:
    """Create a table in the schema shop that the application may write, and track it."""
    owner.execute(
        f"CREATE TABLE shop.{table} {columns}; GRANT ALL ON shop.{table} TO {APP}".encode()
    )
    track(owner, table, **words)


def write(owner: Connection, *statements: str) -> None:
    """Do what an application does, in the owner's transaction."""
    with acting_as(owner, APP):
        for statement in statements:
            owner.execute(statement.encode())


def operations(entries: list[Any]) -> list[tuple[str, str]]:
    """Return what happened to which table."""
    return [(entry.operation, entry.table_name) for entry in entries]


def entries(connection: Connection) -> list[Any]:
    """Return all entries of a database, as one who may read them."""
    with acting_as(connection, "audit_reader"), connection.cursor(row_factory=namedtuple_row) as c:
        return c.execute("SELECT * FROM audit.entry ORDER BY id").fetchall()
