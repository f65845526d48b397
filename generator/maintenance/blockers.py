"""Who is in the way: of a lock that is waited for, or in a table for long.

Knows pg_locks and pg_stat_activity; what to do about it, others know.
"""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

from generator.database import rows
from generator.maintenance.session import Session


def stayers(session: Session, tables: Sequence[str], long: int) -> Iterator[str]:
    """Yield who has been in these tables of the log for so many milliseconds."""
    asked = {"tables": list(tables), "long": f"{long}ms"}
    yield from (_person(row) for row in rows(session.watcher, _STAYING, **asked))
    yield from (_prepared(row) for row in rows(session.watcher, _KEPT, **asked))


def blockers(session: Session) -> Iterator[str]:
    """Yield whom the worker waits for just now."""
    pid = session.worker.info.backend_pid
    yield from (_person(row) for row in rows(session.watcher, _BLOCKING, pid=pid))
    yield from (_prepared(row) for row in rows(session.watcher, _PREPARED, pid=pid))


def _person(row: Any) -> str:
    """Return "pid 42 (ana, psql, idle in transaction for 300 s)"."""
    since = "" if row.age is None else f"for {row.age} s"
    state = " ".join(filter(None, (row.state, since)))
    told = filter(None, (row.user, row.application, row.backend, state))
    return f"pid {row.pid} ({', '.join(told)})"


def _prepared(row: Any) -> str:
    return f"prepared transaction {row.gid!r} ({row.owner}, for {row.age} s)"


_SESSIONS: LiteralString = """
SELECT a.pid, a.usename AS user, nullif(a.application_name, '') AS application,
       nullif(a.backend_type, 'client backend') AS backend, a.state,
       extract(epoch FROM clock_timestamp()
               - CASE a.state WHEN 'active' THEN a.query_start ELSE a.xact_start END)::int AS age
FROM pg_stat_activity AS a
"""
_BLOCKING: LiteralString = f"""{_SESSIONS}
WHERE a.pid = ANY (pg_blocking_pids(%(pid)s))
ORDER BY a.pid
"""

# As a blocker, a prepared transaction has the pid 0.
_PREPARED_ONES: LiteralString = """
SELECT p.gid, p.owner, extract(epoch FROM clock_timestamp() - p.prepared)::int AS age
FROM pg_prepared_xacts AS p
WHERE p.database = current_database()
"""
_PREPARED: LiteralString = f"""{_PREPARED_ONES}
  AND 0 = ANY (pg_blocking_pids(%(pid)s))
ORDER BY p.prepared
"""

# Of a session that the role may not see, there is no xact_start. In pg_locks, a prepared
# transaction has no pid: its virtualtransaction is "-1/" and its number.
_HELD: LiteralString = """
SELECT FROM pg_locks AS l
WHERE l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND l.relation IN (
      SELECT to_regclass(format('audit.%%I', t)) FROM unnest(%(tables)s::text[]) AS t)
"""
_STAYING: LiteralString = f"""{_SESSIONS}
WHERE a.xact_start < clock_timestamp() - %(long)s::interval AND EXISTS ({_HELD}  AND l.pid = a.pid)
ORDER BY a.pid
"""
_KEPT: LiteralString = f"""{_PREPARED_ONES}
  AND p.prepared < clock_timestamp() - %(long)s::interval
  AND EXISTS ({_HELD}  AND l.pid IS NULL AND l.virtualtransaction = '-1/' || p.transaction)
ORDER BY p.prepared
"""
