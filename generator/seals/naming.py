"""Names what became of entries, by what was sealed and what is there.

Knows ids, times and digests alone; a digest covers all of an entry but its id and time.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from generator.seals.finding import State


@dataclass(frozen=True)
class Item:
    """An entry, as a list has it (of *block* in *seal*) or as it is there.

    Times are texts: PostgreSQL's are more than Python's.
    """

    id: int
    occurred_at: str
    digest: bytes
    seal: int = 0
    block: int = 0
    transaction_id: int = 0
    partition: str = ""

    @property
    def all(self) -> Hashable:
        """All that is known of it."""
        return self.id, self.occurred_at, self.digest

    @property
    def place(self) -> Hashable:
        """Its id and time."""
        return self.id, self.occurred_at

    @property
    def content(self) -> Hashable:
        """All but its id."""
        return self.occurred_at, self.digest


@dataclass(frozen=True)
class Named:
    """What became of entries: as they were *sealed*, and as they are *now*, in the same order."""

    state: State
    sealed: tuple[Item, ...]
    now: tuple[Item, ...]


Key = Callable[[Item], Hashable]
Keyed = TypeVar("Keyed", bound=Hashable)


def name_differences(sealed: Iterable[Item], now: Iterable[Item]) -> Iterator[Named]:
    """Yield what became of each entry that differs, the surest names first."""
    pool = _Pool(*_without_equals(sealed, now))
    for content in (_content, _digest):
        yield from pool.exchanged(content)
    steps: list[tuple[State, list[Key]]] = [
        ("re-timed", [_id, _digest]),
        ("re-numbered", [_content]),
        ("changed", [_place]),
        ("changed", [_id]),
        ("re-numbered", [_digest]),
    ]
    for state, keys in steps:
        yield from pool.paired(state, lambda item, keys=keys: tuple(key(item) for key in keys))  # type: ignore[misc]
    yield from (Named("removed", (item,), ()) for item in pool.sealed)
    yield from (Named("added", (), (item,)) for item in pool.now)


def _id(item: Item) -> Hashable:
    return item.id


def _digest(item: Item) -> Hashable:
    return item.digest


def _place(item: Item) -> Hashable:
    return item.place


def _content(item: Item) -> Hashable:
    return item.content


def _without_equals(sealed: Iterable[Item], now: Iterable[Item]) -> tuple[list[Item], list[Item]]:
    """Leave out what is there as it was sealed, if only in another partition."""
    sealed, now = _in_order(sealed), _in_order(now)
    equal = Counter(item.all for item in sealed) & Counter(item.all for item in now)
    return _less(sealed, equal), _less(now, equal)


def _in_order(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.id, item.occurred_at, item.seal, item.block))


def _less(items: Iterable[Item], equal: Counter[Hashable]) -> list[Item]:
    left = equal.copy()
    kept = []
    for item in items:
        if left[item.all] > 0:
            left[item.all] -= 1
        else:
            kept.append(item)
    return kept


class _Pool:
    """What has no name yet, in order."""

    def __init__(self, sealed: list[Item], now: list[Item]) -> None:
        self.sealed = sealed
        self.now = now

    def paired(self, state: State, key: Key) -> Iterator[Named]:
        """Take out and name those that are alike in something."""
        by_key = _by(self.now, key)
        named = []
        for item in self.sealed:
            if found := by_key[key(item)]:
                named.append(Named(state, (item,), (found.pop(0),)))
        self._take(named)
        yield from named

    def exchanged(self, content: Key) -> Iterator[Named]:
        """Take out and name those of which each has what was another's."""
        follows = self._followers(content)
        named = []
        while follows:
            ring = _ring(follows)
            if len(ring) > 1:
                named.append(Named("swapped", tuple(s for s, _ in ring), tuple(n for _, n in ring)))
        self._take(named)
        yield from named

    def _followers(self, content: Key) -> dict[int, tuple[Item, Item, int]]:
        """Return by id: the entry as sealed, as it is, and whose content it has now."""
        sealed = {item.id: item for item in self.sealed}
        owners = _by(self.sealed, content)
        now = {
            item.id: item
            for item in reversed(self.now)
            if item.id in sealed
            and content(item) != content(sealed[item.id])
            and owners[content(item)]
        }
        follows = {}
        for id_, item in now.items():
            mine = content(sealed[id_])
            others = [other.id for other in owners[content(item)] if other.id in now]
            back = [other for other in others if content(now[other]) == mine]
            if back or others:
                follows[id_] = (sealed[id_], item, (back or others)[0])
        return follows

    def _take(self, named: Sequence[Named]) -> None:
        sealed = {id(item) for one in named for item in one.sealed}
        now = {id(item) for one in named for item in one.now}
        self.sealed = [item for item in self.sealed if id(item) not in sealed]
        self.now = [item for item in self.now if id(item) not in now]


def _by(items: Iterable[Item], key: Key) -> defaultdict[Hashable, list[Item]]:
    found = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found


def _ring(follows: dict[int, tuple[Item, Item, int]]) -> list[tuple[Item, Item]]:
    """Take out the ring that the first one is in, or what leads to none."""
    path, at = [], next(iter(follows))
    while at in follows and at not in path:
        path.append(at)
        at = follows[at][2]
    ring = path[path.index(at) :] if at in path else []
    taken = {id_: follows.pop(id_) for id_ in (ring or path)}
    first = ring.index(min(ring)) if ring else 0
    return [taken[id_][:2] for id_ in ring[first:] + ring[:first]]
