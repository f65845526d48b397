"""Queries for the chain of seals: how far it goes, what verified it last, and the seal of a change.

The chain itself is small; of the log, only what is not sealed yet is looked at, along an index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from auditviewer.change.records import Entry
from auditviewer.log.database import Reading

PAGE = 50
MOST_FINDINGS = 100
MOST_COUNTED = 10_001
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)

SEALS = """
SELECT s.number, s.kind, s.sealed_at, s.entries, encode(s.head, 'hex') AS head, s.detail
FROM audit.seal AS s
WHERE s.number < %(before)s
ORDER BY s.number DESC
LIMIT %(limit)s"""

# Along the index of transactions, and no further than a page would say.
UNSEALED = """
SELECT count(*) AS entries, min(u.occurred_at) AS since
FROM (SELECT e.occurred_at
      FROM audit.entry AS e
      WHERE e.transaction_id >= %(below)s::text::xid8 AND e.id > %(after_id)s
      LIMIT %(limit)s) AS u"""
LAST = """
SELECT s.below::text, s.after_id, s.sealed_at
FROM audit.seal AS s
ORDER BY s.number DESC
LIMIT 1"""
IS_LATE = """
SELECT EXISTS (
    SELECT
    FROM audit.entry AS e
    WHERE e.occurred_at > %(sealed_at)s AND e.occurred_at < %(late)s) AS is_late"""

VERIFIED = """
SELECT v.verified_at, v.up_to, v.entries, v.anchors,
       jsonb_array_length(v.findings) AS found,
       (SELECT coalesce(jsonb_agg(f.finding), '[]')
        FROM (SELECT f.finding FROM jsonb_array_elements(v.findings) AS f (finding)
              LIMIT %(limit)s) AS f) AS findings
FROM audit.verification AS v
ORDER BY v.verified_at DESC
LIMIT 1"""

SEAL_OF = """
SELECT s.number, s.sealed_at, s.entries, s.kind, encode(s.head, 'hex') AS head, s.detail
FROM audit.seal_of(%(transaction)s::text::xid8, %(occurred_at)s, %(id)s) AS s
WHERE s.number IS NOT NULL"""

IS_AMONG = """
SELECT EXISTS (
    SELECT
    FROM audit.entry AS e
    WHERE e.transaction_id = %(transaction)s::text::xid8 AND e.id = ANY (%(ids)s)) AS is_among"""


@dataclass(frozen=True)
class Seal:
    """A link of the chain; *head* is in hexadecimal."""

    number: int
    kind: str
    sealed_at: datetime
    entries: int
    head: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Unsealed:
    """How many entries wait for their seal, and since when the oldest does."""

    entries: int
    since: datetime | None


@dataclass(frozen=True)
class Verification:
    """What pgwitness verify found the last time that it wrote that down.

    *anchors*: how many heads from outside of the database it compared, None without any. *found* is
    the number of findings, of which *findings* are the first.
    """

    verified_at: datetime
    up_to: int
    entries: int
    anchors: int | None
    found: int
    findings: Sequence[Mapping[str, Any]]


def read_seals(reading: Reading, before: int, limit: int) -> list[Seal]:
    """Return so many seals before a number, the newest first."""
    values = {"before": before, "limit": limit}
    return [Seal(**row) for row in reading.connection.execute(SEALS, values)]


def count_unsealed(reading: Reading) -> Unsealed:
    """Return how many entries are not sealed yet, as far as MOST_COUNTED, and since when."""
    last = reading.connection.execute(LAST).fetchone()
    values = last or {"below": "0", "after_id": -(2**63)}
    [row] = reading.connection.execute(UNSEALED, values | {"limit": MOST_COUNTED})
    return Unsealed(**row)


def is_sealing_late(reading: Reading, longest: timedelta) -> bool:
    """Tell whether an entry waits for its seal longer than it should."""
    last = reading.connection.execute(LAST).fetchone()
    sealed_at = last["sealed_at"] if last else BEFORE_ALL
    values = {"sealed_at": sealed_at, "late": reading.now - longest}
    [row] = reading.connection.execute(IS_LATE, values)
    return bool(row["is_late"])


def read_verification(reading: Reading) -> Verification | None:
    """Return what was found when the chain was verified last."""
    row = reading.connection.execute(VERIFIED, {"limit": MOST_FINDINGS}).fetchone()
    return Verification(**row) if row else None


def seal_of(reading: Reading, entry: Entry) -> Seal | None:
    """Return the seal that an entry is in, None where it is not sealed yet."""
    place: dict[str, Any] = {"occurred_at": entry.occurred_at, "id": entry.id}
    values = {"transaction": str(entry.transaction_id), **place}
    row = reading.connection.execute(SEAL_OF, values).fetchone()
    return Seal(**row) if row else None


def is_among(reading: Reading, transaction: int, ids: Sequence[int]) -> bool:
    """Tell whether one of these entries is of a transaction."""
    values = {"transaction": str(transaction), "ids": list(ids)}
    [row] = reading.connection.execute(IS_AMONG, values)
    return bool(row["is_among"])
