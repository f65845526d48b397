"""Which rows of an ordered list were moved, and which only made room.

Knows positions before and after, not what stands at them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a row stood and where it stands now; None: it was not, or is no longer, there."""

    old: int | None
    new: int | None


def find_moved(places: Sequence[Place]) -> frozenset[int]:
    """Return the indexes of the rows that were moved on purpose.

    A row whose position changed by just as much as rows before it came or went was not. Rows
    that didn't change their position need not be among *places*.
    """
    stayed = sorted(
        (place.old, place.new, index)
        for index, place in enumerate(places)
        if place.old is not None and place.new is not None
    )
    in_order = _longest_increasing([new for _, new, _ in stayed])
    moved = {index for n, (_, _, index) in enumerate(stayed) if n not in in_order}
    others = [
        place for n, place in enumerate(places) if n in moved or None in (place.old, place.new)
    ]
    return frozenset(
        moved | {index for old, new, index in stayed if new - old != _shift(others, old, new)}
    )


def _shift(others: Sequence[Place], old: int, new: int) -> int:
    came = sum(other.new is not None and other.new < new for other in others)
    went = sum(other.old is not None and other.old < old for other in others)
    return came - went


def _longest_increasing(numbers: Sequence[int]) -> frozenset[int]:
    """Return the indexes of a longest increasing subsequence (patience sorting)."""
    tails: list[int] = []
    tail_indexes: list[int] = []
    previous: list[int | None] = []
    for index, number in enumerate(numbers):
        pile = bisect_left(tails, number)
        previous.append(tail_indexes[pile - 1] if pile else None)
        tails[pile : pile + 1] = [number]
        tail_indexes[pile : pile + 1] = [index]
    found: list[int] = []
    index_or_end = tail_indexes[-1] if tail_indexes else None
    while index_or_end is not None:
        found.append(index_or_end)
        index_or_end = previous[index_or_end]
    return frozenset(found)
