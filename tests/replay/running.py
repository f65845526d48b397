"""Runs statements on several connections at once, one after another, and asks what came of them.

Where one waits for another, it gives up instead, so that one thread is enough.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import psycopg

from tests.replay.fold import Entry, Evidence, Keys, Rows
from tests.replay.install import first_rows
from tests.replay.schema import Table, World
from tests.replay.statements import Step
from tests.replay.wal import tally
from tests.shop import Connection

# What an application has to expect of statements like these, by SQLSTATE: feature not supported,
# cardinality, data exceptions, constraints, a row that its own trigger changed, transactions that
# cross, a row that a lock holds, TRUNCATE where it is forbidden.
REFUSALS = ("0A", "21", "22", "23", "27", "40", "55", "UA")


class Database:
    """The connections of the application, and of those who only look."""

    def __init__(
        self, applications: Sequence[Connection], auditor: Connection, superuser: Connection
    ) -> None:
        self.applications = applications
        self.auditor = auditor
        self.superuser = superuser


def replay(database: Database, world: World, act: Callable[[], None]) -> Evidence:
    """Give each table of a world its first rows, let act, and say what came of it."""
    database.superuser.execute(first_rows(world).encode())
    query = "SELECT clock_timestamp()::text, pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    began, horizon = database.superuser.execute(query).fetchone() or ("", 0)
    before = stored_rows(database, world)
    try:
        act()
    finally:
        for connection in database.applications:
            connection.rollback()
    return Evidence(
        before,
        stored_rows(database, world),
        read_entries(database, world, began),
        tally(database.superuser, world.tables, horizon),
        frozenset(table.name for table in world.tables if table.truncate == "rows"),
        _keys(world),
    )


def _keys(world: World) -> Keys:
    names = {table.name: tuple(column.name for column in table.key) for table in world.tables}
    return Keys(
        {table: columns for table, columns in names.items() if columns},
        frozenset(table.name for table in world.tables if not table.is_arbiter),
    )


def run(database: Database, steps: Iterable[Step]) -> None:
    """Run statements, each as far as it goes, and commit what is left open."""
    savepoints = [0] * len(database.applications)
    ends = (Step(number, "COMMIT") for number in range(len(savepoints)))
    for step in [*steps, *ends]:
        connection = database.applications[step.connection]
        depth = savepoints[step.connection]
        if depth == 0 and step.statement in ("ROLLBACK TO here", "RELEASE here"):
            continue
        try:
            execute(connection, step)
        except psycopg.Error as error:
            expect(error, step)
            if depth == 0 or step.statement == "COMMIT":
                connection.rollback()
            else:
                connection.execute("ROLLBACK TO here")
                continue
        savepoints[step.connection] = depth_after(connection, depth, step.statement)


def execute(connection: Connection, step: Step) -> None:
    """Run one statement."""
    if step.statement == "COMMIT":
        connection.commit()
    elif step.statement == "ROLLBACK":
        connection.rollback()
    elif step.rows:
        with connection.cursor() as cursor, cursor.copy(step.statement.encode()) as copy:
            for row in step.rows:
                copy.write_row(row)
    else:
        connection.execute(step.statement.encode())


def depth_after(connection: Connection, depth: int, statement: str) -> int:
    """Return how many savepoints there are after a statement."""
    if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
        return 0
    return depth + {"SAVEPOINT here": 1, "RELEASE here": -1}.get(statement, 0)


def expect(error: psycopg.Error, step: Step) -> None:
    """Let errors of the statement pass, and none of what captures it."""
    state, context = error.sqlstate or "", error.diag.context or ""
    is_refusal = state.startswith(REFUSALS) and error.diag.schema_name != "audit"
    if not is_refusal or (state != "UA003" and "function audit." in context):
        raise AssertionError(f"{step}: {state} {error}\n{context}") from error


def read_entries(database: Database, world: World, began: str) -> tuple[Entry, ...]:
    """Return the entries of a world since a time, less what is not in all of them."""
    unseen = ", ".join(f"('{table.name}', {_unseen(table)})" for table in world.tables)
    # Constants, so that the partitions of other days are not even planned for.
    query = f"""
        SELECT e.id, e.transaction_id::text::bigint, e.operation, e.table_name,
               (coalesce(e.new_row || e.old_row, e.old_row) - u.columns)::text,
               (e.new_row - u.columns)::text
        FROM audit.entry AS e JOIN (VALUES {unseen}) AS u (name, columns) ON e.table_name = u.name
        WHERE e.occurred_at > '{began}' AND e.occurred_at < timestamptz '{began}' + interval '1 h'
          AND e.table_schema = '{world.schema}'
        ORDER BY e.id
        """
    return tuple(Entry(*row) for row in database.auditor.execute(query.encode()))


def stored_rows(database: Database, world: World) -> Rows:
    """Return the rows that are in the tables of a world, less what is not in all entries."""
    query = " UNION ALL ".join(
        f"SELECT '{table.name}', (to_jsonb(t.*) - {_unseen(table)})::text FROM {table.full_name} t"
        for table in world.tables
    )
    rows: Rows = {table.name: Counter() for table in world.tables}
    for name, row in database.auditor.execute(query.encode()):
        rows[name][row] += 1
    return rows


def _unseen(table: Table) -> str:
    return f"ARRAY[{', '.join(map(repr, table.unseen))}]::text[]"
