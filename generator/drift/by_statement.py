"""Whether tables that are captured by statement are such that this is right.

Knows where PostgreSQL keeps rows from a statement trigger, or shows them to it in another order.
"""

from collections.abc import Iterable, Iterator
from typing import Any, LiteralString

from generator.catalogue import CatalogueTable, Tables
from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import written
from generator.names import TableName, as_arrays


def find_misfits(
    connection: Connection, tracked: Iterable[TrackedTable], tables: Tables
) -> Iterator[Finding]:
    """Yield why a table should be captured by row instead."""
    names = as_arrays(table.name for table in tracked if table.capture == "statement")
    for row in rows(connection, _TABLES, **names):
        name = TableName(row.schema, row.table_name)
        for reason in _reasons(tables[name], row) if name in tables else ():
            what = f"is captured by statement, but {reason}"
            fix = 'set capture = "row" in audit.toml, and pgwitness generate'
            yield Finding("conflict", f"table {name}", what, fix)


def _reasons(table: CatalogueTable, row: Any) -> Iterator[str]:
    if table.kind == "p":
        yield (
            "it is partitioned: statements on a partition would leave no entry, and rows that move "
            "between two could be mistaken for each other"
        )
    if table.is_partition:
        yield "it is a partition: statements on the whole table would leave no entry"
    if table.inherits:
        yield "it inherits, or is inherited from: entries would lack rows, or columns"
    if row.is_subscribed:
        yield "a subscription writes to it: replication fires row triggers alone"
    for name in row.row_triggers:
        yield (
            f"it has the row trigger {written(name)}: what that writes to it would come before its "
            "cause in the log"
        )
    if row.deleting:
        yield (
            f"the foreign keys {written(row.deleting)} and {written(row.updating)} delete and "
            "update its rows, which might come in another order in the log"
        )


# tgtype is a bit mask: 1 is FOR EACH ROW, 2 BEFORE, 64 INSTEAD OF.
_TABLES: LiteralString = """
SELECT n.nspname AS schema, c.relname AS table_name,
       EXISTS (SELECT FROM pg_subscription_rel AS s WHERE s.srrelid = c.oid) AS is_subscribed,
       ARRAY(
           SELECT t.tgname::text
           FROM pg_trigger AS t
           WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
             AND t.tgtype & 1 = 1 AND t.tgtype & 66 = 0 AND NOT starts_with(t.tgname, '!audit_')
           ORDER BY t.tgname) AS row_triggers,
       actions.deleting, actions.updating
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS wanted (schema, table_name)
     JOIN pg_namespace AS n ON n.nspname = wanted.schema
     JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, wanted.table_name)
     LEFT JOIN LATERAL (
         SELECT d.conname::text AS deleting, u.conname::text AS updating
         FROM pg_constraint AS d
              JOIN pg_constraint AS u ON u.conrelid = d.conrelid AND u.oid <> d.oid
         WHERE d.conrelid = c.oid AND d.contype = 'f' AND u.contype = 'f'
           AND d.confdeltype = 'c'
           AND (u.confdeltype IN ('n', 'd') OR u.confupdtype IN ('c', 'n', 'd'))
         ORDER BY d.conname, u.conname
         LIMIT 1
     ) AS actions ON true
ORDER BY n.nspname, c.relname
"""
