"""What people save in the CRM: one form sent off, one transaction of a few statements.

Knows the tables of schema crm, and nothing of the audit log: that is how an application should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from psycopg import sql

from auditviewer.demo.week.people import WEB, Application, Person
from auditviewer.demo.week.statements import NOW, Statement, insert, table_name, update

OFFICE = ZoneInfo("Europe/Berlin")
"""Where the team works; times of day are its."""


@dataclass(frozen=True)
class At:
    """A time of day in the office, some days ago."""

    days_ago: int
    clock: str

    def before(self, now: datetime) -> datetime:
        """Return the moment, seen from *now*."""
        day = now.astimezone(OFFICE).date() - timedelta(days=self.days_ago)
        return datetime.combine(day, time.fromisoformat(self.clock), OFFICE)


@dataclass(frozen=True)
class Ago:
    """Some minutes ago."""

    minutes: int

    def before(self, now: datetime) -> datetime:
        """Return the moment, seen from *now*."""
        return now - timedelta(minutes=self.minutes)


Step = tuple[Statement, ...]
"""One thing that a person does in a form."""


@dataclass(frozen=True)
class Save:
    """Who saved what, when, with which program; *who* is None where the product itself did."""

    when: At | Ago
    who: Person | None
    via: Application
    what: tuple[Step, ...]
    reason: str | None
    ip: str | None


@dataclass(frozen=True)
class Part:
    """A row of a child table of workflow, not yet placed."""

    table: str
    columns: Mapping[str, object]


CONDITION = "workflow_condition"
ACTION = "workflow_action"
WORKFLOW = sql.SQL("(SELECT id FROM crm.workflow WHERE name = %(workflow)s)")


def save(
    when: At | Ago,
    who: Person,
    *what: Step,
    via: Application = WEB,
    reason: str | None = None,
    ip: str | None = None,
) -> Save:
    """Tell what a person saved, from where they usually are unless *ip* says otherwise."""
    return Save(when, who, via, what, reason, ip or who.ip)


def system(when: At | Ago, via: Application, *what: Step) -> Save:
    """Tell what the product did by itself: it has no actor, and none is made up."""
    return Save(when, None, via, what, reason=None, ip=None)


def sign_up(person: Person, company: str) -> Step:
    """Open the account, with the person who does."""
    contact = {"company_name": company, "primary_contact_id": person, "updated_at": NOW}
    return (*invite(person), insert("account_setting", contact))


def invite(person: Person) -> Step:
    """Add somebody to the team."""
    columns: dict[str, object] = {
        "full_name": person.name,
        "email": person.email,
        "role": person.role,
        "password_hash": "scrypt:32768:8:1$" + sha256(person.email.encode()).hexdigest(),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return (insert("app_user", columns),)


def edit_user(person: Person, **columns: object) -> Step:
    """Change columns of a person."""
    where = sql.SQL("email = %(email_of)s")
    return (update("app_user", {**columns, "updated_at": NOW}, where, email_of=person.email),)


def settings(**columns: object) -> Step:
    """Change settings of the account."""
    return (update("account_setting", {**columns, "updated_at": NOW}, sql.SQL("id = 1")),)


def condition(field: str, operator: str, value: str | None = None) -> Part:
    """Say what a record must be like."""
    return Part(CONDITION, {"field": field, "operator": operator, "value": value})


def action(kind: str, assignee: Person | None = None, **settings: object) -> Part:
    """Say what is done with a record."""
    return Part(ACTION, {"kind": kind, "assignee_id": assignee, "settings": settings})


def create_workflow(name: str, *parts: Part, owner: Person, **columns: object) -> Step:
    """Add a workflow with its conditions and actions."""
    stamps = {"created_at": NOW, "updated_at": NOW}
    workflow = insert("workflow", {"name": name, "owner_id": owner, **columns, **stamps})
    placed = [
        _insert_part(name, position, part)
        for table in (CONDITION, ACTION)
        for position, part in enumerate((p for p in parts if p.table == table), start=1)
    ]
    return (workflow, *placed)


def edit_workflow(workflow: str, /, **columns: object) -> Step:
    """Change columns of a workflow itself."""
    where = sql.SQL("id = ") + WORKFLOW
    return (update("workflow", {**columns, "updated_at": NOW}, where, workflow=workflow),)


def delete_workflow(name: str) -> Step:
    """Remove a workflow; its parts go with it."""
    return (_statement(sql.SQL("DELETE FROM crm.workflow WHERE name = %(workflow)s"), name),)


def add(workflow: str, position: int, part: Part) -> Step:
    """Add a condition or an action."""
    return (_insert_part(workflow, position, part), *edit_workflow(workflow))


def edit(table: str, workflow: str, position: int, **columns: object) -> Step:
    """Change columns of a condition or an action."""
    where = sql.SQL("workflow_id = ") + WORKFLOW + sql.SQL(" AND position = %(place)s")
    edited = update(table, columns, where, workflow=workflow, place=position)
    return (edited, *edit_workflow(workflow))


def remove(table: str, workflow: str, position: int) -> Step:
    """Remove a condition or an action; those after it move up."""
    gone = sql.SQL("DELETE FROM {} WHERE workflow_id = {} AND position = %(place)s")
    up = sql.SQL(
        "UPDATE {} SET position = position - 1 WHERE workflow_id = {} AND position > %(place)s"
    )
    statements = [
        _statement(query.format(table_name(table), WORKFLOW), workflow, place=position)
        for query in (gone, up)
    ]
    return (*statements, *edit_workflow(workflow))


def reorder(table: str, workflow: str, *order: int) -> Step:
    """Put conditions or actions in another order, given by their positions until now."""
    query = sql.SQL(
        "UPDATE {} SET position = array_position(%(order)s::integer[], position)"
        " WHERE workflow_id = {}"
    )
    moved = _statement(query.format(table_name(table), WORKFLOW), workflow, order=list(order))
    return (moved, *edit_workflow(workflow))


def count_runs(workflow: str, times: int) -> Step:
    """Count up how often a workflow ran: the noise that an audit log leaves out."""
    query = sql.SQL(
        "UPDATE crm.workflow SET run_count = run_count + %(times)s WHERE name = %(workflow)s"
    )
    return (_statement(query, workflow, times=times),)


def _insert_part(workflow: str, position: int, part: Part) -> Statement:
    placed = {"workflow_id": WORKFLOW, "position": position, **part.columns}
    return insert(part.table, placed, workflow=workflow)


def _statement(query: sql.SQL | sql.Composed, workflow: str, **values: object) -> Statement:
    return Statement(sql.Composed([query]), {"workflow": workflow, **values})
