"""Whether the capture functions can read what they must, and be given to new partitions.

They run as audit_writer, and go without a name that they can't read: it shows only here.
"""

from collections.abc import Collection, Iterator
from typing import Any, LiteralString

from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.lookups import read_columns
from generator.names import TableName, as_arrays
from generator.quoting import identifier, qualified


def find_refusals(connection: Connection, tracked: Collection[TrackedTable]) -> Iterator[Finding]:
    """Yield each schema and table that the writer may not read what it must of."""
    wanted = list(dict.fromkeys(read for table in tracked for read in read_columns(table)))
    found = rows(
        connection,
        _REFUSALS,
        **as_arrays(table for table, _ in wanted),
        columns=[column for _, column in wanted],
    )
    for schema in sorted({row.schema for row in found if not row.may_use}):
        fix = f"GRANT USAGE ON SCHEMA {identifier(schema)} TO audit_writer"
        yield Finding("missing", f"schema {schema}", "audit_writer has no USAGE", fix)
    for name in sorted({TableName(row.schema, row.table_name) for row in found}):
        yield from _refused_by(
            name, [row for row in found if TableName(row.schema, row.table_name) == name]
        )
    yield from _find_unreadable(connection, tracked)
    yield from _find_closed(connection, tracked)


def _find_unreadable(
    connection: Connection, tracked: Collection[TrackedTable]
) -> Iterator[Finding]:
    """Yield the tables of which the writer can't read a whole row where it has to."""
    removing = {table.name for table in tracked if table.truncate == "rows"}
    names = [t.name for t in tracked if t.capture == "statement" or t.name in removing]
    for row in rows(connection, _UNREADABLE, **as_arrays(names)):
        name = TableName(row.schema, row.table_name)
        where = f"table {name}"
        if not row.may_use:
            what = "audit_writer has no USAGE of its schema: some rows would be unreadable"
            fix = f"GRANT USAGE ON SCHEMA {identifier(name.schema)} TO audit_writer"
            yield Finding("missing", where, what, fix)
        if name in removing and not row.may_select:
            what = "audit_writer has no SELECT: TRUNCATE would leave one entry for all its rows"
            fix = f"GRANT SELECT ON {qualified(name)} TO audit_writer"
            yield Finding("missing", where, what, fix)
        if name in removing and row.is_secured:
            what = "row level security could hide rows that TRUNCATE removes from audit_writer"
            yield Finding("conflict", where, what, 'set truncate = "forbid" or "log"')


def _find_closed(connection: Connection, tracked: Collection[TrackedTable]) -> Iterator[Finding]:
    """Yield the partitioned tables whose owner can't add partitions to them."""
    for row in rows(connection, _CLOSED, **as_arrays(table.name for table in tracked)):
        what = f"its owner {row.owner} has no EXECUTE on {row.function}: no partition can be added"
        fix = f"GRANT EXECUTE ON FUNCTION {row.function} TO {identifier(row.owner)}"
        yield Finding("missing", f"table {TableName(row.schema, row.table_name)}", what, fix)


def _refused_by(name: TableName, columns: list[Any]) -> Iterator[Finding]:
    where = f"table {name}"
    hidden = [identifier(row.column_name) for row in columns if not row.may_select]
    if hidden:
        privilege = f"SELECT ({', '.join(hidden)})"
        fix = f"GRANT {privilege} ON {qualified(name)} TO audit_writer"
        yield Finding("missing", where, f"audit_writer has no {privilege}", fix)
    if any(row.is_hidden for row in columns):
        what = "row level security hides every row from audit_writer"
        policy = f"audit_writer_reads_names ON {qualified(name)} FOR SELECT TO audit_writer"
        yield Finding("missing", where, what, f"CREATE POLICY {policy} USING (true)")


_UNREADABLE: LiteralString = """
SELECT n.nspname AS schema, c.relname AS table_name, c.relrowsecurity AS is_secured,
       has_schema_privilege(w.oid, n.oid, 'USAGE') AS may_use,
       has_table_privilege(w.oid, c.oid, 'SELECT') AS may_select
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS wanted (schema, table_name)
     JOIN pg_namespace AS n ON n.nspname = wanted.schema
     JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, wanted.table_name)
     JOIN pg_roles AS w ON w.rolname = 'audit_writer'
ORDER BY n.nspname, c.relname
"""

_CLOSED: LiteralString = """
SELECT DISTINCT n.nspname AS schema, c.relname AS table_name,
       pg_get_userbyid(c.relowner) AS owner, format('audit.%%I()', p.proname) AS function
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS wanted (schema, table_name)
     JOIN pg_namespace AS n ON n.nspname = wanted.schema
     JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, wanted.table_name)
     JOIN pg_trigger AS t ON t.tgrelid = c.oid
     JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE c.relkind = 'p' AND t.tgname = '!audit_insert'
  AND NOT has_function_privilege(c.relowner, p.oid, 'EXECUTE')
ORDER BY 1, 2
"""

_REFUSALS: LiteralString = """
SELECT *
FROM (
    SELECT DISTINCT n.nspname AS schema, c.relname AS table_name, a.attname AS column_name,
           has_schema_privilege(w.oid, n.oid, 'USAGE') AS may_use,
           has_column_privilege(w.oid, c.oid, a.attnum, 'SELECT') AS may_select,
           c.relrowsecurity AND NOT w.rolbypassrls AND NOT EXISTS (
               SELECT FROM pg_policy AS p, unnest(p.polroles) AS role
               WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
                 AND (role = 0 OR pg_has_role(w.oid, role, 'USAGE'))) AS is_hidden
    FROM unnest(%(schemas)s::text[], %(tables)s::text[], %(columns)s::text[])
             AS wanted (schema, table_name, column_name)
         JOIN pg_namespace AS n ON n.nspname = wanted.schema
         JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, wanted.table_name)
         JOIN pg_attribute AS a ON (a.attrelid, a.attname) = (c.oid, wanted.column_name)
         JOIN pg_roles AS w ON w.rolname = 'audit_writer'
    WHERE a.attnum > 0 AND NOT a.attisdropped
) AS looked_up
WHERE NOT may_use OR NOT may_select OR is_hidden
ORDER BY schema, table_name, column_name
"""
