"""Compares seals with their anchors, which were kept outside of the database.

Knows heads; how anchors are kept, others know.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import LiteralString

from generator.anchors.anchor import Anchor
from generator.config import ConfigError
from generator.database import Connection, rows
from generator.seals.chain import Chain
from generator.seals.finding import COPY, UNLESS_MEANT, Finding, Findings
from generator.wording import count


def ours(connection: Connection, anchors: Sequence[Anchor]) -> list[Anchor]:
    """Return the anchors of this log. Raises ConfigError where there are others only."""
    if not anchors:
        return []
    [log] = rows(connection, _LOG)
    found = [
        anchor
        for anchor in anchors
        if anchor.log.database == log.database and log.source in (None, anchor.log.source)
    ]
    if not found:
        other = anchors[0]
        what = f'is of {other.log.source} in database "{other.log.database}"'
        this = f'{log.source or other.log.source} in "{log.database}"'
        raise ConfigError([f"{other.where}: {what}, and no anchor is of this log, {this}"])
    return found


def judge_anchors(
    connection: Connection, chain: Chain, last: int, anchors: Sequence[Anchor], found: Findings
) -> int | None:
    """Compare each anchor with its seal, and return the newest seal that one proves."""
    if not anchors:
        return None
    kept = [anchor.seal for anchor in anchors]
    seals = {row.number: row for row in rows(connection, _HEADS, numbers=[s.number for s in kept])}
    lost = {(row.number, row.head) for row in rows(connection, _LOST, broken=[*chain.broken])}
    ours = {row.identity for row in rows(connection, _IDENTITIES)}
    proven = None
    beyond, rewritten, of_others = set(), set(), defaultdict(set)
    for one in kept:
        seal = seals.get(one.number)
        if seal is not None and one.head in (seal.head, seal.true_head):
            proven = max(one.number, proven or 0)
        elif (str(one.number), one.head) in lost or one.number in chain.broken:
            continue
        elif one.identity not in ours:
            of_others[one.identity].add(one.number)
        elif seal is not None:
            rewritten.add(one.number)
        elif one.number > last:
            beyond.add(one.number)
    if beyond:
        what = f"were removed: anchors know {len(beyond):,} of them, up to {max(beyond)}; or the"
        what += " database was taken back to an earlier state"
        name = f"seals after {last}"
        found.add(Finding("removed", name, what, UNLESS_MEANT, max(beyond)))
    for number in sorted(rewritten):
        what = "has another head than its anchor: what it proves was written anew"
        found.add(Finding("rewritten", f"seal {number}", what, UNLESS_MEANT, number))
    for identity, numbers in sorted(of_others.items()):
        what = f"are known by {count(len(numbers), 'anchor')}, from seal {min(numbers)} on, and"
        what += " that database is none of this chain: it is a copy, or all was written anew here"
        name = f"the seals of database {identity}"
        found.add(Finding("rewritten", name, what, COPY, min(numbers)))
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
_IDENTITIES: LiteralString = """
SELECT DISTINCT s.identity FROM audit.seal AS s
UNION
SELECT audit._identity()
"""
_LOST: LiteralString = """
SELECT l ->> 'number' AS number, l ->> 'head' AS head
FROM audit.seal AS s,
     jsonb_array_elements(CASE jsonb_typeof(s.detail -> 'lost')
                          WHEN 'array' THEN s.detail -> 'lost' END) AS l
WHERE s.kind = 'restore' AND s.number <> ALL (%(broken)s::bigint[])
"""
