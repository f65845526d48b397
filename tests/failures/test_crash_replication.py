"""A server that applies logical replication is killed: each row that arrives has one entry.

What arrives is sealed meanwhile as what anybody writes.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.crash.bank import install_bank, traffic
from tests.crash.sealer import Head, judge_seals, seal_rest, sealing
from tests.crash.server import Server, server
from tests.crash.verdict import CLEAN, judge_bank, settle

TOKENS = "SELECT count(*) FROM bank.token"


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Server]:
    """A server whose bank subscribes to that of its branch, the database next to it."""
    with server() as running:
        for name in ("branch", "bank"):
            install_bank(running, tmp_path, name)
        # Not made by the subscription, which would wait for itself in one cluster.
        execute(running, "branch", "CREATE PUBLICATION p FOR TABLE bank.token, bank.account")
        execute(running, "branch", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        execute(
            running,
            "bank",
            f"CREATE SUBSCRIPTION s CONNECTION '{running.conninfo('branch')}' PUBLICATION p"
            " WITH (create_slot = false, slot_name = 's', copy_data = false)",
        )
        yield running


def execute(server: Server, name: str, statement: str) -> list[tuple[int, ...]]:
    with psycopg.connect(server.conninfo(name), autocommit=True) as superuser:
        cursor = superuser.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def wait_until_applied(server: Server) -> None:
    deadline = time.monotonic() + 30
    wanted = execute(server, "branch", TOKENS)
    while execute(server, "bank", TOKENS) != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_applied_is_captured_once_though_the_server_is_killed(branch: Server) -> None:
    acknowledged: set[str] = set()
    heads: set[Head] = set()
    for seed in (1, 2):
        with traffic(branch, seed, name="branch") as seen, sealing(branch) as sealed:
            while len(seen.acknowledged) < 300 and not seen.broken:
                time.sleep(0.01)
            branch.kill()
        branch.restart()
        settle(branch, "branch")
        assert seen.broken + sealed.broken == []
        acknowledged |= seen.acknowledged
        heads |= sealed.acknowledged
    wait_until_applied(branch)

    assert judge_bank(branch, acknowledged, "branch") == CLEAN
    applied = judge_bank(branch, acknowledged)
    # Of each entry the actor is nobody.
    everything = execute(branch, "bank", "SELECT count(*) FROM audit.entry")[0][0]
    assert applied == replace(CLEAN, of_another=everything)
    seals = judge_seals(branch, heads | seal_rest(branch))
    assert (seals.lost, seals.findings, seals.unsealed) == (0, (), 0)
