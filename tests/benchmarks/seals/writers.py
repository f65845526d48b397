"""Writers beside a sealer: what a committed write costs their backends, with it and without.

Compares CPU time, in turns: what else the machine does delays both alike. Every other turn begins
with the sealer, so that neither is always the later one, in a log that grows.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
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
    """Microseconds of CPU that a committed write took, turn by turn; *sealed*: how many entries.

    *_rate*: how many writes there were in a second, by the clock.
    """

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    alone_rate: list[float] = field(default_factory=list)
    beside_rate: list[float] = field(default_factory=list)
    sealed: int = 0

    def ratios(self) -> list[float]:
        """Return what a write cost beside the sealer by what it cost alone, turn by turn."""
        return [b / a for b, a in zip(self.beside, self.alone, strict=True)]

    def noise(self) -> list[float]:
        """Return the same of two turns alone, one after the other: what is no sealer's."""
        return [b / a for a, b in pairwise(self.alone)]

    def rates(self) -> list[float]:
        """Return how many writes there were beside the sealer for each one alone."""
        return [b / a for b, a in zip(self.beside_rate, self.alone_rate, strict=True)]


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
    for number in range(turns):
        for is_beside in (False, True) if number % 2 == 0 else (True, False):
            with _sealing(owner, found) if is_beside else nullcontext():
                cost, rate = _turn(superuser, ids, seconds)
            (found.beside if is_beside else found.alone).append(cost)
            (found.beside_rate if is_beside else found.alone_rate).append(rate)
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
