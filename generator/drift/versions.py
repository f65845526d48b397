"""Whether what captures and protects entries was altered since the migrations, and put back.

Knows audit.object_version; when an alteration was, others tell by the log.
"""

from collections.abc import Collection, Iterator
from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.drift.finding import Finding, fold
from generator.drift.objects import named, written
from generator.names import TableName
from generator.quoting import literal

_TABLE = named("table", "object_version")


def find_altered(connection: Connection, found: Collection[Finding]) -> Iterator[Finding]:
    """Yield what has another version than was written down, where *found* does not name it yet.

    Of a database that was restored no version is left: then that is the one finding.
    """
    objects = rows(connection, _VERSIONS)
    recorded = [row for row in objects if row.recorded is not None]
    if not any(_is_same(row) for row in recorded):
        what = "is of another cluster, or of before a restore: nobody knows what was done since"
        fix = "SET ROLE audit_owner; CALL audit._record_versions(); RESET ROLE"
        yield Finding("restored", _TABLE, what, fix)
        return
    known = {finding.object for finding in found}
    altered = [row for row in objects if not _is_same(row)]
    told = {(row.id, row.version) for row in altered}
    told |= {(row.id, row.version) for row in objects if _name(row) in known}
    yield from fold(
        _altered(row)
        for row in altered
        if _name(row) not in known and (row.parent, row.version) not in told
    )


def _altered(row: Any) -> Finding:
    if row.is_a == "partition":
        what = "was detached, and is attached again: find out why (pgwitness reconcile)"
    elif row.recorded is None:
        what = "was made anew, not by a migration"
    else:
        # What guards entries hid that they were changed; all else, that a write left none.
        tool = "verify" if row.schema == "audit" else "reconcile"
        what = f"was altered, and is as it was again: find out why (pgwitness {tool})"
    return Finding("altered", _name(row), what, _acknowledge(row), version=row.version)


def _is_same(row: Any) -> bool:
    """Say whether an object is as it was written down, or as it came with its partition."""
    is_recorded = row.recorded == row.version and row.is_of_this_cluster
    return is_recorded or (row.recorded is None and row.version == row.attached)


def _name(row: Any) -> str:
    match row.is_a:
        case "trigger":
            return f"trigger {written(row.name)} on {TableName(row.schema, row.table_name)}"
        case "policy":
            return f"policy {written(row.name)} of {named('table', row.table_name)}"
        case "partition":
            return f"partition {TableName(row.schema, row.table_name)}"
        case _:
            return named(row.is_a, row.name)


def _acknowledge(row: Any) -> str:
    """Return how to say that it is known why."""
    of = f"{literal(row.root_schema)}, {literal(row.root_name)}"
    return f"SET ROLE audit_owner; CALL audit._record_versions({of}); RESET ROLE"


# Clones of a root's trigger come with their partition, and in the transaction that attached it.
_VERSIONS: LiteralString = """
WITH object (
    kind, is_a, id, schema, table_name, root_schema, root_name, name, version, attached,
    parent
) AS (
    SELECT 'trigger', 'trigger', t.oid, n.nspname, c.relname, s.nspname, r.relname,
           t.tgname, t.xmin,
           CASE WHEN t.tgparentid <> 0 OR s.nspname = 'audit' THEN (
               SELECT i.xmin FROM pg_inherits AS i WHERE i.inhrelid = c.oid
                AND NOT i.inhdetachpending) END,
           t.tgparentid
    FROM pg_trigger AS t
         JOIN pg_class AS c ON c.oid = t.tgrelid
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN pg_class AS r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
         JOIN pg_namespace AS s ON s.oid = r.relnamespace
    WHERE (NOT t.tgisinternal OR t.tgparentid <> 0)
      AND CASE s.nspname WHEN 'audit' THEN t.tgparentid <> 0 OR r.oid = c.oid
          ELSE starts_with(t.tgname, '!audit_') END
    UNION ALL
    SELECT 'function', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid,
           NULL, NULL, coalesce(s.nspname, 'audit'), coalesce(r.relname, 'entry'),
           p.proname, p.xmin, NULL, 0
    FROM pg_proc AS p
         JOIN pg_namespace AS n ON n.oid = p.pronamespace
         LEFT JOIN LATERAL (
             SELECT coalesce(pg_partition_root(t.tgrelid), t.tgrelid) AS oid
             FROM pg_trigger AS t
             WHERE t.tgfoid = p.oid AND starts_with(p.proname, 'capture_')
             LIMIT 1) AS captured ON true
         LEFT JOIN pg_class AS r ON r.oid = captured.oid
         LEFT JOIN pg_namespace AS s ON s.oid = r.relnamespace
    WHERE n.nspname = 'audit'
      AND (starts_with(p.proname, '_') OR starts_with(p.proname, 'capture_'))
    UNION ALL
    SELECT 'policy', 'policy', p.oid, n.nspname, c.relname, 'audit', 'entry',
           p.polname, p.xmin, NULL, 0
    FROM pg_policy AS p
         JOIN pg_class AS c ON c.oid = p.polrelid
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'audit'
    UNION ALL
    -- Of the user's tables; those that nobody wrote down came later, as any may.
    SELECT 'partition', 'partition', i.inhrelid, n.nspname, c.relname, s.nspname, r.relname,
           c.relname, i.xmin, i.xmin, 0
    FROM pg_inherits AS i
         JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind IN ('r', 'p')
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN pg_class AS r ON r.oid = pg_partition_root(c.oid)
         JOIN pg_namespace AS s ON s.oid = r.relnamespace
    WHERE s.nspname <> 'audit' AND NOT i.inhdetachpending
)
SELECT o.is_a, o.id, o.parent, o.schema, o.table_name, o.root_schema, o.root_name, o.name,
       o.version::text::bigint AS version, o.attached::text::bigint AS attached,
       v.version::text::bigint AS recorded,
       v.system_identifier = (SELECT system_identifier FROM pg_control_system())
           AS is_of_this_cluster
FROM object AS o
     LEFT JOIN LATERAL (
         SELECT v.version, v.system_identifier
         FROM audit.object_version AS v
         WHERE (v.kind, v.object_id) = (o.kind, o.id)
         ORDER BY v.recorded_at DESC
         LIMIT 1
     ) AS v ON true
ORDER BY o.kind, o.schema, o.table_name, o.name
"""
