"""Whose code runs as audit_writer when a row is captured, besides that of pgwitness.

Knows that to_jsonb() calls casts to json, a label casts to text, a look-up those that are implicit
and the policies of what it reads; and that planning one calls what is IMMUTABLE in its indexes,
keys of partitions, constraints and statistics. Who may act as the owner of the log gains nothing by
it: theirs is not reported.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, LiteralString

from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import written
from generator.lookups import read_columns
from generator.names import TableName, as_arrays
from generator.quoting import identifier, qualified


def find_foreign_code(
    connection: Connection, tracked: Sequence[TrackedTable], trusted: Sequence[str]
) -> Iterator[Finding]:
    """Yield the casts and policies that could add entries, and belong to whom nobody named."""
    read = {name for table in tracked for name, _ in read_columns(table)}
    read |= {table.name for table in tracked if table.truncate == "rows"}
    every = read | {table.name for table in tracked}
    for row in _of_others(connection, _CASTS, every, trusted):
        what = f"runs {row.function} of {written(row.owner)} as audit_writer for {row.tables}"
        cast = f"({row.source} AS {row.target})"
        yield Finding("conflict", f"cast {cast}", what, f"DROP CAST {cast}", version=row.version)
    for row in _of_others(connection, _POLICIES, read, trusted):
        table = TableName(row.schema, row.table_name)
        what = f"runs {row.function} of {written(row.owner)} as audit_writer"
        policy = f"ALTER POLICY {identifier(row.policy)} ON {qualified(table)} TO …"
        fix = f'{policy}, without audit_writer; or name the owner in "trusted" of audit.toml'
        name = f"policy {written(row.policy)} of table {table}"
        yield Finding("conflict", name, what, fix, version=row.version)
    for row in _of_others(connection, _PLANNED, read, trusted):
        what = f"runs {row.function} of {written(row.owner)} as audit_writer, if it is IMMUTABLE"
        fix = f'{row.drop}; or name the owner in "trusted" of audit.toml'
        yield Finding("conflict", f"{row.kind} {row.name}", what, fix, version=row.version)


def find_code_in_log(connection: Connection) -> Iterator[Finding]:
    """Yield indexes and statistics of the log's own tables that call what is not the log's."""
    for row in rows(connection, _CALLS + _IN_LOG + _WHOSE):
        what = f"runs {row.function} of {written(row.owner)} as whoever writes or reads the log"
        yield Finding("orphan", f"{row.kind} {row.name}", what, row.drop, version=row.version)


def _of_others(
    connection: Connection,
    query: LiteralString,
    tables: Collection[TableName],
    trusted: Sequence[str],
) -> Iterator[Any]:
    for row in rows(connection, _CALLS + _TABLES + query + _WHOSE, **as_arrays(tables)):
        if not row.is_insider and row.owner not in trusted:
            yield row


# Each query is made of these: what calls code, and what is built on a table; the tables that are
# wanted; what runs code of theirs, of which the middle part is; and whose that is.
_CALLS: LiteralString = """
WITH RECURSIVE calls (class_oid, oid, code) AS (
    SELECT d.classid, d.objid, p.oid
    FROM pg_depend AS d
         LEFT JOIN pg_operator AS x
                   ON d.refclassid = 'pg_operator'::regclass AND x.oid = d.refobjid
         JOIN pg_proc AS p
              ON p.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid
                                           ELSE x.oprcode END
), built (table_oid, class_oid, oid, kind, name, drop, version) AS (
    SELECT i.indrelid, 'pg_class'::regclass, c.oid, 'index', c.oid::regclass::text,
           format('DROP INDEX %%s', c.oid::regclass), c.xmin
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    UNION ALL
    SELECT x.stxrelid, 'pg_statistic_ext'::regclass, x.oid, 'statistics',
           format('%%I.%%I', n.nspname, x.stxname),
           format('DROP STATISTICS %%I.%%I', n.nspname, x.stxname), x.xmin
    FROM pg_statistic_ext AS x JOIN pg_namespace AS n ON n.oid = x.stxnamespace
)"""

_TABLES: LiteralString = """, wanted (oid) AS (
    SELECT c.oid
    FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS t (schema, name)
         JOIN pg_namespace AS n ON n.nspname = t.schema
         JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, t.name)
)"""

_WHOSE: LiteralString = """
SELECT r.*, p.oid::regprocedure::text AS function, pg_get_userbyid(p.proowner) AS owner,
       coalesce(o.rolsuper, false) OR EXISTS (
           SELECT FROM pg_roles AS l
           WHERE l.rolname = 'audit_owner' AND pg_has_role(o.oid, l.oid, 'MEMBER')) AS is_insider
FROM runs AS r
     JOIN pg_proc AS p ON p.oid = r.code
     LEFT JOIN pg_roles AS o ON o.oid = p.proowner
ORDER BY 1, 2, 3, function
"""

# Arrays, domains and composites are made JSON of by what they are made of. Casts of an extension
# count as any: who owns one can put a cast of their own into it.
_CASTS: LiteralString = """, used (table_oid, type_oid) AS (
    SELECT a.attrelid, a.atttypid
    FROM wanted AS w JOIN pg_attribute AS a ON a.attrelid = w.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT u.table_oid, part.oid
    FROM used AS u
         JOIN pg_type AS t ON t.oid = u.type_oid,
         LATERAL (
             SELECT t.typelem WHERE t.typcategory = 'A'
             UNION ALL
             SELECT t.typbasetype WHERE t.typtype = 'd'
             UNION ALL
             SELECT a.atttypid
             FROM pg_attribute AS a
             WHERE t.typtype = 'c' AND a.attrelid = t.typrelid
               AND a.attnum > 0 AND NOT a.attisdropped
         ) AS part (oid)
), runs (source, target, tables, code, version) AS (
    SELECT format_type(k.castsource, NULL), format_type(k.casttarget, NULL),
           string_agg(DISTINCT u.table_oid::regclass::text, ', '), k.castfunc,
           max(k.xmin::text::bigint)
    FROM used AS u JOIN pg_cast AS k ON k.castsource = u.type_oid
    WHERE k.oid >= 16384
      AND (k.castcontext = 'i' OR k.casttarget IN (
               'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'varchar'::regtype))
    GROUP BY k.castsource, k.casttarget, k.castfunc
)"""

_POLICIES: LiteralString = """, runs (schema, table_name, policy, code, version) AS (
    SELECT n.nspname, c.relname, w.polname, f.code, w.xmin::text::bigint
    FROM wanted AS t
         JOIN pg_class AS c ON c.oid = t.oid
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN pg_policy AS w ON w.polrelid = c.oid
         JOIN calls AS f ON (f.class_oid, f.oid) = ('pg_policy'::regclass, w.oid)
         JOIN pg_roles AS writer ON writer.rolname = 'audit_writer'
    WHERE c.relrowsecurity AND w.polcmd IN ('r', '*')
      AND EXISTS (SELECT FROM unnest(w.polroles) AS role
                  WHERE role = 0 OR pg_has_role(writer.oid, role, 'USAGE'))
)"""

# The planner works out what it takes for constant, as whoever asks: the predicates and expressions
# of indexes and statistics, keys of partitions, and with constraint_exclusion, which any session
# can set, CHECKs.
_PLANNED: LiteralString = """, read (oid) AS (
    SELECT w.oid FROM wanted AS w
    UNION
    SELECT i.inhrelid FROM read JOIN pg_inherits AS i ON i.inhparent = read.oid
), planned (class_oid, oid, kind, name, drop, version) AS (
    SELECT b.class_oid, b.oid, b.kind, b.name, b.drop, b.version
    FROM read JOIN built AS b ON b.table_oid = read.oid
    UNION ALL
    SELECT 'pg_class'::regclass, p.partrelid, 'partition key of table', p.partrelid::regclass::text,
           format('partition %%s by other expressions', p.partrelid::regclass), c.xmin
    FROM read JOIN pg_partitioned_table AS p ON p.partrelid = read.oid
         JOIN pg_class AS c ON c.oid = p.partrelid
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 'constraint',
           format('%%I of table %%s', k.conname, k.conrelid::regclass),
           format('ALTER TABLE %%s DROP CONSTRAINT %%I', k.conrelid::regclass, k.conname), k.xmin
    FROM read JOIN pg_constraint AS k ON k.conrelid = read.oid AND k.contype = 'c'
), runs (kind, name, drop, code, version) AS (
    SELECT l.kind, l.name, l.drop, f.code, l.version::text::bigint
    FROM planned AS l JOIN calls AS f ON (f.class_oid, f.oid) = (l.class_oid, l.oid)
    WHERE f.code >= 16384
)"""

# The words of a day are all that the log's own indexes call.
_IN_LOG: LiteralString = """, runs (kind, name, drop, code, version) AS (
    SELECT b.kind, b.name, b.drop, f.code, b.version::text::bigint
    FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN built AS b ON b.table_oid = c.oid
         JOIN calls AS f ON (f.class_oid, f.oid) = (b.class_oid, b.oid)
         JOIN pg_proc AS p ON p.oid = f.code
    WHERE n.nspname = 'audit' AND c.relkind IN ('r', 'p') AND f.code >= 16384
      AND (p.pronamespace, p.proname) <> (n.oid, '_words')
)"""
