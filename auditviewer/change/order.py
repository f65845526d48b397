"""What happened to an item of a list: which were moved, and which only made room.

Knows positions before and after, not what stands at them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What happened to a part of an entity, or to an item of a list in JSON."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class Place:
    """Where a row stood and where it stands now; None: it was not, or is no longer, there."""

    old: int | None
    new: int | None


NOWHERE = Place(None, None)


def find_moved(places: Sequence[Place]) -> frozenset[int]:
    """Return the indexes of the rows that were moved on purpose, as few as explain the new order.

    A row whose position changed by just as much as rows before it came or went was not. Rows
    that didn't change their position need not be among *places*: they are where none of these is.
    """
    shifted = sorted(
        (place.old, place.new, index)
        for index, place in enumerate(places)
        if place.old is not None and place.new is not None and place.old != place.new
    )
    in_order = _in_order(shifted, places)
    others = [place for index, place in enumerate(places) if index not in in_order]
    left = sorted(place.old for place in others if place.old is not None)
    taken = sorted(place.new for place in others if place.new is not None)
    made_room = {
        index
        for old, new, index in shifted
        if index in in_order and new - old == bisect_left(taken, new) - bisect_left(left, old)
    }
    return frozenset(index for _, _, index in shifted if index not in made_room)


def _in_order(shifted: Sequence[tuple[int, int, int]], places: Sequence[Place]) -> frozenset[int]:
    """Return the indexes of the most rows that passed neither each other nor one that stayed."""
    listed = sorted(
        {
            position
            for place in places
            if place.old != place.new
            for position in (place.old, place.new)
            if position is not None
        }
    )
    free = [
        (new, index)
        for old, new, index in shifted
        if _passed(listed, min(old, new), max(old, new)) == abs(new - old) - 1
    ]
    return frozenset(free[n][1] for n in _longest_increasing([new for new, _ in free]))


def _passed(listed: Sequence[int], low: int, high: int) -> int:
    """Return how many of the positions between two are listed: at the others, rows stayed."""
    return bisect_left(listed, high) - bisect_right(listed, low)


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
