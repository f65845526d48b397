"""A tracked table that is renamed, moved, dropped or replaced: what is captured, and what is said.

Entries keep the name that the table was tracked by; `pgwitness check` finds what is gone.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from generator.config import Config
from generator.drift import find_drift
from generator.parse import read_config
from generator.render import render_track
from tests.shop import Connection, admit, install
from tests.tracking import entries, operations

SCHEMA = "CREATE SCHEMA shop; CREATE SCHEMA attic; CREATE TABLE shop.lamp (id int PRIMARY KEY)"
TRACKED = """
source = "shop"
[table."shop.lamp"]
module = "Lamps"
entity = "Lamp"
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "audit.toml").write_text(TRACKED, encoding="utf-8")
    return read_config(tmp_path / "audit.toml")


@pytest.fixture
def lamps(empty_database: str, config: Config, tmp_path: Path) -> Iterator[Connection]:
    """The owner of a tracked table of lamps, with one in it."""
    with psycopg.connect(empty_database, autocommit=True) as owner:
        install(owner, tmp_path, SCHEMA, TRACKED)
        admit(owner, "shop")
        owner.execute("INSERT INTO shop.lamp VALUES (1)")
        yield owner


def triggers(config: Config, state: str, table: str) -> list[str]:
    """Return what `check` says of all triggers of the table of lamps alike."""
    names = re.findall('CREATE OR REPLACE TRIGGER ("[^"]+")', render_track(config.tables[0]))
    return sorted(f"{state} trigger {name} on {table}" for name in names)


def findings(owner: Connection, config: Config) -> list[str]:
    """Return what `check` says, but that the log has few days ahead."""
    found = find_drift(owner, config)
    return sorted(f"{one.state} {one.object}" for one in found if one.object != "table audit.entry")


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("ALTER TABLE shop.lamp RENAME TO light", "shop.light"),
        ("ALTER TABLE shop.lamp SET SCHEMA attic", "attic.lamp"),
        ("ALTER SCHEMA shop RENAME TO store", "store.lamp"),
    ],
)
def test_a_table_of_another_name_is_captured_under_the_former_and_found(
    lamps: Connection, config: Config, statement: str, name: str
) -> None:
    lamps.execute(statement.encode())
    lamps.execute(f"UPDATE {name} SET id = 2".encode())
    lamps.execute(f"TRUNCATE {name}".encode())

    assert operations(entries(lamps)) == [
        ("INSERT", "lamp"),
        ("UPDATE", "lamp"),
        ("TRUNCATE", "lamp"),
    ]
    assert {entry.table_schema for entry in entries(lamps)} == {"shop"}
    assert findings(lamps, config) == [
        "conflict table shop.lamp",
        *triggers(config, "orphan", name),
    ]


def test_a_table_that_is_dropped_and_made_again_is_no_longer_captured_and_found(
    lamps: Connection, config: Config
) -> None:
    lamps.execute("DROP TABLE shop.lamp")
    assert findings(lamps, config) == ["conflict table shop.lamp"]

    lamps.execute("CREATE TABLE shop.lamp (id int PRIMARY KEY)")
    lamps.execute("INSERT INTO shop.lamp VALUES (1)")
    assert operations(entries(lamps)) == [("INSERT", "lamp")]
    assert findings(lamps, config) == triggers(config, "missing", "shop.lamp")


def test_a_table_that_is_made_again_is_captured_once_it_is_tracked_again(
    lamps: Connection, config: Config
) -> None:
    lamps.execute("DROP TABLE shop.lamp; CREATE TABLE shop.lamp (id int PRIMARY KEY, watts int)")
    lamps.execute(render_track(config.tables[0]).encode())
    lamps.execute("INSERT INTO shop.lamp VALUES (1, 60)")

    assert [entry.new_row for entry in entries(lamps)] == [{"id": 1}, {"id": 1, "watts": 60}]
    assert findings(lamps, config) == []


def test_a_table_that_takes_the_place_of_a_tracked_one_is_not_captured_and_found(
    lamps: Connection, config: Config
) -> None:
    lamps.execute(
        "ALTER TABLE shop.lamp RENAME TO former; CREATE TABLE shop.lamp (id int PRIMARY KEY);"
        "INSERT INTO shop.lamp SELECT id + 1 FROM shop.former; DELETE FROM shop.former"
    )

    assert operations(entries(lamps)) == [("INSERT", "lamp"), ("DELETE", "lamp")]
    assert findings(lamps, config) == [
        *triggers(config, "missing", "shop.lamp"),
        *triggers(config, "orphan", "shop.former"),
    ]


def test_a_copy_of_a_tracked_table_is_not_captured(lamps: Connection, config: Config) -> None:
    lamps.execute("CREATE TABLE shop.spare (LIKE shop.lamp INCLUDING ALL)")
    lamps.execute("CREATE TABLE shop.backup AS TABLE shop.lamp")
    lamps.execute("INSERT INTO shop.spare VALUES (2)")

    assert operations(entries(lamps)) == [("INSERT", "lamp")]
    assert findings(lamps, config) == []


def test_a_rewrite_of_the_table_is_no_change_of_its_rows(lamps: Connection, config: Config) -> None:
    for statement in (
        "ALTER TABLE shop.lamp ADD COLUMN watts numeric DEFAULT 60",
        "UPDATE shop.lamp SET watts = watts",
        "ALTER TABLE shop.lamp ALTER COLUMN watts TYPE text",
        "CLUSTER shop.lamp USING lamp_pkey",
        "VACUUM FULL shop.lamp",
        "ALTER TABLE shop.lamp ALTER COLUMN id TYPE bigint",
    ):
        lamps.execute(statement.encode())
    lamps.execute("UPDATE shop.lamp SET watts = watts")
    lamps.execute("UPDATE shop.lamp SET watts = '40'")

    assert operations(entries(lamps)) == [("INSERT", "lamp"), ("UPDATE", "lamp")]
    assert entries(lamps)[-1].old_row == {"id": 1, "watts": "60"}
    assert findings(lamps, config) == []
