"""Fills two logs, one of 10,000 entries, measures every page over both, and reports."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from tests.benchmarks.viewer.asked import GOAL, Asked, asked_pages
from tests.benchmarks.viewer.fill import fill, plan_days, prepare
from tests.benchmarks.viewer.measure import Browser, Clock, Times, served
from tests.benchmarks.viewer.persons import measure_persons
from tests.benchmarks.viewer.report import Log, Measured, describe, report
from tests.crm import APP, VIEWER, create_role
from tests.databases import OWNER, apply_migrations, own, yoyo_address

SMALL = 10_000
PERSONS = "the persons, their query alone"
SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
}


def main() -> None:
    """Do all of it."""
    options = _parse(sys.argv[1:])
    with _cluster(options.keep) as cluster, ExitStack() as stack:
        logs = [
            _fill_log(cluster, name, entries, options)
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


@contextmanager
def _cluster(kept: Path | None) -> Iterator[Cluster]:
    """Run a cluster whose next transaction comes after any that the entries name."""
    folder = kept or Path(tempfile.mkdtemp(prefix="pgwitness-bench-", dir="/var/tmp"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    is_new = not (folder / "cluster").exists()
    running = start(folder / "cluster", settings=SETTINGS, auth="trust")
    if is_new:
        stop(running)
        done = running.programs.run("pg_resetwal", "-e", "1", "-D", running.data / "pgdata")
        assert done.returncode == 0, done.stdout
        running = start(folder / "cluster", settings=SETTINGS, auth="trust")
    try:
        yield running
    finally:
        stop(running)
        if not kept:
            remove(folder / "cluster")
            shutil.rmtree(folder)


def _fill_log(cluster: Cluster, name: str, entries: int, options: argparse.Namespace) -> Log:
    now = datetime.now(UTC)
    days = plan_days(entries, options.days, now, has_extremes=entries > SMALL)
    owner, superuser = (cluster.conninfo(name, user, host=LOOPBACK) for user in (OWNER, None))
    began = time.monotonic()
    if _create(cluster, name):
        apply_migrations(yoyo_address(owner))
        prepare(owner, days)
        for done in fill(superuser, owner, days):
            _say(f"{name}: {done.day}, {done.entries:,} entries, {time.monotonic() - began:.0f} s")
    return Log(name, superuser, days, time.monotonic() - began)


def _create(cluster: Cluster, name: str) -> bool:
    with psycopg.connect(cluster.conninfo(host=LOOPBACK), autocommit=True) as superuser:
        if superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return False
        superuser.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(cluster.conninfo(name, host=LOOPBACK)) as superuser:
        own(superuser)
    with psycopg.connect(cluster.conninfo(name, OWNER, host=LOOPBACK)) as owner:
        owner.execute("SELECT 1")
    return True


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
                _say(f"{log.name}: {asked.name}: there is no such page yet")
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
            _say(f"repetition {repetition + 1} of {repetitions}")
    return measured


def _admit(superuser: psycopg.Connection) -> None:
    create_role(superuser, APP, "crm_app")
    create_role(superuser, VIEWER, "audit_reader")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
