"""Statements that nobody would think of: all ways to change a table, drawn by hypothesis."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.replay.schema import Table, World
from tests.replay.values import Column

CONNECTIONS = 3
ENDS = ("COMMIT", "COMMIT", "COMMIT", "ROLLBACK")
NESTED = ("SAVEPOINT here", "SAVEPOINT here", "ROLLBACK TO here", "RELEASE here")
CONSTRAINTS = ("SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS ALL IMMEDIATE")
KINDS = ["end"] * 3 + ["write"] * 12 + ["nested", "nested", "constraints"]
WRITES = ["insert"] * 2 + ["update"] * 5 + ["delete", "upsert", "copy", "query", "truncate"]

Draw = st.DrawFn
Values = tuple[str | None, ...]


@dataclass(frozen=True)
class Step:
    """What one connection does next: a statement, with the rows of a COPY."""

    connection: int
    statement: str
    rows: tuple[Values, ...] = ()

    @property
    def replaces_rows(self) -> bool:
        """Whether it puts back what it takes out: by statement, that may be told back to front."""
        return self.statement.startswith("WITH gone")


@st.composite
def steps(draw: Draw, world: World, version: int) -> Step:
    """Draw what a connection does."""
    connection = draw(st.integers(0, CONNECTIONS - 1))
    kind = draw(st.sampled_from(KINDS))
    if kind == "end":
        return Step(connection, draw(st.sampled_from(ENDS)))
    if kind == "nested":
        return Step(connection, draw(st.sampled_from(NESTED)))
    if kind == "constraints":
        return Step(connection, draw(st.sampled_from(CONSTRAINTS)))
    return _write(draw, connection, world, version)


def _write(draw: Draw, connection: int, world: World, version: int) -> Step:
    writes = [*WRITES, "merge", "merge"] if version >= 150000 else WRITES
    way, table = draw(st.sampled_from(writes)), draw(st.sampled_from(world.tables))
    if way == "copy":
        statement = f"COPY {_target(draw, table)} ({_names(table.columns)}) FROM STDIN"
        return Step(connection, statement, tuple(_rows(draw, table)))
    if way == "merge":
        return Step(connection, _merge(draw, table, version))
    if way == "query":
        return Step(connection, _query(draw, world, table))
    if way == "truncate":
        cascade = draw(st.sampled_from(["", " CASCADE"]))
        return Step(connection, f"TRUNCATE {table.full_name}{cascade}")
    return Step(connection, _plain(draw, way, table))


def _plain(draw: Draw, way: str, table: Table) -> str:
    if way == "delete":
        return f"DELETE FROM {_target(draw, table)} AS t WHERE {_condition(draw, table)}"
    if way == "update":
        changes = ", ".join(_changes(draw, table))
        return f"UPDATE {_target(draw, table)} AS t SET {changes} WHERE {_condition(draw, table)}"
    rows = ", ".join(f"({_literals(row)})" for row in _rows(draw, table))
    statement = f"INSERT INTO {_target(draw, table)} AS t ({_names(table.columns)}) VALUES {rows}"
    if way == "upsert" and table.is_arbiter:
        statement += f" ON CONFLICT {_resolution(draw, table)}"
    return statement


def _query(draw: Draw, world: World, table: Table) -> str:
    """Draw a query that writes before and while it does what it says."""
    ways = st.sampled_from(["insert", "update", "delete", "upsert"])
    if draw(st.booleans()):
        names = _names(table.columns)
        taken = names.replace('"n"', '"n" + 1')
        removed = f"WITH gone AS ({_plain(draw, 'delete', table)} RETURNING *)"
        limit = draw(st.sampled_from(["", "", " LIMIT 1"]))
        query = f"SELECT {taken} FROM gone{limit}"
        return f"{removed} INSERT INTO {table.full_name} ({names}) {query}"
    first, second = draw(st.sampled_from(world.tables)), draw(st.sampled_from(world.tables))
    one, two = _plain(draw, draw(ways), first), _plain(draw, draw(ways), second)
    last = _plain(draw, draw(ways), table)
    return f"WITH one AS ({one} RETURNING 1), two AS ({two} RETURNING 1) {last}"


def _merge(draw: Draw, table: Table, version: int) -> str:
    columns = table.columns
    rows = ", ".join(
        f"({', '.join(f'{_literal(v)}::{c.type}' for v, c in zip(row, columns, strict=True))})"
        for row in _rows(draw, table)
    )
    on = " AND ".join(f't."{c.name}" = s."{c.name}"' for c in table.key) or "t.n = s.n"
    statement = (
        f"MERGE INTO {table.full_name} AS t USING (VALUES {rows}) AS s ({_names(columns)}) ON {on}"
        " WHEN MATCHED AND s.n = 1 THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET note = s.note, n = s.n"
        f" WHEN NOT MATCHED THEN INSERT ({_names(columns)})"
        f" VALUES ({_names(columns, 's.')})"
    )
    if version >= 170000 and draw(st.booleans()):
        statement += " WHEN NOT MATCHED BY SOURCE THEN DELETE"
    return statement


def _resolution(draw: Draw, table: Table) -> str:
    if not table.key or draw(st.booleans()):
        return "DO NOTHING"
    changes = draw(
        st.sampled_from(["note = excluded.note", "n = t.n + 1", "n = t.n", "n = 1, note = NULL"])
    )
    return f"({_names(table.key)}) DO UPDATE SET {changes}"


def _changes(draw: Draw, table: Table) -> list[str]:
    changed = draw(st.lists(st.sampled_from(table.columns), min_size=1, max_size=2, unique=True))
    return [f'"{column.name}" = {_change(draw, table, column)}' for column in changed]


def _change(draw: Draw, table: Table, column: Column) -> str:
    ways = [_literal(draw(st.sampled_from(column.values))), f't."{column.name}"']
    if column in table.key:
        one, other = column.values[:2]
        ways.append(
            f'CASE t."{column.name}" WHEN {_literal(one)} THEN {_literal(other)}'
            f' WHEN {_literal(other)} THEN {_literal(one)} ELSE t."{column.name}" END'
        )
    elif column.name == "n":
        ways += ["t.n + 1", "3 - t.n"]
    elif column.type == "numeric":
        ways += [f't."{column.name}" * 1.0']  # 1.1 becomes 1.10
    return draw(st.sampled_from(ways))


def _condition(draw: Draw, table: Table) -> str:
    choices = ["true", "true", "n IS NULL", "n % 2 = 0", "n > 0", "note IS NOT NULL"]
    for column in table.key:
        value = _literal(draw(st.sampled_from(column.values)))
        choices += [f'"{column.name}" {sign} {value}' for sign in ("=", "=", ">", "<>")]
    return draw(st.sampled_from(choices))


def _target(draw: Draw, table: Table) -> str:
    return draw(st.sampled_from(table.targets))


def _rows(draw: Draw, table: Table) -> list[Values]:
    return [_row(draw, table) for _ in range(draw(st.integers(1, 3)))]


def _row(draw: Draw, table: Table) -> Values:
    """Draw the values that matter for what meets what, and one number for all of the others."""
    choice = draw(st.integers(0, 7))
    return tuple(
        draw(st.sampled_from(column.values))
        if column in table.key or column.name in ("n", "up_id", "node_id")
        else column.values[(choice + place) % len(column.values)]
        for place, column in enumerate(table.columns)
    )


def _names(columns: tuple[Column, ...], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{column.name}"' for column in columns)


def _literals(row: Values) -> str:
    return ", ".join(map(_literal, row))


def _literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
