"""Somebody who seals and verifies as the owner of a log, over one connection."""

from dataclasses import dataclass
from typing import Any

import psycopg

from tests.benchmarks.viewer.measure import run_time

VERIFY = (
    "SELECT count(*) FROM audit._partitions() AS p,"
    " audit._differing_entries(p.starts_at, p.ends_at) AS d",
    "SELECT count(*) FROM audit._broken_lists()",
    "SELECT count(*) FROM audit._broken_seals()",
)


@dataclass(frozen=True)
class Owner:
    """A connection that has taken the role audit_owner."""

    connection: psycopg.Connection[Any]

    def seal(self) -> int:
        """Seal once, and return how many entries; 0 where nothing is new."""
        row = self.connection.execute("SELECT entries FROM audit.seal_entries()").fetchone()
        return (row[0] if row else 0) or 0

    def verify(self) -> int:
        """Return how many differences there are."""
        found = [self.connection.execute(query).fetchone() for query in VERIFY]
        return sum(row[0] for row in found if row)

    def digest(self) -> None:
        """Compute what all of it needs, and no more: the floor."""
        self.connection.execute("SELECT count(sha256(record)) FROM audit.entry_record")

    def spent(self) -> float:
        """Return how many milliseconds its backend has run."""
        return run_time(self.connection.info.backend_pid) / 1e6


def owner_of(superuser: str) -> Owner:
    """Connect as who seals."""
    connection = psycopg.connect(superuser, autocommit=True)
    connection.execute("SET client_encoding = 'UTF8'")
    # Other processes' work would not be counted.
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute("SET ROLE audit_owner")
    return Owner(connection)
