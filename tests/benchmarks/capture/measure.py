"""Runs workloads over all systems in turn, and reads what the backends spent on a CPU.

Wall time says more about what else the machine does; which workloads there are, others know.
"""

import math
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from tests.benchmarks.capture.systems import LOG, System
from tests.benchmarks.capture.workloads import FORGET, Workload, script

LONGEST, LONGEST_OF_OURS = 30, 300
"""Seconds: what would take longer is not run to its end."""
WARM_UP = 20
"""Rows that each workload is done for before it counts: catalogue read, plans made."""

SIZE = """
SELECT sum(pg_total_relation_size(p.relid))
FROM unnest(%s::regclass[]) AS t (oid), LATERAL (
    SELECT p.relid FROM pg_partition_tree(t.oid) AS p
    UNION SELECT t.oid) AS p"""


@dataclass
class Measured:
    """What one workload cost in one system: microseconds of CPU per row, by repetition."""

    workload: Workload
    cpu: list[float] = field(default_factory=list)
    size: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def median(self) -> float | None:
        """The median; None where it was not run."""
        return statistics.median(self.cpu) if self.cpu else None


Results = dict[tuple[str, str], Measured]
"""By name of the workload and of the system."""


@dataclass(frozen=True)
class Bench:
    """A system that is installed: *superuser* and *conninfo* reach its database."""

    system: System
    label: str
    superuser: psycopg.Connection
    conninfo: str

    @property
    def longest(self) -> int:
        """Return after how many seconds a statement is stopped."""
        return LONGEST_OF_OURS if self.system.tables == LOG else LONGEST

    def connect(self) -> psycopg.Connection:
        """Connect as the application."""
        options = f"-c statement_timeout={self.longest}s -c client_min_messages=warning"
        return psycopg.connect(self.conninfo, autocommit=True, options=options)

    def size(self) -> int:
        """Return the bytes of the log with its indexes and TOAST."""
        if not self.system.tables:
            return 0
        [(size,)] = self.superuser.execute(SIZE.encode(), [list(self.system.tables)]).fetchall()
        return int(size)

    def entries(self) -> int:
        """Return how many entries there are."""
        if not self.system.tables:
            return 0
        query = f"SELECT count(*) FROM {self.system.tables[0]}"
        [(count,)] = self.superuser.execute(query.encode()).fetchall()
        return int(count)

    def clear(self) -> None:
        """Empty the log, and let the table forget its dead rows."""
        if self.system.tables:
            # As replication would: the log refuses to be emptied.
            self.superuser.execute("SET session_replication_role = replica")
            tables = ", ".join(self.system.tables)
            self.superuser.execute(f"TRUNCATE {tables} CASCADE".encode())
            self.superuser.execute("RESET session_replication_role")
        self.superuser.execute("VACUUM contact, deal")


def cpu_time(pid: int) -> int:
    """Return the nanoseconds that a process has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def run(bench: Bench, app: psycopg.Connection, workload: Workload, into: Measured) -> None:
    """Run a workload once."""
    system = bench.system
    if system.hand and workload.remember:
        app.execute(workload.remember.encode())
    text = script(workload, system.actor, system.hand).encode()
    size, entries = bench.size(), bench.entries()
    before = cpu_time(app.info.backend_pid)
    try:
        app.execute(text)
    except psycopg.errors.QueryCanceled:
        into.note = f"stopped after {bench.longest} s"
        return
    into.cpu.append((cpu_time(app.info.backend_pid) - before) / 1e3 / workload.rows)
    if system.hand:
        app.execute(FORGET)
    found = bench.entries() - entries
    if workload.entries and system.tables:
        into.size.append((bench.size() - size) / workload.entries)
        if found != workload.entries:
            into.note = f"{found:,} of {workload.entries:,} entries"
    elif found:
        into.note = f"{found:,} entries of nothing"


def measure_singles(benches: Sequence[Bench], workloads: Sequence[Workload], to: Results) -> None:
    """Measure one round of what is done row by row; each system keeps to one warm connection."""
    with ExitStack() as stack:
        apps = [stack.enter_context(bench.connect()) for bench in benches]
        for bench, app in zip(benches, apps, strict=True):
            for workload in workloads:
                run(bench, app, replace(workload, rows=WARM_UP), Measured(workload))
        for workload in workloads:
            for bench, app in zip(benches, apps, strict=True):
                run(bench, app, workload, _measured(to, workload, bench))
    for bench in benches:
        bench.clear()


def measure_bulk(benches: Sequence[Bench], workloads: Sequence[Workload], to: Results) -> None:
    """Measure one round of statements for many rows, each on a connection of its own."""
    for workload in workloads:
        for bench in benches:
            with bench.connect() as app:
                run(bench, app, workload, _measured(to, workload, bench))
    for bench in benches:
        bench.clear()


def measure_scales(benches: Sequence[Bench], workloads: Sequence[Workload], to: Results) -> None:
    """Measure ever more rows a statement, on connections that began with one: plans are kept."""
    seconds_per_row: dict[str, float] = {}
    with ExitStack() as stack:
        apps = [stack.enter_context(bench.connect()) for bench in benches]
        for workload in workloads:
            for bench, app in zip(benches, apps, strict=True):
                measured = _measured(to, workload, bench)
                expected = seconds_per_row.get(bench.label, 0.0) * workload.rows
                if expected > bench.longest:
                    measured.note = f"not run: {expected:,.0f} s or more"
                    continue
                for _ in range(3 if expected < 1 else 1):
                    run(bench, app, workload, measured)
                seconds_per_row[bench.label] = (measured.median or math.inf) / 1e6
                bench.superuser.execute("VACUUM contact")
    for bench in benches:
        bench.clear()


def _measured(results: Results, workload: Workload, bench: Bench) -> Measured:
    return results.setdefault((workload.name, bench.label), Measured(workload))
