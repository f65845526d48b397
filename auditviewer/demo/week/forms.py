"""What people save about subscription, territories, rules and sequences: steps of one form each.

Knows the tables, like the module `saves`, which has those of workflows and settings.
"""

from dataclasses import dataclass

from psycopg import sql

from auditviewer.demo.week.people import Person
from auditviewer.demo.week.saves import Step
from auditviewer.demo.week.statements import NOW, Statement, insert, table_name, update


@dataclass(frozen=True)
class Record:
    """A row that has parts, known by its name."""

    table: str
    name: str

    @property
    def id(self) -> sql.Composed:
        """SQL that finds its key."""
        query = sql.SQL("(SELECT id FROM {} WHERE name = {})")
        return query.format(table_name(self.table), sql.Literal(self.name))

    @property
    def key(self) -> str:
        """The column of its parts that holds its key."""
        return f"{self.table}_id"


def create(record: Record, *parts: Step, **columns: object) -> Step:
    """Add a record with its parts."""
    stamps = {"created_at": NOW, "updated_at": NOW}
    row = insert(record.table, {"name": record.name, **columns, **stamps})
    return (row, *(statement for part in parts for statement in part))


def change(record: Record, **columns: object) -> Step:
    """Change columns of a record itself."""
    where = sql.SQL("id = ") + record.id
    return (update(record.table, {**columns, "updated_at": NOW}, where),)


def put(record: Record, table: str, **columns: object) -> Step:
    """Add a part."""
    return (insert(table, {record.key: record.id, **columns}), *change(record))


def change_part(record: Record, table: str, place: int, /, **columns: object) -> Step:
    """Change columns of the part at a place."""
    where = sql.SQL("{} = {} AND position = {}").format(
        sql.Identifier(record.key), record.id, sql.Literal(place)
    )
    return (update(table, columns, where), *change(record))


def put_condition(
    rule: Record, group: int, position: int, field: str, operator: str, value: str
) -> Step:
    """Add a condition to a filter group of an assignment rule."""
    query = sql.SQL(
        "(SELECT id FROM crm.assignment_filter_group"
        " WHERE assignment_rule_id = {} AND position = {})"
    )
    place = {"filter_group_id": query.format(rule.id, sql.Literal(group)), "position": position}
    columns = {**place, "field": field, "operator": operator, "value": value}
    return (insert("assignment_condition", columns), *change(rule))


def take_access(rule: Record, person: Person) -> Step:
    """Take from somebody what a rule assigns, and their turn."""
    query = sql.SQL(
        "DELETE FROM {} WHERE assignment_rule_id = {}"
        " AND user_id = (SELECT id FROM crm.app_user WHERE email = {})"
    )
    gone = [
        Statement(query.format(table_name(table), rule.id, sql.Literal(person.email)), {})
        for table in ("assignment_access", "assignment_round_robin")
    ]
    return (*gone, *change(rule))


def swap(one: Record, other: Record) -> Step:
    """Let two records change places; that each has its own is checked when both have."""
    query = sql.SQL(
        "UPDATE {table} SET position = (SELECT sum(position) FROM {table} WHERE {both}) - position,"
        " updated_at = %(now)s WHERE {both}"
    )
    both = sql.SQL("id IN ({}, {})").format(one.id, other.id)
    return (Statement(query.format(table=table_name(one.table), both=both), {}),)


def start_trial(plan: str, **columns: object) -> Step:
    """Open the subscription with a trial of two weeks."""
    until = sql.SQL("(%(now)s::timestamptz + interval '14 days')::date")
    trial = {"trial_plan": plan, "trial_ends_on": until, "updated_at": NOW}
    return (insert("subscription", {**trial, **columns}),)


def subscription(**columns: object) -> Step:
    """Change columns of the subscription."""
    return (update("subscription", {**columns, "updated_at": NOW}, sql.SQL("id = 1")),)


def buy_credits(invoice: str, credits: int, amount: str, currency: str) -> Step:
    """Buy phone credits."""
    price = {"credits": credits, "amount": amount, "currency": currency}
    return (
        insert("phone_credit_purchase", {"invoice_number": invoice, **price, "created_at": NOW}),
    )
