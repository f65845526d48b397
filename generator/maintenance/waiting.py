"""Waits for locks, briefly and again, and says who is in the way.

Knows how long; nothing of what is locked or why.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from generator.database import Statement
from generator.maintenance.blockers import blockers, stayers
from generator.maintenance.session import Session

_FIRST_LOOK, _MOST_BETWEEN_LOOKS = 0.02, 0.5
"""Seconds. To look who blocks locks the table of locks, so it is done ever more seldom."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a lock, in milliseconds, and after which pauses to try again (seconds).

    Only where nobody waits behind us may the lock take longer than ``writers``. Who has been in the
    way for ``long`` is not waited for at all: see `until_left`.
    """

    writers: int = 100
    others: int = 500
    long: int = 1000
    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)

    @property
    def before_writers(self) -> "Patience":
        """The patience for a lock that writers wait behind."""
        return replace(self, others=self.writers)


class Blocked(Exception):
    """Something is in the way; the message says who or what."""


def patiently(
    session: Session,
    patience: Patience,
    statement: Statement,
    parameters: Sequence[object] = (),
) -> psycopg.Cursor[Any]:
    """Execute a statement, waiting ``patience.others`` for each lock, again after each pause.

    Raises Blocked, with the last that were seen in the way.
    """
    seen: tuple[str, ...] = ()
    timeout = f"{patience.others}ms"
    for pause in (*patience.pauses, None):
        try:
            session.worker.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])
            return _execute(session, statement, parameters)
        except _Waited as waited:
            seen = waited.blockers or seen
        if pause is not None:
            time.sleep(pause)
    raise Blocked(f"blocked by {'; '.join(seen) or 'a lock that was held too briefly to see'}")


def until_left(session: Session, patience: Patience, *tables: str) -> None:
    """Return once nobody is in these tables of the log who has been for ``patience.long``.

    Such as a backup, or VACUUM: a lock that is waited for in vain would delay whoever comes after
    it, and fails a pg_dump that works in parallel, which doesn't wait. Raises Blocked.
    """
    for pause in (*patience.pauses, None):
        found = list(stayers(session, tables, patience.long))
        if not found:
            return
        if pause is not None:
            time.sleep(pause)
    raise Blocked(f"blocked by {'; '.join(found)}")


class _Waited(Exception):
    def __init__(self, blockers: tuple[str, ...]) -> None:
        super().__init__(blockers)
        self.blockers = blockers


def _execute(
    session: Session, statement: Statement, parameters: Sequence[object]
) -> psycopg.Cursor[Any]:
    """Execute on one connection, and look from the other who is in the way meanwhile."""
    seen: tuple[str, ...] = ()
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(session.worker.execute, statement, parameters or None)
        try:
            for pause in _looks():
                if wait([done], timeout=pause).done:
                    break
                seen = tuple(blockers(session)) or seen
            return done.result()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            raise _Waited(seen) from None
        finally:
            if not done.done():  # Ctrl-C, or the watcher was cut off
                session.worker.cancel_safe()


def _looks() -> Iterator[float]:
    pause = _FIRST_LOOK
    while True:
        yield pause
        pause = min(pause * 1.5, _MOST_BETWEEN_LOOKS)
