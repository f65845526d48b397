"""What the roles of the log are, and what the writer may read beyond what it looks up.

Knows attributes, and the rights on the user's tables; who can act as these roles, others know.
"""

from collections.abc import Iterator, Sequence
from typing import LiteralString

from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.lookups import read_columns
from generator.names import TableName
from generator.quoting import identifier, qualified

_ATTRIBUTES = {
    "is_superuser": "SUPERUSER",
    "may_login": "LOGIN",
    "bypasses_rls": "BYPASSRLS",
    "creates_roles": "CREATEROLE",
    "replicates": "REPLICATION",
}


def find_rights(connection: Connection, tracked: Sequence[TrackedTable]) -> Iterator[Finding]:
    """Yield what the roles of the log are, or may read, and should not."""
    for role in rows(connection, _ROLES):
        for column, attribute in _ATTRIBUTES.items():
            if getattr(role, column):
                fix = f"ALTER ROLE {role.name} NO{attribute}"
                yield Finding("changed", f"role {role.name}", f"has {attribute}", fix)
    needed = {read for table in tracked for read in read_columns(table)}
    whole = {table.name for table in tracked if table.truncate == "rows"}
    yield from _find_excess_reads(connection, needed, whole)


def _find_excess_reads(
    connection: Connection, needed: set[tuple[TableName, str]], whole: set[TableName]
) -> Iterator[Finding]:
    excess: dict[TableName, list[str]] = {}
    for row in rows(connection, _READS):
        table = TableName(row.schema, row.table_name)
        if row.privilege == "SELECT" and table in whole:
            continue
        if row.column_name is None:
            excess.setdefault(table, []).append(row.privilege)
        elif row.privilege != "SELECT" or (table, row.column_name) not in needed:
            privilege = f"{row.privilege} ({identifier(row.column_name)})"
            excess.setdefault(table, []).append(privilege)
    for table, privileges in excess.items():
        listed = ", ".join(privileges)
        fix = f"REVOKE {listed} ON {qualified(table)} FROM audit_writer"
        # What is revoked of a table is revoked of its columns.
        columns = sorted(identifier(column) for name, column in needed if name == table)
        if columns and "SELECT" in privileges:
            kept = f"SELECT ({', '.join(columns)})"
            fix += f"; GRANT {kept} ON {qualified(table)} TO audit_writer"
        what = f"audit_writer has {listed}, which no look-up needs"
        yield Finding("changed", f"table {table}", what, fix)


_ROLES: LiteralString = """
SELECT rolname AS name, rolsuper AS is_superuser, rolcanlogin AS may_login,
       rolbypassrls AS bypasses_rls, rolcreaterole AS creates_roles, rolreplication AS replicates
FROM pg_roles
WHERE rolname IN ('audit_owner', 'audit_writer', 'audit_reader')
ORDER BY rolname
"""

_READS: LiteralString = """
SELECT n.nspname AS schema, c.relname AS table_name, acl.column_name, x.privilege_type AS privilege
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace,
     LATERAL (
         SELECT NULL AS column_name, c.relacl AS items
         UNION ALL
         SELECT a.attname, a.attacl
         FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
     ) AS acl,
     LATERAL aclexplode(acl.items) AS x
     JOIN pg_roles AS w ON w.oid = x.grantee AND w.rolname = 'audit_writer'
WHERE n.nspname <> 'audit'
ORDER BY n.nspname, c.relname, acl.column_name NULLS FIRST, x.privilege_type
"""
