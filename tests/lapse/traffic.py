"""An application that writes all the time, and sessions that hold what maintenance would like."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Thread

import psycopg

Span = tuple[float, float]

WRITERS = 4
PAUSE = 0.01
"""Between two writes of one connection."""
ADD = """
INSERT INTO crm.app_user (full_name, email)
VALUES ('Ana Diaz', gen_random_uuid() || '@crm.example')
RETURNING id, clock_timestamp()
"""
READ = "SELECT count(*) FROM audit.entry WHERE actor = 'nobody'"


@dataclass
class Traffic:
    """What was committed, by key with the time of it, and when each write began and ended.

    These times are of the monotonic clock, in seconds. ``failed`` is what PostgreSQL refused.
    """

    committed: dict[int, datetime] = field(default_factory=dict)
    writes: list[Span] = field(default_factory=list)
    failed: list[psycopg.Error] = field(default_factory=list)

    def longest_ms(self, spans: Sequence[Span] = (), *, during: bool = False) -> float:
        """Return how long the longest write took of those during some times, or of all others."""
        took = [
            end - began for began, end in self.writes if _touches((began, end), spans) is during
        ]
        return round(1000 * max(took, default=0), 1)


def _touches(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and began < span[1] for began, end in others)


@contextmanager
def traffic(application: str, owner: str) -> Iterator[Traffic]:
    """Write from four connections; a reader is held for 2 s of 5, a writer for 1.5 s of 5.5."""
    seen, stop = Traffic(), Event()
    jobs: list[Callable[[], None]] = [lambda: _write(application, seen, stop)] * WRITERS
    jobs.append(lambda: _hold(owner, READ, seen, stop, held=2.0, free=3.0))
    jobs.append(lambda: _hold(application, ADD, seen, stop, held=1.5, free=4.0))
    threads = [Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _write(application: str, seen: Traffic, stop: Event) -> None:
    with psycopg.connect(application, autocommit=True) as connection:
        while not stop.wait(PAUSE):
            began = time.monotonic()
            with _noting(seen):
                [(key, at)] = connection.execute(ADD.encode()).fetchall()
                seen.committed[key] = at
            seen.writes.append((began, time.monotonic()))


def _hold(
    conninfo: str, statement: str, seen: Traffic, stop: Event, *, held: float, free: float
) -> None:
    """Leave a transaction open for a while, again and again."""
    with psycopg.connect(conninfo) as connection:
        while not stop.wait(free):
            with _noting(seen):
                connection.execute(statement.encode())
                stop.wait(held)
            connection.rollback()


@contextmanager
def _noting(seen: Traffic) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        seen.failed.append(error)
