"""A run of maintenance: its terms, and the row in which it says what it did.

Knows audit.maintenance_run; what there is to do, others know.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from generator.anchors.places import Places
from generator.database import Statement
from generator.maintenance.partitions import Partition, read_clock, start_of
from generator.maintenance.session import Session
from generator.maintenance.waiting import Blocked, Patience, patiently
from generator.seals.sealing import Seals


@dataclass(frozen=True)
class Terms:
    """How much is kept and made ready, in days; ``day`` is shorter than one in a time lapse.

    An open-ended partition that is in use, or less than ``near`` ahead, is ended ``far`` ahead:
    were that to be interrupted, and nobody to come back, writes would fail from then on. With
    ``drop_differing``, a day leaves the log even if its entries are not as they were sealed.
    """

    source: str
    retention: int = 90
    ahead: int = 45
    near: int = 7
    far: int = 30
    most_indexed: int = 14
    day: timedelta = timedelta(days=1)
    anchors: Places = field(default_factory=Places)
    drop_differing: bool = False


@dataclass
class Run:
    """What is under way: over a session, on terms, and what it has given up so far.

    ``last_seal`` is the number of the last one when it began; ``is_sealed`` once all is sealed.
    """

    session: Session
    terms: Terms
    patience: Patience
    started_at: datetime
    given_up: list[str] = field(default_factory=list)
    last_seal: int = 0
    is_sealed: bool = False

    def now(self) -> datetime:
        """Return the time by the database's clock."""
        return read_clock(self.session.worker)

    def today(self) -> datetime:
        """Return when the day began in which the database is."""
        return start_of(self.now(), self.terms.day)

    def cutoff(self) -> datetime:
        """Return the moment before which entries are past the retention."""
        return self.now() - self.terms.retention * self.terms.day

    def execute(
        self, statement: Statement, parameters: Sequence[object] = ()
    ) -> psycopg.Cursor[Any]:
        """Execute what nobody waits for behind us. Raises Blocked."""
        return patiently(self.session, self.patience, statement, parameters)

    def create(
        self, call: LiteralString, *arguments: object, patience: Patience | None = None
    ) -> None:
        """Make a partition by a function that returns its name, and write that down with it.

        Raises Blocked, also where a table is in the way that somebody has detached or moved.
        """
        try:
            patiently(
                self.session,
                patience or self.patience,
                sql.SQL(_CREATE).format(sql.SQL(call)),
                [*arguments, self.started_at],
            )
        except (psycopg.errors.DuplicateTable, psycopg.errors.InvalidObjectDefinition) as error:
            raise Blocked(f"no day is added: {error.diag.message_primary}") from None

    def intend(self, partition: Partition, *, is_verified: bool = False) -> int:
        """Write down what is about to be taken out of the log.

        With how many of its entries are not as they were sealed, which is returned, if that is
        wanted: it takes seconds for a million. Raises Blocked.
        """
        said = {
            "name": partition.name,
            "from": partition.starts_at.isoformat(),
            "until": partition.until,
        }
        bounds = [partition.starts_at, partition.until] if is_verified else [None, None]
        self.execute(_INTEND, [json.dumps(said), *bounds, self.started_at])
        [(differing,)] = self.execute(_DIFFERING, [self.started_at]).fetchall()
        return int(differing)

    def intentions(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, from and until of each partition that was being taken out of the log."""
        yield from self.execute(_INTENTIONS)

    def withdraw(self, name: str) -> None:
        """Write down that a partition is no longer being taken out, by whatever run."""
        self.execute(_WITHDRAW, [name])

    def finish(self) -> None:
        """Write down that the run has ended."""
        given_up = "\n".join(self.given_up) or None
        self.execute(_FINISH, [given_up, self.started_at])


def begin(session: Session, terms: Terms, patience: Patience | None = None) -> Run:
    """Start a run, which leaves a row from now on. Raises Blocked."""
    patience = patience or Patience()
    [(started_at,)] = patiently(session, patience, _BEGIN, [terms.retention]).fetchall()
    last_seal = Seals(session.worker).last_number()
    return Run(session, terms, patience, started_at, last_seal=last_seal)


_BEGIN: LiteralString = """
INSERT INTO audit.maintenance_run (retention_days)
VALUES (%s)
RETURNING started_at
"""
_CREATE: LiteralString = """
UPDATE audit.maintenance_run SET created = created || {} WHERE started_at = %s
"""
# No bounds, no count.
_INTEND: LiteralString = """
UPDATE audit.maintenance_run
SET detaching = %s::jsonb || coalesce((
        SELECT jsonb_build_object('differing', audit._count_differing(b.lower, b.upper))
        FROM (VALUES (%s::timestamptz, %s::timestamptz)) AS b (lower, upper)
        WHERE b.lower IS NOT NULL), '{}')
WHERE started_at = %s
"""
_DIFFERING: LiteralString = """
SELECT coalesce((detaching ->> 'differing')::bigint, 0) AS differing
FROM audit.maintenance_run
WHERE started_at = %s
"""
_INTENTIONS: LiteralString = """
SELECT DISTINCT detaching ->> 'name' AS name, detaching ->> 'from' AS starts_at,
       detaching ->> 'until' AS until
FROM audit.maintenance_run
WHERE detaching IS NOT NULL
"""
_WITHDRAW: LiteralString = """
UPDATE audit.maintenance_run SET detaching = NULL WHERE detaching ->> 'name' = %s
"""
_FINISH: LiteralString = """
UPDATE audit.maintenance_run SET finished_at = clock_timestamp(), given_up = %s
WHERE started_at = %s
"""
