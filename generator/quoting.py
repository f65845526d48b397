"""The user's names and words as SQL that no setting of a session can turn into something else.

Knows PostgreSQL's quoting (by psycopg); never builds a statement.
"""

from collections.abc import Iterable

from psycopg import sql

from generator.names import TableName


class Sql(str):
    """Text that is SQL already: the only thing that a template accepts."""

    __slots__ = ()


def identifier(name: str) -> Sql:
    """Quote a user's identifier, always: a reader sees whose name it is."""
    return Sql(sql.Identifier(name).as_string(None))


def literal(value: str | None) -> Sql:
    """Quote a text; None is NULL. Backslashes make it an E'' string, right under any setting.

    One before a quote is written as its octal escape: yoyo's splitter would take it for the
    escape of the quote, and cut the migration in the wrong places.
    """
    if value is None:
        return Sql("NULL")
    return Sql(sql.Literal(value).as_string(None).strip().replace("\\\\'", "\\134'"))


def qualified(name: TableName) -> Sql:
    """Quote a user's table with its schema."""
    return Sql(f"{identifier(name.schema)}.{identifier(name.table)}")


def text_array(values: Iterable[str]) -> Sql:
    """Write a text[] constructor."""
    return Sql(f"ARRAY[{', '.join(map(literal, values))}]")


def refuse_unquoted(value: object) -> Sql:
    """Let SQL through into a template, and nothing else. Raises TypeError."""
    if not isinstance(value, Sql):
        raise TypeError(f"{value!r} went into a template without a quoting function")
    return value
