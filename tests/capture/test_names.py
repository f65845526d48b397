"""Names that SQL, PL/pgSQL, TOML or a format string could take for something else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from auditviewer.demo.cluster import Cluster
from generator.migrations import plan, write
from generator.parse import read_config
from tests.databases import apply_migrations, new_database, yoyo_address
from tests.shop import APP, Connection, acting_as, admit, written

Name = tuple[str, str]

LONG = "ü" * 31  # 62 bytes, and a name has room for 63
ODD: Name = ('Odd "one".x', "it's; a\\table")
RESERVED: Name = ("select", "from")
LONGEST: Name = (LONG + "s", LONG + "1")
ALMOST_LONGEST: Name = (LONG + "s", LONG + "2")
NAMES = {
    "odd": ODD,
    "reserved": RESERVED,
    "longest": LONGEST,
    "almost the same": ALMOST_LONGEST,
}

COLUMNS = [
    *("new", "old", "tg_op", "tg_argv", "v_row", "v_old", "v_new", "v_labels", "v_entity_label"),
    *("a1", "r", "audit", "entry", "user", "select", "Größe", "日本", 'a"b', "a.b", "it's"),
    *("back\\slash", "%s", "%%", "$1", "$$", "{x}", "{{ x }}", "--", "/*", ";", " ", LONG + "c"),
]
KEY, PARENT, LABEL = 'k"ey', "parent's", "label\\s"

TOML = f"""
source = "it's; \\\\ %s"

[table."\\"Odd \\"\\"one\\"\\".x\\".\\"it's; a\\\\table\\""]
module = "What's %s"
entity = 'Back\\slash'
key = ['{KEY}']
label = '{LABEL}'
ignore = ["tg_op"]
exclude = ["%s"]
redact = ["$1"]

[table."select.from"]
parent = {{ table = "\\"Odd \\"\\"one\\"\\".x\\".\\"it's; a\\\\table\\"", key = "{PARENT}" }}
part = '$$ {{x}}'
key = ['{KEY}']
columns."{PARENT}".references = {{ table = "select.from", key = '{KEY}', label = '{LABEL}' }}

[table."{LONGEST[0]}.{LONGEST[1]}"]
module = "Longest"
entity = "Longest"
key = ['{KEY}']

[table."{ALMOST_LONGEST[0]}.{ALMOST_LONGEST[1]}"]
module = "Almost"
entity = "Almost"
key = ['{KEY}']
"""


def schema() -> str:
    """Write a table of each name, all with all of the columns."""
    texts = [sql.SQL("{} text").format(sql.Identifier(name)) for name in (LABEL, *COLUMNS)]
    numbers = [sql.SQL("{} int").format(sql.Identifier(name)) for name in (KEY, PARENT)]
    columns = sql.SQL(", ").join([*numbers, *texts])
    statements = [
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}; CREATE TABLE {} ({});").format(
            sql.Identifier(name[0]), sql.Identifier(*name), columns
        )
        for name in NAMES.values()
    ]
    return sql.Composed(statements).as_string(None)


def migrate(conninfo: str, folder: Path) -> None:
    """Track the tables by files, as a DBA does."""
    (folder / "audit.toml").write_text(TOML, encoding="utf-8")
    config = read_config(folder / "audit.toml")
    write(config.migrations, plan(config))
    apply_migrations(yoyo_address(conninfo), config.migrations)


@pytest.fixture(scope="module")
def odd_shop(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return how its owner connects to a database with odd names in it, all of them tracked."""
    with new_database(cluster, "odd") as conninfo:
        with psycopg.connect(conninfo) as connection:
            connection.execute(schema().encode())
        migrate(conninfo, tmp_path_factory.mktemp("odd"))
        with psycopg.connect(conninfo) as connection:
            admit(connection, *{name[0] for name in NAMES.values()})
        yield conninfo


@pytest.fixture
def owner(odd_shop: str) -> Iterator[Connection]:
    """The owner, in a transaction that is rolled back."""
    with psycopg.connect(odd_shop) as connection, connection.transaction(force_rollback=True):
        yield connection


def row() -> dict[str, Any]:
    return {KEY: 1, PARENT: 1, LABEL: "the label"} | {name: f"in {name}" for name in COLUMNS}


def insert_into(owner: Connection, name: Name) -> None:
    statement = sql.SQL(
        "INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)"
    )
    with acting_as(owner, APP):
        owner.execute(statement.format(table=sql.Identifier(*name)), [Jsonb(row())])


def set_column(owner: Connection, name: Name, column: str) -> None:
    statement = sql.SQL("UPDATE {} SET {} = 'else'")
    with acting_as(owner, APP):
        owner.execute(statement.format(sql.Identifier(*name), sql.Identifier(column)))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_table_is_captured_under_its_name(owner: Connection, name: Name) -> None:
    insert_into(owner, name)

    [entry] = written(owner)
    assert (entry.source, entry.table_schema, entry.table_name) == ("it's; \\ %s", *name)
    assert (entry.row_key, entry.entity_id) == ({KEY: 1}, "1")


@pytest.mark.parametrize("name", [RESERVED, LONGEST], ids=["reserved", "longest"])
def test_columns_are_captured_under_their_names(owner: Connection, name: Name) -> None:
    insert_into(owner, name)

    [entry] = written(owner)
    assert entry.new_row == row()


@pytest.mark.parametrize("column", COLUMNS, ids=ascii)
def test_a_change_of_a_column_is_captured(owner: Connection, column: str) -> None:
    insert_into(owner, RESERVED)
    set_column(owner, RESERVED, column)

    entry = written(owner)[-1]
    assert (entry.old_row, entry.new_row) == (row(), row() | {column: "else"})


def test_policies_hold_for_columns_of_odd_names(owner: Connection) -> None:
    insert_into(owner, ODD)
    set_column(owner, ODD, "tg_op")
    set_column(owner, ODD, "%s")

    [entry] = written(owner)
    assert list(entry.new_row["$1"]) == ["redacted"]
    shown = {column: value for column, value in row().items() if column not in ("%s", "$1")}
    assert {column: entry.new_row.get(column) for column in shown} == shown
    assert "%s" not in entry.new_row


def test_words_and_names_are_looked_up_in_tables_of_odd_names(owner: Connection) -> None:
    insert_into(owner, ODD)
    insert_into(owner, RESERVED)

    entry = written(owner)[-1]
    assert (entry.module, entry.entity, entry.part) == ("What's %s", "Back\\slash", "$$ {x}")
    assert (entry.entity_id, entry.entity_label) == ("1", "the label")
    assert entry.labels == {PARENT: {"1": "the label"}}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_truncate_is_captured_under_the_name(owner: Connection, name: Name) -> None:
    with acting_as(owner, APP):
        owner.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(*name)))

    [entry] = written(owner)
    assert (entry.operation, entry.table_schema, entry.table_name) == ("TRUNCATE", *name)


def test_tables_are_described_under_their_names(owner: Connection) -> None:
    found = owner.execute(
        "SELECT table_schema, table_name FROM audit.tracked_table WHERE table_schema <> 'audit'"
    ).fetchall()
    assert sorted(found) == sorted(NAMES.values())
