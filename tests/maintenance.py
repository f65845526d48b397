"""A log of any age, and pgwitness maintain over it as somebody who may own the log and no more."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import namedtuple_row

from generator.maintenance import Patience, Run, Session, Terms, begin, maintain, open_session
from generator.seals.finding import Report
from generator.seals.verifying import verify
from tests.crm import create_role

KEEPER = "audit_keeper"
TERMS = Terms("crm")
BRIEF = Patience(writers=100, others=50, pauses=(0.01,))
"""Gives up so early that a test need not wait long for it."""

ADD_ENTRIES = """
INSERT INTO audit.entry (occurred_at, source, operation, table_schema, table_name, module, entity)
SELECT (current_date + %s)::timestamp AT TIME ZONE 'UTC' + interval '12 hours' + n * interval '1 s',
       'crm', 'TRUNCATE', 'crm', 'workflow', 'Workflows', 'Workflow'
FROM generate_series(1, %s) AS n
"""
ADD_DAYS = """
SELECT audit._add_partition(current_date + n, current_date + n + 1)
FROM generate_series(%s::int, %s::int) AS n
"""
PARTITIONS = """
SELECT starts_at::date - current_date AS first,
       nullif(ends_at, 'infinity')::date - current_date AS end,
       name, is_detaching, is_indexed
FROM audit._partitions()
"""


@dataclass(frozen=True)
class Upkeep:
    """A database with a log; *conninfo* is its superuser's, who arranges and looks."""

    conninfo: str

    @property
    def keeper(self) -> str:
        """How the one connects who maintains."""
        return make_conninfo(self.conninfo, user=KEEPER)

    def as_owner(self, statement: str, *values: object, role: str = "audit_owner") -> list[Any]:
        """Execute a statement as the owner of the log, in a session in UTC, and return its rows."""
        with psycopg.connect(self.conninfo, row_factory=namedtuple_row) as connection:
            connection.execute("SET timezone = 'UTC'")
            connection.execute(f"SET ROLE {role}".encode())
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def wait_for(self, statement: str, *values: object) -> list[Any]:
        """Return the rows that a superuser's statement finds, once there are any."""
        while not (found := self.as_owner(statement, *values, role="postgres")):
            # What is waited for needs the processor more than who waits.
            time.sleep(0.01)
        return found

    def age(self, days: int, ahead: int = 45) -> None:
        """Make it a log that was installed so many days ago, and never maintained since.

        Days *ahead* are those that it had then: the fewer, the less to drop, plan for and verify.
        """
        names = ", ".join(f"audit.{partition.name}" for partition in self.partitions())
        self.as_owner(f"DROP TABLE {names}")
        self.as_owner(ADD_DAYS, -days - 1, ahead - days)
        last = "SELECT audit._add_partition(current_date + %s, 'infinity')"
        self.as_owner(last, ahead + 1 - days)

    def add_entries(self, day: int, number: int = 1) -> None:
        """Add entries to a day; today is 0."""
        self.as_owner(ADD_ENTRIES, day, number, role="postgres")

    def partitions(self) -> list[Any]:
        """Return the partitions, with bounds in days from today; None is forever."""
        return self.as_owner(PARTITIONS)

    def days(self) -> list[int]:
        """Return where each partition begins, and that nothing is missing in between."""
        found = self.partitions()
        assert [p.end for p in found] == [*(p.first for p in found[1:]), None]
        assert not any(p.is_detaching for p in found)
        return [p.first for p in found]

    def removed(self) -> dict[int, int]:
        """Return what the log says was dropped: how many entries of which day."""
        found = self.as_owner(
            "SELECT (old_row ->> 'day')::date - current_date AS day, old_row -> 'entries' AS number"
            " FROM audit.entry WHERE operation = 'DELETE' AND table_schema = 'audit' ORDER BY id"
        )
        assert len(found) == len({row.day for row in found})
        return {row.day: row.number for row in found}

    def runs(self) -> list[Any]:
        """Return what runs have written down, the first one first."""
        return self.as_owner("SELECT * FROM audit.maintenance_run ORDER BY started_at")

    def tables(self) -> set[str]:
        """Return the tables of the log that are no partitions."""
        return {
            row.relname
            for row in self.as_owner(
                "SELECT relname FROM pg_class WHERE relnamespace = 'audit'::regnamespace"
                " AND relkind = 'r' AND NOT relispartition AND relname LIKE 'entry%%'"
            )
        }

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Connect as who maintains."""
        with (
            psycopg.connect(self.keeper) as worker,
            psycopg.connect(self.keeper) as watcher,
            open_session(worker, watcher) as session,
        ):
            yield session

    def maintain(self, terms: Terms = TERMS, patience: Patience = BRIEF) -> Run:
        """Run all steps, and return the run."""
        with self.session() as session:
            run = begin(session, terms, patience)
            list(maintain(run))
        return run

    def verify(self) -> Report:
        """Compute again all that is sealed."""
        with psycopg.connect(self.conninfo, autocommit=True) as superuser:
            return verify(superuser)


def admit_keeper(superuser: psycopg.Connection) -> None:
    """Create who maintains: a role that acts as audit_owner, and sees what other sessions do."""
    create_role(superuser, KEEPER, "audit_owner", "pg_read_all_stats")
