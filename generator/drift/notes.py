"""What remains possible around a log where all is as declared: nothing to mend, but to know.

Knows what PostgreSQL gives superusers, owners and readers; what nobody should have is a finding.
"""

from dataclasses import dataclass
from typing import LiteralString

from generator.database import Connection, reading, rows

_MOST = 5


@dataclass(frozen=True)
class Note:
    """Who can do what, or where what was done."""

    what: str
    who: tuple[str, ...]

    @property
    def in_short(self) -> str:
        """The first of them, and how many more there are."""
        more = f", and {len(self.who) - _MOST} more" if len(self.who) > _MOST else ""
        return ", ".join(self.who[:_MOST]) + more


def find_notes(connection: Connection) -> list[Note]:
    """Return what there is to know, as somebody who may read the log.

    The connection must not be in a transaction that has read already.
    """
    queries = [_ROLES, _TABLE_RIGHTS, _SETTINGS, _TABLES, _PARTITIONS, _GUARD, _WRITTEN]
    if connection.info.server_version >= 150000:
        queries.append(_PARAMETERS)
    found: dict[str, dict[str, None]] = {}
    with reading(connection):
        for row in (row for query in queries for row in rows(connection, query)):
            found.setdefault(row.what, {})[row.who] = None
    return [Note(what, tuple(who)) for what, who in found.items()]


_ROLES: LiteralString = """
SELECT k.what, r.rolname AS who
FROM pg_roles AS r
     CROSS JOIN LATERAL (VALUES
         (1, 'superusers, whom nothing stops', r.rolsuper AND r.rolcanlogin),
         (2, 'can act as audit_owner: can add entries, and change a day that they detach',
          NOT r.rolsuper AND r.rolcanlogin AND EXISTS (
              SELECT FROM pg_roles AS l
              WHERE l.rolname = 'audit_owner' AND pg_has_role(r.oid, l.oid, 'MEMBER'))),
         (4, 'may write every table, but for row security: pg_write_all_data',
          NOT r.rolsuper AND pg_has_role(r.oid, 'pg_write_all_data', 'MEMBER')),
         (5, 'see and write past row security: BYPASSRLS', NOT r.rolsuper AND r.rolbypassrls),
         (6, 'read the log and its keys, and could sign for any actor: BYPASSRLS with '
             'pg_read_all_data, or REPLICATION',
          NOT r.rolsuper AND (r.rolreplication OR r.rolbypassrls
                              AND pg_has_role(r.oid, 'pg_read_all_data', 'MEMBER'))),
         (7, 'may read the log', NOT r.rolsuper AND r.rolcanlogin AND EXISTS (
              SELECT FROM pg_roles AS l
              WHERE l.rolname = 'audit_reader' AND pg_has_role(r.oid, l.oid, 'MEMBER')))
     ) AS k (number, what, is_so)
WHERE k.is_so
ORDER BY k.number, r.rolname
"""

_TRACKED: LiteralString = """
WITH tracked AS (
    SELECT c.oid, c.relowner, c.relacl, c.oid::regclass::text AS name
    FROM audit.tracked_table AS t
         JOIN pg_namespace AS n ON n.nspname = t.table_schema
         JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, t.table_name)
    WHERE t.untracked_at IS NULL
)
"""

_TABLE_RIGHTS: LiteralString = (
    _TRACKED
    + """
SELECT DISTINCT 'own tracked tables: can disable their triggers, which check sees' AS what,
       r.rolname::text AS who, 1 AS number
FROM tracked AS t
     JOIN pg_roles AS r ON pg_has_role(r.oid, t.relowner, 'MEMBER')
WHERE r.rolcanlogin AND NOT r.rolsuper
UNION
SELECT CASE a.privilege_type WHEN 'TRIGGER' THEN 'may make triggers of tracked tables: TRIGGER'
       ELSE 'may truncate tracked tables: TRUNCATE' END,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, 2
FROM tracked AS t, aclexplode(t.relacl) AS a
WHERE a.grantee <> t.relowner AND a.privilege_type IN ('TRIGGER', 'TRUNCATE')
ORDER BY number, what, who
"""
)

_SETTINGS: LiteralString = """
SELECT 'names an actor for all that it writes: ALTER ROLE or ALTER DATABASE … SET audit.…' AS what,
       coalesce(r.rolname, d.datname) AS who
FROM pg_db_role_setting AS c
     LEFT JOIN pg_roles AS r ON r.oid = c.setrole
     LEFT JOIN pg_database AS d ON d.oid = c.setdatabase,
     LATERAL unnest(c.setconfig) AS s (setting)
WHERE (c.setdatabase = 0 OR d.datname = current_database()) AND starts_with(s.setting, 'audit.')
ORDER BY 2
"""

_TABLES: LiteralString = (
    _TRACKED
    + """
SELECT 'have a rule: a write to them may become another, and the log tells that one' AS what,
       t.name AS who
FROM tracked AS t JOIN pg_rewrite AS w ON w.ev_class = t.oid
ORDER BY t.name
"""
)

# Of those that were there when their table was tracked, and of those that were made on their own
# before they became partitions: a column that PostgreSQL adds itself is as old as its table.
_AS_RECORDED: LiteralString = """, recorded AS (
    SELECT v.object_id, v.object_name
    FROM audit.object_version AS v
    WHERE v.kind = 'partition' AND v.transaction_id IN (
        SELECT max(o.transaction_id::text::bigint)::text::xid8
        FROM tracked AS t
             JOIN pg_trigger AS g ON g.tgrelid = t.oid
             JOIN audit.object_version AS o ON (o.kind, o.object_id) = ('trigger', g.oid)
        GROUP BY t.oid)
)
SELECT 'partitions that are gone since their table was tracked: no entry says of which rows'
           AS what,
       r.object_name AS who
FROM recorded AS r
WHERE NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = r.object_id)
UNION
SELECT 'partitions that were tables of their own before: no entry says with which rows they came',
       i.inhrelid::regclass::text
FROM tracked AS t
     CROSS JOIN LATERAL pg_partition_tree(t.oid) AS tree
     JOIN pg_inherits AS i ON i.inhrelid = tree.relid
     JOIN pg_attribute AS a ON (a.attrelid, a.attname) = (i.inhrelid, 'tableoid')
WHERE a.xmin <> i.xmin AND NOT EXISTS (
    SELECT FROM recorded AS r WHERE r.object_id = i.inhrelid)
ORDER BY what, who
"""

_PARTITIONS: LiteralString = _TRACKED + _AS_RECORDED

_GUARD: LiteralString = """
SELECT CASE count(*) WHEN 0 THEN 'refuses to disable triggers (pgwitness guard)'
       ELSE 'refuses to disable triggers' END AS what,
       CASE count(*) WHEN 0 THEN 'nothing' ELSE 'the guard' END AS who
FROM pg_event_trigger AS e
WHERE e.evtname = 'audit_guard_change' AND e.evtenabled <> 'D'
"""

_WRITTEN: LiteralString = """
SELECT 'wrote down last that triggers and functions are as they should be' AS what,
       to_char(v.recorded_at, 'YYYY-MM-DD HH24:MI UTC, ') || v.recorded_by AS who
FROM audit.object_version AS v
ORDER BY v.recorded_at DESC
LIMIT 1
"""

_PARAMETERS: LiteralString = """
SELECT 'may set session_replication_role: triggers that are ALWAYS fire nonetheless' AS what,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS who
FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS a
     LEFT JOIN pg_roles AS r ON r.oid = a.grantee
WHERE p.parname = 'session_replication_role' AND a.privilege_type = 'SET'
  AND NOT coalesce(r.rolsuper, false)
ORDER BY 2
"""
