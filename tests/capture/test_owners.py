"""Tables and types of others than who installed the log: what they may do, they still can."""

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_track
from tests.databases import OWNER
from tests.shop import Connection, create_role, written
from tests.tracking import make, operations, write

KEEPER, STRANGER = "shop_keeper", "shop_stranger"
PRIVATE = f"""
CREATE SCHEMA private AUTHORIZATION {KEEPER};
SET ROLE {KEEPER};
CREATE TYPE private.mood AS ENUM ('sad', 'fine');
CREATE TABLE private.visit (id int, year int, mood private.mood, raw json, card text)
    PARTITION BY LIST (year);
CREATE TABLE private.visit_2025 PARTITION OF private.visit FOR VALUES IN (2025);
GRANT USAGE ON SCHEMA private TO {STRANGER};
GRANT ALL ON private.visit TO {STRANGER};
REVOKE ALL ON TYPE private.mood FROM PUBLIC;
RESET ROLE;
"""
VISIT = TrackedTable(
    TableName("private", "visit"), "shop", "Visits", "Visit", key=(), redact=("card",)
)
CAST = """
CREATE TYPE shop.mood AS ENUM ('sad', 'fine');
CREATE FUNCTION shop.json_of(shop.mood) RETURNS json {code};
CREATE CAST (shop.mood AS json) WITH FUNCTION shop.json_of(shop.mood);
"""


@pytest.fixture
def visits(cluster: Cluster, owner: Connection) -> Connection:
    """Who installed the log, in front of a tracked table of somebody else's."""
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as superuser:
        create_role(superuser, KEEPER)
        create_role(superuser, STRANGER)
        superuser.execute(f"GRANT {KEEPER}, {STRANGER} TO {OWNER}".encode())
    owner.execute(PRIVATE.encode())
    owner.execute(render_track(VISIT).encode())
    return owner


def do_as(connection: Connection, role: str, *statements: str) -> None:
    connection.execute(f"SET ROLE {role}".encode())
    for statement in statements:
        connection.execute(statement.encode())
    connection.execute("RESET ROLE")


def test_who_has_no_right_on_the_log_writes_and_is_captured(visits: Connection) -> None:
    do_as(
        visits,
        STRANGER,
        r"""INSERT INTO private.visit VALUES (1, 2025, 'sad', '"\u0000"', '4111')""",
        "UPDATE private.visit SET mood = 'fine'",
        "DELETE FROM private.visit",
        "TRUNCATE private.visit",
    )

    inserted, updated, deleted, truncated = written(visits)
    assert (updated.new_row["mood"], updated.new_row["raw"]) == ("fine", r'"\u0000"')
    assert list(inserted.new_row["card"]) == list(deleted.old_row["card"]) == ["redacted"]
    assert (truncated.operation, truncated.db_role) == ("TRUNCATE", STRANGER)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE private.visit_2026 PARTITION OF private.visit FOR VALUES IN (2026)",
        "CREATE TABLE private.visit_2026 (LIKE private.visit);"
        "ALTER TABLE private.visit ATTACH PARTITION private.visit_2026 FOR VALUES IN (2026)",
    ],
)
def test_who_owns_a_table_adds_partitions_that_are_captured(
    visits: Connection, statement: str
) -> None:
    do_as(visits, KEEPER, statement, "INSERT INTO private.visit (id, year) VALUES (1, 2026)")

    assert operations(written(visits)) == [("INSERT", "visit")]


def test_who_owns_a_table_takes_partitions_away(visits: Connection) -> None:
    do_as(
        visits,
        KEEPER,
        "ALTER TABLE private.visit DETACH PARTITION private.visit_2025",
        "INSERT INTO private.visit_2025 (id, year) VALUES (1, 2025)",
        "DROP TABLE private.visit_2025",
    )

    assert written(visits) == []


def test_who_owns_a_table_changes_and_drops_it(visits: Connection) -> None:
    do_as(
        visits,
        KEEPER,
        "ALTER TABLE private.visit ADD COLUMN place text DEFAULT 'Bern', DROP COLUMN card",
        "ALTER TABLE private.visit ALTER COLUMN id TYPE bigint",
        "INSERT INTO private.visit (id, year) VALUES (1, 2025)",
        "DROP TABLE private.visit",
    )

    [entry] = written(visits)
    assert (entry.new_row["place"], "card" in entry.new_row) == ("Bern", False)


@pytest.mark.parametrize(
    "code",
    [
        "LANGUAGE sql AS $$ SELECT to_json(body) FROM shop.note $$",
        "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'TT001'; END $$",
    ],
)
def test_a_cast_that_fails_for_the_writer_costs_no_write(owner: Connection, code: str) -> None:
    owner.execute(CAST.format(code=code).encode())
    make(owner, "thing", "(id int PRIMARY KEY, mood shop.mood)")
    write(
        owner,
        "INSERT INTO shop.thing VALUES (1, 'sad')",
        "UPDATE shop.thing SET mood = 'fine'",
        "DELETE FROM shop.thing",
    )

    moods = [entry.new_row and entry.new_row["mood"] for entry in written(owner)]
    assert moods == ["sad", "fine", None]


def test_a_cast_that_works_writes_the_value(owner: Connection) -> None:
    code = 'LANGUAGE sql AS $$ SELECT \'{"word": "sad"}\'::json $$'
    owner.execute(CAST.format(code=code).encode())
    make(owner, "thing", "(id int PRIMARY KEY, mood shop.mood)")
    write(owner, "INSERT INTO shop.thing VALUES (1, 'sad')")

    assert [entry.new_row["mood"] for entry in written(owner)] == [{"word": "sad"}]
