"""pgwitness maintain, killed: whatever step was the last, the next run does the rest."""

import subprocess
import sys
from itertools import islice
from threading import Thread

import psycopg
import pytest

from generator.maintenance import Patience, Terms, begin, maintain
from tests.databases import MIGRATIONS
from tests.maintenance import BRIEF, Upkeep

CONFIG = MIGRATIONS / "audit.toml"
END_WAITING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = 'audit_keeper' AND wait_event_type = 'Lock' AND query LIKE '%%DETACH%%'
"""
NO_KEEPERS = """
SELECT true AS are_gone
WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'audit_keeper')
  AND NOT EXISTS (
      SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = current_database())
"""


FEW = Terms("crm", ahead=32, most_indexed=2)


def take_steps(upkeep: Upkeep, number: int) -> list[str]:
    """Run so many steps, then end the backend as an administrator may; return what it said."""
    lines: list[str] = []
    try:
        with upkeep.session() as session:
            lines += islice(maintain(begin(session, FEW, BRIEF)), number)
            upkeep.as_owner(
                "SELECT pg_terminate_backend(%s)", session.worker.info.backend_pid, role="postgres"
            )
            session.worker.execute("SELECT")
    except psycopg.OperationalError:
        return lines
    raise AssertionError("its backend was not ended")


def maintain_killed_after_each_step(upkeep: Upkeep) -> int:
    """Run again and again, killed one step further where the last one began in the same way."""
    runs, number, before = 0, 1, ""
    while len(lines := take_steps(upkeep, number)) == number:
        number = number + 1 if lines[0] == before else 1
        runs, before = runs + 1, lines[0]
    return runs


@pytest.fixture
def late(upkeep: Upkeep) -> Upkeep:
    """A log that was not maintained for so long that everything is to be done."""
    upkeep.age(93, ahead=5)
    upkeep.add_entries(-94, 3)
    upkeep.add_entries(-50, 2)
    upkeep.add_entries(0, 1)
    return upkeep


def assert_is_right(upkeep: Upkeep, ahead: int = 45) -> None:
    assert upkeep.days() == [*range(-90, -86), *range(30, ahead + 2)]
    assert upkeep.removed() == {-94: 3, -93: 0, -92: 0, -91: 0}
    assert upkeep.tables() == set()
    kept = "SELECT count(*) FROM audit.entry WHERE operation = 'TRUNCATE'"
    assert upkeep.as_owner(kept)[0].count == 3
    assert upkeep.verify().findings == ()


def test_a_run_after_each_step_of_which_it_is_killed_ends_right(late: Upkeep) -> None:
    assert maintain_killed_after_each_step(late) > 20
    assert_is_right(late, FEW.ahead)


def test_a_last_partition_that_is_empty_is_replaced_though_killed_after_each_step(
    upkeep: Upkeep,
) -> None:
    upkeep.age(15)
    assert maintain_killed_after_each_step(upkeep) > 5
    assert upkeep.days() == [*range(-16, 34)]
    assert upkeep.tables() == set()


@pytest.mark.parametrize("number", [1, 9, 30])
def test_a_client_that_is_killed_leaves_nothing_undone(late: Upkeep, number: int) -> None:
    program = "from generator.cli import main; main()"
    command = ["maintain", "--config", str(CONFIG), "--database", late.keeper]
    with subprocess.Popen(
        [sys.executable, "-c", program, *command], stderr=subprocess.PIPE, text=True
    ) as client:
        assert client.stderr is not None
        assert len(list(islice(client.stderr, number))) == number
        client.kill()
    late.wait_for(NO_KEEPERS)
    assert late.maintain().given_up == []
    assert_is_right(late)


def detach(upkeep: Upkeep, connection: psycopg.Connection) -> str:
    """Detach the oldest partition by hand, as long as the lock timeout allows."""
    name: str = upkeep.partitions()[0].name
    connection.autocommit = True
    connection.execute("SET lock_timeout = '50ms'")
    connection.execute(
        f"ALTER TABLE audit.entry DETACH PARTITION audit.{name} CONCURRENTLY".encode()
    )
    return name


def test_what_somebody_detaches_by_hand_is_finished_and_left_alone(upkeep: Upkeep) -> None:
    upkeep.age(90, ahead=5)
    name = upkeep.partitions()[0].name
    with psycopg.connect(upkeep.conninfo) as reader, psycopg.connect(upkeep.conninfo) as somebody:
        reader.execute("LOCK TABLE audit.entry IN ACCESS SHARE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            detach(upkeep, somebody)
    assert upkeep.maintain().given_up == []
    assert upkeep.days()[0] == -90
    assert upkeep.tables() == {name}


def test_a_backend_that_is_ended_while_it_detaches_leaves_nothing_undone(late: Upkeep) -> None:
    late.maintain(Terms("crm", retention=95))
    with psycopg.connect(late.conninfo) as reader:
        reader.execute("LOCK TABLE ONLY audit.entry IN ACCESS SHARE MODE")
        ended = Thread(target=late.wait_for, args=[END_WAITING])
        ended.start()
        with pytest.raises(psycopg.OperationalError):
            late.maintain(patience=Patience(others=60_000))
        ended.join()
        assert [p.is_detaching for p in late.partitions()[:2]] == [True, False]
    assert late.maintain().given_up == []
    assert_is_right(late)


def kill_once_detached(upkeep: Upkeep) -> None:
    """Leave the first day detached, which is past a retention of 91 days."""
    detached = f"{upkeep.partitions()[0].name}: detached"
    with upkeep.session() as session:
        assert detached in maintain(begin(session, Terms("crm", retention=91), BRIEF))


def test_what_the_retention_takes_no_longer_is_put_back(late: Upkeep) -> None:
    kill_once_detached(late)
    assert late.maintain(Terms("crm", retention=200)).given_up == []
    assert late.days()[0] == -94
    kept = "SELECT count(*) FROM audit.entry WHERE operation = 'TRUNCATE'"
    assert late.as_owner(kept)[0].count == 6


def test_what_no_longer_fits_into_the_log_is_kept_beside_it(late: Upkeep) -> None:
    name = late.partitions()[0].name
    kill_once_detached(late)
    late.as_owner("ALTER TABLE audit.entry ADD COLUMN added text")
    run = late.maintain(Terms("crm", retention=200))
    assert run.given_up[0].startswith(f"{name} is not put back: ")
    assert late.tables() == {name}
