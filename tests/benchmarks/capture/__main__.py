"""Makes a database for each system, measures every workload over all of them, and reports."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from tests.benchmarks.capture import measure, report, workloads
from tests.benchmarks.capture.measure import Bench, Results
from tests.benchmarks.capture.systems import (
    APP,
    BY_ROW,
    BY_SET,
    NOTHING,
    OURS,
    OURS_BY_STATEMENT,
    WRITER,
    NotAvailable,
    System,
    systems,
)
from tests.benchmarks.capture.table import FILL, GAP, SCHEMA
from tests.databases import OWNER, own

EMPTY = "bench_empty"
SETTINGS = {
    "shared_buffers": "512MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
}


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: one minute")
    parser.add_argument("--report", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    size = workloads.QUICK if options.quick else workloads.FULL
    results: Results = {}
    left_out: list[str] = []
    with running_cluster() as cluster, ExitStack() as stack:
        say(describe(cluster))
        fill(cluster, size)
        benches = list(install(cluster, systems(), stack, left_out))
        measure_all(benches, size, results)
        heading = "\n".join([describe(cluster), "", *map(keeps, benches), *left_out])
    sys.exit(0 if publish(results, heading, options.report) else 1)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster that is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="pgwitness-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    cluster = start(folder / "cluster", settings=SETTINGS, auth="trust")
    try:
        yield cluster
    finally:
        stop(cluster)
        remove(folder / "cluster")
        shutil.rmtree(folder)


def fill(cluster: Cluster, size: workloads.Size) -> None:
    """Make the database that every system gets a copy of."""
    with psycopg.connect(cluster.conninfo(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {EMPTY}".encode())
        for role in (APP, WRITER):
            superuser.execute(f"CREATE ROLE {role} LOGIN".encode())
    with psycopg.connect(cluster.conninfo(EMPTY)) as superuser:
        own(superuser)
    with psycopg.connect(cluster.conninfo(EMPTY, OWNER, host=LOOPBACK), autocommit=True) as owner:
        owner.execute(SCHEMA.encode())
        rows = {"rows": size.rows, "bulk": size.bulk, "deals": size.singles, "gap": GAP}
        owner.execute(FILL.format(**rows).encode())
        owner.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON contact, deal TO {APP}, {WRITER}".encode()
        )
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {APP}, {WRITER}".encode())
        owner.execute("VACUUM ANALYZE")


def install(
    cluster: Cluster, wanted: list[System], stack: ExitStack, left_out: list[str]
) -> Iterator[Bench]:
    """Give each system a database; what can't be had is left out, and said to be."""
    for system in wanted:
        name = system.database
        with psycopg.connect(cluster.conninfo(), autocommit=True) as superuser:
            superuser.execute(f"CREATE DATABASE {name} TEMPLATE {EMPTY}".encode())
        with psycopg.connect(cluster.conninfo(name)) as superuser:
            own(superuser)
        try:
            installed = system.install(cluster.conninfo(name, OWNER, host=LOOPBACK))
        except NotAvailable as reason:
            left_out.append(f"{system.name}: left out: {reason}")
            say(left_out[-1])
            continue
        connection = psycopg.connect(cluster.conninfo(name), autocommit=True)
        superuser = stack.enter_context(connection)
        if system.hand:
            superuser.execute(f"GRANT audit_writer TO {WRITER}".encode())
        conninfo = cluster.conninfo(name, system.role, host=LOOPBACK)
        yield Bench(system, system.label(installed), superuser, conninfo)


def measure_all(benches: list[Bench], size: workloads.Size, results: Results) -> None:
    """Measure round by round, so that what disturbs one system disturbs its neighbours too."""
    own_floors = [b for b in benches if b.label in (NOTHING, BY_ROW, OURS, OURS_BY_STATEMENT)]
    by_row = [bench for bench in benches if bench.label != BY_SET]
    precise = [bench for bench in benches if bench.label in (*_labels(own_floors), BY_SET)]
    for number in range(size.rounds):
        say(f"rows one by one, round {number + 1} of {size.rounds}")
        measure.measure_singles(by_row, workloads.singles(size), results)
        measure.measure_singles(own_floors, [workloads.labelled(size)], results)
    for number in range(size.bulk_rounds):
        say(f"many rows, round {number + 1} of {size.bulk_rounds}")
        measure.measure_bulk(precise if number else benches, workloads.bulk(size), results)
    say("ever more rows")
    scaled = [bench for bench in benches if not bench.system.hand]
    measure.measure_scales(scaled, workloads.scales(size), results)


def _labels(benches: list[Bench]) -> list[str]:
    return [bench.label for bench in benches]


def publish(results: Results, heading: str, path: Path) -> bool:
    """Print the table, write the file, and return whether all goals are met."""
    found = report.lines(results)
    print(heading)
    for text in report.table(found):
        print(text)
    missed = report.misses(found, results)
    for title, said in (
        ("Ahead of pgwitness", list(report.ahead(found))),
        ("Goals missed", missed),
    ):
        print(f"\n{title}: {'none' if not said else ''}")
        for text in said:
            print(f"  {text}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([line.as_json() for line in found], indent=1) + "\n")
    print(f"\n{path}")
    return not missed


def describe(cluster: Cluster) -> str:
    """Return what the figures depend on."""
    with psycopg.connect(cluster.conninfo()) as superuser:
        [(server,)] = superuser.execute("SHOW server_version").fetchall()
    settings = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
    versions = f"pgwitness {version('pgwitness')}, PostgreSQL {server}, {os.cpu_count()} CPUs"
    return f"{datetime.now(UTC):%Y-%m-%d}: {versions}\n{settings}"


def keeps(bench: Bench) -> str:
    """Say what the entries of a system hold, which is not the same."""
    return f"{bench.label}: {bench.system.keeps}"


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
