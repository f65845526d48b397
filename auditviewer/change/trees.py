"""Where two JSON values differ: the path to each place, and what is there before and after.

Objects are compared by their keys, and lists of objects by what their items are, wherever these
stand. Knows no words of columns; `fields` has them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditviewer.change.items import match_items
from auditviewer.change.order import NOWHERE, Place, Verb, find_moved
from auditviewer.change.records import Json, name_in_words
from auditviewer.change.stored import ABSENT, Absent, Stored, image, is_redacted, is_same
from auditviewer.change.values import DEEPEST_PATH

Path = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A place that differs, with its path in words; *verb* and *place* are an item's of a list."""

    path: Path
    old: Stored
    new: Stored
    verb: Verb | None = None
    place: Place = NOWHERE


@dataclass(frozen=True)
class Exchange:
    """Two lists of plain values as sets: what came, what went, and how many stayed."""

    added: tuple[Json, ...]
    removed: tuple[Json, ...]
    kept: int


def find_differences(
    old: Stored, new: Stored, item_key: str = "", path: Path = ()
) -> Iterator[Difference]:
    """Yield the places inside two values that differ; plain values are one place.

    *item_key* tells the items of a list of objects apart, if audit.toml names one.
    """
    if is_same(old, new):
        return
    if len(path) >= DEEPEST_PATH or not (_is_tree(old) or _is_tree(new)):
        yield Difference(path, old, new)
    elif _is_like(old, dict) and _is_like(new, dict):
        before, after = _members(old), _members(new)
        for key in dict.fromkeys([*after, *before]):
            inner = (before.get(key, ABSENT), after.get(key, ABSENT))
            inside = (*path, name_in_words(key) or "(no name)")
            yield from find_differences(*inner, item_key, inside)
    elif _is_like(old, list) and _is_like(new, list):
        yield from _differences_of_items(_items(old), _items(new), item_key, path)
    else:
        yield Difference(path, old, new)


def _is_tree(value: Stored) -> bool:
    """Tell whether there is something inside to compare."""
    if isinstance(value, list):
        return any(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict) and bool(value) and not is_redacted(value)


def _is_like(value: Stored, shape: type[dict[str, Json]] | type[list[Json]]) -> bool:
    """Tell whether a value may be compared with one of a shape: nothing may with each."""
    if value is None or isinstance(value, Absent) or value == {} or value == []:
        return True
    return isinstance(value, shape) and _is_tree(value)


def _members(value: Stored) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _items(value: Stored) -> list[Json]:
    return value if isinstance(value, list) else []


def _differences_of_items(
    old: Sequence[Json], new: Sequence[Json], item_key: str, path: Path
) -> Iterator[Difference]:
    items = match_items(old, new, item_key)
    moved = find_moved([item.place for item in items])
    for index, item in enumerate(items):
        place, inside = item.place, (*path, item.name)
        before = ABSENT if place.old is None else old[place.old - 1]
        after = ABSENT if place.new is None else new[place.new - 1]
        if place.old is None or place.new is None:
            verb = Verb.ADDED if place.old is None else Verb.REMOVED
            yield Difference(inside, before, after, verb, place)
            continue
        if index in moved:
            yield Difference(inside, before, after, Verb.MOVED, place)
        yield from find_differences(before, after, item_key, inside)


def exchange_of(old: Stored, new: Stored) -> Exchange | None:
    """Return two lists of plain values as sets; None for what are no such lists."""
    if not (isinstance(old, list) and isinstance(new, list) and old and new):
        return None
    if _is_tree(old) or _is_tree(new):
        return None
    before, after = [image(item) for item in old], [image(item) for item in new]
    added = tuple(_taken(new, after, Counter(after) - Counter(before)))
    removed = tuple(_taken(old, before, Counter(before) - Counter(after)))
    return Exchange(added, removed, kept=len(old) - len(removed))


def _taken(items: Sequence[Json], images: Sequence[str], left: Counter[str]) -> Iterator[Json]:
    for item, each in zip(items, images, strict=True):
        if left[each]:
            left[each] -= 1
            yield item
