"""Which tables init proposes, which it comments out, and which it doesn't speak of."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from generator.config import ConfigError, TrackedTable
from generator.parse import read_config
from generator.proposal import propose
from tests.shop import APP, create_role


@pytest.fixture
def owner(empty_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield connection


def proposed(owner: psycopg.Connection, folder: Path, *schemas: str) -> dict[str, TrackedTable]:
    """Return what is proposed for some schemas, or for all, by the names of the tables."""
    (folder / "audit.toml").write_text(propose(owner, schemas), encoding="utf-8")
    return {str(table.name): table for table in read_config(folder / "audit.toml").tables}


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("CREATE TABLE schema_migrations (version text)", "looks like the bookkeeping of migr"),
        ("CREATE TABLE login_history (at date)", "looks like a log"),
        ("CREATE UNLOGGED TABLE scratch (id int)", "is UNLOGGED"),
        ("CREATE TABLE base (id int); CREATE TABLE x () INHERITS (base)", "inherits, or is"),
    ],
)
def test_a_doubtful_table_is_commented_out_with_the_reason(
    owner: psycopg.Connection, tmp_path: Path, table: str, reason: str
) -> None:
    owner.execute(table.encode())
    assert proposed(owner, tmp_path) == {}
    name = table.split("TABLE ")[1].split()[0]
    assert f'# "public.{name}" {reason}' in propose(owner, [])
    assert f'# [table."public.{name}"]\n' in propose(owner, [])


def test_a_partitioned_table_is_proposed_as_its_root(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    owner.execute("""
        CREATE TABLE sale (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE sale_2026 PARTITION OF sale DEFAULT PARTITION BY LIST (id);
        CREATE TABLE sale_2026_1 PARTITION OF sale_2026 DEFAULT;
        """)
    found = proposed(owner, tmp_path)
    assert {name: table.key for name, table in found.items()} == {"public.sale": ("id", "day")}


def test_what_is_no_table_of_the_user_s_is_not_proposed(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    owner.execute("""
        CREATE EXTENSION citext;
        CREATE TABLE of_the_extension (id int);
        ALTER EXTENSION citext ADD TABLE of_the_extension;
        CREATE VIEW a_view AS SELECT 1 AS id;
        CREATE MATERIALIZED VIEW a_copy AS SELECT 1 AS id;
        CREATE SEQUENCE numbers;
        CREATE TEMPORARY TABLE passing (id int);
        CREATE TABLE mine (id int PRIMARY KEY, name citext);
        """)
    found = proposed(owner, tmp_path)
    assert {name: table.label for name, table in found.items()} == {"public.mine": "name"}


def test_only_the_schemas_that_were_asked_for_are_proposed(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    for schema in "abc":
        owner.execute(f"CREATE SCHEMA {schema} CREATE TABLE x (id int)".encode())
    assert set(proposed(owner, tmp_path, "a", "c")) == {"a.x", "c.x"}
    assert set(proposed(owner, tmp_path)) == {"a.x", "b.x", "c.x"}


def test_every_unknown_schema_is_named(owner: psycopg.Connection) -> None:
    with pytest.raises(ConfigError) as refusal:
        propose(owner, ["public", "publik", "nowhere"])
    assert refusal.value.findings == [
        'schema "nowhere": is not in "empty" – check --schema',
        'schema "publik": is not in "empty" – check --schema',
    ]


def test_who_may_read_no_table_gets_the_same_proposal(owner: psycopg.Connection) -> None:
    owner.execute("CREATE TABLE private (id int PRIMARY KEY, name text)")
    owner.execute("REVOKE ALL ON private FROM PUBLIC")
    create_role(owner, APP)
    with psycopg.connect(owner.info.dsn, user=APP) as stranger:
        assert propose(stranger, []) == propose(owner, [])
