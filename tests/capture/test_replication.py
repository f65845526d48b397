"""Rows that logical replication brings from another database: captured where they arrive."""

from collections.abc import Iterator

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.databases import new_database
from tests.shop import APP, Connection, Log, acting_as, insert
from tests.tracking import operations

PUBLISHED = """
CREATE SCHEMA shop;
CREATE TABLE shop.variant (id int PRIMARY KEY, size text);
CREATE TABLE shop.note (body text);
CREATE TABLE shop.sale (id int, year int, amount numeric);
ALTER TABLE shop.note REPLICA IDENTITY FULL;
ALTER TABLE shop.sale REPLICA IDENTITY FULL;
INSERT INTO shop.variant VALUES (1, 'M');
CREATE PUBLICATION shop FOR ALL TABLES;
"""
CATCH_UP = """
DO $$
DECLARE
    v_written pg_lsn := pg_current_wal_insert_lsn();
    v_until   timestamptz := clock_timestamp() + interval '20 seconds';
BEGIN
    WHILE clock_timestamp() < v_until LOOP
        EXIT WHEN EXISTS (
            SELECT FROM pg_replication_slots
            WHERE slot_name = 'shop' AND confirmed_flush_lsn >= v_written);
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$
"""
COPIED = """
DO $$
BEGIN
    FOR n IN 1..2000 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r');
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$
"""


@pytest.fixture
def till(cluster: Cluster) -> Iterator[Connection]:
    """A database whose tables are published, with one variant in it."""
    with new_database(cluster, "till"):
        conninfo = cluster.conninfo("till", host=LOOPBACK)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(PUBLISHED)
            yield connection


@pytest.fixture
def subscribed(cluster: Cluster, app: Connection, log: Log, till: Connection) -> Iterator[Log]:
    """The log of a shop that subscribed to the till, and has copied what was there."""
    conninfo, origin = (cluster.conninfo(name, host=LOOPBACK) for name in ("shop", "till"))
    with psycopg.connect(conninfo, autocommit=True) as superuser:
        # Not made by the subscription, which would wait for itself in one cluster.
        till.execute("SELECT pg_create_logical_replication_slot('shop', 'pgoutput')")
        superuser.execute(
            f"CREATE SUBSCRIPTION shop CONNECTION '{origin}' PUBLICATION shop"
            " WITH (create_slot = false, slot_name = 'shop')".encode()
        )
        superuser.execute(COPIED)
        yield log
        superuser.execute("DROP SUBSCRIPTION shop")


def test_rows_that_a_subscription_copies_and_applies_are_captured(
    till: Connection, subscribed: Log
) -> None:
    till.execute("INSERT INTO shop.note VALUES ('a')")
    till.execute("UPDATE shop.variant SET size = 'L'")
    till.execute("UPDATE shop.variant SET size = size")
    till.execute("DELETE FROM shop.variant")
    till.execute("INSERT INTO shop.sale VALUES (1, 2025)")
    till.execute("UPDATE shop.sale SET year = 2026")
    till.execute("TRUNCATE shop.note")
    till.execute(CATCH_UP)

    assert operations(subscribed()) == [
        ("INSERT", "variant"),
        ("INSERT", "note"),
        ("UPDATE", "variant"),
        ("DELETE", "variant"),
        ("INSERT", "sale"),
        ("DELETE", "sale"),
        ("INSERT", "sale"),
        ("TRUNCATE", "note"),
    ]


def test_what_is_applied_is_of_nobody_and_in_the_transactions_of_its_origin(
    till: Connection, subscribed: Log
) -> None:
    with till.transaction():
        till.execute("SET LOCAL audit.actor = '42'")
        till.execute("INSERT INTO shop.variant VALUES (2), (3)")
    till.execute("INSERT INTO shop.variant VALUES (4)")
    till.execute(CATCH_UP)

    _, *applied = subscribed()
    assert {(entry.actor, entry.actor_bound, entry.client_addr) for entry in applied} == {
        (None, None, None)
    }
    one, two, three = (entry.transaction_id for entry in applied)
    assert one == two != three


def test_a_session_that_applies_replication_is_captured(
    cluster: Cluster, app: Connection, log: Log
) -> None:
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        with acting_as(superuser, APP):
            insert(superuser, "sale", year=2026)
            superuser.execute("UPDATE shop.sale SET amount = 1")
            superuser.execute("TRUNCATE shop.note")

    left = [("INSERT", "sale"), ("UPDATE", "sale"), ("TRUNCATE", "note")]
    assert operations(log()) == left
