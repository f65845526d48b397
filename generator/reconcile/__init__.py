"""Compares the log with the tables: a row that is otherwise than its newest entry says was written
without one.

Reads log and tables in one snapshot, and only what both must agree on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from generator.access import refusals
from generator.config import Config, ConfigError, TrackedTable
from generator.database import Connection, reading, rows
from generator.drift.code import find_foreign_code
from generator.drift.dating import tell_moment
from generator.names import TableName, as_arrays
from generator.quoting import identifier, qualified
from generator.reconcile import queries
from generator.reconcile.past import Image, could_be, is_another_value, text_of
from generator.reconcile.shape import Shape, read_shape
from generator.wording import count

__all__ = ["Difference", "Result", "reconcile"]


@dataclass(frozen=True)
class Difference:
    """A row of which log and table say different things.

    ``since`` dates how it is in the table, and *how* it came to be so.
    """

    table: str
    key: str
    log: str
    row: str
    since: str = ""
    how: str = "written"

    def __str__(self) -> str:
        """Return it as a line."""
        since = f" – {self.how} {self.since}" if self.since else ""
        return f"{self.table} {self.key}: the log says {self.log}; the table: {self.row}{since}"


@dataclass(frozen=True)
class Result:
    """What came of one table; *skipped* says why it was not compared, *amiss* that it should be.

    *compared* rows have an entry; *unknown* ones have none that is kept, as those have that were
    there before the table was tracked. Values of the columns *left_out* differ in rows whose entry
    is older than the column is as it is, or are of JSON that jsonb can't hold.
    """

    table: str
    differences: tuple[Difference, ...] = ()
    compared: int = 0
    unknown: int = 0
    left_out: tuple[str, ...] = ()
    skipped: str = ""
    amiss: bool = False

    def __str__(self) -> str:
        """Return it as a line."""
        if self.skipped:
            return f"{self.table}: not compared: {self.skipped}"
        less = f", but for {', '.join(self.left_out)}" if self.left_out else ""
        compared = f"{count(self.compared, 'row')} compared{less}"
        return f"{self.table}: {compared}; {self.unknown:,} without an entry"


def reconcile(
    connection: Connection,
    config: Config,
    tables: Sequence[TrackedTable],
    sample: int | None = None,
) -> Iterator[Result]:
    """Yield the result of each table, of about *sample* keys of it where that is given.

    The connection must not be in a transaction. Raises ConfigError where the role may not read.
    """
    with reading(connection):
        found = _read_relations(connection, [table.name for table in tables])
        # A schema is named once, however many of its tables can't be read.
        problems = [*dict.fromkeys((*refusals(connection), *_unreadable(found)))]
    if problems:
        raise ConfigError(problems)
    locked = [name for name, row in found.items() if row.is_comparable]
    with _snapshot(connection, locked):
        # While this waited for a lock, a view may have taken the place of a table.
        found = _read_relations(connection, locked)
        for table in tables:
            if not table.key or set(table.key) & set(table.ignore):
                reason = "has no key by which a row could be found"
                yield Result(str(table.name), skipped=reason)
            elif reason := _obstacle(connection, config, table, found.get(table.name)):
                yield Result(str(table.name), skipped=reason, amiss=True)
            else:
                shape = read_shape(connection, table, sample)
                yield _compare(connection, table, shape)


def _read_relations(connection: Connection, names: Sequence[TableName]) -> dict[TableName, Any]:
    found = rows(connection, queries.TABLES, **as_arrays(names))
    return {TableName(row.schema, row.table_name): row for row in found}


def _unreadable(found: Mapping[TableName, Any]) -> Iterator[str]:
    for name, row in found.items():
        if not row.may_use:
            what = f"{row.role} may not use schema {name.schema}"
            fix = f"GRANT USAGE ON SCHEMA {identifier(name.schema)} TO {identifier(row.role)}"
            yield f"--database: {what} – {fix}"
        if not row.may_select:
            what = f"{row.role} may not read {name}"
            fix = f"GRANT SELECT ON {qualified(name)} TO {identifier(row.role)}"
            yield f"--database: {what} – {fix}"
        elif row.is_secured:
            what = f"row level security hides rows of {name} from {row.role}"
            yield f"--database: {what} – connect as its owner, or with BYPASSRLS"


@contextmanager
def _snapshot(connection: Connection, names: Sequence[TableName]) -> Iterator[None]:
    """Take the locks first: what a day's detaching or a TRUNCATE removes is in no snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        locked = ", ".join(["audit.entry", "audit.tracked_table", *map(qualified, names)])
        connection.execute(f"LOCK TABLE {locked} IN ACCESS SHARE MODE".encode())
        for setting, value in queries.SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, true)", [setting, value])
        yield


def _obstacle(connection: Connection, config: Config, table: TrackedTable, found: Any) -> str:
    """Return what keeps a table from being compared."""
    if found is None or not found.is_comparable:
        return "is no table in this database"
    if found.is_secured:
        return "row level security hides rows of it"
    if not rows(connection, queries.TRACKED, schema=table.name.schema, table=table.name.table):
        return "is not tracked"
    # A cast runs as who reconciles, who may be allowed more than its owner is.
    code = find_foreign_code(connection, [table], config.trusted)
    casts = [finding for finding in code if finding.object.startswith("cast")]
    return f"{casts[0].object} {casts[0].what}" if casts else ""


def _compare(connection: Connection, table: TrackedTable, shape: Shape) -> Result:
    left_out: tuple[str, ...] = ()
    try:
        with connection.transaction():
            found = queries.read_suspects(connection, shape)
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded):
        # Some row holds JSON that jsonb can't: the log has it as text.
        left_out, shape = tuple(sorted(shape.json_columns)), shape.without_json
        found = queries.read_suspects(connection, shape)
    suspects = [row for row in found if row.key is not None]
    differing = [row for row in suspects if row.differing or row.is_in_log != row.is_in_table]
    past = queries.read_past(connection, shape, [row.key for row in differing])
    wrong = [row for row in differing if not could_be(_stored(row), past[row.key])]
    versions = {row.version for row in wrong if row.is_in_table}
    moments = {version: tell_moment(connection, version) for version in versions}
    unsure = [row for row in suspects if row.redefined and not row.differing]
    rewritten = list(_rewritten(connection, shape, unsure))
    told = {row.key for row, _ in rewritten}
    names = (name for row in unsure if row.key not in told for name in row.redefined)
    return Result(
        str(table.name),
        (
            *(_difference(table, row, moments.get(row.version, "")) for row in wrong),
            *(_rewriting(connection, shape, row, columns) for row, columns in rewritten),
        ),
        found[0].compared,
        found[0].unknown,
        tuple(dict.fromkeys((*left_out, *names))),
    )


def _rewritten(
    connection: Connection, shape: Shape, unsure: Sequence[Any]
) -> Iterator[tuple[Any, list[str]]]:
    """Yield rows with the columns that hold another value since they were made others."""
    columns = {row.key: _differing_values(shape, row) for row in unsure}
    keys = [key for key, names in columns.items() if names]
    past = queries.read_past(connection, shape, keys)
    for row in unsure:
        names = columns[row.key]
        if names and not could_be({name: row.stored[name] for name in names}, past[row.key]):
            yield row, names


def _differing_values(shape: Shape, row: Any) -> list[str]:
    return [
        name
        for name in row.redefined
        if name in shape.scalars and is_another_value(row.logged[name], row.stored[name])
    ]


def _rewriting(
    connection: Connection, shape: Shape, row: Any, columns: Sequence[str]
) -> Difference:
    version = max(shape.redefined[shape.columns.index(name)] for name in columns)
    found = _difference(shape.table, row, tell_moment(connection, version), columns)
    return replace(found, how="by DDL,")


def _stored(row: Any) -> Image | None:
    return (row.stored or {}) if row.is_in_table else None


def _difference(
    table: TrackedTable, row: Any, since: str, columns: Sequence[str] = ()
) -> Difference:
    entry = f"{row.operation}, entry {row.id} of {row.occurred_at:%Y-%m-%d %H:%M:%S} UTC"
    log = "it is there" if row.is_in_log else "it is gone"
    there = "it is there" if row.is_in_table else "it is gone"
    if row.is_in_log and row.is_in_table:
        names = columns or row.differing
        log, there = text_of(row.logged, names), text_of(row.stored, names)
    return Difference(str(table.name), row.key, f"{log} ({entry})", there, since)
