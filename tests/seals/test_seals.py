"""What is written is sealed in a chain, outside of the writers' path: a seal proves all before."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from tests.maintenance import Upkeep

DIFFERING = """
SELECT d.*
FROM audit._partitions() AS p, audit._differing_entries(p.starts_at, p.ends_at) AS d
"""
# As hourly seals of two years add up, in some 300 pages.
LENGTHEN = """
INSERT INTO audit.seal
    (number, kind, sealed_at, identity, after_id, below, entries, root, detail, previous, head)
SELECT s.number + n, s.kind, s.sealed_at, s.identity, s.after_id,
       (s.below::text::bigint + n)::text::xid8, 0, s.root, s.detail, s.head, s.head
FROM audit.seal AS s, generate_series(1, 20000) AS n
"""


@pytest.fixture
def sealer(upkeep: Upkeep) -> Iterator[psycopg.Connection[Any]]:
    """Somebody who seals: a member of the owner of the log, committing each statement."""
    with psycopg.connect(upkeep.keeper, autocommit=True, row_factory=namedtuple_row) as connection:
        connection.execute("SET client_encoding = 'UTF8'")
        connection.execute("SET ROLE audit_owner")
        yield connection


def seal(sealer: psycopg.Connection[Any], most: int = 250_000) -> Any:
    """Seal what is new, and return the seal; None where nothing was."""
    (row,) = sealer.execute("SELECT * FROM audit.seal_entries(%s)", [most]).fetchall()
    return row if row.number is not None else None


def rows(connection: psycopg.Connection[Any], query: str) -> list[Any]:
    """Return what a query finds."""
    return connection.execute(query.encode()).fetchall()


def add_workflow(upkeep: Upkeep, name: str = "Nurture") -> None:
    """Write a row that is tracked."""
    upkeep.as_owner(
        "INSERT INTO crm.workflow (name, owner_id) VALUES (%s, 1)", name, role="crm_app"
    )


def test_a_seal_holds_what_was_written_since_the_last_one(
    upkeep: Upkeep, sealer: psycopg.Connection[Any]
) -> None:
    upkeep.add_entries(0, 3)
    first = seal(sealer)
    upkeep.add_entries(-1, 2)
    second = seal(sealer)
    assert (first.number, first.entries, second.number, second.entries) == (1, 3, 2, 2)
    assert second.previous == first.head
    assert seal(sealer) is None


def test_a_transaction_that_has_not_ended_is_sealed_later(
    upkeep: Upkeep, sealer: psycopg.Connection[Any]
) -> None:
    with psycopg.connect(upkeep.conninfo) as writer:
        writer.execute("SELECT pg_current_xact_id()")
        upkeep.add_entries(0)
        assert seal(sealer) is None
    assert seal(sealer).entries == 1


def test_a_large_backlog_is_sealed_in_pieces_of_whole_transactions(
    upkeep: Upkeep, sealer: psycopg.Connection[Any]
) -> None:
    for number in (3, 3, 3):
        upkeep.add_entries(0, number)
    assert [seal(sealer, most=4).entries for _ in range(2)] == [6, 3]
    assert rows(sealer, "SELECT * FROM audit._broken_seals()") == []


def test_nothing_differs_where_nothing_was_changed(
    upkeep: Upkeep, sealer: psycopg.Connection[Any]
) -> None:
    for day in (-1, 0):
        upkeep.add_entries(day, 1500)
    seal(sealer)
    upkeep.add_entries(0, 2)
    assert rows(sealer, "SELECT * FROM audit._broken_lists()") == []
    assert rows(sealer, DIFFERING) == []


def test_seals_are_made_in_utf8_only(upkeep: Upkeep, sealer: psycopg.Connection[Any]) -> None:
    sealer.execute("SET client_encoding = 'LATIN1'")
    with pytest.raises(psycopg.Error) as refused:
        seal(sealer)
    assert refused.value.sqlstate == "UA010"


def test_another_database_seals_only_after_somebody_acknowledged_that(
    upkeep: Upkeep, sealer: psycopg.Connection[Any]
) -> None:
    upkeep.add_entries(0, 2)
    seal(sealer)
    upkeep.as_owner(
        "SET session_replication_role = replica;"
        "UPDATE audit.seal SET identity = '1/1/1' WHERE number = 1",
        role="postgres",
    )
    upkeep.add_entries(0, 3)
    with pytest.raises(psycopg.Error) as refused:
        seal(sealer)
    assert refused.value.sqlstate == "UA011"
    (restore,) = rows(sealer, "SELECT * FROM audit.acknowledge_restore('a test')")
    assert (restore.kind, restore.entries) == ("restore", 3)
    upkeep.add_entries(0, 4)
    assert seal(sealer).entries == 4


@pytest.mark.parametrize(("beside", "found"), [(0, 1), (1, None)], ids=["sealed", "in no seal"])
def test_the_seal_of_an_entry_is_looked_for_without_reading_the_chain(
    upkeep: Upkeep, sealer: psycopg.Connection[Any], beside: int, found: int | None
) -> None:
    upkeep.add_entries(0)
    seal(sealer)
    sealer.execute(LENGTHEN)
    columns = "transaction_id, occurred_at, id"
    ((transaction, occurred_at, id_),) = rows(sealer, f"SELECT {columns} FROM audit.entry")
    looking = f"SELECT audit.seal_of('{transaction}', '{occurred_at}', {id_ + beside})"
    assert rows(sealer, f"SELECT (s.seal_of).number FROM ({looking}) AS s") == [(found,)]
    ((plan,),) = rows(sealer, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {looking}")
    assert plan[0]["Plan"]["Shared Hit Blocks"] < 100
