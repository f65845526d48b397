"""Since when what was found is so, as far as PostgreSQL and the log can tell.

Knows that the log is a clock of transactions: their ids come in order, and entries say the time.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, LiteralString

from generator.access import may_read
from generator.database import Connection, rows
from generator.drift.finding import Finding

_PERMANENT = 3
"""The first transaction id that a transaction has had; those below stand for "always"."""


def add_dates(connection: Connection, findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with the moment at which each catalogue row was last changed."""
    known: dict[int, str] = {}
    dated = []
    for finding in findings:
        version = finding.version
        if version is None or version < _PERMANENT:
            dated.append(finding)
            continue
        if version not in known:
            known[version] = tell_moment(connection, version)
        dated.append(replace(finding, since=known[version]))
    return dated


def tell_moment(connection: Connection, version: int) -> str:
    """Return when the transaction of an xmin wrote, as far as that is known, and which it is."""
    (row,) = rows(connection, _TRANSACTION, version=version)
    (exact,) = rows(connection, _COMMITTED, version=version) if row.is_tracked else (None,)
    by = f"by transaction {row.id}"
    if exact is not None and exact.committed_at is not None:
        return f"{_moment(exact.committed_at)}, {by}"
    if not may_read(connection, "entry", "object_version"):
        return by
    (log,) = rows(connection, _LOG, id=row.id)
    if log.first_at is None:
        return by
    if log.writer is not None:
        by += f" of {log.writer}"
    if row.id < log.first_id:
        return f"before {_moment(log.first_at)}, {by}"
    return f"between {_moment(log.after)} and {_moment(log.before)}, {by}"


def _moment(moment: Any) -> str:
    assert isinstance(moment, datetime)  # noqa: S101 - the queries ask for nothing else
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


# An xmin has 32 bits of the transaction's 64: it is the newest one that ends in them.
_TRANSACTION: LiteralString = """
SELECT x.next - 1 - ((x.next - 1 - %(version)s::bigint) & 4294967295) AS id,
       current_setting('track_commit_timestamp') = 'on' AS is_tracked
FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS x (next)
"""

_COMMITTED: LiteralString = """
SELECT pg_xact_commit_timestamp(%(version)s::text::xid) AS committed_at
"""

# Who has a lower id got it earlier: not before it began. Who has a higher one got it later: not
# after its first entry. Nearest ones alone are read, and of this cluster; what installed the log
# has none before it, but what it wrote down itself.
_LOG: LiteralString = """
WITH known AS MATERIALIZED (
    SELECT v.transaction_id, v.recorded_at AS occurred_at, v.transaction_at
    FROM audit.object_version AS v
    WHERE v.system_identifier = (SELECT system_identifier FROM pg_control_system())
), first AS (
    SELECT min(k.occurred_at) AS at, min(k.transaction_id::text::bigint) AS id
    FROM known AS k
), nearest AS (
    (SELECT e.transaction_id, e.occurred_at, e.transaction_at
     FROM audit.entry AS e, first
     WHERE e.transaction_id < %(id)s::text::xid8 AND e.occurred_at >= first.at
     ORDER BY e.transaction_id DESC LIMIT 20)
    UNION ALL
    (SELECT e.transaction_id, e.occurred_at, e.transaction_at
     FROM audit.entry AS e, first
     WHERE e.transaction_id > %(id)s::text::xid8 AND e.occurred_at >= first.at
     ORDER BY e.transaction_id LIMIT 20)
    UNION ALL
    SELECT * FROM known
)
SELECT first.at AS first_at, first.id AS first_id,
       (SELECT max(n.transaction_at) FROM nearest AS n
        WHERE n.transaction_id <= %(id)s::text::xid8) AS after,
       coalesce((SELECT min(n.occurred_at) FROM nearest AS n
                 WHERE n.transaction_id >= %(id)s::text::xid8), clock_timestamp()) AS before,
       (SELECT e.db_user FROM audit.entry AS e
        WHERE e.transaction_id = %(id)s::text::xid8 AND e.occurred_at >= first.at
        LIMIT 1) AS writer
FROM first
"""
