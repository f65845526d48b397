"""Who can act as the roles of the log or get around them, and was not named in audit.toml.

Knows roles, their memberships and settings, and default privileges. Superusers are not reported:
nothing stops them, and notes.py counts them.
"""

from collections.abc import Iterator
from typing import Any, LiteralString

from generator.config import Config
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import in_sql, written
from generator.quoting import identifier

_TRUST = 'or name it in "trusted" of audit.toml'
_KINDS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS"}


def find_powers(connection: Connection, config: Config) -> Iterator[Finding]:
    """Yield each way around the rights on the log that somebody has who is not trusted."""
    yield from _find_members(connection, config)
    for row in rows(connection, _POWERS):
        if row.role not in config.trusted:
            yield _power(row)
    yield from _find_settings(connection)
    for row in rows(connection, _DEFAULTS):
        kind = _KINDS[row.kind]
        schema = f" IN SCHEMA {identifier(row.schema)}" if row.schema else ""
        what = f"gives {written(row.grantee)} {row.privileges} on new {kind.lower()}"
        fix = f"ALTER DEFAULT PRIVILEGES FOR ROLE {row.owner}{schema}"
        fix += f" REVOKE ALL ON {kind} FROM {written(row.grantee)}"
        name = f"default privileges of {row.owner}"
        yield Finding("changed", name, what, fix, version=row.version)


def _find_members(connection: Connection, config: Config) -> Iterator[Finding]:
    """Yield who can act as the owner or the writer; through others only where these may."""
    trusted = {"audit_owner": {config.maintainer, *config.trusted}}
    trusted["audit_writer"] = set(config.trusted)
    told: set[tuple[str, str]] = set()
    for row in rows(connection, _MEMBERS):
        named = trusted[row.role]
        is_known = row.is_owner or row.member in named
        # Through whom nobody knows either is mended there.
        is_elsewhere = row.through != row.role and not (
            row.through in named or row.through_is_owner
        )
        if is_known or is_elsewhere or (row.through, row.member) in told:
            continue
        told.add((row.through, row.member))
        member, through = written(row.member), written(row.through)
        what = f"{member} is a member, and does not own this database; mend it, {_TRUST}"
        if row.through != row.role:
            what = f"{member} is a member of {through}, and so of {row.role}; mend it, {_TRUST}"
        fix = f"REVOKE {through} FROM {member}"
        yield Finding("changed", f"role {row.role}", what, fix, version=row.version)


def _power(row: Any) -> Finding:
    name = f"role {written(row.role)}"
    match row.power:
        case "CREATEROLE":
            what = "has CREATEROLE, and so can become a member of audit_owner (until PostgreSQL 15)"
            fix = f"ALTER ROLE {identifier(row.role)} NOCREATEROLE"
        case "BYPASSRLS":
            what = "has BYPASSRLS and pg_write_all_data, and so can add entries"
            fix = f"ALTER ROLE {identifier(row.role)} NOBYPASSRLS"
        case _:
            what = f"is a member of {row.power}, and so can write what the server's account can"
            fix = f"REVOKE {row.power} FROM {identifier(row.role)}"
    return Finding("conflict", name, f"{what}; mend it, {_TRUST}", fix, version=row.version)


def _find_settings(connection: Connection) -> Iterator[Finding]:
    for row in rows(connection, _SETTINGS):
        what = f"sets {row.setting}: the log's own guards don't fire"
        name = f"role {written(row.role)}" if row.role else f"database {written(row.database)}"
        there = f" IN DATABASE {written(row.database)}" if row.role and row.database else ""
        fix = f"ALTER {in_sql(name)}{there} RESET session_replication_role"
        yield Finding("changed", name, what, fix, version=row.version)
    for row in rows(connection, _SERVER):
        what = f"is {row.setting} for all sessions: the log's own guards don't fire"
        fix = "take it out of postgresql.conf, or ALTER SYSTEM RESET it, and reload"
        yield Finding("changed", "parameter session_replication_role", what, fix)


# Who owns this database may have installed the log in it; where a group owns it, its members are
# the owners. Who installed that of another database can act as the owner of this one, too.
_MEMBERS: LiteralString = """
WITH known AS (
    SELECT r.oid, EXISTS (
               SELECT
               FROM pg_database AS d JOIN pg_roles AS o ON o.oid = d.datdba
               WHERE d.datname = current_database()
                 AND (o.oid = r.oid OR NOT o.rolcanlogin AND pg_has_role(r.oid, o.oid, 'MEMBER'))
           ) AS is_owner
    FROM pg_roles AS r
)
SELECT l.rolname AS role, r.rolname AS through, m.rolname AS member,
       via.is_owner AS through_is_owner, known.is_owner,
       max(a.xmin::text::bigint) AS version
FROM pg_auth_members AS a
     JOIN pg_roles AS r ON r.oid = a.roleid
     JOIN pg_roles AS m ON m.oid = a.member
     JOIN known ON known.oid = m.oid
     JOIN known AS via ON via.oid = r.oid
     JOIN pg_roles AS l ON pg_has_role(r.oid, l.oid, 'MEMBER')
WHERE l.rolname IN ('audit_owner', 'audit_writer') AND NOT m.rolsuper AND NOT r.rolsuper
GROUP BY l.rolname, r.rolname, m.rolname, via.is_owner, known.is_owner
ORDER BY l.rolname, m.rolname, r.rolname
"""

_POWERS: LiteralString = """
WITH power (role_oid, power, version) AS (
    SELECT r.oid, 'CREATEROLE', NULL::xid
    FROM pg_roles AS r
    WHERE r.rolcreaterole AND current_setting('server_version_num')::int < 160000
      AND NOT EXISTS (SELECT FROM pg_database AS d
                      WHERE d.datname = current_database() AND d.datdba = r.oid)
      AND r.rolname NOT IN ('audit_owner', 'audit_writer', 'audit_reader')
    UNION ALL
    SELECT r.oid, 'BYPASSRLS', NULL
    FROM pg_roles AS r
    WHERE r.rolbypassrls AND pg_has_role(r.oid, 'pg_write_all_data', 'MEMBER')
    UNION ALL
    SELECT a.member, g.rolname, a.xmin
    FROM pg_auth_members AS a
         JOIN pg_roles AS g ON g.oid = a.roleid
    WHERE g.rolname IN ('pg_execute_server_program', 'pg_write_server_files')
)
SELECT r.rolname AS role, p.power, p.version::text::bigint AS version
FROM power AS p
     JOIN pg_roles AS r ON r.oid = p.role_oid
WHERE NOT r.rolsuper
ORDER BY r.rolname, p.power
"""

_SETTINGS: LiteralString = """
SELECT r.rolname AS role, d.datname AS database, s.setting, c.xmin::text::bigint AS version
FROM pg_db_role_setting AS c
     LEFT JOIN pg_roles AS r ON r.oid = c.setrole
     LEFT JOIN pg_database AS d ON d.oid = c.setdatabase,
     LATERAL unnest(c.setconfig) AS s (setting)
WHERE (c.setdatabase = 0 OR d.datname = current_database())
  AND s.setting ~* '^session_replication_role=' AND s.setting !~* '=origin$'
ORDER BY r.rolname, d.datname
"""

_SERVER: LiteralString = """
SELECT s.reset_val AS setting
FROM pg_settings AS s
WHERE s.name = 'session_replication_role' AND s.reset_val <> 'origin'
  AND s.source NOT IN ('database', 'user', 'database user', 'client', 'session')
"""

# That everybody may execute a new function is the default of PostgreSQL, and taken back by each.
_DEFAULTS: LiteralString = """
SELECT o.rolname AS owner, n.nspname AS schema, d.defaclobjtype::text AS kind,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS grantee,
       string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges,
       max(d.xmin::text::bigint) AS version
FROM pg_default_acl AS d
     JOIN pg_roles AS o ON o.oid = d.defaclrole
     LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace,
     LATERAL aclexplode(d.defaclacl) AS a
WHERE o.rolname IN ('audit_owner', 'audit_writer') AND a.grantee <> d.defaclrole
  AND d.defaclobjtype IN ('r', 'S', 'f')
  AND NOT (d.defaclobjtype = 'f' AND a.grantee = 0 AND d.defaclnamespace = 0)
GROUP BY o.rolname, n.nspname, d.defaclobjtype, a.grantee
ORDER BY 1, 2, 3, 4
"""
