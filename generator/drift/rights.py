"""Who can act as the roles of the log, and what the writer may read beyond what it looks up.

Knows roles and the rights on the user's tables; those on the log itself, others know.
"""

from collections.abc import Iterable, Iterator
from typing import LiteralString

from generator.catalogue import Connection, rows
from generator.config import TrackedTable
from generator.drift.finding import Finding
from generator.drift.objects import written
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


def find_rights(
    connection: Connection, tracked: Iterable[TrackedTable], maintainer: str | None = None
) -> Iterator[Finding]:
    """Yield what lets somebody write entries, or the writer read, who should not."""
    for role in rows(connection, _ROLES):
        for column, attribute in _ATTRIBUTES.items():
            if getattr(role, column):
                fix = f"ALTER ROLE {role.name} NO{attribute}"
                yield Finding("changed", f"role {role.name}", f"has {attribute}", fix)
    for found in rows(connection, _MEMBERS):
        if (found.role, found.member) == ("audit_owner", maintainer):
            continue
        member = written(found.member)
        what = f"{member} is a member, and owns no database"
        fix = f"REVOKE {found.role} FROM {member}"
        yield Finding("changed", f"role {found.role}", what, fix)
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

# Who owns a database of this cluster may have installed the log in it.
_MEMBERS: LiteralString = """
SELECT r.rolname AS role, m.rolname AS member
FROM pg_auth_members AS a
     JOIN pg_roles AS r ON r.oid = a.roleid
     JOIN pg_roles AS m ON m.oid = a.member
WHERE r.rolname IN ('audit_owner', 'audit_writer') AND NOT m.rolsuper
  AND NOT EXISTS (
      SELECT FROM pg_database AS d
      WHERE pg_has_role(m.oid, d.datdba, 'MEMBER'))
GROUP BY r.rolname, m.rolname
ORDER BY r.rolname, m.rolname
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
