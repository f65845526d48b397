"""The server is killed while it is written to: tables, log and seals tell the same afterwards."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.crash.bank import install_bank, traffic
from tests.crash.sealer import Head, judge_seals, seal_rest, sealing
from tests.crash.server import Server, server
from tests.crash.verdict import CLEAN, judge, judge_bank, settle
from tests.shop import APP, install
from tests.tracking import entries, operations

PREPARE = """
BEGIN;
SELECT audit.set_context('open');
INSERT INTO bank.token VALUES ('open', 'open');
UPDATE bank.account SET version = version + 1 WHERE id IN (1, 2);
PREPARE TRANSACTION 'open'
"""

DRAFTS = "CREATE SCHEMA bank; CREATE UNLOGGED TABLE bank.draft (id int PRIMARY KEY)"
DRAFTS_TRACKED = """
source = "bank"

[table."bank.draft"]
module = "Bank"
entity = "Draft"
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server() as running:
        install_bank(running, tmp_path_factory.mktemp("bank"))
        yield running


def kill_and_restart(bank: Server) -> None:
    bank.kill()
    bank.restart()


def kill_a_client(bank: Server) -> None:
    with psycopg.connect(bank.conninfo("bank", APP)) as app:
        bank.kill_one(app.info.backend_pid)


def crash_under_load(
    bank: Server, seed: int, crash: Callable[[Server], None] = kill_and_restart, commit: str = "on"
) -> set[str]:
    """Let clients write for a moment, crash, and return what they were told is committed.

    No seal of which somebody was told is lost, and no entry is another one than was sealed.
    """
    with traffic(bank, seed, commit) as seen, sealing(bank) as sealed:
        while (len(seen.acknowledged) < 500 or not sealed.acknowledged) and not seen.broken:
            time.sleep(0.01)
        crash(bank)
    settle(bank)
    assert seen.broken + sealed.broken == []
    assert_sealed(bank, sealed.acknowledged | seal_rest(bank))
    return seen.acknowledged


def assert_sealed(bank: Server, heads: Collection[Head] = ()) -> None:
    """Find all entries sealed, nothing by verify, and the heads that somebody was told."""
    seals = judge_seals(bank, heads)
    assert (seals.lost, seals.findings, seals.unsealed) == (0, (), 0)


def test_a_killed_server_loses_no_commit_and_no_entry(bank: Server) -> None:
    acknowledged = crash_under_load(bank, 1) | crash_under_load(bank, 2)
    assert judge_bank(bank, acknowledged) == CLEAN


def test_a_server_of_which_one_process_is_killed_loses_no_commit_and_no_entry(
    bank: Server,
) -> None:
    acknowledged = crash_under_load(bank, 3, kill_a_client)
    assert judge_bank(bank, acknowledged) == CLEAN


def test_what_an_asynchronous_commit_loses_is_lost_in_table_and_log_alike(bank: Server) -> None:
    acknowledged = crash_under_load(bank, 4, commit="off")
    assert replace(judge_bank(bank, acknowledged), lost=0) == CLEAN


def test_a_prepared_transaction_survives_the_server_with_its_entries(bank: Server) -> None:
    with psycopg.connect(bank.conninfo("bank", APP), autocommit=True) as app:
        app.execute(PREPARE)
    kill_and_restart(bank)

    assert judge_bank(bank, ["open"]) == replace(CLEAN, lost=1)
    assert settle(bank) == 1
    assert judge_bank(bank, ["open"]) == CLEAN
    assert len(seal_rest(bank)) == 1
    assert_sealed(bank)


def test_a_crash_empties_an_unlogged_table_and_leaves_no_entry_of_that(
    bank: Server, tmp_path: Path
) -> None:
    bank.new_database("drafts")
    with psycopg.connect(bank.owner_of("drafts"), autocommit=True) as owner:
        install(owner, tmp_path, DRAFTS, DRAFTS_TRACKED)
        owner.execute("INSERT INTO bank.draft VALUES (1)")
    kill_and_restart(bank)

    with psycopg.connect(bank.owner_of("drafts")) as owner:
        assert owner.execute("SELECT id FROM bank.draft").fetchall() == []
        assert operations(entries(owner)) == [("INSERT", "draft")]


def test_a_write_that_was_not_captured_would_be_seen(bank: Server) -> None:
    with psycopg.connect(bank.owner_of("bank")) as owner, owner.transaction(force_rollback=True):
        owner.execute("ALTER TABLE bank.token DISABLE TRIGGER USER")
        owner.execute("ALTER TABLE bank.account DISABLE TRIGGER USER")
        owner.execute("INSERT INTO bank.token VALUES ('uncaptured')")
        owner.execute("UPDATE bank.account SET version = version + 1 WHERE id = 1")

        found = judge(owner, ["never written"])

    assert judge_seals(bank, [(1, "a head that was never made")]).lost == 1
    # Of the account, a row that the log doesn't lead to, and one that it does and is not there.
    wrong = replace(CLEAN, lost=1, rows_without_entry=1, versions_without_entry=1, misfolded=3)
    assert found == wrong
