"""Compares seals with their anchors, which were kept outside of the database.

Knows heads; how anchors are kept, others know.
"""

from collections.abc import Sequence
from typing import LiteralString

from generator.catalogue import Connection, rows
from generator.config import ConfigError
from generator.seals.anchor_files import Anchor
from generator.seals.chain import Chain
from generator.seals.finding import ACKNOWLEDGE, Finding, Findings


def ours(connection: Connection, anchors: Sequence[Anchor]) -> list[Anchor]:
    """Return the anchors of this log. Raises ConfigError where there are others only."""
    if not anchors:
        return []
    [log] = rows(connection, _LOG)
    found = [a for a in anchors if (a.source, a.database) == (log.source or a.source, log.database)]
    if not found:
        other = anchors[0]
        what = f'is of {other.source} in database "{other.database}"'
        this = f'{log.source or other.source} in "{log.database}"'
        raise ConfigError([f"{other.where}: {what}, and no anchor is of this log, {this}"])
    return found


def judge_anchors(
    connection: Connection, chain: Chain, last: int, anchors: Sequence[Anchor], found: Findings
) -> int | None:
    """Compare each anchor with its seal, and return the newest seal that one proves."""
    if not anchors:
        return None
    numbers = sorted({anchor.number for anchor in anchors})
    seals = {row.number: row for row in rows(connection, _HEADS, numbers=numbers)}
    lost = {(row.number, row.head) for row in rows(connection, _LOST, broken=[*chain.broken])}
    proven = None
    beyond, rewritten = set(), set()
    for anchor in anchors:
        seal = seals.get(anchor.number)
        if seal is not None and anchor.head in (seal.head, seal.true_head):
            proven = max(anchor.number, proven or 0)
        elif (str(anchor.number), anchor.head) in lost or anchor.number in chain.broken:
            continue
        elif seal is not None:
            rewritten.add(anchor.number)
        elif anchor.number > last:
            beyond.add(anchor.number)
    if beyond:
        what = f"were removed, of which {len(beyond)} are known, up to {max(beyond)}; or the"
        what += " database was taken back to an earlier state"
        name = f"seals after {last}"
        found.add(Finding("removed", name, what, ACKNOWLEDGE, max(beyond)))
    for number in sorted(rewritten):
        what = "has another head than its anchor: what it proves was written anew"
        found.add(Finding("rewritten", f"seal {number}", what, ACKNOWLEDGE, number))
    return proven


_LOG: LiteralString = """
SELECT current_database() AS database,
       (SELECT e.source FROM audit.entry AS e ORDER BY e.occurred_at DESC LIMIT 1) AS source
"""
_HEADS: LiteralString = """
SELECT s.number, encode(s.head, 'hex') AS head,
       encode(audit._head_of_seal(s), 'hex') AS true_head
FROM audit.seal AS s
WHERE s.number = ANY (%(numbers)s::bigint[])
"""
_LOST: LiteralString = """
SELECT l ->> 'number' AS number, l ->> 'head' AS head
FROM audit.seal AS s,
     jsonb_array_elements(CASE jsonb_typeof(s.detail -> 'lost')
                          WHEN 'array' THEN s.detail -> 'lost' END) AS l
WHERE s.kind = 'restore' AND s.number <> ALL (%(broken)s::bigint[])
"""
