"""Whether a connection's role may read the log or act as its owner, and what is said where not.

Knows roles and rights; what is read then, others know.
"""

from typing import Literal, LiteralString

from generator.config import ConfigError
from generator.database import Connection, rows

Group = Literal["audit_reader", "audit_owner"]

_WHAT: dict[Group, str] = {
    "audit_reader": "read the audit log",
    "audit_owner": "act as the owner of the audit log",
}


def require_member(connection: Connection, group: Group = "audit_reader") -> None:
    """Raise ConfigError where there is no log, or the role may not do what a member of it may."""
    with connection.transaction():
        problems = refusals(connection, group)
    if problems:
        raise ConfigError(problems)


def refusals(connection: Connection, group: Group = "audit_reader") -> list[str]:
    """Return why a role can't do what members of a group may; nothing where it can."""
    [role] = rows(connection, _ROLE)
    if not role.is_installed:
        return [f"--database: {role.database} has no audit log – apply the migrations"]
    if role.may_read if group == "audit_reader" else role.may_own:
        return []
    return [f"--database: {role.name} may not {_WHAT[group]} – connect as a member of {group}"]


def may_read(connection: Connection, *tables: str) -> bool:
    """Say whether the role may read all of these tables of schema audit, and they are there."""
    return len(rows(connection, _READABLE, tables=list(tables))) == len(tables)


# SET ROLE asks for membership, whether its rights are inherited or not.
_ROLE: LiteralString = """
SELECT current_database() AS database, current_user AS name,
       EXISTS (SELECT FROM pg_class AS c
               WHERE c.relnamespace = to_regnamespace('audit') AND c.relname = 'entry')
           AS is_installed,
       EXISTS (SELECT FROM pg_roles AS r
               WHERE r.rolname IN ('audit_reader', 'audit_owner')
                 AND pg_has_role(r.oid, 'USAGE')) AS may_read,
       EXISTS (SELECT FROM pg_roles AS r
               WHERE r.rolname = 'audit_owner' AND pg_has_role(r.oid, 'MEMBER')) AS may_own
"""
_READABLE: LiteralString = """
SELECT c.relname
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit' AND c.relname = ANY (%(tables)s)
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
"""
