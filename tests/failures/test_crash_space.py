"""The volume of the write-ahead log is full, or a session is killed in the middle of a write."""

import time
from collections.abc import Iterator
from threading import Thread

import psycopg
import pytest

from tests.crash.bank import install_bank, traffic
from tests.crash.sealer import judge_seals, seal_rest, sealing
from tests.crash.server import Server, server
from tests.crash.verdict import CLEAN, judge_bank, settle
from tests.shop import APP, AUDITOR, Connection

FILL = """
DO $$ BEGIN
    FOR n IN 1..200 LOOP
        PERFORM pg_logical_emit_message(false, 'filler', repeat('x', 1000000));
    END LOOP;
END $$
"""
MANY = """
DO $$ BEGIN
    FOR n IN 1..1000000 LOOP
        INSERT INTO bank.token VALUES (n, n);
    END LOOP;
END $$
"""
SIZE = """
SELECT sum(pg_relation_size(p.relid))
FROM pg_partition_tree('audit.entry') AS p
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server() as running:
        install_bank(running, tmp_path_factory.mktemp("bank"))
        yield running


def write_until_it_is_full(bank: Server) -> None:
    # The server panics, and may or may not come to say why.
    told = (psycopg.OperationalError, psycopg.InternalError)
    with psycopg.connect(bank.conninfo()) as superuser, pytest.raises(told):
        superuser.execute(FILL)


def write_until_it_is_killed(app: Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        app.execute(MANY)


def wait_until_entries_are_written(bank: Server) -> None:
    """Return once a transaction that is still open has made the log grow by a megabyte."""
    deadline = time.monotonic() + 20
    with psycopg.connect(bank.conninfo("bank", AUDITOR), autocommit=True) as auditor:
        [(before,)] = auditor.execute(SIZE).fetchall()
        while auditor.execute(SIZE).fetchall() <= [(before + 1_000_000,)]:
            assert time.monotonic() < deadline


def test_a_full_volume_of_the_write_ahead_log_loses_nothing(bank: Server) -> None:
    with traffic(bank, 1) as seen, sealing(bank) as sealed:
        while (len(seen.acknowledged) < 300 or not sealed.acknowledged) and not seen.broken:
            time.sleep(0.01)
        bank.fill_up()
        write_until_it_is_full(bank)
    if bank.is_running:
        bank.kill()
    bank.restart()
    settle(bank)

    assert seen.broken + sealed.broken == []
    assert judge_bank(bank, seen.acknowledged) == CLEAN
    seals = judge_seals(bank, sealed.acknowledged | seal_rest(bank))
    assert (seals.lost, seals.findings, seals.unsealed) == (0, (), 0)


def test_a_session_that_is_killed_while_it_writes_leaves_neither_rows_nor_entries(
    bank: Server,
) -> None:
    with psycopg.connect(bank.conninfo("bank", APP)) as app:
        writing = Thread(target=write_until_it_is_killed, args=[app], daemon=True)
        writing.start()
        wait_until_entries_are_written(bank)
        bank.kill_one(app.info.backend_pid)
        writing.join()

    assert judge_bank(bank, []) == CLEAN
    assert judge_seals(bank, seal_rest(bank)).is_clean
