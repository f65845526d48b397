"""SQL with named parameters, put together from columns: what an application's ORM does.

Knows how a statement is written, and nothing of what it is for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from psycopg.types.json import Jsonb

from auditviewer.demo.week.people import Person


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters. ``now`` is the time of the save, which the application fills in."""

    query: sql.Composed
    values: Mapping[str, object]


NOW = sql.Placeholder("now")


def insert(table: str, columns: Mapping[str, object], **values: object) -> Statement:
    """Write an INSERT of one row; *values* are parameters that its SQL expressions need."""
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        table_name(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(_expression(name, value) for name, value in columns.items()),
    )
    return Statement(query, {**_parameters(columns), **values})


def update(
    table: str, columns: Mapping[str, object], where: sql.SQL | sql.Composed, **values: object
) -> Statement:
    """Write an UPDATE; *values* are parameters that *where* and its SQL expressions need."""
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), _expression(name, value))
        for name, value in columns.items()
    )
    query = sql.SQL("UPDATE {} SET {} WHERE {}").format(table_name(table), assignments, where)
    return Statement(query, {**_parameters(columns), **values})


def table_name(name: str) -> sql.Identifier:
    """Return the quoted name of a table of the CRM."""
    return sql.Identifier("crm", name)


def _expression(column: str, value: object) -> sql.Composable:
    if isinstance(value, sql.Composable):
        return value
    parameter = sql.Placeholder(column)
    if isinstance(value, Person):
        return sql.SQL("(SELECT id FROM crm.app_user WHERE email = {})").format(parameter)
    return parameter


def _parameters(columns: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value.email if isinstance(value, Person) else _adapted(value)
        for name, value in columns.items()
        if not isinstance(value, sql.Composable)
    }


def _adapted(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict) else value
