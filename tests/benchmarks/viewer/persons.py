"""Measures the query of the filter dialog by itself: it is part of every list."""

from datetime import timedelta

from auditviewer import Database
from auditviewer.log.known import find_persons
from tests.benchmarks.viewer.measure import Clock, Times


def measure_persons(conninfo: str, clock: Clock, times: Times, repetitions: int) -> None:
    """Ask who made changes in 90 days, so often."""
    database = Database(conninfo)
    with database.reading() as reading:
        since = reading.now - timedelta(days=90)
        for _ in range(repetitions):
            clock.measure(lambda: find_persons(reading, since), times)
    database.close()
