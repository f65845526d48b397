"""A transaction that is left prepared: sealing waits for it, and check and verify say so."""

from collections.abc import Iterator

import psycopg
import pytest

from generator.drift import find_drift
from generator.parse import read_config
from tests.databases import MIGRATIONS
from tests.maintenance import Upkeep
from tests.seal_commands import pgwitness_seal, pgwitness_verify

CONFIG = read_config(MIGRATIONS / "audit.toml")
WRITE = "INSERT INTO crm.territory (name) VALUES ('North')"


@pytest.fixture
def prepared(upkeep: Upkeep) -> Iterator[psycopg.Connection]:
    """A session in a log of five days, which has left a transaction prepared that wrote."""
    upkeep.age(5)
    with psycopg.connect(upkeep.conninfo, autocommit=True) as session:
        session.execute(f"BEGIN; {WRITE}; PREPARE TRANSACTION 'forgotten'".encode())
        yield session
        if session.execute("SELECT FROM pg_prepared_xacts WHERE gid = 'forgotten'").fetchall():
            session.execute("ROLLBACK PREPARED 'forgotten'")


def unsealed(upkeep: Upkeep) -> list[str]:
    """Return what pgwitness check says of what is not sealed."""
    with psycopg.connect(upkeep.keeper) as keeper:
        found = find_drift(keeper, CONFIG)
    return [f.what for f in found if f.object == "table audit.seal"]


def seal_all(upkeep: Upkeep) -> None:
    """Seal until all is, for as long as PostgreSQL itself has something under way."""
    while pgwitness_verify(upkeep.conninfo)[1]["unsealed"]["entries"]:
        assert pgwitness_seal(upkeep.keeper).exit_code == 0


def test_what_came_after_a_prepared_transaction_is_not_sealed_before_that_ends(
    upkeep: Upkeep, prepared: psycopg.Connection
) -> None:
    upkeep.add_entries(0, 2)
    waiting = pgwitness_seal(upkeep.keeper)
    prepared.execute("COMMIT PREPARED 'forgotten'")

    assert (waiting.exit_code, waiting.stdout) == (0, "")
    seal_all(upkeep)
    code, said = pgwitness_verify(upkeep.conninfo)
    assert (code, said["entries"]) == (0, 3)


def test_check_and_verify_say_so_once_that_takes_long(
    upkeep: Upkeep, prepared: psycopg.Connection
) -> None:
    upkeep.add_entries(-3)
    pgwitness_seal(upkeep.keeper)
    code, said = pgwitness_verify(upkeep.conninfo)
    (found,) = unsealed(upkeep)
    prepared.execute("ROLLBACK PREPARED 'forgotten'")
    seal_all(upkeep)

    assert (code, said["unsealed"]["entries"]) == (0, 1)
    (holder,) = said["unsealed"]["held_by"]
    assert holder.startswith("prepared transaction 'forgotten' (")
    assert found.startswith("has no seal of entries since ")
    assert unsealed(upkeep) == []
