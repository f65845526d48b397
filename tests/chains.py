"""A CRM whose log is sealed, taken back, copied and acknowledged, as often as a test wants."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from generator.anchors.anchor import Known, Seal
from generator.maintenance import Patience
from generator.maintenance.session import take_role
from generator.maintenance.waiting import patiently
from generator.seals.sealing import Execute, Seals, acknowledge, seal_new
from tests.crm import APP

BRIEF = Patience(writers=100, others=100, pauses=(0.01,))
ADD = "INSERT INTO crm.territory (name) SELECT gen_random_uuid()::text FROM generate_series(1, %s)"

BROKEN = """
SELECT 'seal', number::text, what FROM audit._broken_seals()
UNION ALL
SELECT 'list', seal || '/' || block, what FROM audit._broken_lists()
UNION ALL
SELECT 'entry', coalesce(d.sealed_id, d.id)::text, 'differs'
FROM audit._partitions() AS p, audit._differing_entries(p.starts_at, p.ends_at) AS d
"""

# In no list, in two of them, or not in the seal that its number and transaction lead to.
MISLAID = """
SELECT id, occurred_at, s.seals, (audit.seal_of(e.transaction_id, occurred_at, id)).number
FROM audit.entry AS e
     FULL JOIN (
        SELECT u.id, u.occurred_at, array_agg(l.seal) AS seals
        FROM audit.seal_list AS l, unnest(l.ids, l.times) AS u (id, occurred_at)
        GROUP BY 1, 2
     ) AS s USING (id, occurred_at)
WHERE s.seals IS DISTINCT FROM ARRAY[(audit.seal_of(e.transaction_id, occurred_at, id)).number]
"""


@dataclass(frozen=True)
class Chain:
    """A log of the CRM and its seals; *conninfo* is its superuser's."""

    conninfo: str

    def add(self, number: int = 1) -> None:
        """Write so many rows as the application, in one transaction."""
        with self.writing() as app:
            app.execute(ADD, [number])

    @contextmanager
    def writing(self) -> Iterator[psycopg.Connection[Any]]:
        """Connect as the application, in a transaction that commits in the end."""
        with psycopg.connect(self.conninfo, user=APP) as app:
            yield app

    def seal(self, known: Collection[Known] = ()) -> list[Seal]:
        """Seal what is new."""
        with self._owner() as (owner, patient):
            return list(seal_new(owner, patient, known))

    def acknowledge(self, known: Collection[Known] = ()) -> Seal:
        """Say that this is another database than before."""
        with self._owner() as (owner, patient):
            return acknowledge(owner, patient, "a test", known)

    def known(self) -> set[Known]:
        """Return what somebody may know elsewhere."""
        with self._owner() as (owner, _):
            return {seal.known for seal in Seals(owner).after(0)}

    def query(self, statement: str) -> list[Any]:
        """Execute a statement as the superuser, in UTF8, and return its rows."""
        with psycopg.connect(self.conninfo, row_factory=namedtuple_row) as superuser:
            superuser.execute("SET client_encoding = 'UTF8'")
            cursor = superuser.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def assert_whole(self) -> None:
        """Find nothing broken, and every entry in one list."""
        assert self.query(BROKEN) == []
        assert self.query(MISLAID) == []

    @contextmanager
    def _owner(self) -> Iterator[tuple[psycopg.Connection[Any], Execute]]:
        with psycopg.connect(self.conninfo) as worker, psycopg.connect(self.conninfo) as watcher:
            yield worker, partial(patiently, take_role(worker, watcher), BRIEF)
