"""Writers beside a sealer: what a committed write costs their backends, with it and without.

Compares CPU time, in turns: what else the machine does delays both alike.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import psycopg

from tests.benchmarks.seals.owner import Owner
from tests.benchmarks.viewer.measure import run_time
from tests.crm import APP

WRITE = "UPDATE crm.territory SET description = %s WHERE id = %s"
WRITERS = 2
SEAL_EVERY = 1.0


@dataclass
class Turns:
    """Microseconds of CPU that a committed write took, turn by turn; *sealed*: how many entries."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    sealed: int = 0


def take_turns(superuser: str, owner: Owner, turns: int, seconds: float) -> Turns:
    """Let writers write, without a sealer and with one, again and again."""
    found = Turns()
    with psycopg.connect(superuser, autocommit=True) as connection:
        for writer in range(WRITERS):
            name = f"bench {writer}"
            connection.execute(
                "INSERT INTO crm.territory (name) VALUES (%s) ON CONFLICT DO NOTHING", [name]
            )
        ids = [row[0] for row in connection.execute(_IDS).fetchall()]
    for _ in range(turns):
        found.alone.append(_turn(superuser, ids, seconds)[0])
        with _sealing(owner, found):
            cost, rate = _turn(superuser, ids, seconds)
        found.beside.append(cost)
        found.per_second.append(rate)
    return found


def _turn(superuser: str, ids: list[int], seconds: float) -> tuple[float, float]:
    """Return what a write costs in microseconds, and how many there were in a second."""
    done: list[tuple[int, int]] = []
    threads = [Thread(target=_write, args=[superuser, key, seconds, done]) for key in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writes = sum(number for number, _ in done)
    return sum(spent for _, spent in done) / writes / 1e3, writes / seconds


def _write(superuser: str, key: int, seconds: float, done: list[tuple[int, int]]) -> None:
    with psycopg.connect(superuser, user=APP, autocommit=True) as app:
        pid, end, number = app.info.backend_pid, time.monotonic() + seconds, 0
        app.execute(WRITE, ["warm", key])
        began = run_time(pid)
        while time.monotonic() < end:
            app.execute(WRITE, [str(number), key])
            number += 1
        done.append((number, run_time(pid) - began))


@contextmanager
def _sealing(owner: Owner, found: Turns) -> Iterator[None]:
    """Seal each second meanwhile."""
    ended = Event()

    def seal() -> None:
        while not ended.wait(SEAL_EVERY):
            found.sealed += owner.seal()

    thread = Thread(target=seal)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


_IDS = "SELECT id FROM crm.territory WHERE name LIKE 'bench %' ORDER BY id"
