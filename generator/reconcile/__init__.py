"""Compares the log with the tables: a row that is otherwise than its newest entry says was written
without one.

Reads log and tables in one snapshot, and only what both must agree on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from generator.catalogue import Connection, rows
from generator.config import Config, ConfigError, TrackedTable
from generator.drift.code import find_foreign_code
from generator.drift.dating import tell_moment
from generator.quoting import identifier, qualified
from generator.reconcile import queries
from generator.reconcile.chain import Image, could_be, is_another_value, text_of
from generator.reconcile.shape import Shape, read_shape

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

    @property
    def line(self) -> str:
        """How it is printed."""
        since = f" – {self.how} {self.since}" if self.since else ""
        return f"{self.table} {self.key}: the log says {self.log}; the table: {self.row}{since}"


@dataclass(frozen=True)
class Result:
    """What came of one table; *skipped* says why it was not compared.

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

    @property
    def line(self) -> str:
        """How it is printed."""
        if self.skipped:
            return f"{self.table}: not compared: {self.skipped}"
        less = f", but for {', '.join(self.left_out)}" if self.left_out else ""
        return f"{self.table}: {self.compared} rows compared{less}; {self.unknown} have no entry"


def reconcile(
    connection: psycopg.Connection[Any],
    config: Config,
    tables: Sequence[TrackedTable],
    sample: int | None = None,
) -> Iterator[Result]:
    """Yield the result of each table, of about *sample* keys of it where that is given.

    The connection must not be in a transaction. Raises ConfigError where the role may not read.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        named = {qualified(table.name): table for table in tables}
        found = {row.name: row for row in rows(connection, queries.TABLES, names=list(named))}
    _refuse_unreadable(connection, found.values())
    locked = [name for name, row in found.items() if row.is_comparable]
    with _snapshot(connection, locked):
        # While this waited for a lock, a view may have taken the place of a table.
        found = {row.name: row for row in rows(connection, queries.TABLES, names=locked)}
        for name, table in named.items():
            reason = _reason(connection, config, table, found.get(name))
            if reason:
                yield Result(str(table.name), skipped=reason)
            else:
                shape = read_shape(connection, table, sample)
                yield _compare(connection, table, shape)


def _refuse_unreadable(connection: Connection, found: Any) -> None:
    problems = []
    [role] = rows(connection, queries.ROLE)
    if not role.may_read_log:
        problems.append(f"{role.name} may not read the log – connect as a member of audit_reader")
    for row in found:
        if not row.may_read:
            what = f"{role.name} may not read {row.name}"
            problems.append(f"{what} – GRANT SELECT ON {row.name} TO {identifier(role.name)}")
        elif row.is_secured:
            what = f"row level security hides rows of {row.name} from {role.name}"
            problems.append(f"{what} – connect as its owner, or with BYPASSRLS")
    connection.rollback()
    if problems:
        raise ConfigError([f"--database: {problem}" for problem in problems])


@contextmanager
def _snapshot(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Take the locks first: what a day's detaching or a TRUNCATE removes is in no snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        locked = ", ".join(["audit.entry", "audit.tracked_table", *names])
        connection.execute(f"LOCK TABLE {locked} IN ACCESS SHARE MODE".encode())
        for setting, value in queries.SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, true)", [setting, value])
        yield


def _reason(connection: Connection, config: Config, table: TrackedTable, found: Any) -> str:
    """Return why a table can't be compared."""
    if found is None or not found.is_comparable:
        return "is no table in this database"
    if found.is_secured:
        return "row level security hides rows of it"
    if not rows(connection, queries.TRACKED, schema=table.name.schema, table=table.name.table):
        return "is not tracked"
    if not table.key or set(table.key) & set(table.ignore):
        return "has no key by which a row could be found"
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
