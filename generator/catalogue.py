"""What a database's catalogue says about its tables, as frozen dataclasses.

Reads pg_catalog alone, and never a row of a table; what follows from it, others decide.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.names import TableName, as_arrays


@dataclass(frozen=True)
class CatalogueColumn:
    """A column. Of a domain, ``base_type``, ``category`` and ``enum_labels`` are the base type's.

    ``category`` is pg_type.typcategory; ``generated`` is "s" (stored), "v" (virtual) or empty.
    """

    name: str
    type: str
    base_type: str
    category: str
    not_null: bool
    generated: str
    identity: str
    default: str | None
    enum_labels: tuple[str, ...]


@dataclass(frozen=True)
class ForeignKey:
    """Columns that hold a key of another table, in the order of the columns that they refer to."""

    columns: tuple[str, ...]
    table: TableName
    referenced: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True)
class CatalogueTable:
    """A relation with its columns in order.

    ``key`` is the primary key, empty without one; ``unique`` are the columns of each further
    immediate unique constraint or whole-table unique index.
    """

    name: TableName
    kind: str
    is_unlogged: bool
    is_partition: bool
    inherits: bool
    columns: tuple[CatalogueColumn, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[ForeignKey, ...]

    def column(self, name: str) -> CatalogueColumn | None:
        """Return a column by its name, or None."""
        return next((column for column in self.columns if column.name == name), None)


Tables = Mapping[TableName, CatalogueTable]


def read_tables(connection: Connection) -> dict[TableName, CatalogueTable]:
    """Return every table that could be tracked, by its name: partitioned ones as their root."""
    return _assemble(connection, rows(connection, _RELATIONS + _TRACKABLE))


def read_named(
    connection: Connection, names: Collection[TableName]
) -> dict[TableName, CatalogueTable]:
    """Return the relations of these names that exist, of whatever kind."""
    return _assemble(connection, rows(connection, _RELATIONS + _NAMED, **as_arrays(names)))


def _assemble(connection: Connection, relations: list[Any]) -> dict[TableName, CatalogueTable]:
    parts = {"oids": [relation.oid for relation in relations]}
    columns, numbered = _columns(rows(connection, _COLUMNS, **parts))
    indexes, foreign_keys = defaultdict(list), defaultdict(list)
    for index in rows(connection, _INDEXES, **parts):
        names = tuple(numbered[index.table_oid, number] for number in index.numbers)
        indexes[index.table_oid, index.is_primary].append(names)
    for row in rows(connection, _FOREIGN_KEYS, **parts):
        table = TableName(row.schema, row.name)
        key = ForeignKey(tuple(row.columns), table, tuple(row.referenced), row.action)
        foreign_keys[row.table_oid].append(key)
    return {
        TableName(relation.schema, relation.name): CatalogueTable(
            name=TableName(relation.schema, relation.name),
            kind=relation.kind,
            is_unlogged=relation.is_unlogged,
            is_partition=relation.is_partition,
            inherits=relation.inherits,
            columns=tuple(columns[relation.oid]),
            key=next(iter(indexes[relation.oid, True]), ()),
            unique=tuple(indexes[relation.oid, False]),
            foreign_keys=tuple(foreign_keys[relation.oid]),
        )
        for relation in relations
    }


def _columns(
    found: list[Any],
) -> tuple[dict[int, list[CatalogueColumn]], dict[tuple[int, int], str]]:
    """Return the columns of each table, and the name of each column by its number."""
    columns, numbered = defaultdict(list), {}
    for row in found:
        numbered[row.table_oid, row.number] = row.name
        columns[row.table_oid].append(
            CatalogueColumn(
                name=row.name,
                type=row.type,
                base_type=row.base_type,
                category=row.category,
                not_null=row.not_null,
                generated=row.generated,
                identity=row.identity,
                default=row.value,
                enum_labels=tuple(row.enum_labels),
            )
        )
    return columns, numbered


_RELATIONS: LiteralString = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       c.relpersistence = 'u' AS is_unlogged, c.relispartition AS is_partition,
       c.relkind = 'r' AND NOT c.relispartition AND EXISTS (
           SELECT FROM pg_inherits AS i
           WHERE c.oid IN (i.inhrelid, i.inhparent)) AS inherits
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
"""

# Temporary tables live in schemas pg_temp_…; what an extension made is the extension's.
_TRACKABLE: LiteralString = """
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('audit', 'information_schema') AND NOT starts_with(n.nspname, 'pg_')
  AND NOT starts_with(c.relname, '_yoyo_') AND c.relname <> 'yoyo_lock'
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
"""

_NAMED: LiteralString = """
     JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) AS wanted (schema, name)
          ON wanted.schema = n.nspname AND wanted.name = c.relname
WHERE c.relkind NOT IN ('i', 'I', 'c', 'S')
"""

_COLUMNS: LiteralString = """
WITH RECURSIVE base (root, oid, depth) AS (
    SELECT t.oid, t.oid, 0
    FROM pg_type AS t
    UNION ALL
    SELECT base.root, t.typbasetype, depth + 1
    FROM base JOIN pg_type AS t ON t.oid = base.oid
    WHERE t.typtype = 'd'
), resolved AS (
    SELECT DISTINCT ON (root) root, oid
    FROM base
    ORDER BY root, depth DESC
)
SELECT a.attrelid AS table_oid, a.attnum AS number, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       format_type(t.oid, NULL) AS base_type,
       t.typcategory::text AS category,
       a.attnotnull AS not_null,
       a.attgenerated::text AS generated,
       a.attidentity::text AS identity,
       pg_get_expr(d.adbin, d.adrelid) AS value,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum AS e
             WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS enum_labels
FROM pg_attribute AS a
     JOIN resolved AS r ON r.root = a.atttypid
     JOIN pg_type AS t ON t.oid = r.oid
     LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY (%(oids)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

_INDEXES: LiteralString = """
SELECT i.indrelid AS table_oid, i.indisprimary AS is_primary,
       (i.indkey::int2[])[0:i.indnkeyatts - 1] AS numbers
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%(oids)s) AND i.indisunique AND i.indisvalid
  AND (i.indisprimary OR i.indimmediate) AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indrelid, c.relname
"""

# On partitioned tables PostgreSQL keeps further rows for the partitions: these have a conparentid.
_FOREIGN_KEYS: LiteralString = """
SELECT f.conrelid AS table_oid, n.nspname AS schema, c.relname AS name,
       CASE f.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                          WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END AS action,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k (number, nth)
                  JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (f.conrelid, k.number)
             ORDER BY k.nth) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k (number, nth)
                  JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (f.confrelid, k.number)
             ORDER BY k.nth) AS referenced
FROM pg_constraint AS f
     JOIN pg_class AS c ON c.oid = f.confrelid
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE f.contype = 'f' AND f.conrelid = ANY (%(oids)s) AND f.conparentid = 0
ORDER BY f.conrelid, f.conkey, f.conname
"""
