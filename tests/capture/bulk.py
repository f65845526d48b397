"""Two shops that differ in nothing but how they are captured: by row, and by statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from auditviewer.demo.cluster import Cluster
from generator.config import TrackedTable
from generator.parse import read_config
from generator.render import render_track
from tests.databases import few_days, new_database
from tests.shop import APP, SCHEMA, TRACKED, Connection, admit, written

BULK_SCHEMA = """
CREATE TABLE shop.slot (
    id   int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED,
    name text
);
CREATE TABLE shop.node (
    id        int PRIMARY KEY,
    parent_id int REFERENCES shop.node ON DELETE CASCADE ON UPDATE CASCADE,
    gone      int
);
ALTER TABLE shop.node DROP COLUMN gone;
CREATE TABLE shop.odd (
    id int PRIMARY KEY, o text, n text, w text, tg_op text, tg_relid text, v_attempt text, nth text,
    old_row text, new_row text, v_old text, v_new text, old_1 text, "New.*" text
);
"""
BULK_TRACKED = "".join(
    f'[table."shop.{name}"]\nmodule = "M"\nentity = "{name}"\n' for name in ("slot", "node", "odd")
)
PARTITIONED = "sale"
BYSTANDERS = {"id", "occurred_at", "transaction_id", "transaction_at"}

Entries = list[dict[str, Any]]


@dataclass(frozen=True)
class Shops:
    """The application in both shops, in transactions that are rolled back."""

    by_row: Connection
    by_statement: Connection

    def entries(self, *statements: str, role: str = APP) -> tuple[Entries, Entries]:
        """Run statements in both, and return the entries that they left here and there."""
        return (
            _entries(self.by_row, statements, role),
            _entries(self.by_statement, statements, role),
        )


@contextmanager
def two_shops(cluster: Cluster, folder: Path) -> Iterator[Shops]:
    """Make the two shops."""
    with (
        new_database(cluster, "by_row") as by_row,
        new_database(cluster, "by_statement") as by_statement,
        psycopg.connect(by_row) as row,
        psycopg.connect(by_statement) as statement,
    ):
        for owner, capture in ((row, "row"), (statement, "statement")):
            _install(owner, folder, capture)
        yield Shops(row, statement)


def tracked_tables(folder: Path, capture: str) -> list[TrackedTable]:
    """Return the tables of a shop, captured in one way but for the partitioned one."""
    path = folder / "audit.toml"
    path.write_text(TRACKED + BULK_TRACKED, encoding="utf-8")
    return [
        table if table.name.table == PARTITIONED else replace(table, capture=capture)
        for table in read_config(path).tables
    ]


def _install(owner: Connection, folder: Path, capture: str) -> None:
    owner.execute((few_days() + SCHEMA + BULK_SCHEMA).encode())
    for table in tracked_tables(folder, capture):
        owner.execute(render_track(table).encode())
    admit(owner, "shop")
    owner.execute("SET ROLE audit_owner; UPDATE audit.fingerprint_key SET secret = 'one for both'")
    owner.execute("RESET ROLE")
    owner.commit()


def _entries(connection: Connection, statements: tuple[str, ...], role: str) -> Entries:
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL ROLE {role}".encode())
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("RESET ROLE")
        return [
            {name: value for name, value in entry._asdict().items() if name not in BYSTANDERS}
            for entry in written(connection)
        ]
