"""Two connections: one works, as the owner of the log; one looks who is in the way of the first.

Knows settings and the lock by which one maintains at a time; no partition.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

from generator.access import require_member
from generator.database import Connection, rows

_SETTINGS = {
    "search_path": "pg_catalog, pg_temp",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    # libpq takes the database's; seals are made in UTF8, and of what others committed meanwhile.
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    # A head that is known elsewhere must not be lost in a crash.
    "synchronous_commit": "on",
    "statement_timeout": "0",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # A client whose machine is gone holds the lock no longer than it takes to notice.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class Busy(Exception):
    """Somebody else is at it already; nothing was done."""


@dataclass(frozen=True)
class Session:
    """*worker* has taken the role audit_owner; *watcher* is still who logged in."""

    worker: Connection
    watcher: Connection


def take_role(worker: Connection, watcher: Connection) -> Session:
    """Make two new connections ready to act as the owner of the log.

    Raises ConfigError where there is no log, or who logged in is no member of audit_owner.
    """
    for connection in (worker, watcher):
        connection.autocommit = True
        for setting, value in _SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", [setting, value])
    require_member(worker, "audit_owner")
    worker.execute("SET ROLE audit_owner")
    return Session(worker, watcher)


@contextmanager
def open_session(worker: Connection, watcher: Connection) -> Iterator[Session]:
    """Make two new connections ready to maintain, and let nobody else do so meanwhile.

    They must be to the server itself: a pooler between transactions would lose the lock. Raises
    Busy, and ConfigError as `take_role` does.
    """
    session = take_role(worker, watcher)
    if not rows(worker, _LOCK)[0].is_mine:
        holders = ", ".join(str(row.pid) for row in rows(watcher, _HOLDERS))
        raise Busy(f"another pgwitness maintain is running (pid {holders or 'unknown'})")
    try:
        yield session
    finally:
        if not worker.closed:
            worker.execute(_UNLOCK)


# 0x7067776974 is "pgwit". A lock of the session: it ends with the connection, however that ends.
_LOCK: LiteralString = "SELECT pg_try_advisory_lock(x'7067776974'::bigint) AS is_mine"
_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(x'7067776974'::bigint)"
_HOLDERS: LiteralString = """
SELECT l.pid
FROM pg_locks AS l
     JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'advisory' AND l.granted
  AND (l.classid, l.objid, l.objsubid) = (x'70'::int::oid, x'67776974'::int::oid, 1)
"""
