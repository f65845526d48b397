"""Fills two logs, one of 10,000 entries, measures every page over both, and reports."""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.benchmarks.filled import SETTINGS, SMALL, bench_cluster, filled_log, say
from tests.benchmarks.viewer.asked import GOAL, Asked, asked_pages
from tests.benchmarks.viewer.measure import Browser, Clock, Times, served
from tests.benchmarks.viewer.persons import measure_persons
from tests.benchmarks.viewer.report import Log, Measured, describe, report
from tests.crm import APP, VIEWER, create_role

PERSONS = "the persons, their query alone"


def main() -> None:
    """Do all of it."""
    options = _parse(sys.argv[1:])
    with bench_cluster(options.keep) as cluster, ExitStack() as stack:
        logs = [
            filled_log(cluster, name, entries, options.days)
            for name, entries in (("small", SMALL), ("large", options.entries))
        ]
        measured = _measure(cluster, logs, options.repetitions, stack)
        settings = SETTINGS | {"version": describe(cluster)}
        met = report(logs, measured, settings, options.report)
    sys.exit(0 if met else 1)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-viewer", description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--report", type=Path, default=Path("build/bench-viewer.json"))
    parser.add_argument("--keep", type=Path, help="keep the filled cluster here, or use it again")
    return parser.parse_args(arguments)


def _measure(
    cluster: Cluster, logs: list[Log], repetitions: int, stack: ExitStack
) -> dict[str, Measured]:
    """Measure each page over both logs in turn: what disturbs one disturbs the other."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    measured: dict[str, Measured] = {}
    turns: list[tuple[Measured, Times, Clock, Browser, Asked]] = []
    for log in logs:
        superuser = stack.enter_context(psycopg.connect(log.superuser, autocommit=True))
        _admit(superuser)
        viewer = cluster.conninfo(log.name, VIEWER, host=LOOPBACK)
        browser, _ = stack.enter_context(served(viewer, folder))
        clock = Clock(superuser, log.name)
        for asked in asked_pages(superuser, log.days):
            status, body, _ = browser.get(asked.path)
            if status == 302:
                say(f"{log.name}: {asked.name}: there is no such page yet")
                continue
            one = measured.setdefault(asked.name, Measured(asked.name, asked.goal))
            one.statuses[log.name], one.sizes[log.name] = status, len(body)
            turns.append((one, one.times.setdefault(log.name, Times()), clock, browser, asked))
        one = measured.setdefault(PERSONS, Measured(PERSONS, GOAL))
        measure_persons(viewer, clock, one.times.setdefault(log.name, Times()), repetitions)
    places = {name: place for place, name in enumerate(measured)}
    turns.sort(key=lambda turn: places[turn[0].name])
    for repetition in range(repetitions):
        for _, times, clock, browser, asked in turns:
            clock.measure(partial(browser.get, asked.path), times)
        if repetition % 10 == 9:
            say(f"repetition {repetition + 1} of {repetitions}")
    return measured


def _admit(superuser: psycopg.Connection) -> None:
    create_role(superuser, APP, "crm_app")
    create_role(superuser, VIEWER, "audit_reader")


if __name__ == "__main__":
    main()
