"""The reference CRM as attackers find it, and the words in which tests attack it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
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


def check(crm: Crm) -> list[Finding]:
    """Return what pgwitness check says of a database, to somebody who may just read the log."""
    with psycopg.connect(crm.as_role(VIEWER)) as connection:
        return find_drift(connection, CONFIG)


@contextmanager
def acting(crm: Crm, role: str) -> Iterator[Connection]:
    """Log in, and commit each statement."""
    with psycopg.connect(crm.as_role(role), autocommit=True) as connection:
        yield connection


def do(crm: Crm, role: str, *statements: str) -> None:
    """Log in, and execute statements in one transaction."""
    with psycopg.connect(crm.as_role(role)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def entries(crm: Crm) -> list[Any]:
    """Return all entries of a log, oldest first."""
    with (
        psycopg.connect(crm.as_role(VIEWER), options=READABLE) as connection,
        connection.cursor(row_factory=namedtuple_row) as cursor,
    ):
        return cursor.execute("SELECT * FROM audit.entry ORDER BY occurred_at, id").fetchall()


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
    do(crm, "postgres", "SET client_encoding = 'UTF8'", "SET ROLE audit_owner",
       "SELECT audit.seal_entries()")  # fmt: skip


def anchors_of(crm: Crm) -> list[Anchor]:
    """Return what somebody kept who is not there."""
    with acting(crm, VIEWER) as reader:
        return [Anchor(Log("crm", "victim"), seal) for seal in Seals(reader).after(0)]


def verified(crm: Crm, anchors: list[Anchor] | None = None) -> Report:
    """Return what pgwitness verify says to somebody who may just read the log."""
    with psycopg.connect(crm.as_role(VIEWER), autocommit=True) as reader:
        return verify(reader, anchors)
