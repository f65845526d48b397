"""A standby that takes over: it has the log as it has the tables, and captures from then on."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.crash.bank import install_bank, traffic
from tests.crash.server import Server, ended, server
from tests.crash.verdict import CLEAN, judge_bank, settle
from tests.shop import APP, AUDITOR


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Server]:
    with server() as primary:
        install_bank(primary, tmp_path)
        yield primary


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    with ended(primary.copy_to(primary.cluster.data.with_name("standby"))) as standby:
        yield standby


def ask(server: Server, query: str, user: str = AUDITOR) -> int:
    with psycopg.connect(server.conninfo("bank", user)) as connection:
        [(answer,)] = connection.execute(query.encode()).fetchall()
    return int(answer)


def write(server: Server, seed: int, commits: int) -> set[str]:
    """Let clients write for a moment, and return what they were told is committed."""
    with traffic(server, seed) as seen:
        while len(seen.acknowledged) < commits and not seen.broken:
            time.sleep(0.01)
    assert seen.broken == []
    return seen.acknowledged


def test_a_standby_has_the_log_as_it_has_the_tables_and_refuses_writes(
    primary: Server, standby: Server
) -> None:
    acknowledged = write(primary, 1, commits=200)
    written = ask(primary, "SELECT pg_current_wal_flush_lsn() - '0/0'", "postgres")
    while ask(standby, "SELECT pg_last_wal_replay_lsn() - '0/0'") < written:
        pass

    assert judge_bank(standby, acknowledged) == CLEAN
    with (
        pytest.raises(errors.ReadOnlySqlTransaction),
        psycopg.connect(standby.conninfo("bank", APP)) as app,
    ):
        app.execute("INSERT INTO bank.token VALUES ('too early')")


def test_a_standby_that_takes_over_loses_in_table_and_log_alike_and_goes_on(
    primary: Server, standby: Server
) -> None:
    with traffic(primary, 1) as seen:
        while len(seen.acknowledged) < 500 and not seen.broken:
            time.sleep(0.01)
        primary.kill()
    assert ask(standby, "SELECT pg_promote()::int", "postgres") == 1
    settle(standby)
    last = ask(standby, "SELECT max(id) FROM audit.entry")
    assert replace(judge_bank(standby, seen.acknowledged), lost=0) == CLEAN

    acknowledged = write(standby, 2, commits=100)
    first = ask(standby, "SELECT min(id) FROM audit.entry WHERE actor LIKE '2.%'")
    assert judge_bank(standby, acknowledged) == CLEAN
    assert first > last
