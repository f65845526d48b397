"""Finds out which blocks of a seal were edited, by what the seal's root is.

A root says only that something is wrong. What the lists say, tried in its place, proves where: only
what was sealed gives the root again.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import LiteralString

from generator.database import Connection, rows

Headers = dict[int, bytes]
"""Blocks by their numbers, each as record_send() writes its columns."""


@dataclass(frozen=True)
class Repaired:
    """The blocks of a seal, as they are and as they must have been; *listed*: as the lists say."""

    was: Mapping[int, bytes]
    found: Mapping[int, bytes]
    listed: Mapping[int, bytes] = field(default_factory=dict)

    def state(self, number: int) -> str | None:
        """Return what was done to a block, or None."""
        was, found = self.was.get(number), self.found.get(number)
        if was == found:
            return None
        return "removed" if found is None else "added" if was is None else "edited"

    def is_listed(self, number: int) -> bool:
        """Say whether its list is as it was sealed."""
        was, listed = self.was.get(number), self.listed.get(number)
        return was is not None and listed is not None and was[-32:] == listed[-32:]

    def was_in_another_partition(self, number: int) -> int | None:
        """Return which partition is wrongly said to hold it, in PostgreSQL's µs; or None."""
        was, found = self.was.get(number), self.found.get(number)
        is_moved = was is not None and found is not None and _start(was) != _start(found)
        return _start(found) if is_moved and found is not None else None


def repair(connection: Connection, seal: int, root: bytes) -> Repaired | None:
    """Return the blocks that give the root of a seal, None where none do that could be tried."""
    found: Headers = {}
    listed: Headers = {}
    dropped: Headers = {}
    for row in rows(connection, _HEADERS, seal=seal):
        if row.found is not None:
            found[row.number] = row.found
        if row.listed is not None:
            listed[row.number] = row.listed
        elif row.is_dropped:
            dropped[row.number] = row.found
    for tried in _candidates(found, listed, dropped):
        if _root(tried) == root:
            return Repaired(tried, found, listed)
    entries = {row.number: row.header for row in rows(connection, _BY_ENTRIES, seal=seal)}
    tried = found | {n: header for n, header in entries.items() if header is not None}
    return Repaired(tried, found, listed) if _root(tried) == root else None


def _candidates(found: Headers, listed: Headers, dropped: Headers) -> Iterator[Headers]:
    best = found | listed
    yield best
    yield dropped | listed
    for number in best:
        yield {n: header for n, header in best.items() if n != number}
    # They are in the order of partitions and ids.
    in_order = sorted(best.values(), key=lambda header: (_start(header), _first_id(header)))
    yield {n: _renumbered(header, n) for n, header in enumerate(in_order, start=1)}


def _root(headers: Headers) -> bytes:
    return sha256(b"pgwitness blocks 1" + b"".join(headers[n] for n in sorted(headers))).digest()


# A record is the number of its columns, then type, length and value of each:
# number (int4), partition_from (timestamptz), entries (int4), first_id and last_id (int8), root.
def _renumbered(header: bytes, number: int) -> bytes:
    return header[:12] + struct.pack(">i", number) + header[16:]


def _start(header: bytes) -> int:
    (start,) = struct.unpack(">q", header[24:32])
    return int(start)


def _first_id(header: bytes) -> int:
    (first,) = struct.unpack(">q", header[52:60])
    return int(first)


_HEADERS: LiteralString = """
SELECT coalesce(b.number, l.block) AS number,
       CASE WHEN b.seal IS NOT NULL THEN record_send(ROW(
           b.number, b.partition_from, b.entries, b.first_id, b.last_id, b.root)) END AS found,
       CASE WHEN l.seal IS NOT NULL THEN record_send(ROW(
           l.block, coalesce(p.starts_at, b.partition_from), cardinality(l.ids), l.ids[1],
           l.ids[cardinality(l.ids)],
           coalesce(audit._root_of_list(l.ids, l.times, l.digests), ''))) END AS listed,
       EXISTS (SELECT FROM audit.seal AS s
               WHERE s.kind = 'drop' AND s.detail -> 'from' = to_jsonb(b.partition_from))
           AS is_dropped
FROM (SELECT * FROM audit.seal_block WHERE seal = %(seal)s) AS b
     FULL JOIN (SELECT * FROM audit.seal_list WHERE seal = %(seal)s) AS l ON l.block = b.number
     LEFT JOIN audit._partitions() AS p
          ON l.times[1] >= p.starts_at AND (l.times[1] < p.ends_at OR p.ends_at = 'infinity')
"""
_BY_ENTRIES: LiteralString = """
SELECT b.number, CASE WHEN r.root IS NOT NULL THEN record_send(ROW(
           b.number, b.partition_from, b.entries, b.first_id, b.last_id, r.root)) END AS header
FROM audit.seal_block AS b, audit._root_of_entries(b.seal, b.number) AS r (root)
WHERE b.seal = %(seal)s
"""
