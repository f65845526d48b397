"""A tracked table that is changed while an application writes to it: no write fails or is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from threading import Event

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import Cluster
from generator.config import Config
from generator.parse import read_config
from generator.render import render_track, render_untrack
from tests.databases import new_database
from tests.shop import APP, Connection, admit, install
from tests.tracking import entries

SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.maker (id int PRIMARY KEY, name text);
CREATE TABLE shop.lamp (
    id       bigint PRIMARY KEY,
    name     text,
    watts    int,
    maker_id int REFERENCES shop.maker,
    secret   text,
    seen_at  timestamptz DEFAULT now()
);
INSERT INTO shop.maker VALUES (1, 'Ana Diaz');
"""
TRACKED = """
source = "shop"
[table."shop.lamp"]
module = "Lamps"
entity = "Lamp"
label = "name"
ignore = ["seen_at"]
redact = ["secret"]
columns.maker_id.references = { table = "shop.maker", label = "name" }
"""
# In order: what the application writes is there all the time.
CHANGES = [
    "ALTER TABLE shop.lamp ADD COLUMN colour text",
    "ALTER TABLE shop.lamp ADD COLUMN height numeric NOT NULL DEFAULT random()",
    "ALTER TABLE shop.lamp ALTER COLUMN height TYPE text",
    "ALTER TABLE shop.lamp RENAME COLUMN colour TO shade",
    "ALTER TABLE shop.lamp DROP COLUMN shade",
    "ALTER TABLE shop.lamp ALTER COLUMN watts TYPE numeric(9, 2)",
    "ALTER TABLE shop.lamp ALTER COLUMN watts TYPE text",
    "ALTER TABLE shop.lamp RENAME COLUMN name TO title",
    "ALTER TABLE shop.lamp DROP COLUMN title",
    "ALTER TABLE shop.lamp DROP COLUMN seen_at, DROP COLUMN secret",
    "ALTER TABLE shop.maker DROP COLUMN name",
    "ALTER TABLE shop.lamp DROP COLUMN maker_id",
    "ALTER TABLE shop.lamp ALTER COLUMN id TYPE numeric",
    "CREATE UNIQUE INDEX ON shop.lamp (watts, id)",
    "ALTER TABLE shop.lamp ADD COLUMN twice text GENERATED ALWAYS AS (watts || watts) STORED",
]
SESSIONS = 2
WRITES = 4
"""How many transactions each session commits at least between two changes of the table."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "audit.toml").write_text(TRACKED, encoding="utf-8")
    return read_config(tmp_path / "audit.toml")


@pytest.fixture
def owner(cluster: Cluster, tmp_path: Path) -> Iterator[Connection]:
    """The owner of a tracked table of lamps."""
    with new_database(cluster, "traffic") as conninfo:
        with psycopg.connect(conninfo) as connection:
            install(connection, tmp_path, SCHEMA, TRACKED)
            admit(connection, "shop")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield connection


def write_until(end: Event, conninfo: str, first: int, committed: Queue[int]) -> list[int]:
    """Insert, update and delete lamps as fast as it goes; return the number of each that was."""
    written: list[int] = []
    with psycopg.connect(conninfo, autocommit=True) as app:
        while not end.is_set():
            number = first + len(written)
            with app.transaction():
                app.execute("SELECT audit.set_context(%s)", [str(number)])
                app.execute("INSERT INTO shop.lamp (id, watts) VALUES (%s, 1)", [number])
                app.execute("UPDATE shop.lamp SET watts = '2' WHERE id = %s", [number])
                app.execute("DELETE FROM shop.lamp WHERE id = %s", [number])
            written.append(number)
            committed.put(number)
    return written


def change_under_traffic(owner: Connection, changes: list[str]) -> list[int]:
    """Change the table while sessions write to it; return what they had committed at the end."""
    end, committed = Event(), Queue[int]()
    conninfo = make_conninfo(owner.info.dsn, user=APP)
    with ThreadPoolExecutor(SESSIONS) as pool:
        writers = [
            pool.submit(write_until, end, conninfo, session * 1_000_000, committed)
            for session in range(SESSIONS)
        ]
        try:
            for change in [*changes, "SELECT"]:
                for _ in range(WRITES * SESSIONS):
                    committed.get(timeout=20)
                owner.execute(change.encode())
        finally:
            end.set()
        return sorted(number for writer in writers for number in writer.result())


def whole(owner: Connection) -> list[int]:
    """Return the numbers that have an entry of each of their three writes, in order."""
    found: dict[int, list[str]] = {}
    for entry in entries(owner):
        assert entry.entity_id == entry.actor
        found.setdefault(int(entry.actor), []).append(entry.operation)
    assert {tuple(operations) for operations in found.values()} == {("INSERT", "UPDATE", "DELETE")}
    return sorted(found)


def test_no_write_fails_or_is_lost_while_columns_come_go_and_change(owner: Connection) -> None:
    committed = change_under_traffic(owner, CHANGES)

    assert whole(owner) == committed


def test_no_write_fails_or_is_lost_while_the_table_is_tracked_anew(
    owner: Connection, config: Config
) -> None:
    again = render_track(config.tables[0])
    committed = change_under_traffic(owner, [again, CHANGES[0], again, again])

    assert whole(owner) == committed


def test_no_write_fails_while_tracking_stops_and_starts(owner: Connection, config: Config) -> None:
    [lamp] = config.tables
    committed = change_under_traffic(owner, [render_untrack(lamp.name), render_track(lamp)])

    assert set(whole(owner)) < set(committed)


def test_sessions_that_change_one_row_leave_a_chain_of_its_values(owner: Connection) -> None:
    owner.execute("INSERT INTO shop.lamp (id, watts) VALUES (0, 0)")
    conninfo = make_conninfo(owner.info.dsn, user=APP)

    def count_up(_: int) -> None:
        with psycopg.connect(conninfo, autocommit=True) as app:
            for _ in range(50):
                app.execute("UPDATE shop.lamp SET watts = watts + 1")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))

    changed = [(e.old_row["watts"], e.new_row["watts"]) for e in entries(owner)[1:]]
    assert changed == [(watts, watts + 1) for watts in range(200)]
