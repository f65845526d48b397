"""What init proposes for a whole database is read, installed, and captures every table."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from generator.config import Config, Parent
from generator.migrations import plan, write
from generator.names import TableName
from generator.parse import read_config
from generator.proposal import propose
from tests.databases import apply_migrations, yoyo_address
from tests.shop import APP, admit

DATA = Path(__file__).parents[1] / "data"
TABLES_AS_CREATED = """
    SELECT n.nspname AS schema, c.relname AS table
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    ORDER BY c.oid
    """


@pytest.fixture
def owner(empty_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield connection


def load(owner: psycopg.Connection, name: str) -> None:
    owner.execute((DATA / name).read_bytes())


def configured(folder: Path, text: str) -> Config:
    (folder / "audit.toml").write_text(text, encoding="utf-8")
    return read_config(folder / "audit.toml")


def install(owner: psycopg.Connection, config: Config) -> None:
    """Do what the command generate and yoyo do."""
    write(config.migrations, plan(config))
    apply_migrations(yoyo_address(owner.info.dsn), config.migrations)


def track(owner: psycopg.Connection, config: Config) -> list[TableName]:
    """Install what the config says, let the application in, and list the tables as created."""
    install(owner, config)
    names = {table.name for table in config.tables}
    admit(owner, *{name.schema for name in names})
    tables = [TableName(*row) for row in owner.execute(TABLES_AS_CREATED).fetchall()]
    return [name for name in tables if name in names]


def entries(owner: psycopg.Connection) -> set[tuple[str, TableName]]:
    """Return what happened to which tables."""
    with owner.transaction():
        owner.execute("SET LOCAL ROLE audit_reader")
        query = "SELECT operation, table_schema, table_name FROM audit.entry"
        return {(what, TableName(*name)) for what, *name in owner.execute(query).fetchall()}


def statement(text: LiteralString, name: TableName) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(name.schema, name.table))


def test_a_schema_that_grew_over_years_is_captured_as_proposed(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    load(owner, "rentals.sql")
    tables = track(owner, configured(tmp_path, propose(owner, [])))
    owner.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}")
    with psycopg.connect(owner.info.dsn, user=APP) as app:
        app.execute((DATA / "rentals_opening_day.sql").read_bytes())
    assert len(tables) == 17
    assert entries(owner) == {("INSERT", name) for name in tables}


def test_a_hostile_schema_is_captured_as_proposed(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    load(owner, "hostile.sql")
    tables = track(owner, configured(tmp_path, propose(owner, [])))
    with psycopg.connect(owner.info.dsn, user=APP) as app:
        for name in tables:
            app.execute(statement("INSERT INTO {} DEFAULT VALUES", name))
        for name in reversed(tables):
            app.execute(statement("DELETE FROM {}", name))
    assert len(tables) == 19
    assert entries(owner) == {
        (operation, name) for operation in ("INSERT", "DELETE") for name in tables
    }


@pytest.mark.parametrize("name", ["rentals.sql", "hostile.sql"])
def test_the_same_database_gives_the_same_bytes(owner: psycopg.Connection, name: str) -> None:
    load(owner, name)
    with psycopg.connect(owner.info.dsn, options="-c search_path=x -c datestyle=sql") as other:
        assert propose(other, []) == propose(owner, [])


@pytest.mark.parametrize("name", ["rentals.sql", "hostile.sql"])
def test_a_table_that_is_commented_out_can_be_taken_in(
    owner: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    load(owner, name)
    proposed = propose(owner, [])
    blocks = re.findall(r"^# \[table\..*?(?=\n\n|\Z)", proposed, re.MULTILINE | re.DOTALL)
    taken_in = "\n".join(line[2:] for block in blocks for line in block.split("\n"))
    config = configured(tmp_path, proposed + "\n" + taken_in)
    assert len(blocks) > 0
    assert len(config.tables) == len(configured(tmp_path, proposed).tables) + len(blocks)
    install(owner, config)


def test_the_key_of_a_parent_is_named_in_the_parent_s_own_order(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    load(owner, "hostile.sql")
    tables = {t.name.table: t for t in configured(tmp_path, propose(owner, [])).tables}
    lines, taxes = tables["order_lines"], tables["order_line_taxes"]
    assert lines.parent == Parent(TableName('Sch"ema.1', "orders"), ("order_year", "order_no"))
    assert taxes.parent == Parent(TableName("select", "order_lines"), ("y", "n", "l"))


def test_what_is_left_out_is_said_with_the_reason(owner: psycopg.Connection) -> None:
    load(owner, "hostile.sql")
    left_out = re.findall(r'^# "(.*)" is left out: (.*)$', propose(owner, []), re.MULTILINE)
    assert left_out == [
        ("line\\nbreak.t", "its name holds what audit.toml can't – rename it."),
        ("public.$capture$", "its name holds what audit.toml can't – rename it."),
        ("public.tab\\tle", "its name holds what audit.toml can't – rename it."),
        ("public.vault", 'no policy could name its column "secret\\n" – rename it.'),
        ("public_a.b_c", 'its capture function would be that of "public.a_b_c" – rename one.'),
    ]


def test_the_reference_installation_proposes_what_its_own_team_tracks(
    reference: str, tmp_path: Path
) -> None:
    with psycopg.connect(reference) as owner:
        proposed = configured(tmp_path, propose(owner, []))
    written = read_config(DATA.parents[1] / "migrations" / "audit.toml")
    assert {table.name for table in proposed.tables} == {table.name for table in written.tables}
    parents = {t.name: t.parent for t in written.tables}
    assert {t.name: t.parent for t in proposed.tables} == parents


def test_a_database_without_tables_proposes_none(owner: psycopg.Connection, tmp_path: Path) -> None:
    config = configured(tmp_path, propose(owner, []))
    assert (config.source, config.tables) == ("empty", ())


def test_what_yoyo_and_the_audit_schema_made_is_not_proposed(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    install(owner, configured(tmp_path, 'source = "s"'))
    assert owner.execute("SELECT count(*) FROM _yoyo_migration").fetchone() == (1,)
    assert configured(tmp_path, propose(owner, [])).tables == ()
