"""As what a table is compared: its columns as they are now, and since when they are such.

Reads the catalogue alone.
"""

from dataclasses import dataclass, replace
from typing import LiteralString

from generator.config import TrackedTable
from generator.database import Connection, rows


@dataclass(frozen=True)
class Shape:
    """A table as it is compared: the columns that both sides have, and since when each is such.

    ``redefined`` are the transactions that last changed each column, or its type; ``scalars`` are
    the columns of PostgreSQL's own types that hold one value. Of ``buckets`` of keys one is
    compared.
    """

    table: TrackedTable
    is_partitioned: bool
    columns: tuple[str, ...]
    redefined: tuple[int, ...]
    json_columns: frozenset[str]
    scalars: frozenset[str]
    all_columns: tuple[str, ...]
    key_since: int
    buckets: int
    seed: int

    @property
    def without_json(self) -> "Shape":
        """The same less the columns of type json, which hold what jsonb can't."""
        kept = [
            (name, redefined)
            for name, redefined in zip(self.columns, self.redefined, strict=True)
            if name not in self.json_columns
        ]
        names, redefined = tuple(n for n, _ in kept), tuple(r for _, r in kept)
        return replace(self, columns=names, redefined=redefined, json_columns=frozenset())


def read_shape(connection: Connection, table: TrackedTable, sample: int | None) -> Shape:
    """Return how a table is compared."""
    name = {"schema": table.name.schema, "table": table.name.table}
    found = rows(connection, _COLUMNS, **name)
    hidden = {*table.ignore, *table.exclude, *table.redact}
    shown = [row for row in found if row.name not in hidden and row.is_steady]
    odd_keys = [row.redefined for row in found if row.name in table.key and not row.is_plain]
    [size] = rows(connection, _SIZE, **name)
    return Shape(
        table,
        size.is_partitioned,
        tuple(row.name for row in shown),
        tuple(row.redefined for row in shown),
        frozenset(row.name for row in shown if row.is_json),
        frozenset(row.name for row in shown if row.is_scalar),
        tuple(row.name for row in found),
        max(odd_keys, default=0),
        max(1, round(size.rows / sample)) if sample else 1,
        size.seed,
    )


# The text of regclass and its like changes with what it names. An xmin has 32 bits of the
# transaction's 64: it is the newest one that ends in them.
_COLUMNS: LiteralString = """
SELECT a.attname AS name,
       a.attgenerated <> 'v' AND t.typname !~ '^_?reg' AS is_steady,
       t.oid = 'json'::regtype AS is_json,
       t.oid < 16384 AND t.typtype = 'b' AND t.typcategory IN ('B', 'D', 'I', 'N', 'S', 'T')
           AS is_scalar,
       t.typname IN ('int2', 'int4', 'int8', 'text', 'varchar', 'uuid') AS is_plain,
       (SELECT max(x.next - 1 - ((x.next - 1 - v.version::text::bigint) & 4294967295))
        FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS x (next),
             LATERAL (
                 SELECT a.xmin
                 UNION ALL
                 SELECT e.xmin FROM pg_enum AS e WHERE e.enumtypid IN (t.oid, t.typelem)
                 UNION ALL
                 SELECT p.xmin FROM pg_attribute AS p
                 WHERE p.attnum > 0 AND p.attrelid IN (t.typrelid, i.typrelid)
             ) AS v (version)) AS redefined
FROM pg_attribute AS a
     JOIN pg_class AS c ON c.oid = a.attrelid
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
     JOIN pg_type AS t ON t.oid = a.atttypid
     LEFT JOIN pg_type AS i ON i.oid = t.typelem
WHERE (n.nspname, c.relname) = (%(schema)s, %(table)s)
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_SIZE: LiteralString = """
SELECT c.relkind = 'p' AS is_partitioned, (random() * 1000000000)::int AS seed,
       (SELECT sum(greatest(p.reltuples, 0))
        FROM pg_class AS p
        WHERE p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))::float8
           AS rows
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) = (%(schema)s, %(table)s)
"""
