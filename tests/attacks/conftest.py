"""Attackers, and a log to attack: one for all attacks of a module, or one for each."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.drift import Finding
from tests.attacks.outcomes import Attack, begin
from tests.attacks.scene import HER_SCHEMA, MALLORY, Admit, acting, check, entries, seal
from tests.crm import APP, PRIYA, Connection, Crm, create_role, crm_in, new_person


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


@pytest.fixture
def victim(
    cluster: Cluster,
    reference_template: object,
    admit: Admit,
    attack: Attack,
    known: list[Finding],
) -> Iterator[Crm]:
    """A CRM of the test's own."""
    attack.known = known
    with crm_in(cluster, reference_template, "victim") as crm:
        yield crm


@pytest.fixture
def sealed(victim: Crm) -> dict[str, Any]:
    """A log of which a past day and today are sealed; and what attacks on it call its pieces."""
    ana = new_person("Ana")
    victim.add_workflow("Old", by=ana)
    victim.move_back(ana, timedelta(days=3))
    victim.add_workflow("New", by=PRIYA, conditions=2)
    seal(victim)
    victim.add_workflow("Newer")
    seal(victim)
    with (
        victim.as_superuser() as superuser,
        superuser.cursor(row_factory=namedtuple_row) as cursor,
    ):
        [row] = cursor.execute(
            "SELECT e.id, e.id + 1 AS other, e.tableoid::regclass::text AS leaf,"
            " pg_get_expr(c.relpartbound, c.oid) AS bounds,"
            " to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day"
            " FROM audit.entry AS e JOIN pg_class AS c ON c.oid = e.tableoid"
            " WHERE e.actor = %s",
            [ana.key],
        ).fetchall()
    return row._asdict()


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


@pytest.fixture
def log(crm: Crm, workflow: int) -> Callable[[], list[Any]]:
    """What was left in the log since the workflow was made."""
    before = len(entries(crm))
    return lambda: entries(crm)[before:]
