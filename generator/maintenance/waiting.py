"""Waits for locks, briefly and again, and finds out who holds them.

Knows PostgreSQL's locks; nothing of what is locked or why.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from generator.catalogue import rows
from generator.maintenance.session import Session

Statement = LiteralString | sql.Composed

_FIRST_LOOK, _MOST_BETWEEN_LOOKS = 0.02, 0.5
"""Seconds. To look who blocks locks the table of locks, so it is done ever more seldom."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a lock, in milliseconds, and after which pauses to try again (seconds).

    Only where nobody waits behind us may the lock take longer than ``writers``.
    """

    writers: int = 100
    others: int = 500
    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)


class Blocked(Exception):
    """Something is in the way; the message says who or what."""


def patiently(
    session: Session,
    statement: Statement,
    parameters: Sequence[object] = (),
    *,
    wait: int,
    pauses: tuple[float, ...] = (),
) -> None:
    """Execute a statement, waiting so many milliseconds for each lock, again after each pause.

    Raises Blocked, with the last that were seen in the way.
    """
    blockers: tuple[str, ...] = ()
    for pause in (*pauses, None):
        try:
            session.worker.execute("SELECT set_config('lock_timeout', %s, false)", [f"{wait}ms"])
            _execute(session, statement, parameters)
            return
        except _Waited as waited:
            blockers = waited.blockers or blockers
        if pause is not None:
            time.sleep(pause)
    raise Blocked(f"blocked by {'; '.join(blockers) or 'a lock that was held too briefly to see'}")


class _Waited(Exception):
    def __init__(self, blockers: tuple[str, ...]) -> None:
        super().__init__(blockers)
        self.blockers = blockers


def _execute(session: Session, statement: Statement, parameters: Sequence[object]) -> None:
    """Execute on one connection, and look from the other who is in the way meanwhile."""
    blockers: tuple[str, ...] = ()
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(session.worker.execute, statement, parameters or None)
        try:
            for pause in _looks():
                if wait([done], timeout=pause).done:
                    done.result()
                    break
                blockers = tuple(_blockers(session)) or blockers
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            raise _Waited(blockers) from None
        finally:
            if not done.done():  # Ctrl-C, or the watcher was cut off
                session.worker.cancel_safe()


def _looks() -> Iterator[float]:
    pause = _FIRST_LOOK
    while True:
        yield pause
        pause = min(pause * 1.5, _MOST_BETWEEN_LOOKS)


def _blockers(session: Session) -> Iterator[str]:
    """Yield who is in the way just now: "pid 42 (ana, psql, idle in transaction for 300 s)"."""
    for row in rows(session.watcher, _BLOCKING, pid=session.worker.info.backend_pid):
        since = "" if row.age is None else f"for {row.age} s"
        state = " ".join(filter(None, (row.state, since)))
        told = filter(None, (row.user, row.application, row.backend, state))
        yield f"pid {row.pid} ({', '.join(told)})"
    for row in rows(session.watcher, _PREPARED, pid=session.worker.info.backend_pid):
        yield f"prepared transaction {row.gid!r} ({row.owner}, for {row.age} s)"


_BLOCKING: LiteralString = """
SELECT a.pid, a.usename AS user, nullif(a.application_name, '') AS application,
       nullif(a.backend_type, 'client backend') AS backend, a.state,
       extract(epoch FROM clock_timestamp()
               - CASE a.state WHEN 'active' THEN a.query_start ELSE a.xact_start END)::int AS age
FROM pg_stat_activity AS a
WHERE a.pid = ANY (pg_blocking_pids(%(pid)s))
ORDER BY a.pid
"""

# As a blocker, a prepared transaction has the pid 0.
_PREPARED: LiteralString = """
SELECT p.gid, p.owner, extract(epoch FROM clock_timestamp() - p.prepared)::int AS age
FROM pg_prepared_xacts AS p
WHERE p.database = current_database() AND 0 = ANY (pg_blocking_pids(%(pid)s))
ORDER BY p.prepared
"""
