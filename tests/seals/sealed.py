"""A log of every kind of entry, sealed in every kind of seal, and what verify finds in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo
from psycopg.rows import namedtuple_row
from pytest_postgresql.janitor import DatabaseJanitor

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.anchors.anchor import Anchor
from generator.cli import main
from generator.seals.finding import Report
from generator.seals.verifying import verify
from tests.crm import APP, NOBODY, USERS, VIEWER, Crm, Person, add_condition, create_role
from tests.databases import OWNER, own

Connection = psycopg.Connection[Any]
Found = set[tuple[str, str]]
"""The state and object of each finding."""

ANA, LEO = Person("7", "Ana Diaz", "198.51.100.7"), Person("8", "Leo Weiss", "not an address")
DAYS = """
    SELECT audit._add_partition(current_date + n, current_date + n + 1)
    FROM generate_series(-5, -1) AS n;
    SELECT audit._add_partition(current_date, 'infinity');
"""
MOVE = """
    UPDATE audit.entry
    SET occurred_at = occurred_at - %s, transaction_at = transaction_at - %s
    WHERE transaction_id >= %s
"""
ENTRIES: LiteralString = """
    SELECT e.id, e.occurred_at::text, e.transaction_id::text::bigint AS transaction,
           p.name AS partition, s.number AS seal
    FROM audit.entry AS e
         JOIN audit._partitions() AS p ON e.occurred_at >= p.starts_at AND e.occurred_at < p.ends_at
         LEFT JOIN LATERAL audit.seal_of(e.transaction_id, e.occurred_at, e.id) AS s ON true
    ORDER BY e.id
"""


@dataclass(frozen=True)
class SealedLog:
    """A database with a sealed log; *superuser* is in no transaction."""

    superuser: Connection

    def rows(self, query: LiteralString, *values: object) -> list[Any]:
        """Return what a query finds."""
        with self.superuser.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(query, values or None).fetchall()

    def one(self, query: LiteralString, *values: object) -> Any:
        """Return the only value of a query."""
        [[value]] = self.rows(query, *values)
        return value

    @contextmanager
    def tampered(self, *statements: str) -> Iterator[None]:
        """Do what only a superuser can, with no trigger firing, until the end of the block."""
        with self.superuser.transaction(force_rollback=True):
            self.superuser.execute("SET LOCAL session_replication_role = replica")
            self.superuser.execute("SET LOCAL timezone = 'UTC'")
            for statement in statements:
                self.superuser.execute(statement.encode())
            yield

    def found_after(self, *statements: str, anchors: list[Anchor] | None = None) -> Found:
        """Return what is found after statements of a superuser, which are undone."""
        with self.tampered(*statements):
            return found(verify(self.superuser, anchors))


def found(report: Report) -> Found:
    """Return the findings of a report, of which there must be no two alike."""
    named = [(finding.state, finding.object) for finding in report.findings]
    assert (len(named), report.more) == (len(set(named)), 0)
    return set(named)


def notes(log: SealedLog, *statements: str) -> str:
    """Return the notes after statements of a superuser, which are undone."""
    with log.tampered(*statements):
        return "\n".join(verify(log.superuser).notes)


def run_verify(log: SealedLog, *arguments: str | Path, user: str = VIEWER) -> Result:
    """Run the command as somebody."""
    database = make_conninfo(log.superuser.info.dsn, user=user)
    return CliRunner().invoke(main, ["verify", "--database", database, *map(str, arguments)])


def seal(superuser: Connection) -> None:
    """Seal what is new, as the owner of the log."""
    with superuser.transaction():
        superuser.execute("SET LOCAL ROLE audit_owner")
        superuser.execute("SELECT audit.seal_entries()")


@contextmanager
def new_log(cluster: Cluster, template: Any, name: str) -> Iterator[tuple[Crm, Connection]]:
    """Make a log of the last five days with nothing in it."""
    janitor = DatabaseJanitor(
        user=cluster.superuser,
        host=LOOPBACK,
        port=cluster.port,
        dbname=name,
        template_dbname=template.template_dbname,
    )
    conninfo = cluster.conninfo(name, host=LOOPBACK)
    with janitor, psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as superuser:
        create_role(superuser, APP, "crm_app")
        own(superuser)
        superuser.execute("SET client_encoding = 'UTF8'")
        superuser.execute("SET timezone = 'UTC'")
        for (partition,) in superuser.execute("SELECT name FROM audit._partitions()").fetchall():
            superuser.execute(f"DROP TABLE audit.{partition}".encode())
        with superuser.transaction():
            superuser.execute("SET LOCAL ROLE audit_owner")
            superuser.execute("SET LOCAL timezone = 'UTC'")
            superuser.execute(DAYS.encode())
        yield Crm(cluster.conninfo(name, OWNER, host=LOOPBACK)), superuser


@contextmanager
def days_ago(superuser: Connection, days: int) -> Iterator[None]:
    """Let what is written be so many days old."""
    [(next_,)] = superuser.execute(
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
    ).fetchall()
    yield
    age = timedelta(days=days)
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(MOVE.encode(), [age, age, next_])


def work(crm: Crm, by: Person, name: str) -> None:
    """Write entries of every kind, which fill each column."""
    context = {"request": name, "ratio": 1.10, "cost": None, "tags": ["a", "b b"]}
    workflow = crm.add_workflow(name, by=by, conditions=2)
    other = crm.add_workflow(f"{name} again", by=by)
    crm.save("UPDATE crm.workflow SET name = name || '!' WHERE id = %s", other, by=by)
    with crm.saving(by, context, program="") as connection:
        add_condition(connection, other, position=3)
        connection.execute("SET LOCAL ROLE crm_app")
        connection.execute(
            "UPDATE crm.workflow_condition SET workflow_id = %s WHERE workflow_id = %s",
            [other, workflow],
        )
    crm.save("DELETE FROM crm.workflow WHERE id = %s", workflow, by=NOBODY)


@contextmanager
def sealed_log(cluster: Cluster, template: Any) -> Iterator[SealedLog]:
    """Make a log of four days, the oldest dropped, in another database since the fifth seal."""
    with new_log(cluster, template, "sealed_log") as (crm, superuser):
        with days_ago(superuser, 4):
            crm.save(USERS, by=NOBODY)
        with days_ago(superuser, 2):
            work(crm, ANA, "First")
        with days_ago(superuser, 1):
            work(crm, LEO, "Second")
        seal(superuser)
        with days_ago(superuser, 1):
            work(crm, ANA, "Third")
        work(crm, LEO, "Fourth")
        seal(superuser)
        drop_oldest(superuser)
        work(crm, ANA, "Fifth")
        seal(superuser)
        crm.add_workflow("Found by the next database")
        with superuser.transaction():
            superuser.execute("SET LOCAL ROLE audit_owner")
            superuser.execute("SELECT audit.acknowledge_restore('a test')")
        work(crm, ANA, "Sixth")
        seal(superuser)
        crm.add_workflow("Not sealed yet", conditions=2)
        yield SealedLog(superuser)


def drop_oldest(superuser: Connection) -> None:
    """Drop the oldest partitions that hold entries or none, by a retention of two days."""
    oldest = "SELECT name, starts_at, ends_at FROM audit._partitions() LIMIT 2"
    for name, starts_at, ends_at in superuser.execute(oldest).fetchall():
        with superuser.transaction():
            superuser.execute("SET LOCAL ROLE audit_owner")
            [(run,)] = superuser.execute(
                "INSERT INTO audit.maintenance_run (retention_days) VALUES (2) RETURNING started_at"
            ).fetchall()
            superuser.execute(f"ALTER TABLE audit.entry DETACH PARTITION audit.{name}".encode())
            superuser.execute(
                "SELECT audit._drop_detached(%s, %s, %s, %s, 'crm')",
                [run, name, starts_at, ends_at],
            )
