"""Logs of any size for benchmarks, in a cluster of their own that can be kept."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from tests.benchmarks.viewer.fill import fill, plan_days, prepare
from tests.benchmarks.viewer.report import Log
from tests.databases import OWNER, apply_migrations, own, yoyo_address

SMALL = 10_000
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


@contextmanager
def bench_cluster(kept: Path | None) -> Iterator[Cluster]:
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


def filled_log(cluster: Cluster, name: str, entries: int, days_kept: int) -> Log:
    """Return a database with so many entries over so many days; filled, unless it is there."""
    now = datetime.now(UTC)
    days = plan_days(entries, days_kept, now, has_extremes=entries > SMALL)
    owner, superuser = (cluster.conninfo(name, user, host=LOOPBACK) for user in (OWNER, None))
    began = time.monotonic()
    if _create(cluster, name):
        apply_migrations(yoyo_address(owner))
        prepare(owner, days)
        for done in fill(superuser, owner, days):
            say(f"{name}: {done.day}, {done.entries:,} entries, {time.monotonic() - began:.0f} s")
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


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
