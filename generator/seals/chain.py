"""Judges the chain itself: seals, their blocks and the lists, without a look at any entry.

What it finds tells also which lists can't be trusted, and of which transactions too little is
known to call an entry a false one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.seals.blocks import Repaired, repair
from generator.seals.finding import CHAIN, Finding, Findings, State

Block = tuple[int, int]
"""The number of a seal, and of a block in it."""


@dataclass
class Doubt:
    """Transactions whose entries nothing proves any more, because of *object*.

    *until* is None where there is no end, *after_id* where any id counts. *entries* counts what
    can't be told from false ones.
    """

    object: str
    since: int
    until: int | None
    after_id: int | None = None
    entries: int = 0

    def covers(self, transaction_id: int, id_: int) -> bool:
        """Say whether an entry of a transaction is among them."""
        if self.after_id is not None and id_ <= self.after_id:
            return False
        return self.since <= transaction_id and (self.until is None or transaction_id < self.until)


@dataclass
class Chain:
    """What is wrong with the chain, which is *found*, and what can still be trusted.

    *broken* are seals whose own columns are not to be trusted, *unproven* those whose blocks are
    not, *untrue* blocks that are not as they were sealed, *suspects* those whose list is not;
    *loose* are lists that nothing else would compare.
    """

    found: Findings
    doubts: list[Doubt] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    unproven: set[int] = field(default_factory=set)
    untrue: set[Block] = field(default_factory=set)
    suspects: dict[Block, str] = field(default_factory=dict)
    loose: list[Block] = field(default_factory=list)

    def find(self, state: State, name: str, what: str, seal: int) -> None:
        """Add a finding."""
        self.found.add(Finding(state, name, what, CHAIN, seal))


def judge_chain(connection: Connection, found: Findings) -> Chain:
    """Find what is wrong with the seals, blocks and lists of a log, and return what that means."""
    chain = Chain(found)
    whats = defaultdict(set)
    for row in rows(connection, "SELECT number, what FROM audit._broken_seals()"):
        whats[row.number].add(row.what)
    numbers = [number for number in whats if "missing" not in whats[number]]
    there = rows(connection, _SEALS, numbers=numbers) if numbers else []
    seals = {row.number: row for row in there}
    chain.broken.update(number for number, what in whats.items() if "head" in what)
    missing = {number for number, what in whats.items() if "missing" in what}
    for number, seal in sorted(seals.items()):
        missing |= set(_judge_seal(chain, seal, whats[number]))
    for number in sorted(missing):
        chain.broken.add(number)
        chain.find("removed", f"seal {number}", "is not in the chain any more", number)
    repaired = {
        number: repair(connection, number, seal.root)
        for number, seal in sorted(seals.items())
        if "root" in whats[number]
    }
    _judge_blocks(connection, chain, seals, repaired)
    _judge_lists(connection, chain, repaired)
    _doubt_another_database(connection, chain)
    return chain


def _judge_seal(chain: Chain, seal: Any, whats: set[str]) -> Iterator[int]:
    """Judge what a seal says of itself and of the one before; yield those missing in between."""
    number, before = seal.number, seal.before or 0
    if "head" in whats:
        what = "its columns are not those that its head was made of: edited, or added by hand"
        chain.find("edited", f"seal {number}", what, number)
        if seal.is_last:
            chain.doubts.append(Doubt(f"seal {number}", int(seal.before_below or 0), None))
    elif "gap" in whats:
        yield from range(max(1, before + 1), number)
        _doubt(chain, seal, f"seal {number - 1}")
    elif before not in chain.broken and "previous" in whats:
        chain.broken.add(before)
        what = (
            f"is not the one that seal {number} was made after, nor is what came before it proven"
        )
        chain.find("rewritten", f"seal {before}", what, before)
    elif before not in chain.broken and whats & {"identity", "below"}:
        what = f"does not follow from seal {before}: it was not made by sealing"
        chain.find("rewritten", f"seal {number}", what, number)


def _judge_blocks(
    connection: Connection,
    chain: Chain,
    seals: Mapping[int, Any],
    repaired: Mapping[int, Repaired | None],
) -> None:
    attached = {row.start for row in rows(connection, _ATTACHED)} if repaired else set()
    for number, blocks in repaired.items():
        # Where the seal was edited, that may have been its root.
        if blocks is None or (number in chain.broken and not blocks.was):
            if number not in chain.broken:
                chain.unproven.add(number)
                _doubt(chain, seals[number], f"the blocks of seal {number}")
                what = "do not give its root: which of them were edited can't be said"
                chain.find("edited", f"the blocks of seal {number}", what, number)
            continue
        for block in sorted(blocks.was.keys() | blocks.found.keys()):
            _judge_block(chain, number, block, blocks, attached)


def _doubt(chain: Chain, seal: Any, name: str) -> None:
    # A restore seals what is there, of whatever transaction.
    is_any = seal.kind == "restore"
    since, until = (0, None) if is_any else (int(seal.before_below or 0), int(seal.below))
    chain.doubts.append(Doubt(name, since, until))


def _doubt_another_database(connection: Connection, chain: Chain) -> None:
    """Where another database sealed last, its transactions say nothing of what came since."""
    for last in rows(connection, _LAST_OF_ANOTHER):
        if last.number not in chain.broken:
            name = "this database, which is another one than was sealed"
            chain.doubts.append(Doubt(name, 0, None, last.last_id))


def _judge_block(chain: Chain, seal: int, block: int, blocks: Repaired, attached: set[int]) -> None:
    name = f"block {block} of seal {seal}"
    moved_to = blocks.was_in_another_partition(block)
    match blocks.state(block):
        case "removed":
            chain.find("removed", name, "is not there any more: its list proves it", seal)
            chain.loose.append((seal, block))
        case "added":
            chain.find("added", name, "is none of those that its seal was made of", seal)
            chain.untrue.add((seal, block))
        case "edited":
            chain.find("edited", name, "is not as it was sealed: its list proves it", seal)
            chain.untrue.add((seal, block))
            if moved_to is not None and moved_to not in attached:
                chain.loose.append((seal, block))


def _judge_lists(
    connection: Connection, chain: Chain, repaired: Mapping[int, Repaired | None]
) -> None:
    for row in rows(connection, _LISTS):
        block = (row.seal, row.block)
        blocks = repaired.get(row.seal)
        if row.seal in chain.unproven or (blocks and blocks.is_listed(row.block)):
            continue
        is_true = blocks is None or row.block in blocks.was
        name = f"the list of block {row.block} of seal {row.seal}"
        if row.what == "orphan" and row.seal not in chain.broken and not (blocks and is_true):
            what = "belongs to no block: it was added, or its seal removed"
            chain.find("added", name, what, row.seal)
        elif row.what == "missing" and is_true and row.is_attached:
            chain.suspects[block] = row.what
            if not row.is_dropped:
                chain.find("removed", name, "is not there any more", row.seal)
        elif row.what in ("root", "header") and is_true and row.is_attached:
            chain.find("edited", name, "is not the one that its block was made of", row.seal)
            chain.suspects[block] = row.what


_SEALS: LiteralString = """
WITH chain AS (
    SELECT s.number, s.kind, s.below::text, s.root,
           lag(s.number) OVER (ORDER BY s.number) AS before,
           lag(s.below::text) OVER (ORDER BY s.number) AS before_below,
           lead(s.number) OVER (ORDER BY s.number) IS NULL AS is_last
    FROM audit.seal AS s
)
SELECT * FROM chain AS c WHERE c.number = ANY (%(numbers)s::bigint[]) ORDER BY c.number
"""
_LAST_OF_ANOTHER: LiteralString = """
SELECT s.number, (SELECT max(b.last_id) FROM audit.seal_block AS b) AS last_id
FROM (SELECT l.number, l.identity FROM audit.seal AS l ORDER BY l.number DESC LIMIT 1) AS s
WHERE s.identity <> audit._identity()
"""
_ATTACHED: LiteralString = """
SELECT (extract(epoch FROM p.starts_at - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint
           AS start
FROM audit._partitions() AS p
WHERE isfinite(p.starts_at)
"""
# Where a day that is there is said to have been dropped, its lists are gone by that.
_LISTS: LiteralString = """
SELECT l.seal, l.block, l.what, p.name IS NOT NULL AS is_attached, false AS is_dropped
FROM audit._broken_lists() AS l
     LEFT JOIN audit.seal_block AS b ON (b.seal, b.number) = (l.seal, l.block)
     LEFT JOIN audit._partitions() AS p ON p.starts_at = b.partition_from
UNION ALL
SELECT b.seal, b.number, 'missing', true, true
FROM audit.seal_block AS b
     JOIN audit._partitions() AS p ON p.starts_at = b.partition_from
WHERE NOT EXISTS (SELECT FROM audit.seal_list AS l WHERE (l.seal, l.block) = (b.seal, b.number))
  AND EXISTS (SELECT FROM audit.seal AS s
              WHERE s.kind = 'drop' AND s.detail -> 'from' = to_jsonb(b.partition_from))
ORDER BY 1, 2
"""
