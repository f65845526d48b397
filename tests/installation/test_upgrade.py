"""The audit schema replaced and altered while it is written to, read and maintained."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from generator.maintenance import Terms
from generator.render import render_audit_schema
from tests.crm import APP, create_role
from tests.lapse.outcome import compare
from tests.lapse.traffic import traffic as lapse
from tests.lapse.upgrade import Upgrades, apply, upgrade
from tests.lapse.upkeepers import Upkeepers, start_over
from tests.maintenance import Upkeep

TERMS = Terms("crm", retention=5, ahead=12, near=3, far=8, most_indexed=2, day=timedelta(seconds=1))
WRITERS, READERS = 2, 2
MARGIN = 2
"""Seconds that a write may take on a busy machine while all is replaced: less than lock_timeout."""
PAUSE = 0.005
"""Seconds between two writes, or readings: without, nothing else would get to the processor."""
WRITE = (
    "INSERT INTO crm.app_user (full_name, email) VALUES ('Ana', gen_random_uuid() || '@x.example')"
)
READS = [
    "SELECT count(*) FROM audit.tracked_table",
    "SELECT count(*) FROM audit.entry WHERE occurred_at > now() - interval '1 hour'",
    "SELECT count(*) FROM audit.maintenance_run",
    "SELECT count(*) FROM audit.person",
    "SELECT count(*) FROM audit.entry",
]


@dataclass
class Traffic:
    """How many seconds each write took, how often it was read, and what failed."""

    writes: list[float] = field(default_factory=list)
    reads: int = 0
    failed: list[Exception] = field(default_factory=list)


@contextmanager
def traffic(upkeep: Upkeep) -> Iterator[Traffic]:
    """Write, and read table after table in transactions, in one order and in the other."""
    seen, stop = Traffic(), Event()

    def write() -> None:
        with psycopg.connect(upkeep.conninfo, autocommit=True) as connection:
            while not stop.wait(PAUSE):
                began = time.monotonic()
                connection.execute(WRITE.encode())
                seen.writes.append(time.monotonic() - began)

    def read() -> None:
        with psycopg.connect(upkeep.conninfo) as connection:
            while not stop.wait(PAUSE):
                for statement in READS[:: 1 if seen.reads % 2 else -1]:
                    connection.execute(statement.encode())
                connection.rollback()
                seen.reads += 1

    threads = [
        Thread(target=noting(work, seen.failed)) for work in [write] * WRITERS + [read] * READERS
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def noting(work: Callable[[], None], failed: list[Exception]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except psycopg.Error as error:
            failed.append(error)

    return run


def open_ended(upkeep: Upkeep) -> str:
    return str(upkeep.partitions()[-1].name)


def test_the_audit_schema_is_replaced_beside_readers_and_writers(upkeep: Upkeep) -> None:
    with traffic(upkeep) as seen:
        for _ in range(10):
            apply(upkeep, render_audit_schema())
    assert seen.failed == []
    assert max(seen.writes) < MARGIN
    assert upkeep.as_owner("SELECT count(*) FROM audit.entry")[0].count == len(seen.writes)


def test_what_does_not_end_is_named_and_nobody_waits_long_for_it(upkeep: Upkeep) -> None:
    impatient = render_audit_schema().replace("IN 1..25", "IN 1..3")
    with psycopg.connect(upkeep.conninfo) as reader, traffic(upkeep) as seen:
        reader.execute("SELECT count(*) FROM audit.tracked_table")
        pid = str(reader.info.backend_pid)
        with pytest.raises(psycopg.Error) as refused:
            apply(upkeep, impatient)
    assert refused.value.sqlstate == "UA014"
    assert pid in str(refused.value.diag.message_detail)
    assert seen.failed == []
    assert max(seen.writes) < MARGIN


def detach_half(upkeep: Upkeep) -> str:
    """Interrupt somebody who detaches the oldest day, and return its name."""
    name = str(upkeep.partitions()[0].name)
    detach = f"ALTER TABLE audit.entry DETACH PARTITION audit.{name} CONCURRENTLY"
    with psycopg.connect(upkeep.conninfo) as reader, psycopg.connect(upkeep.conninfo) as somebody:
        reader.execute("LOCK TABLE ONLY audit.entry IN ACCESS SHARE MODE")
        somebody.autocommit = True
        somebody.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            somebody.execute(detach.encode())
    assert upkeep.partitions()[0].is_detaching
    return name


def test_a_day_that_is_half_detached_is_detached_first(upkeep: Upkeep) -> None:
    name = detach_half(upkeep)
    upgrade(upkeep, 1)
    assert upkeep.tables() == {name}
    assert not any(partition.is_detaching for partition in upkeep.partitions())


def test_a_day_that_can_no_longer_be_detached_is_told_and_stops_nothing_else(
    upkeep: Upkeep,
) -> None:
    name = detach_half(upkeep)
    upkeep.as_owner("ALTER TABLE audit.entry ADD COLUMN added text")
    told = [f"{name} is half detached: could not convert row type"]
    # Older PostgreSQL can.
    assert upkeep.maintain().given_up in ([], told)
    assert upkeep.runs()[-1].finished_at


def test_upgrades_beside_traffic_and_maintenance_lose_nothing(upkeep: Upkeep) -> None:
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, APP, "crm_app")
    start_over(upkeep)
    upkeepers, upgrades = Upkeepers(upkeep, TERMS), Upgrades(upkeep)
    upkeepers.run()
    began = time.monotonic()
    with lapse(make_conninfo(upkeep.conninfo, user=APP), upkeep.conninfo) as seen:
        working = Thread(target=upkeepers.work, args=[1, began + 8])
        working.start()
        upgrades.work([began + 2, began + 5])
        working.join()
    upkeepers.run()
    assert seen.failed == []
    outcome = compare(upkeep, seen, TERMS)
    assert (outcome.lost, outcome.stale) == (0, 0)
    assert upkeepers.good > 0
    added = f"SELECT added_1, added_2 FROM audit.{open_ended(upkeep)}"
    assert upkeep.as_owner(added) == []
