"""Transactions that are prepared and left open: their entries wait, and check says so."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from generator.drift import find_drift
from generator.parse import read_config
from tests.databases import MIGRATIONS, OWNER

CONFIG = read_config(MIGRATIONS / "audit.toml")
WRITTEN = "SELECT entity_label AS name, occurred_at, transaction_at FROM audit.entry ORDER BY id"
STREAMED = """
SELECT entity_label AS name FROM audit.entry
WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())
"""
WRITE = "INSERT INTO crm.territory (name) VALUES ('{}')"


@pytest.fixture
def owner(reference: str) -> Iterator[psycopg.Connection[Any]]:
    """The owner of the CRM, who has left a transaction open that wrote."""
    with psycopg.connect(reference, autocommit=True, row_factory=namedtuple_row) as owner:
        owner.execute(f"BEGIN; {WRITE.format('North')}; PREPARE TRANSACTION 'it''s'".encode())
        yield owner
        if owner.execute("SELECT gid FROM pg_prepared_xacts WHERE gid = 'it''s'").fetchall():
            owner.execute("ROLLBACK PREPARED 'it''s'")


def said(reference: str) -> list[str]:
    with psycopg.connect(reference) as owner:
        return [f"{f.state} {f.object} {f.what} – {f.fix}" for f in find_drift(owner, CONFIG)]


def test_what_was_prepared_appears_with_the_time_at_which_it_was_written(
    owner: psycopg.Connection[Any],
) -> None:
    owner.execute(WRITE.format("South").encode())
    assert [entry.name for entry in owner.execute(WRITTEN)] == ["South"]

    owner.execute("COMMIT PREPARED 'it''s'")
    north, south = owner.execute(WRITTEN)
    assert (north.name, south.name) == ("North", "South")
    assert north.transaction_at <= north.occurred_at < south.transaction_at


def test_who_reads_the_log_as_a_stream_waits_for_what_is_prepared(
    owner: psycopg.Connection[Any],
) -> None:
    owner.execute(WRITE.format("South").encode())
    assert owner.execute(STREAMED).fetchall() == []

    owner.execute("ROLLBACK PREPARED 'it''s'")
    # For as long as PostgreSQL itself has something under way.
    while not (streamed := owner.execute(STREAMED).fetchall()):
        pass
    assert [entry.name for entry in streamed] == ["South"]


def test_a_transaction_that_was_prepared_a_moment_ago_is_no_finding(
    reference: str, owner: psycopg.Connection[Any]
) -> None:
    assert said(reference) == []


def test_a_transaction_that_is_left_prepared_is_found_and_how_to_end_it(
    reference: str, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.drift.upkeep.LONGEST_PREPARED", timedelta(0))
    [found] = said(reference)
    assert found.startswith(f"orphan prepared transaction 'it''s' is left open by {OWNER}: ")
    assert found.endswith(" – COMMIT PREPARED 'it''s', or ROLLBACK PREPARED 'it''s'")

    owner.execute("ROLLBACK PREPARED 'it''s'")
    assert said(reference) == []


def test_a_prepared_transaction_that_wrote_nothing_tracked_is_no_finding(
    reference: str, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.drift.upkeep.LONGEST_PREPARED", timedelta(0))
    owner.execute("ROLLBACK PREPARED 'it''s'")
    owner.execute("BEGIN; CREATE TABLE crm.other (); PREPARE TRANSACTION 'it''s'")

    assert said(reference) == []
