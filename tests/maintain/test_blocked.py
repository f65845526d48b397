"""pgwitness maintain, when somebody is in the way: it gives up, says who it was, stalls nobody."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from threading import Event, Thread

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from generator.maintenance import Busy
from tests.maintenance import BRIEF, Upkeep

MARGIN = 0.25
"""What a write may take on a busy machine, in seconds."""
READ = "SELECT count(*) FROM audit.entry"
WRITE = (
    "INSERT INTO crm.app_user (full_name, email) VALUES ('Ana', gen_random_uuid() || '@x.example')"
)


@contextmanager
def transaction(upkeep: Upkeep, statement: str, isolation: str = "READ COMMITTED") -> Iterator[str]:
    """Leave a transaction open that has executed a statement, and say what a run calls it."""
    conninfo = make_conninfo(upkeep.conninfo, application_name="report")
    with psycopg.connect(conninfo) as connection:
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
        connection.execute(statement.encode())
        yield f"pid {connection.info.backend_pid} (postgres, report, idle in transaction for "


@contextmanager
def prepared(upkeep: Upkeep) -> Iterator[None]:
    """Leave a transaction prepared that has written to the log."""
    with psycopg.connect(upkeep.conninfo) as connection:
        connection.tpc_begin(connection.xid(1, "forgotten", ""))
        connection.execute(WRITE.encode())
        connection.tpc_prepare()
        yield
        connection.tpc_rollback()


@contextmanager
def writing(upkeep: Upkeep) -> Iterator[list[float]]:
    """Write to a tracked table all the time, and note how many seconds each write took."""
    took: list[float] = []
    stop = Event()

    def write() -> None:
        with psycopg.connect(upkeep.conninfo, autocommit=True) as connection:
            while not stop.is_set():
                began = time.monotonic()
                connection.execute(WRITE.encode())
                took.append(time.monotonic() - began)

    thread = Thread(target=write)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def filled(upkeep: Upkeep) -> Upkeep:
    """A log whose last partition is in use."""
    upkeep.age(76, ahead=5)
    upkeep.add_entries(0)
    return upkeep


@pytest.fixture
def overdue(upkeep: Upkeep) -> Upkeep:
    """A log of which one day is past the retention, and nothing else is to be done."""
    upkeep.age(90, ahead=5)
    upkeep.maintain()
    upkeep.as_owner("SELECT audit._add_partition(current_date - 92, current_date - 91)")
    return upkeep


def test_a_long_reader_keeps_an_old_day_until_it_ends(overdue: Upkeep) -> None:
    with transaction(overdue, READ, "REPEATABLE READ") as reader:
        run = overdue.maintain()
    assert len(run.given_up) == 1
    assert reader in run.given_up[0]
    assert overdue.runs()[-1].given_up == "\n".join(run.given_up)
    assert overdue.maintain().given_up == []
    assert overdue.removed()[-92] == 0


def test_idle_sessions_do_not_stop_the_dropping(overdue: Upkeep) -> None:
    recent = f"{READ} WHERE occurred_at > '{date.today()}'"
    with transaction(overdue, recent), transaction(overdue, WRITE), prepared(overdue):
        run = overdue.maintain()
    assert run.given_up == []
    assert overdue.days()[0] == -90


def test_an_idle_writer_keeps_a_last_partition_open_until_it_ends(filled: Upkeep) -> None:
    with transaction(filled, WRITE) as writer, writing(filled):
        run = filled.maintain()
    assert writer in run.given_up[0]
    assert filled.maintain().given_up == []
    assert filled.days()[-18:] == [-70, *range(30, 47)]


def test_a_prepared_transaction_is_named(filled: Upkeep) -> None:
    with prepared(filled):
        run = filled.maintain()
    assert "prepared transaction '" in run.given_up[0]
    assert filled.maintain().given_up == []


def test_writers_wait_no_longer_than_the_lock_timeout(filled: Upkeep) -> None:
    with transaction(filled, READ), writing(filled) as took:
        assert filled.maintain().given_up != []
    assert len(took) > 10
    assert max(took) < BRIEF.writers / 1000 + MARGIN


def test_a_last_partition_is_ended_while_it_is_written_to(filled: Upkeep) -> None:
    with writing(filled) as took:
        assert filled.maintain().given_up == []
    assert filled.days()[-18:] == [-70, *range(30, 47)]
    assert max(took) < BRIEF.writers / 1000 + MARGIN
    written = "SELECT count(*) FROM audit.entry WHERE table_name = 'app_user'"
    assert filled.as_owner(written)[0].count == len(took)


def test_what_gave_up_leaves_no_bound_that_writes_could_fail_by(filled: Upkeep) -> None:
    with transaction(filled, READ):
        filled.maintain()
    bound = "SELECT FROM pg_constraint WHERE conname = 'entry_is_in_bounds'"
    assert filled.as_owner(bound) == []


def test_two_do_not_maintain_at_once(overdue: Upkeep) -> None:
    with overdue.session() as first:
        pid = str(first.worker.info.backend_pid)
        with pytest.raises(Busy, match=rf"\b{pid}\b"):
            overdue.maintain()
    assert overdue.maintain().given_up == []


def test_a_day_that_is_still_written_to_is_indexed_by_the_next_run(upkeep: Upkeep) -> None:
    with transaction(upkeep, yesterday(upkeep)) as writer:
        run = upkeep.maintain()
    assert writer in run.given_up[0]
    assert upkeep.maintain().given_up == []
    assert upkeep.partitions()[0].is_indexed


def yesterday(upkeep: Upkeep) -> str:
    return f"LOCK TABLE audit.{upkeep.partitions()[0].name} IN ROW EXCLUSIVE MODE"


def test_a_day_that_somebody_has_detached_is_not_added_again_and_stops_nothing_else(
    overdue: Upkeep,
) -> None:
    name = overdue.partitions()[-3].name
    overdue.as_owner(f"ALTER TABLE audit.entry DETACH PARTITION audit.{name}")
    run = overdue.maintain()
    assert run.given_up == [f'no day is added: relation "{name}" already exists']
    assert overdue.partitions()[0].first == -90
    assert name in overdue.tables()
