"""Entries that nobody wrote, and the words of their tables: what the pure parts are tested with.

A workflow has conditions and actions, and an action has recipients.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from auditviewer.change.changes import Change, fold
from auditviewer.change.records import Column, Entry, Row, Table
from auditviewer.change.sentences import in_words, say

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OPERATORS = {"is": "is", "above": "is greater than", "is_empty": "is empty"}

WORKFLOW = Table(
    name=("crm", "workflow"),
    module="Workflows",
    entity="Workflow",
    key=("id",),
    label_column="name",
    link="/workflows/{id}",
    columns={
        "name": Column("Name"),
        "description": Column("Description"),
        "is_enabled": Column("Status", {"true": "enabled", "false": "disabled"}),
        "is_logged": Column("Logging", {"true": "on", "false": "off"}),
        "owner_id": Column("Owner", is_reference=True),
        "runs": Column("Most runs"),
        "settings": Column("Settings"),
        "secret": Column("Secret"),
    },
    ignored=frozenset({"updated_at"}),
)
CONDITION = Table(
    name=("crm", "condition"),
    module="Workflows",
    entity="Workflow",
    part="Condition",
    key=("id",),
    label_column="field",
    parent=("crm", "workflow"),
    parent_key=("workflow_id",),
    columns={
        "field": Column("Field", {"score": "Lead score", "city": "City"}),
        "operator": Column("Operator", OPERATORS),
        "value": Column("Value"),
        "position": Column("Position"),
    },
)
ACTION = Table(
    name=("crm", "action"),
    module="Workflows",
    entity="Workflow",
    part="Action",
    key=("id",),
    label_column="kind",
    parent=("crm", "workflow"),
    parent_key=("workflow_id",),
    columns={"kind": Column("Action", {"mail": "Send e-mail"}), "settings": Column("Settings")},
)
RECIPIENT = Table(
    name=("crm", "recipient"),
    module="Workflows",
    entity="Workflow",
    part="Recipient",
    key=("id",),
    parent=("crm", "action"),
    parent_key=("action_id",),
)
TABLES = {table.name: table for table in (WORKFLOW, CONDITION, ACTION, RECIPIENT)}

_ids = count(1)


def entry(operation: str, table: Table, old: Row | None, new: Row | None, **more: Any) -> Entry:
    """Return an entry that was written after those before it."""
    number = next(_ids)
    row = new or old or {}
    is_root = table.parent is None
    told: dict[str, Any] = {
        "id": number,
        "occurred_at": NOON + timedelta(milliseconds=number),
        "transaction_id": 731,
        "transaction_at": NOON,
        "operation": operation,
        "table": table.name,
        "module": table.module,
        "entity": table.entity,
        "part": table.part,
        "entity_id": str(row.get("id" if is_root else "workflow_id")),
        "entity_label": _label(row, table) if is_root else None,
        "row_key": {name: row[name] for name in table.key} if row else None,
        "old_row": old,
        "new_row": new,
    }
    return Entry(**told | more)


def _label(row: Row, table: Table) -> str | None:
    label = row.get(table.label_column or "")
    return None if label is None else str(label)


def insert(table: Table, row: Mapping[str, Any], **more: Any) -> Entry:
    """Return the entry of an INSERT."""
    return entry("INSERT", table, None, row, **more)


def delete(table: Table, row: Mapping[str, Any], **more: Any) -> Entry:
    """Return the entry of a DELETE."""
    return entry("DELETE", table, row, None, **more)


def update(table: Table, row: Mapping[str, Any], changes: Mapping[str, Any], **more: Any) -> Entry:
    """Return the entry of an UPDATE of some columns."""
    return entry("UPDATE", table, row, {**row, **changes}, **more)


def truncate(table: Table) -> Entry:
    """Return the entry of a TRUNCATE."""
    return entry("TRUNCATE", table, None, None, entity_id=None, entity_label=None)


def workflow(**columns: Any) -> dict[str, Any]:
    """Return a row of the table of workflows."""
    return {"id": 7, "name": "Nurture leads", "is_enabled": False, **columns}


def condition(**columns: Any) -> dict[str, Any]:
    """Return a row of the table of conditions: Lead score is greater than 50."""
    row = {"id": 1, "workflow_id": 7, "position": 1}
    return row | {"field": "score", "operator": "above", "value": "50"} | columns


def conditions(number: int) -> list[dict[str, Any]]:
    """Return rows of the table of conditions, each with a value of its own."""
    return [condition(id=n, position=n, value=str(n * 10)) for n in range(1, number + 1)]


def action(**columns: Any) -> dict[str, Any]:
    """Return a row of the table of actions."""
    return {"id": 1, "workflow_id": 7, "kind": "mail", "settings": {}, **columns}


def recipient(**columns: Any) -> dict[str, Any]:
    """Return a row of the table of recipients."""
    return {"id": 1, "action_id": 1, "email": "ana@kestrel.example", **columns}


def save(*entries: Entry) -> Change:
    """Return what the entries of one save come to."""
    return fold(entries, TABLES, UTC)


def said(*entries: Entry) -> str:
    """Return the sentence of a save."""
    return in_words(say(save(*entries)))
