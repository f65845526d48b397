"""pgwitness maintain, and the server is killed: whatever was half done, the next run ends right."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from threading import Thread

import psycopg
import pytest

from generator.maintenance import Patience, Terms, begin, maintain
from tests.crash.server import Server, server
from tests.crm import APP, create_role
from tests.databases import apply_migrations, yoyo_address
from tests.maintenance import Upkeep, admit_keeper

FEW = Terms("crm", ahead=30, most_indexed=1)
STEPS = 13
FOREVER = Patience(writers=60_000, others=60_000)
WAITING = """
SELECT pid FROM pg_stat_activity WHERE usename = 'audit_keeper' AND wait_event_type = 'Lock'
"""
WRITE = """
INSERT INTO crm.app_user (full_name, email) VALUES ('Ana Diaz', gen_random_uuid() || '@crm.example')
RETURNING id
"""

_databases = (f"late_{number}" for number in count())


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    """A server with a log that was not maintained for so long that everything is to be done."""
    with server() as running:
        upkeep = Upkeep(running.new_database("late"))
        apply_migrations(yoyo_address(running.owner_of("late")))
        with psycopg.connect(upkeep.conninfo) as superuser:
            admit_keeper(superuser)
            create_role(superuser, APP, "crm_app")
        upkeep.age(90, ahead=5)
        upkeep.add_entries(-91, 3)
        upkeep.add_entries(-30, 2)
        upkeep.add_entries(0, 1)
        yield running


@pytest.fixture
def late(running: Server) -> Upkeep:
    return Upkeep(running.new_database(next(_databases), template="late"))


def kill_after(server: Server, late: Upkeep, steps: int) -> None:
    """Kill the server after so many steps of a run, and start it."""
    with suppress(psycopg.OperationalError), late.session() as session:
        assert len(list(islice(maintain(begin(session, FEW, FOREVER)), steps))) == steps
        server.kill()
    server.restart()


def kill_within(server: Server, late: Upkeep, steps: int, lock: str) -> None:
    """Kill the server while the step after so many ones waits for a lock, and start it."""
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(late.conninfo) as somebody,
        late.session() as session,
    ):
        run = maintain(begin(session, FEW, FOREVER))
        assert len(list(islice(run, steps))) == steps
        somebody.execute(f"LOCK TABLE {lock.format(**names(late))} MODE".encode())
        maintaining = Thread(target=exhaust, args=[run])
        maintaining.start()
        late.wait_for(WAITING)
        server.kill()
        maintaining.join()
    server.restart()


def exhaust(run: Iterator[str]) -> None:
    with pytest.raises(psycopg.OperationalError):
        list(run)


def names(late: Upkeep) -> dict[str, str]:
    """Return the open-ended partition, one that is over, and the table that was detached."""
    partitions = late.partitions()
    (over,) = (p.name for p in partitions if p.first == -85)
    return {"last": partitions[-1].name, "over": over, "detached": "".join(late.tables())}


def assert_captures(late: Upkeep) -> None:
    """Write as the application, and find the entry."""
    with psycopg.connect(late.conninfo, user=APP) as app:
        [(user,)] = app.execute(WRITE.encode()).fetchall()
    found = "SELECT id FROM audit.entry WHERE table_name = 'app_user' AND row_key ->> 'id' = %s"
    assert len(late.as_owner(found, str(user))) == 1


def assert_next_run_ends_right(late: Upkeep) -> None:
    assert late.verify().findings == ()
    assert late.maintain(FEW).given_up == []
    assert late.days() == [*range(-90, -83), 30, 31]
    assert late.removed() == {-91: 3}
    assert late.tables() == set()
    kept = "SELECT count(*) FROM audit.entry WHERE operation = 'TRUNCATE'"
    assert late.as_owner(kept)[0].count == 3
    assert late.verify().findings == ()


def test_a_whole_run_has_the_steps_that_are_tried_here(late: Upkeep) -> None:
    with late.session() as session:
        assert len(list(maintain(begin(session, FEW)))) == STEPS
    assert_next_run_ends_right(late)


@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_a_run_after_a_step_of_which_the_server_is_killed_is_finished_by_the_next(
    running: Server, late: Upkeep, steps: int
) -> None:
    kill_after(running, late, steps)
    assert_captures(late)
    assert_next_run_ends_right(late)


@pytest.mark.parametrize(
    ("steps", "lock"),
    [
        pytest.param(0, "audit.{last} IN SHARE UPDATE EXCLUSIVE", id="bounding the last one"),
        pytest.param(1, "audit.{last} IN SHARE UPDATE EXCLUSIVE", id="validating its bound"),
        pytest.param(2, "audit.entry IN ACCESS SHARE", id="ending it"),
        pytest.param(4, "audit.entry IN ACCESS SHARE", id="detaching"),
        pytest.param(5, "audit.{detached} IN ACCESS SHARE", id="dropping"),
        pytest.param(6, "audit.entry IN SHARE UPDATE EXCLUSIVE", id="adding"),
        pytest.param(8, "audit.seal IN ROW EXCLUSIVE", id="sealing"),
        pytest.param(12, "audit.{over} IN ROW EXCLUSIVE", id="indexing"),
    ],
)
def test_a_step_within_which_the_server_is_killed_is_done_by_the_next_run(
    running: Server, late: Upkeep, steps: int, lock: str
) -> None:
    kill_within(running, late, steps, lock)
    assert_captures(late)
    assert_next_run_ends_right(late)
