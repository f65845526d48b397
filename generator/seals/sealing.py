"""Seals what is new in the log, and knows which heads should be in the chain and are not.

Knows the SQL of seals; how patiently it waits for locks, callers say.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, LiteralString

import psycopg

from generator.anchors.anchor import Known, Seal
from generator.database import Connection, rows
from generator.seals.finding import ACKNOWLEDGE

Execute = Callable[[LiteralString, Sequence[object]], object]
"""Executes a statement that waits for locks."""


class Refused(Exception):
    """Nothing was sealed; the message says why, and what to do."""


@dataclass(frozen=True)
class Seals:
    """The seals of a log, read along indexes: there may be many."""

    connection: Connection

    def after(self, number: int) -> list[Seal]:
        """Return those after a number, the first one first."""
        return [
            Seal(
                number=row.number,
                kind=row.kind,
                identity=row.identity,
                entries=row.entries,
                sealed_at=row.sealed_at.astimezone(UTC),
                head=row.head,
            )
            for row in rows(self.connection, _SEALS, after=number)
        ]

    def last_number(self) -> int:
        """Return the number of the last one; 0 where there is none."""
        return int(rows(self.connection, _LAST)[0].number)

    def waiting(self) -> int:
        """Return how many entries are in none yet: older transactions have to end before."""
        return int(rows(self.connection, _WAITING)[0].entries)

    def lacking(self, known: Collection[Known]) -> set[Known]:
        """Return which of these are not there."""
        here = rows(
            self.connection,
            _HERE,
            numbers=[one.number for one in known],
            heads=[one.head for one in known],
        )
        return _without(known, here)

    def missing(self, known: Collection[Known]) -> set[Known]:
        """Return which of these are not there, and were not acknowledged as lost."""
        lacking = self.lacking(known)
        return _without(lacking, rows(self.connection, _LOST)) if lacking else lacking

    def gone(self, known: Collection[Known]) -> set[Known]:
        """Return which of these are missing that this log made, and not a copy of it."""
        missing = self.missing(known)
        if not missing:
            return missing
        ours = {row.identity for row in rows(self.connection, _IDENTITIES)}
        return {one for one in missing if one.identity in ours}


def seal_new(connection: Connection, execute: Execute, known: Collection[Known]) -> Iterator[Seal]:
    """Seal what is new, and yield each seal. *known*: what is known elsewhere.

    Raises Refused where this is another database than before, or one from before.
    """
    seals = Seals(connection)
    _refuse(seals.gone(known))
    number = seals.last_number()
    while True:
        try:
            execute("SELECT audit.seal_entries()", ())
        except psycopg.DatabaseError as error:
            raise _refused(error) from None
        new = seals.after(number)
        yield from new
        if not new:
            return
        number = new[-1].number


def acknowledge(
    connection: Connection, execute: Execute, reason: str, known: Collection[Known]
) -> Seal:
    """Say why this is another database than before, or one from before, and return that seal."""
    seals = Seals(connection)
    lost = [{"number": one.number, "head": one.head} for one in sorted(seals.missing(known))]
    number = seals.last_number()
    execute("SELECT audit.acknowledge_restore(%s, %s::jsonb)", (reason, json.dumps(lost)))
    return next(seal for seal in seals.after(number) if seal.kind == "restore")


def _without(known: Collection[Known], found: Collection[Any]) -> set[Known]:
    pairs = {(row.number, row.head) for row in found}
    return {one for one in known if (one.number, one.head) not in pairs}


def _refuse(missing: Collection[Known]) -> None:
    if missing:
        last = max(missing)
        raise Refused(
            f"nothing is sealed: seal {last.number} with the head {last.head[:16]}… is known"
            f" elsewhere, and not here ({len(missing)} of them): this database was taken back to an"
            f" earlier state, or its chain was changed – {ACKNOWLEDGE}"
        )


def _refused(error: psycopg.DatabaseError) -> Exception:
    if error.sqlstate != "UA011":
        return error
    said = error.diag
    return Refused(f"{said.message_primary}. {said.message_detail} {said.message_hint}")


_SEALS: LiteralString = """
SELECT s.number, s.kind, s.identity, s.entries, s.sealed_at, encode(s.head, 'hex') AS head
FROM audit.seal AS s
WHERE s.number > %(after)s
ORDER BY s.number
"""
_LAST: LiteralString = "SELECT coalesce(max(s.number), 0) AS number FROM audit.seal AS s"
_WAITING: LiteralString = """
SELECT count(*) AS entries
FROM audit.entry AS e
WHERE e.transaction_id >= coalesce(
          (SELECT s.below FROM audit.seal AS s ORDER BY s.number DESC LIMIT 1), '0')
  AND e.id > coalesce(
          (SELECT s.after_id FROM audit.seal AS s ORDER BY s.number DESC LIMIT 1),
          -9223372036854775808)
"""
_HERE: LiteralString = """
SELECT k.number, k.head
FROM unnest(%(numbers)s::bigint[], %(heads)s::text[]) AS k (number, head)
     JOIN audit.seal AS s ON s.number = k.number AND encode(s.head, 'hex') = k.head
"""
_LOST: LiteralString = """
SELECT (l.seal ->> 'number')::bigint AS number, l.seal ->> 'head' AS head
FROM audit.seal AS s, jsonb_array_elements(s.detail -> 'lost') AS l (seal)
WHERE s.kind = 'restore'
"""
# Only a restore is of another database than the seal before.
_IDENTITIES: LiteralString = """
SELECT s.identity FROM audit.seal AS s WHERE s.kind = 'restore' OR s.number = 1
UNION
SELECT audit._identity()
"""
