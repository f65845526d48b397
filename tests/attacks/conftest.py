"""Attackers, and a log to attack: one for all attacks of a module, or one for each."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.rows import dict_row

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.drift import Finding
from tests.attacks.outcomes import Attack, begin
from tests.attacks.scene import (
    HER_SCHEMA,
    MALLORY,
    SUPERUSER,
    Admit,
    Undone,
    acting,
    check,
    entries_since,
    leaf,
    seal,
    undone,
)
from tests.crm import APP, PRIYA, VIEWER, Connection, Crm, create_role, crm_in, new_person


@pytest.fixture
def attack(request: pytest.FixtureRequest) -> Attack:
    """The attack that this test makes."""
    return begin(request.node)


@pytest.fixture
def admit(cluster: Cluster) -> Iterator[Admit]:
    """Create a role that may log in, with attributes and in groups, for one test."""
    with psycopg.connect(cluster.conninfo(host=LOOPBACK), autocommit=True) as superuser:
        names: list[str] = []

        def create(name: str, options: str = "", *groups: str) -> str:
            superuser.execute(f"CREATE ROLE {name} LOGIN {options}".encode())
            names.append(name)
            for group in groups:
                superuser.execute(f"GRANT {group} TO {name}".encode())
            return name

        yield create
        for name in names:
            superuser.execute(f"DROP ROLE {name}".encode())


@pytest.fixture(scope="module")
def known(crm: Crm) -> list[Finding]:
    """What check says before anybody has attacked."""
    return check(crm)


@pytest.fixture(scope="module")
def stage(crm: Crm) -> Iterator[Connection]:
    """Where all is done that is undone after each test of a module."""
    with psycopg.connect(crm.as_role(SUPERUSER), prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def victim(stage: Connection, attack: Attack, known: list[Finding]) -> Iterator[Undone]:
    """A CRM in which all that a test does is undone."""
    attack.known = known
    # That is how check reads, which can't change it in a transaction of others.
    with undone(stage, IsolationLevel.REPEATABLE_READ) as victim:
        yield victim


@pytest.fixture
def spare(
    cluster: Cluster,
    reference_template: object,
    admit: Admit,
    attack: Attack,
    known: list[Finding],
) -> Iterator[Crm]:
    """A CRM of the test's own, for what is not undone or shows itself to later sessions alone."""
    attack.known = known
    with crm_in(cluster, reference_template, "victim") as crm:
        yield crm


@pytest.fixture(scope="module")
def pieces(crm: Crm) -> dict[str, Any]:
    """What attacks call the pieces of a log of which a past day and today are sealed."""
    ana = new_person("Ana")
    crm.add_workflow("Old", by=ana)
    crm.move_back(ana, timedelta(days=3))
    crm.add_workflow("New", by=PRIYA, conditions=2)
    seal(crm)
    crm.add_workflow("Newer")
    seal(crm)
    with crm.as_superuser() as superuser, superuser.cursor(row_factory=dict_row) as cursor:
        [named] = cursor.execute(
            "SELECT e.id, e.id + 1 AS other, e.tableoid::regclass::text AS leaf,"
            " pg_get_expr(c.relpartbound, c.oid) AS bounds,"
            " to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day"
            " FROM audit.entry AS e JOIN pg_class AS c ON c.oid = e.tableoid"
            " WHERE e.actor = %s",
            [ana.key],
        ).fetchall()
    return named


@pytest.fixture
def sealed(stage: Connection, pieces: dict[str, Any]) -> Iterator[Undone]:
    """A CRM whose log is sealed, in which all that a test does is undone."""
    # Nobody seals or verifies in a snapshot from before.
    with undone(stage, IsolationLevel.READ_COMMITTED) as sealed:
        yield sealed


@pytest.fixture
def app(crm: Crm) -> Iterator[Connection]:
    """The application, committing each statement."""
    with acting(crm, APP) as connection:
        yield connection


@pytest.fixture
def mallory(crm: Crm) -> Iterator[Connection]:
    """Somebody without a right on the log or on the CRM, but for a schema of her own."""
    with crm.as_superuser() as superuser:
        create_role(superuser, MALLORY)
        superuser.execute(HER_SCHEMA.encode())
    with acting(crm, MALLORY) as connection:
        yield connection


@pytest.fixture(scope="module")
def reader(crm: Crm) -> Iterator[Connection]:
    """Somebody who reads the log."""
    with acting(crm, VIEWER) as connection:
        yield connection


@pytest.fixture
def log(reader: Connection, workflow: int) -> Callable[[], list[Any]]:
    """What was left in the log since the workflow was made."""
    [(last,)] = reader.execute("SELECT max(id) FROM audit.entry").fetchall()
    return lambda: entries_since(reader, last)


@pytest.fixture(scope="module")
def day(crm: Crm) -> str:
    """A partition that holds entries."""
    return leaf(crm)
