"""Seals what is new in the log, and knows which heads should be in the chain and are not.

Knows the SQL of seals; how patiently it waits for locks, callers say.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import LiteralString

import psycopg

from generator.catalogue import Connection, rows

Execute = Callable[[LiteralString, Sequence[object]], object]
"""Executes a statement that waits for locks."""


class Refused(Exception):
    """Nothing was sealed; the message says why, and what to do."""


@dataclass(frozen=True)
class Anchor:
    """What a place outside of the database knows of a seal: its number, and its head in hex.

    *identity* is the database's that made it.
    """

    number: int
    head: str
    identity: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Seal:
    """A link of the chain; *head* is in hex."""

    number: int
    kind: str
    identity: str
    entries: int
    sealed_at: datetime
    head: str

    @property
    def anchor(self) -> Anchor:
        """What is to be known of it elsewhere."""
        return Anchor(self.number, self.head, self.identity)


def read_seals(connection: Connection, after: int = 0) -> list[Seal]:
    """Return the seals after a number, the first one first."""
    return [
        Seal(
            number=row.number,
            kind=row.kind,
            identity=row.identity,
            entries=row.entries,
            sealed_at=row.sealed_at.astimezone(UTC),
            head=row.head,
        )
        for row in rows(connection, _SEALS, after=after)
    ]


def last_number(connection: Connection) -> int:
    """Return the number of the last seal; 0 where there is none."""
    number: int = rows(connection, _LAST)[0].number
    return number


def seal_new(connection: Connection, execute: Execute, known: Collection[Anchor]) -> Iterator[Seal]:
    """Seal what is new, and yield each seal. *known*: what is known elsewhere.

    Raises Refused where this is another database than before, or one from before. What a copy of
    it made, that was acknowledged as one, is no matter.
    """
    ours = {None, *(row.identity for row in rows(connection, _IDENTITIES))}
    missing = {a for a in find_missing(connection, known) if a.identity in ours}
    if missing:
        last = max(missing, key=lambda anchor: anchor.number)
        raise Refused(
            f"nothing is sealed: seal {last.number} with the head {last.head[:16]}… is known"
            f" elsewhere, and not here ({len(missing)} of them): this database was taken back to an"
            f" earlier state, or its chain was changed – {_ACKNOWLEDGE}"
        )
    number = last_number(connection)
    while True:
        try:
            execute("SELECT audit.seal_entries()", ())
        except psycopg.DatabaseError as error:
            raise _refused(error) from None
        seals = read_seals(connection, number)
        yield from seals
        if not seals:
            return
        number = seals[-1].number


def acknowledge(
    connection: Connection, execute: Execute, reason: str, known: Collection[Anchor]
) -> Seal:
    """Say why this is another database than before, or one from before, and return that seal."""
    missing = sorted(find_missing(connection, known), key=lambda anchor: anchor.number)
    lost = json.dumps([{"number": anchor.number, "head": anchor.head} for anchor in missing])
    number = last_number(connection)
    execute("SELECT audit.acknowledge_restore(%s, %s::jsonb)", (reason, lost))
    return next(s for s in read_seals(connection, number) if s.kind == "restore")


def find_missing(connection: Connection, known: Collection[Anchor]) -> set[Anchor]:
    """Return which of the known heads are not here, and were not acknowledged as lost."""
    if not known:
        return set()
    here = {Anchor(row.number, row.head) for row in rows(connection, _HERE)}
    return set(known) - here


def _refused(error: psycopg.DatabaseError) -> Exception:
    if error.sqlstate != "UA011":
        return error
    said = error.diag
    return Refused(f"{said.message_primary}. {said.message_detail} {said.message_hint}")


_ACKNOWLEDGE = 'where that is meant, run: pgwitness seal --acknowledge "why"'
_SEALS: LiteralString = """
SELECT s.number, s.kind, s.identity, s.entries, s.sealed_at, encode(s.head, 'hex') AS head
FROM audit.seal AS s
WHERE s.number > %(after)s
ORDER BY s.number
"""
_IDENTITIES: LiteralString = """
SELECT s.identity FROM audit.seal AS s
UNION
SELECT audit._identity()
"""
_LAST: LiteralString = "SELECT coalesce(max(s.number), 0) AS number FROM audit.seal AS s"
_HERE: LiteralString = """
SELECT s.number, encode(s.head, 'hex') AS head
FROM audit.seal AS s
UNION
SELECT (l.seal ->> 'number')::bigint, l.seal ->> 'head'
FROM audit.seal AS s, jsonb_array_elements(s.detail -> 'lost') AS l (seal)
WHERE s.kind = 'restore'
"""
