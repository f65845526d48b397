"""Whether audit.toml fits the user's tables: what it names is there, and can be captured.

Knows the catalogue of tables; what is installed on them, others know.
"""

from collections.abc import Collection, Iterator
from itertools import chain

from generator.catalogue import CatalogueTable, Tables
from generator.config import Reference, TrackedTable
from generator.drift.finding import Finding
from generator.names import TableName, did_you_mean
from generator.policies import SECRET_LOOKING, secret_without_policy
from generator.quoting import qualified

_OTHER_KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}


def named_tables(tracked: TrackedTable) -> set[TableName]:
    """Return the tables that the config of a table names."""
    return {tracked.name, *(reference.table for reference in tracked.references.values())}


def is_trackable(name: TableName, tables: Tables) -> bool:
    """Say whether a table is there, and of a kind that row triggers can be on."""
    return name in tables and tables[name].kind in ("r", "p")


def find_conflicts(
    tracked: TrackedTable, tables: Tables, known: Collection[TableName]
) -> Iterator[Finding]:
    """Yield what audit.toml says of a table that the catalogue contradicts.

    *tables* are those that it names, as far as they are there; *known* is what it might have meant.
    """
    where = f"table {tracked.name}"
    table = tables.get(tracked.name)
    if table is None:
        fix = _which_table(tracked.name, known, "create it, or remove it from audit.toml")
        yield Finding("conflict", where, "is not in the database", fix)
        return
    if not is_trackable(tracked.name, tables):
        kind = _OTHER_KINDS.get(table.kind, "no ordinary table")
        fix = "remove it from audit.toml, and track the tables behind it"
        yield Finding("conflict", where, f"is {kind}: no row trigger sees what changes", fix)
        return
    yield from _find_gaps(table, where)
    yield from _find_absent_columns(tracked, table, where)
    yield from _find_secrets(tracked, table, where)
    yield from _find_virtual(tracked, table, where)
    if tracked.key and _has(table, tracked.key) and not _is_unique(table, tracked.key):
        key = ", ".join(tracked.key)
        fix = 'add a primary key or a unique index, or name another "key" in audit.toml'
        yield Finding("conflict", where, f'the key "{key}" is not unique', fix)
    for column, reference in tracked.references.items():
        yield from _find_broken_reference(f"{where}, column {column}", reference, tables, known)


def _find_gaps(table: CatalogueTable, where: str) -> Iterator[Finding]:
    """Yield by which ways its rows could change without an entry."""
    if table.is_partition:
        fix = "track the partitioned table instead"
        yield Finding("conflict", where, "is a partition", fix)
    if table.is_unlogged:
        what = "is UNLOGGED: a crash empties it, and leaves no entry"
        yield Finding("conflict", where, what, f"ALTER TABLE {qualified(table.name)} SET LOGGED")
    if table.inherits:
        what = "inherits, or is inherited from: writes by way of the other table leave no entry"
        yield Finding("conflict", where, what, "use partitions, or a table of its own")


def _find_absent_columns(
    tracked: TrackedTable, table: CatalogueTable, where: str
) -> Iterator[Finding]:
    named_by: dict[str, list[str]] = {}
    for key, column in _named_columns(tracked):
        named_by.setdefault(column, []).append(f'"{key}"')
    for column, keys in named_by.items():
        if not _has(table, (column,)):
            what = f'has no column "{column}", which audit.toml names as {" and ".join(keys)}'
            yield Finding("conflict", where, what, _which_column(column, table))


def _named_columns(tracked: TrackedTable) -> Iterator[tuple[str, str]]:
    columns = {
        "key": tracked.key,
        "label": (tracked.label,) if tracked.label else (),
        "parent": tracked.parent.key if tracked.parent else (),
        "ignore": tracked.ignore,
        "exclude": tracked.exclude,
        "redact": tracked.redact,
        "keep": tracked.keep,
        "columns": tuple(tracked.columns),
    }
    return ((key, column) for key, names in columns.items() for column in names)


def _find_secrets(tracked: TrackedTable, table: CatalogueTable, where: str) -> Iterator[Finding]:
    decided = {*chain(tracked.ignore, tracked.exclude, tracked.redact, tracked.keep)}
    for column in table.columns:
        if SECRET_LOOKING.search(column.name) and column.name not in decided:
            what, _, fix = secret_without_policy(column.name).partition(" – ")
            yield Finding("conflict", where, what, fix)


def _find_virtual(tracked: TrackedTable, table: CatalogueTable, where: str) -> Iterator[Finding]:
    for column in table.columns:
        if column.generated == "v" and column.name not in tracked.exclude:
            what = f'column "{column.name}" is VIRTUAL: a trigger, and so the log, has null for it'
            yield Finding("conflict", where, what, 'add it to "exclude"')


def _find_broken_reference(
    where: str, reference: Reference, tables: Tables, known: Collection[TableName]
) -> Iterator[Finding]:
    table = tables.get(reference.table)
    if table is None:
        fix = _which_table(reference.table, known, "correct it in audit.toml")
        yield Finding("conflict", where, f"{reference.table} is not in the database", fix)
        return
    for column in (reference.key, reference.label):
        if not _has(table, (column,)):
            what = f'{reference.table} has no column "{column}"'
            yield Finding("conflict", where, what, _which_column(column, table))
    if not is_trackable(reference.table, tables):
        kind = _OTHER_KINDS.get(table.kind, "no ordinary table")
        what = f"{reference.table} is {kind}: what fails in it would fail the write"
        yield Finding("conflict", where, what, "refer to the table behind it in audit.toml")
    elif _has(table, (reference.key,)) and not _is_unique(table, (reference.key,)):
        what = f'"{reference.key}" is not unique in {reference.table}, so that it names no row'
        yield Finding("conflict", where, what, 'name another "key" in audit.toml')


def _has(table: CatalogueTable, columns: Collection[str]) -> bool:
    return all(table.column(column) for column in columns)


def _is_unique(table: CatalogueTable, columns: Collection[str]) -> bool:
    keys = [key for key in (table.key, *table.unique) if key]
    return any(set(key) <= set(columns) for key in keys)


def _which_column(name: str, table: CatalogueTable) -> str:
    known = [column.name for column in table.columns]
    return did_you_mean(name, known, f"its columns: {', '.join(known)}")


def _which_table(name: TableName, known: Collection[TableName], otherwise: str) -> str:
    return did_you_mean(str(name), sorted(map(str, known)), otherwise)
