"""What was measured, as a table for people and as JSON: milliseconds, and goals met or missed."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from auditviewer.demo.cluster import Cluster
from tests.benchmarks.viewer.asked import MOST_GROWTH
from tests.benchmarks.viewer.fill import Day
from tests.benchmarks.viewer.measure import Times, summary

SIZES = """
SELECT count(*), pg_size_pretty(sum(pg_table_size(c.oid))),
       pg_size_pretty(sum(pg_indexes_size(c.oid))),
       (SELECT pg_size_pretty(sum(pg_relation_size(w.oid))) FROM pg_class AS w
        WHERE w.relname LIKE 'entry%words' AND w.relnamespace = 'audit'::regnamespace)
FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid
WHERE i.inhparent = 'audit.entry'::regclass"""

HEAD = f"{'page':<36}{'p50':>7}{'p95':>7}{'goal':>6}{'CPU':>8}{'of it PG':>9}{'× small':>9}  "


@dataclass(frozen=True)
class Log:
    """A filled database, and how its superuser connects."""

    name: str
    superuser: str
    days: list[Day]
    seconds: float


@dataclass
class Measured:
    """One page over each log."""

    name: str
    goal: float
    times: dict[str, Times] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def growth(self) -> float | None:
        """How often the CPU time over 10,000 entries it takes; None without a counterpart."""
        if "small" not in self.times:
            return None
        return self.times["large"].cpu / self.times["small"].cpu

    @property
    def misses(self) -> list[str]:
        """What is not as it should be."""
        found = [f"status {s}" for s in set(self.statuses.values()) if s != 200]
        if self.times["large"].p95 >= self.goal:
            found.append("too slow")
        if self.growth and self.growth > MOST_GROWTH:
            found.append("grows")
        return found


def report(
    logs: list[Log], measured: Mapping[str, Measured], settings: Mapping[str, str], path: Path
) -> bool:
    """Print the table, write the file, and return whether all goals are met."""
    sizes = {log.name: _sizes(log) for log in logs}
    for name, size in sizes.items():
        print(f"{name}: {', '.join(f'{word} {value}' for word, value in size.items())}")
    print(", ".join(f"{name} {value}" for name, value in settings.items()))
    print(f"\n{HEAD}\n{'-' * len(HEAD)}")
    for one in measured.values():
        print(_line(one))
    path.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"cpus": os.cpu_count(), "settings": dict(settings), "logs": sizes}
    found["pages"] = [_as_json(one) for one in measured.values()]
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\n{path}")
    return not any(one.misses for one in measured.values())


def describe(cluster: Cluster) -> str:
    """Return the version of the server."""
    with psycopg.connect(cluster.conninfo()) as superuser:
        return f"PostgreSQL {superuser.info.server_version / 10000:.2f}"


def _line(one: Measured) -> str:
    large = one.times["large"]
    growth = f"{one.growth:.2f}" if one.growth else "–"
    return (
        f"{one.name:<36}{large.p50:>7.1f}{large.p95:>7.1f}{one.goal:>6.0f}{large.cpu:>8.1f}"
        f"{summary(large.postgres):>9.1f}{growth:>9}  {', '.join(one.misses) or 'met'}"
    )


def _as_json(one: Measured) -> dict[str, Any]:
    return {
        "page": one.name,
        "goal_ms": one.goal,
        "missed": one.misses,
        "growth": one.growth and round(one.growth, 2),
        "bytes": one.sizes.get("large"),
        **{
            name: {
                "first": round(times.wall[0], 1),
                "p50": round(times.p50, 1),
                "p95": round(times.p95, 1),
                "cpu_python": summary(times.python),
                "cpu_postgres": summary(times.postgres),
                "repetitions": len(times.wall),
            }
            for name, times in one.times.items()
        },
    }


def _sizes(log: Log) -> dict[str, Any]:
    with psycopg.connect(log.superuser) as superuser:
        [(partitions, tables, indexes, words)] = superuser.execute(SIZES.encode()).fetchall()
        [(entries,)] = superuser.execute("SELECT count(*) FROM audit.entry").fetchall()
    return {
        "entries": entries,
        "partitions": partitions,
        "tables": tables,
        "indexes": indexes,
        "of them words": words,
        "filled in seconds": round(log.seconds),
    }
