"""What a database has of the audit log, read from pg_catalog, which every role may read.

Knows the catalogues of PostgreSQL 14 to 18; what ought to be there, others know.
"""

from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.drift.objects import Grant, Objects, Piece, Trigger, named, written
from generator.drift.routines import read_routines
from generator.names import TableName


def read_installed(connection: Connection) -> Objects:
    """Return the objects of schema audit, and the triggers of every table."""
    pieces = [
        Piece(row.kind, row.name, named("table", row.table_name), row.definition)
        for row in rows(connection, _PIECES)
    ]
    pieces += [
        Piece("sequence", row.name, named("sequence", row.name), row.definition)
        for row in rows(connection, _SEQUENCES)
    ]
    triggers = [_trigger(row) for row in rows(connection, _TRIGGERS)]
    found = (*rows(connection, _OBJECT_VERSIONS), *rows(connection, _PIECE_VERSIONS))
    versions = {_object(row): row.version for row in found}
    return Objects(
        owners={named(row.kind, row.name): row.owner for row in rows(connection, _OWNERS)},
        routines=read_routines(connection),
        pieces={piece.object: piece for piece in pieces},
        triggers={trigger.object: trigger for trigger in triggers},
        grants=frozenset(
            Grant(named(row.kind, row.name), row.privilege, row.grantee, row.version)
            for row in rows(connection, _GRANTS)
        ),
        secured=frozenset(named("table", row.relname) for row in rows(connection, _SECURED)),
        versions=versions,
    )


def _object(row: Any) -> str:
    """Return what a finding calls an object."""
    match row.kind:
        case "trigger":
            return f"trigger {written(row.name)} on {TableName(row.schema, row.table_name)}"
        case "policy" | "rule" | "constraint":
            return f"{row.kind} {written(row.name)} of {named('table', row.table_name)}"
        case _:
            return named(row.kind, row.name)


def _trigger(row: Any) -> Trigger:
    return Trigger(
        table=TableName(row.schema, row.table_name),
        name=row.name,
        definition=row.definition,
        fires=row.fires,
        root=TableName(row.root_schema, row.root_name),
        is_clone=row.is_clone,
        is_early=row.is_early,
        level=row.level,
    )


_OBJECTS: LiteralString = """
WITH relation AS (
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
           c.oid, c.relname, c.relowner, c.relacl, c.xmin AS version
    FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'audit' AND c.relkind IN ('r', 'p', 'v', 'S')
), object (kind, name, owner, acl, column_name, version) AS (
    SELECT 'schema', NULL, n.nspowner, n.nspacl, NULL::name, n.xmin
    FROM pg_namespace AS n
    WHERE n.nspname = 'audit'
    UNION ALL
    SELECT kind, relname, relowner, relacl, NULL, version
    FROM relation
    UNION ALL
    SELECT kind, relname, relowner, a.attacl, a.attname, a.xmin
    FROM relation JOIN pg_attribute AS a ON a.attrelid = relation.oid
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           p.proname, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)), NULL,
           p.xmin
    FROM pg_proc AS p
         JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = 'audit'
)
"""

_OWNERS: LiteralString = (
    _OBJECTS
    + """
SELECT DISTINCT kind, name, pg_get_userbyid(owner) AS owner
FROM object
"""
)

_GRANTS: LiteralString = (
    _OBJECTS
    + """
SELECT DISTINCT kind, name,
       a.privilege_type || coalesce(' (' || quote_ident(column_name) || ')', '') AS privilege,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS grantee,
       version::text::bigint AS version
FROM object, aclexplode(acl) AS a
WHERE a.grantee <> owner
  -- Who owns a partitioned table may give its triggers to partitions.
  AND NOT (kind = 'function' AND a.privilege_type = 'EXECUTE' AND EXISTS (
      SELECT
      FROM pg_trigger AS t
           JOIN pg_class AS c ON c.oid = t.tgrelid
           JOIN pg_proc AS p ON p.oid = t.tgfoid
           JOIN pg_namespace AS n ON n.oid = p.pronamespace
      WHERE (n.nspname, p.proname) = ('audit', object.name)
        AND (c.relkind, c.relowner) = ('p', a.grantee)))
"""
)

_PIECES: LiteralString = r"""
SELECT piece.kind, piece.name, c.relname AS table_name, piece.definition
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
     -- Definitions are asked for where they count alone: some take PostgreSQL long to write.
     CROSS JOIN LATERAL (
         SELECT 'column', a.attname,
                format_type(a.atttypid, a.atttypmod)
                || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
                || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
         FROM pg_attribute AS a
              LEFT JOIN pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
         WHERE a.attrelid = c.oid AND c.relkind <> 'v' AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL
         SELECT 'constraint', k.conname, pg_get_constraintdef(k.oid)
         FROM pg_constraint AS k
         WHERE k.conrelid = c.oid AND k.contype NOT IN ('n', 't')
         UNION ALL
         SELECT 'index', x.relname,
                CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
                || substring(pg_get_indexdef(x.oid) FROM ' USING (.*)')
                || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
         FROM pg_index AS i
              JOIN pg_class AS x ON x.oid = i.indexrelid
         WHERE i.indrelid = c.oid
           AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.oid)
         UNION ALL
         SELECT 'policy', p.polname,
                CASE WHEN p.polpermissive THEN '' ELSE 'AS RESTRICTIVE ' END
                || CASE p.polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT'
                                 WHEN 'w' THEN 'FOR UPDATE' WHEN 'd' THEN 'FOR DELETE'
                                 ELSE 'FOR ALL' END
                || ' TO ' || (SELECT string_agg(CASE r WHEN 0 THEN 'public'
                                                ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
                              FROM unnest(p.polroles) AS r)
                || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
                || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
         FROM pg_policy AS p
         WHERE p.polrelid = c.oid
         UNION ALL
         SELECT 'view', c.relname, regexp_replace(pg_get_viewdef(c.oid), '\me\.|;$', '', 'g')
         WHERE c.relkind = 'v'
         UNION ALL
         SELECT 'rule', w.rulename, pg_get_ruledef(w.oid)
         FROM pg_rewrite AS w
         WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'
     ) AS piece (kind, name, definition)
WHERE n.nspname = 'audit' AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
ORDER BY c.relname, piece.kind, piece.name
"""

_SEQUENCES: LiteralString = """
SELECT c.relname AS name,
       concat_ws(' ', 'AS', format_type(s.seqtypid, NULL), 'INCREMENT', s.seqincrement,
                 'MINVALUE', s.seqmin, 'MAXVALUE', s.seqmax, 'CACHE', s.seqcache,
                 CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS definition
FROM pg_sequence AS s
     JOIN pg_class AS c ON c.oid = s.seqrelid
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit'
"""

_SECURED: LiteralString = """
SELECT c.relname
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit' AND c.relrowsecurity
"""

# Clones of a root's trigger count as internal up to PostgreSQL 14; a foreign key's always do.
# tgtype is a bit mask: 1 is FOR EACH ROW, 2 BEFORE, 32 TRUNCATE, 64 INSTEAD OF.
_TRIGGERS: LiteralString = """
SELECT n.nspname AS schema, c.relname AS table_name, t.tgname AS name,
       pg_get_triggerdef(t.oid) AS definition,
       t.tgenabled::text AS fires,
       s.nspname AS root_schema, r.relname AS root_name,
       t.tgparentid <> 0 AS is_clone,
       CASE t.tgtype & 1 WHEN 1 THEN 'row' ELSE 'statement' END AS level,
       t.tgtype & 98 = 0 AND NOT t.tginitdeferred AND t.tgname < '!audit_' AS is_early
FROM pg_trigger AS t
     JOIN pg_class AS c ON c.oid = t.tgrelid
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
     JOIN pg_class AS r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
     JOIN pg_namespace AS s ON s.oid = r.relnamespace
WHERE NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstraint = 0
ORDER BY n.nspname, c.relname, t.tgname
"""

_OBJECT_VERSIONS: LiteralString = (
    _OBJECTS
    + """
SELECT DISTINCT kind, name, version::text::bigint AS version
FROM object
WHERE column_name IS NULL
"""
)

_PIECE_VERSIONS: LiteralString = """
SELECT p.kind, n.nspname AS schema, c.relname AS table_name, p.name,
       p.version::text::bigint AS version
FROM (
         SELECT 'trigger', t.tgrelid, t.tgname, t.xmin FROM pg_trigger AS t
         UNION ALL
         SELECT 'policy', p.polrelid, p.polname, p.xmin FROM pg_policy AS p
         UNION ALL
         SELECT 'rule', w.ev_class, w.rulename, w.xmin FROM pg_rewrite AS w
         UNION ALL
         SELECT 'constraint', k.conrelid, k.conname, k.xmin FROM pg_constraint AS k
     ) AS p (kind, table_oid, name, version)
     JOIN pg_class AS c ON c.oid = p.table_oid
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit' OR p.kind = 'trigger'
"""
