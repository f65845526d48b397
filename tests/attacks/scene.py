"""The reference CRM as attackers find it, and the words in which tests attack it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import IsolationLevel
from psycopg.rows import namedtuple_row

from generator.anchors.anchor import Anchor, Log
from generator.drift import Finding, find_drift
from generator.parse import read_config
from generator.seals.finding import Report
from generator.seals.sealing import Seals
from generator.seals.verifying import verify
from tests.crm import VIEWER, Connection, Crm

CONFIG = read_config(Path(__file__).parents[2] / "migrations" / "audit.toml")
Admit = Callable[..., str]
"""Creates a role by its name, attributes and groups, and returns the name."""

SUPERUSER = "postgres"
MALLORY = "mallory"
"""Somebody who may log in, and do what she likes in the schema of the same name."""

HER_SCHEMA = f"CREATE SCHEMA IF NOT EXISTS {MALLORY} AUTHORIZATION {MALLORY}"
READABLE = "-c row_security=on -c datestyle=ISO"
"""Whatever an attacker has set for the database."""
FORGERY = """
INSERT INTO {table}
    (id, occurred_at, transaction_id, transaction_at, actor_bound, actor_signed, source,
     operation, table_schema, table_name, module, entity, actor, actor_name, ip, db_user, db_role,
     client_addr, application_name, context)
VALUES
    (1, now(), '1', now(), true, true, 'crm', 'TRUNCATE', 'crm', 'workflow', 'Workflows',
     'Workflow', '1', 'Priya Nair', '203.0.113.24', 'crm_web', NULL, NULL, NULL, NULL)
"""


@dataclass(frozen=True)
class Undone(Crm):
    """A CRM in which everything is done in one transaction, whoever does it; one after another."""

    connection: Connection

    @contextmanager
    def logged_in(self, role: str, **_: Any) -> Iterator[Connection]:
        """Act as a role that has just logged in."""
        assert self.connection.info.parameter_status("session_authorization") == SUPERUSER
        with self.connection.transaction():
            self.connection.execute(f"SET SESSION AUTHORIZATION {role}".encode())
            yield self.connection
            self.connection.execute("RESET SESSION AUTHORIZATION; RESET ALL")

    def admit(self, role: str, options: str = "", *groups: str) -> str:
        """Create a role that may log in, with attributes and in groups, and return its name."""
        with self.as_superuser() as superuser:
            superuser.execute(f"CREATE ROLE {role} LOGIN {options}".encode())
            for group in groups:
                superuser.execute(f"GRANT {group} TO {role}".encode())
        return role


@contextmanager
def undone(connection: Connection, level: IsolationLevel) -> Iterator[Undone]:
    """Undo in the end what is done to a CRM, of which this is a superuser's connection."""
    connection.isolation_level = level
    with connection.transaction(force_rollback=True):
        yield Undone(connection.info.dsn, connection)


def check(crm: Crm) -> list[Finding]:
    """Return what pgwitness check says of a database, to somebody who may just read the log."""
    with crm.logged_in(VIEWER) as connection:
        return find_drift(connection, CONFIG)


def acting(crm: Crm, role: str) -> AbstractContextManager[Connection]:
    """Log in, and commit each statement."""
    return crm.logged_in(role, autocommit=True)


def do(crm: Crm, role: str, *statements: str) -> None:
    """Log in, and execute statements in one transaction."""
    with crm.logged_in(role) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def entries(crm: Crm) -> list[Any]:
    """Return all entries of a log, oldest first."""
    with crm.logged_in(VIEWER, options=READABLE) as connection:
        return entries_since(connection)


def entries_since(connection: Connection, id_: int = 0) -> list[Any]:
    """Return the entries with a higher number, oldest first."""
    query = "SELECT * FROM audit.entry WHERE id > %s ORDER BY occurred_at, id"
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, [id_]).fetchall()


def leaf(crm: Crm) -> str:
    """Return the partition that the last entry is in."""
    with acting(crm, VIEWER) as reader:
        [(name,)] = reader.execute(
            "SELECT tableoid::regclass::text FROM audit.entry ORDER BY occurred_at DESC LIMIT 1"
        ).fetchall()
    return str(name)


def renamed(by: str | None = None, **more: Any) -> dict[str, Any]:
    """Return what the entry says of a workflow that somebody renamed, whatever they tried."""
    return {"operation": "UPDATE", "table_name": "workflow", "actor": by, **more}


def seal(crm: Crm) -> None:
    do(crm, SUPERUSER, "SET client_encoding = 'UTF8'", "SET ROLE audit_owner",
       "SELECT audit.seal_entries()")  # fmt: skip


def anchors_of(crm: Crm) -> list[Anchor]:
    """Return what somebody kept who is not there."""
    with acting(crm, VIEWER) as reader:
        return [Anchor(Log("crm", reader.info.dbname), seal) for seal in Seals(reader).after(0)]


def verified(crm: Crm, anchors: list[Anchor] | None = None) -> Report:
    """Return what pgwitness verify says to somebody who may just read the log."""
    with acting(crm, VIEWER) as reader:
        return verify(reader, anchors)
