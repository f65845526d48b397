"""Proposes an audit.toml for a database: which tables to track, and in which words.

Knows what names and types usually mean; somebody who knows the product reviews every line.
"""

from collections.abc import Iterator, Mapping, Sequence

from generator.catalogue import CatalogueTable, Tables, read_tables
from generator.config import Column, ConfigError, Parent, TrackedTable
from generator.database import Connection, reading, rows
from generator.kinship import Kinship, find_kinship
from generator.names import TableName, as_printed
from generator.proposed_columns import (
    is_nameable,
    propose_key,
    propose_label,
    propose_policies,
    propose_words,
    unnameable_secrets,
)
from generator.toml_reader import BODY_TAG
from generator.toml_writer import comment_out, write_comment, write_header, write_table
from generator.wording import bookkeeping_reason, plural, sentence, singular, words

_HEADER = """\
# What the audit log records of this database, and in which words. Proposed by pgwitness init from
# names and types alone. Review it:
#   - module and entity: where an admin would look for a change, and what it is a change of
#   - parent and part: rows that admins see as a part of something else
#   - label: the column by which people know a row
#   - redact (stored as a fingerprint), exclude (never stored), keep (looks like a secret, is none)
#   - ignore: a change of these columns alone is no entry
#   - references and values: the names to show instead of keys and codes
# Then: pgwitness generate

"""


def propose(connection: Connection, schemas: Sequence[str]) -> str:
    """Return the text of an audit.toml for these schemas, or for all that are the user's.

    Raises ConfigError where there is no such schema.
    """
    with reading(connection):
        (database,) = rows(connection, "SELECT current_database() AS name")
        there = {row.nspname for row in rows(connection, "SELECT nspname FROM pg_namespace")}
        tables = read_tables(connection)
    if unknown := sorted(set(schemas) - there):
        raise ConfigError(
            [f'schema "{name}": is not in "{database.name}" – check --schema' for name in unknown]
        )
    chosen = {n: t for n, t in tables.items() if not schemas or n.schema in schemas}
    source = as_printed(database.name.replace(BODY_TAG, ""))
    header = _HEADER + write_header(source if source.strip() else "database")
    return "\n".join([header, *_write_tables(chosen, tables)])


def _write_tables(chosen: Tables, tables: Tables) -> Iterator[str]:
    impossible = _impossible(chosen)
    possible = {name: table for name, table in chosen.items() if name not in impossible}
    doubtful = {name: reason for name in possible if (reason := _doubt(possible[name]))}
    kinship = find_kinship({n: t for n, t in possible.items() if n not in doubtful})
    for name in kinship.order:
        table, comments = _propose_table(possible[name], kinship, tables)
        yield write_table(table, comments)
    for name, reason in doubtful.items():
        table, comments = _propose_table(possible[name], kinship, tables)
        yield write_comment([f'"{name}" {reason}:']) + comment_out(write_table(table, comments))
    if impossible:
        yield write_comment(f'"{name}" is left out: {why}' for name, why in impossible.items())


def _impossible(tables: Tables) -> dict[TableName, str]:
    """Say which tables audit.toml can't name, or can't name beside another one, and why."""
    reasons: dict[TableName, str] = {}
    owners: dict[str, TableName] = {}
    for name, table in tables.items():
        secrets = unnameable_secrets(table)
        if not is_nameable(name.schema) or not is_nameable(name.table):
            reasons[name] = "its name holds what audit.toml can't – rename it."
        elif secrets:
            which = ", ".join(f'"{column}"' for column in secrets)
            reasons[name] = f"no policy could name its column {which} – rename it."
        elif name.capture_function in owners:
            other = owners[name.capture_function]
            reasons[name] = f'its capture function would be that of "{other}" – rename one.'
        else:
            owners[name.capture_function] = name
    return reasons


def _doubt(table: CatalogueTable) -> str | None:
    if table.is_unlogged:
        return "is UNLOGGED: a crash empties it, and leaves no entry"
    if table.inherits:
        return "inherits, or is inherited from: writes by way of the other table leave no entry"
    return bookkeeping_reason(table.name.table)


def _propose_table(
    table: CatalogueTable, kinship: Kinship, tables: Tables
) -> tuple[TrackedTable, list[str]]:
    key, key_comment = propose_key(table)
    foreign_key = kinship.parents.get(table.name)
    parent = Parent(foreign_key.table, foreign_key.columns) if foreign_key else None
    parent_key = parent.key if parent else ()
    label = propose_label(table)
    columns = propose_words(table, key, parent_key, tables)
    shown = {*key, *parent_key, *([label] if label else [])}
    shown |= {name for name, column in columns.items() if column.references}
    policies, policy_comments = propose_policies(table, shown)
    noun = singular(words(table.name.table))
    tracked = TrackedTable(
        name=table.name,
        source="",
        module=sentence(plural(noun)) or table.name.table,
        entity=sentence(noun) or table.name.table,
        part=sentence(kinship.part(table.name)) or table.name.table,
        key=key,
        label=label,
        parent=parent,
        columns=_stored(columns, policies),
        ignore=policies["ignore"],
        exclude=policies["exclude"],
        redact=policies["redact"],
        keep=policies["keep"],
    )
    return tracked, [*key_comment, *kinship.comments(table.name), *policy_comments]


def _stored(
    columns: dict[str, Column], policies: Mapping[str, tuple[str, ...]]
) -> dict[str, Column]:
    """Return the words of the columns that are stored at all."""
    return {name: column for name, column in columns.items() if name not in policies["exclude"]}
