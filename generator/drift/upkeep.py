"""Whether the log is maintained: days ahead, days that should be gone, runs that did it.

Knows what pgwitness maintain leaves behind; whether each partition is as declared, others know.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from generator.access import may_read
from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import named
from generator.drift.partitions import Partition
from generator.drift.sealed import find_unsealed
from generator.wording import count

LEAST_AHEAD = timedelta(days=14)
LONGEST_WITHOUT = timedelta(days=1)
"""Without a good run; and what is past the retention may stay as long until the next one."""
LONGEST_PREPARED = timedelta(hours=1)
"""Between PREPARE TRANSACTION and its end, which is meant to take moments."""

_RUN = named("table", "maintenance_run")
_MAINTAIN = "pgwitness maintain --database …, each day or hour"


def find_neglect(
    connection: Connection, partitions: Sequence[Partition], retention: timedelta
) -> Iterator[Finding]:
    """Yield what maintenance would have done, and that it did not run where that is so."""
    (clock,) = rows(connection, "SELECT clock_timestamp() AS now")
    now: datetime = clock.now.astimezone(UTC)
    attached = [p for p in partitions if p.lower and not p.is_detaching]
    yield from _find_early(attached, now)
    yield from _find_old(attached, now - retention - LONGEST_WITHOUT, retention)
    last = next((p for p in attached if p.is_open_ended), None)
    if last is not None:
        yield from _find_ahead(last, now)
    if may_read(connection, "entry", "entry_id_seq", "tracked_table", "maintenance_run", "seal"):
        if last is not None:
            yield from _find_entries(connection, last)
        runs = list(_find_runs(connection, now))
        yield from runs or find_unsealed(connection, now)
    for row in rows(connection, _PREPARED, since=LONGEST_PREPARED):
        what = f"is left open by {row.owner}: its entries are not in the log, and keep their day"
        fix = f"COMMIT PREPARED {row.gid}, or ROLLBACK PREPARED {row.gid}"
        yield Finding("orphan", f"prepared transaction {row.gid}", what, fix)
    for row in rows(connection, _DETACHED):
        what = "is no partition of the log: its entries are missing there"
        fix = "attach it again, or drop it, or move it to another schema"
        yield Finding("orphan", named("table", row.name), what, fix)


def _find_early(attached: Sequence[Partition], now: datetime) -> Iterator[Finding]:
    first = min((_moment(p.lower) for p in attached), default=now)
    if now < first:
        what = f"begins on {first:%Y-%m-%d}, and the clock says {now:%Y-%m-%d %H:%M}: writes fail"
        yield Finding("conflict", named("table", "entry"), what, "set the server's clock")


def _find_old(
    attached: Sequence[Partition], cutoff: datetime, keep: timedelta
) -> Iterator[Finding]:
    old = [p for p in attached if not p.is_open_ended and _moment(p.upper) <= cutoff]
    if old:
        more = f" (and {len(old) - 1} more)" if len(old) > 1 else ""
        what = f"is past the retention of {count(keep.days, 'day')}{more}"
        yield Finding("orphan", old[0].object, what, _MAINTAIN)


def _find_ahead(last: Partition, now: datetime) -> Iterator[Finding]:
    ahead = _moment(last.lower) - now
    if ahead < LEAST_AHEAD:
        what = f"has {count(max(ahead.days, 0), 'day')} ahead, fewer than {LEAST_AHEAD.days}"
        yield Finding("missing", named("table", "entry"), what, _MAINTAIN)


def _find_entries(connection: Connection, last: Partition) -> Iterator[Finding]:
    if rows(connection, _ENTRIES_SINCE, since=_moment(last.lower)):
        what = "holds entries, and is open-ended: they would stay beyond the retention"
        yield Finding("changed", last.object, what, _MAINTAIN)


def _find_runs(connection: Connection, now: datetime) -> Iterator[Finding]:
    (run,) = rows(connection, _RUNS)
    since = max(filter(None, (run.good_at, run.installed_at)), default=now)
    if now - since > LONGEST_WITHOUT:
        good = f"since {run.good_at:%Y-%m-%d %H:%M} UTC" if run.good_at else "yet"
        why = f"; the last one gave up: {run.given_up}" if run.given_up else ""
        what = f"has no good run of maintenance {good}{why}"
        yield Finding("missing", _RUN, what, _MAINTAIN)


def _moment(bound: str) -> datetime:
    """Return a bound as a moment; MINVALUE is before all."""
    return datetime.fromisoformat(bound) if bound[0].isdigit() else datetime.min.replace(tzinfo=UTC)


_ENTRIES_SINCE: LiteralString = """
SELECT FROM audit.entry AS e WHERE e.occurred_at >= %(since)s LIMIT 1
"""

_RUNS: LiteralString = """
SELECT max(r.finished_at) FILTER (WHERE r.given_up IS NULL) AS good_at,
       (SELECT t.tracked_at
        FROM audit.tracked_table AS t
        WHERE (t.table_schema, t.table_name) = ('audit', 'entry')) AS installed_at,
       (SELECT l.given_up
        FROM audit.maintenance_run AS l
        WHERE l.finished_at IS NOT NULL
        ORDER BY l.started_at DESC
        LIMIT 1) AS given_up
FROM audit.maintenance_run AS r
"""

# In pg_locks, a prepared transaction has no process, and its number is one of its locks.
_PREPARED: LiteralString = """
SELECT quote_literal(p.gid) AS gid, p.owner
FROM pg_prepared_xacts AS p
WHERE p.database = current_database() AND p.prepared <= clock_timestamp() - %(since)s
  AND EXISTS (
      SELECT
      FROM pg_locks AS own
           JOIN pg_locks AS l USING (virtualtransaction)
           JOIN pg_class AS c ON c.oid = l.relation
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE own.transactionid = p.transaction AND own.pid IS NULL AND l.pid IS NULL
        AND (n.nspname, c.relname) = ('audit', 'entry'))
ORDER BY p.prepared
"""

# Named as a partition is: it was one.
_DETACHED: LiteralString = """
SELECT c.relname AS name
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit' AND c.relkind = 'r' AND NOT c.relispartition
  AND c.relname ~ '^entry_[0-9]{8}'
ORDER BY c.relname
"""
