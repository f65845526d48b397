"""Where rows could be lost, or written past the triggers, by how tables are stored.

Knows partitions of the user's tables, and the tables of the log but for its partitions.
"""

from collections.abc import Iterable, Iterator
from typing import LiteralString

from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import in_sql, named
from generator.names import TableName, as_arrays
from generator.quoting import qualified


def find_unsafe_storage(
    connection: Connection, tracked: Iterable[TrackedTable]
) -> Iterator[Finding]:
    """Yield tables that a crash empties, what passes for the log's, and foreign partitions."""
    for row in rows(connection, _OURS):
        ours, what = named(row.kind, row.name), "is UNLOGGED: a crash empties it"
        fix = f"ALTER {in_sql(ours)} SET LOGGED"
        yield Finding("changed", ours, what, fix, version=row.version)
    for row in rows(connection, _HEIRS):
        what = f"inherits from {row.parent}: its rows would be taken for rows of that"
        fix = f"ALTER TABLE {row.name} NO INHERIT {row.parent}"
        yield Finding("orphan", f"table {row.name}", what, fix, version=row.version)
    for row in rows(connection, _PARTITIONS, **as_arrays(table.name for table in tracked)):
        name = TableName(row.schema, row.table_name)
        if row.is_foreign:
            what = "is a foreign table: what is written to it elsewhere leaves no entry"
            fix = f"ALTER TABLE {row.parent} DETACH PARTITION {qualified(name)}"
        else:
            what = "is UNLOGGED: a crash empties it, and leaves no entry"
            fix = f"ALTER TABLE {qualified(name)} SET LOGGED"
        yield Finding("conflict", f"table {name}", what, fix, version=row.version)


_OURS: LiteralString = """
SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, c.relname AS name,
       c.xmin::text::bigint AS version
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit' AND c.relpersistence = 'u' AND c.relkind IN ('r', 'S')
  AND NOT c.relispartition
ORDER BY c.relname
"""

_HEIRS: LiteralString = """
SELECT i.inhrelid::regclass::text AS name, i.inhparent::regclass::text AS parent,
       i.xmin::text::bigint AS version
FROM pg_inherits AS i
     JOIN pg_class AS c ON c.oid = i.inhrelid
     JOIN pg_class AS p ON p.oid = i.inhparent
     JOIN pg_namespace AS n ON n.oid = p.relnamespace
WHERE n.nspname = 'audit' AND c.relkind IN ('r', 'f') AND NOT c.relispartition
ORDER BY 1, 2
"""

_PARTITIONS: LiteralString = """
SELECT s.nspname AS schema, p.relname AS table_name, p.relkind = 'f' AS is_foreign,
       tree.parentrelid::text AS parent, p.xmin::text::bigint AS version
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS wanted (schema, table_name)
     JOIN pg_namespace AS n ON n.nspname = wanted.schema
     JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, wanted.table_name)
     CROSS JOIN LATERAL pg_partition_tree(c.oid) AS tree
     JOIN pg_class AS p ON p.oid = tree.relid AND p.oid <> c.oid
     JOIN pg_namespace AS s ON s.oid = p.relnamespace
WHERE p.relkind = 'f' OR p.relpersistence = 'u'
ORDER BY 1, 2
"""
