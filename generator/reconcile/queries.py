"""What is asked of log and tables to reconcile them.

Values are compared as the text of the jsonb that the log stores, under the settings that the
capture functions pin.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import sql

from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.reconcile.past import Link, Past
from generator.reconcile.shape import Shape

SETTINGS = {
    "search_path": "pg_catalog, pg_temp",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
}


def read_suspects(connection: Connection, shape: Shape) -> list[Any]:
    """Return the rows that are not as the newest entry of their key says.

    Each says how many rows have an entry, and how many none; where there is no suspect, one says
    that alone.
    """
    return _run(connection, _SAID + _FACTS + _SUSPECTS, shape)


def read_past(
    connection: Connection, shape: Shape, keys: Sequence[str]
) -> dict[str, tuple[Past, Past]]:
    """Return by key what each transaction did to these rows, the newest first.

    By the ids of the entries, and by their times: these are in another order where the ids or a
    clock were set back, or sessions took ids in advance.
    """
    found = _run(connection, _SAID + _LINKS, shape, keys=list(keys)) if keys else []
    by_id = _by_key(found, keys)
    found.sort(key=lambda row: row.nth, reverse=True)
    by_time = _by_key(found, keys)
    return {key: (by_id[key], by_time[key]) for key in keys}


def _by_key(found: Sequence[Any], keys: Sequence[str]) -> dict[str, Past]:
    past: dict[str, dict[str, list[Link]]] = {key: {} for key in keys}
    wanted = set(keys)
    for row in found:
        touched = wanted if row.is_truncate else {row.key_before, row.key_after} & wanted
        for key in touched:
            before = row.before if row.key_before == key else None
            after = row.after if row.key_after == key else None
            link = Link(row.is_truncate, before, after)
            past[key].setdefault(row.transaction_id, []).append(link)
    return {key: list(transactions.values()) for key, transactions in past.items()}


def _run(connection: Connection, query: LiteralString, shape: Shape, **more: object) -> list[Any]:
    table = shape.table
    names = dict.fromkeys((*table.key, *shape.columns))
    written = sql.SQL(query).format(
        table=_name(table.name.schema, table.name.table),
        only=sql.SQL("" if shape.is_partitioned else "ONLY "),
        columns=sql.SQL(", ").join(_name("r", name) for name in names),
        key_before=_key(table, "old_row"),
        key_after=_key(table, "new_row"),
        key_stored=_key(table, "image"),
        values=sql.SQL(", ").join(
            sql.SQL("s.image ->> {}").format(_text(name)) for name in table.key
        ),
    )
    parameters = {
        "schema": table.name.schema,
        "name": table.name.table,
        "key": list(table.key),
        "columns": list(shape.columns),
        "redefined": list(shape.redefined),
        "hidden": [name for name in shape.all_columns if name not in names],
        "key_since": shape.key_since,
        "buckets": shape.buckets,
        "seed": shape.seed,
        **more,
    }
    return rows(connection, written, **parameters)


def _key(table: TrackedTable, image: str) -> sql.Composable:
    """Write the key of a row as the pairs of an object."""
    pair = sql.SQL("{name}, s.{image} -> {name}")
    pairs = (pair.format(name=_text(name), image=sql.Identifier(image)) for name in table.key)
    return sql.SQL(", ").join(pairs)


def _text(name: str) -> sql.Literal:
    """Write a name as a text of a statement with parameters, where a % is written twice."""
    return sql.Literal(name.replace("%", "%%"))


def _name(*parts: str) -> sql.Identifier:
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))


TABLES: LiteralString = """
SELECT n.nspname AS schema, c.relname AS table_name, current_user AS role,
       c.relkind IN ('r', 'p') AS is_comparable,
       has_schema_privilege(n.oid, 'USAGE') AS may_use,
       has_table_privilege(c.oid, 'SELECT') AS may_select,
       row_security_active(c.oid) AS is_secured
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS wanted (schema, table_name)
     JOIN pg_namespace AS n ON n.nspname = wanted.schema
     JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, wanted.table_name)
"""

TRACKED: LiteralString = """
SELECT FROM audit.tracked_table AS t
WHERE (t.table_schema, t.table_name) = (%(schema)s, %(table)s) AND t.untracked_at IS NULL
"""

# What each entry says of a key: the row is there, or gone; an update may do both, of two keys. By
# the key that the table has now: an image without its columns is of a time when it had another.
_SAID: LiteralString = """
WITH said AS (
    SELECT e.id, e.occurred_at, e.transaction_id, e.operation, e.new_row,
           coalesce(e.new_row, '{{}}') || e.old_row AS old_row
    FROM audit.entry AS e
    WHERE (e.table_schema, e.table_name) = (%(schema)s, %(name)s)
      AND e.occurred_at >= (
          SELECT t.tracked_at FROM audit.tracked_table AS t
          WHERE (t.table_schema, t.table_name) = (%(schema)s, %(name)s))
), keyed AS (
    SELECT s.*,
           CASE WHEN s.old_row ?& %(key)s::text[] THEN jsonb_build_object({key_before})::text END
               AS key_before,
           CASE WHEN s.new_row ?& %(key)s::text[] THEN jsonb_build_object({key_after})::text END
               AS key_after
    FROM said AS s
)
"""

_FACTS: LiteralString = """, newest AS (
    SELECT f.key, max(k.id) AS id
    FROM keyed AS k
         CROSS JOIN LATERAL (VALUES (k.key_after), (k.key_before)) AS f (key)
    WHERE f.key IS NOT NULL AND k.transaction_id::text::bigint > %(key_since)s::bigint
      AND mod(hashtextextended(f.key, %(seed)s), %(buckets)s) = 0
    GROUP BY f.key
), log AS MATERIALIZED (
    SELECT n.key, k.id, k.occurred_at, k.transaction_id, k.operation, k.new_row AS image,
           coalesce(k.key_after = n.key, false) AS is_there
    FROM newest AS n JOIN keyed AS k ON k.id = greatest(n.id, (
        SELECT max(s.id) FROM said AS s WHERE s.operation = 'TRUNCATE'))
         -- Where ids were set back, others have the same.
         AND (k.operation = 'TRUNCATE' OR n.key IN (k.key_after, k.key_before))
), stored AS MATERIALIZED (
    SELECT jsonb_build_object({key_stored})::text AS key, s.image, s.version
    FROM (
        SELECT (SELECT to_jsonb(x.*) FROM (SELECT {columns}) AS x) AS image, r.xmin AS version
        FROM {only}{table} AS r
        OFFSET 0
    ) AS s
    WHERE num_nulls({values}) = 0
      AND mod(hashtextextended(jsonb_build_object({key_stored})::text, %(seed)s), %(buckets)s) = 0
)
"""

# A column that was made another since its entry was written may have other values without one.
_SUSPECTS: LiteralString = """, unlike AS MATERIALIZED (
    SELECT l.*, s.key IS NOT NULL AS is_stored, s.image AS current, s.version
    FROM log AS l LEFT JOIN stored AS s ON s.key = l.key
    WHERE l.is_there <> (s.key IS NOT NULL)
       OR l.is_there AND (l.image - %(hidden)s::text[])::text <> s.image::text
)
SELECT total.compared, total.unknown, found.*
FROM (
    SELECT count(l.key) AS compared, count(*) - count(l.key) AS unknown
    FROM stored AS s LEFT JOIN log AS l ON l.key = s.key
) AS total
LEFT JOIN (
    SELECT u.key, u.id, u.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
           u.transaction_id::text AS transaction_id, u.operation,
           u.is_there AS is_in_log, u.is_stored AS is_in_table,
           u.version::text::bigint AS version, c.logged, c.stored,
           coalesce(c.differing, '{{}}') AS differing, coalesce(c.redefined, '{{}}') AS redefined
    FROM unlike AS u
         CROSS JOIN LATERAL (
             SELECT jsonb_object_agg(v.name, v.logged) FILTER (WHERE v.logged IS NOT NULL)
                        AS logged,
                    jsonb_object_agg(v.name, v.stored) FILTER (WHERE v.stored IS NOT NULL)
                        AS stored,
                    array_agg(v.name) FILTER (WHERE v.logged <> v.stored AND v.is_same)
                        AS differing,
                    array_agg(v.name) FILTER (WHERE v.logged <> v.stored AND NOT v.is_same)
                        AS redefined
             FROM (
                 SELECT c.name, (u.image -> c.name)::text AS logged,
                        (u.current -> c.name)::text AS stored,
                        u.transaction_id::text::bigint > c.redefined AS is_same
                 FROM unnest(%(columns)s::text[], %(redefined)s::bigint[]) AS c (name, redefined)
             ) AS v
         ) AS c
    WHERE u.is_there <> u.is_stored OR c.differing IS NOT NULL OR c.redefined IS NOT NULL
) AS found ON true
ORDER BY found.id
"""

_LINKS: LiteralString = """
SELECT k.transaction_id::text AS transaction_id,
       row_number() OVER (ORDER BY k.occurred_at, k.id) AS nth,
       k.operation = 'TRUNCATE' AS is_truncate, k.key_before, k.key_after,
       CASE WHEN k.old_row IS NOT NULL THEN coalesce(i.before, '{{}}') END AS before,
       CASE WHEN k.new_row IS NOT NULL THEN coalesce(i.after, '{{}}') END AS after
FROM keyed AS k
     CROSS JOIN LATERAL (
         SELECT jsonb_object_agg(c.name, (k.old_row -> c.name)::text)
                    FILTER (WHERE k.old_row ? c.name) AS before,
                jsonb_object_agg(c.name, (k.new_row -> c.name)::text)
                    FILTER (WHERE k.new_row ? c.name) AS after
         FROM unnest(%(columns)s::text[]) AS c (name)
     ) AS i
WHERE k.operation = 'TRUNCATE'
   OR k.key_before = ANY (%(keys)s::text[]) OR k.key_after = ANY (%(keys)s::text[])
ORDER BY k.id DESC
"""
