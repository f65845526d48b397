"""The CRM of the reference installation, as its application writes it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import Cluster
from tests.databases import new_database

Connection = psycopg.Connection[Any]

APP, VIEWER = "crm_web", "audit_viewer"
CONDITIONS = (
    {"field": "lead_score", "operator": "is_greater_than", "value": "50"},
    {"field": "city", "operator": "is", "value": "Bern"},
)
ADD_DAY = """
    SELECT audit._add_partition(day, day + 1)
    FROM (SELECT ((now() - %s) AT TIME ZONE 'UTC')::date) AS d (day)
    WHERE day < (now() AT TIME ZONE 'UTC')::date - 1
      AND to_regclass('audit.entry_' || to_char(day, 'YYYYMMDD')) IS NULL
"""
MOVE_BACK = """
    UPDATE audit.entry
    SET occurred_at = occurred_at - %s, transaction_at = transaction_at - %s
    WHERE actor = %s
"""
USERS = """
    INSERT INTO crm.app_user (full_name, email)
    VALUES ('Priya Nair', 'priya@crm.example'), ('Ana Diaz', 'ana@crm.example'),
           ('Ana Diaz', 'ana.diaz@crm.example')
"""


@dataclass(frozen=True)
class Person:
    """Somebody who uses the CRM."""

    key: str | None
    name: str | None = None
    ip: str | None = "203.0.113.24"


PRIYA = Person("1", "Priya Nair")
NOBODY = Person(None, None, None)

_keys = count(1000)


def new_person(name: str) -> Person:
    """Return somebody with a key of their own."""
    return Person(str(next(_keys)), name, "198.51.100.7")


@dataclass(frozen=True)
class Crm:
    """A database of the CRM; *conninfo* is its owner's."""

    conninfo: str

    def as_role(self, role: str) -> str:
        """Return how another role connects."""
        return make_conninfo(self.conninfo, user=role)

    def logged_in(self, role: str, **how: Any) -> AbstractContextManager[Connection]:
        """Log in as a role, and commit at the end; *how* is what psycopg takes."""
        return psycopg.connect(self.as_role(role), **how)

    @contextmanager
    def saving(
        self, by: Person = PRIYA, context: Any = None, program: str = "crm-web"
    ) -> Iterator[Connection]:
        """Write in one transaction as the application does, which says who acts."""
        with self.logged_in(APP, application_name=program) as connection:
            say_who(connection, by, context)
            yield connection

    def save_often(self, number: int, statement: str, *values: object, by: Person = PRIYA) -> None:
        """Write a statement so often, each time in a transaction of its own."""
        with self.logged_in(APP, autocommit=True) as connection:
            for _ in range(number):
                with connection.transaction():
                    say_who(connection, by)
                    connection.execute(statement.encode(), values)

    def save(
        self, statement: str, *values: object, by: Person = PRIYA, context: Any = None
    ) -> None:
        """Write one statement in a transaction of its own."""
        with self.saving(by, context) as connection:
            connection.execute(statement.encode(), values)

    def add_users(self) -> None:
        """Invite the three users 1 to 3, as the product does when an account is made."""
        self.save(USERS, by=NOBODY)

    def add_workflow(
        self, name: str, by: Person = PRIYA, conditions: int = 0, **columns: object
    ) -> int:
        """Create a workflow in one save, and return its id."""
        row = {"name": name, "record_type": "lead", "owner_id": 1} | columns
        with self.saving(by) as connection:
            [(id_,)] = connection.execute(_insert("workflow", row), list(row.values()))
            for position, more in enumerate(CONDITIONS[:conditions], start=1):
                add_condition(connection, id_, position=position, **more)
        return int(id_)

    def move_back(self, by: Person, age: timedelta) -> None:
        """Give what somebody did an older date, which the log refuses everybody but a superuser."""
        with self.as_superuser() as superuser, superuser.transaction():
            superuser.execute("SET LOCAL ROLE audit_owner")
            superuser.execute(ADD_DAY, [age])
            superuser.execute("RESET ROLE")
            superuser.execute("SET LOCAL session_replication_role = replica")
            superuser.execute(MOVE_BACK, [age, age, by.key])

    def as_superuser(self) -> AbstractContextManager[Connection]:
        """Do what only a superuser can, such as to give the log a past."""
        return self.logged_in("postgres", autocommit=True)


def say_who(connection: Connection, by: Person, context: Any = None) -> None:
    """Say who acts, until the end of the transaction."""
    said = {"actor": by.key, "actor_name": by.name, "ip": by.ip}
    if context is not None:
        said["context"] = json.dumps(context)
    for name, value in said.items():
        if value is not None:
            setting = sql.Identifier("audit", name)
            connection.execute(sql.SQL("SET LOCAL {} = {}").format(setting, sql.Literal(value)))


def add_condition(connection: Connection, workflow: int, **columns: object) -> None:
    """Add the condition "Lead score is greater than 50" to a workflow."""
    row = {"workflow_id": workflow, "position": 1, **CONDITIONS[0], **columns}
    connection.execute(_insert("workflow_condition", row), list(row.values()))


def add_action(connection: Connection, workflow: int, **columns: object) -> None:
    """Add the action "Send e-mail" to a workflow."""
    row = {"workflow_id": workflow, "position": 1, "kind": "send_email"} | columns
    connection.execute(_insert("workflow_action", row), list(row.values()))


def _insert(table: str, row: Mapping[str, object]) -> bytes:
    places = ", ".join(["%s"] * len(row))
    return f"INSERT INTO crm.{table} ({', '.join(row)}) VALUES ({places}) RETURNING id".encode()


@contextmanager
def crm_in(cluster: Cluster, template: Any, name: str = "crm_of_a_module") -> Iterator[Crm]:
    """Make a copy of the reference installation, with three users in it."""
    with new_database(cluster, name, template=template.template_dbname) as conninfo:
        crm = Crm(conninfo)
        with crm.as_superuser() as superuser:
            create_role(superuser, APP, "crm_app")
            create_role(superuser, VIEWER, "audit_reader")
        crm.add_users()
        yield crm


def create_role(superuser: Connection, name: str, *groups: str) -> None:
    """Create a role that may log in, unless it is there: roles belong to the whole cluster."""
    if superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        superuser.execute(f"CREATE ROLE {name} LOGIN".encode())
        for group in groups:
            superuser.execute(f"GRANT {group} TO {name}".encode())
