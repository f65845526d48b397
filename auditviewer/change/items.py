"""Which item of a list in JSON is which one of another, and what each is called.

Knows lists of objects; what differs inside two of them is for `trees` to say.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditviewer.change.order import Place
from auditviewer.change.records import Json
from auditviewer.change.stored import image, is_number

IDENTITIES = ("id", "uuid", "key", "name")
"""What tells an item from its like, the first that every item has, if no two have the same."""
NAMES = ("name", "title", "label", *IDENTITIES)
LONGEST_NAME = 60


@dataclass(frozen=True)
class Item:
    """An item before and after, by its place in either list, counted from 1."""

    name: str
    place: Place


def match_items(old: Sequence[Json], new: Sequence[Json], item_key: str = "") -> list[Item]:
    """Return the items in the order of the new list; those that are gone come last.

    *item_key* is what tells them apart as audit.toml says; where it doesn't, IDENTITIES may.
    """
    identity = _find_identity(old, new, item_key)
    if identity is None:
        before = _occurrences(map(image, old))
        after = _occurrences(map(image, new))
    else:
        before, after = _keys(identity, old), _keys(identity, new)
    places = _places(before, after)
    if identity is None:
        places = _paired(places, old, new)
    return _named(places, old, new, item_key)


def _find_identity(old: Sequence[Json], new: Sequence[Json], item_key: str) -> str | None:
    """Return the first identity that both lists share items by; else the first that there is."""
    possible = [
        key
        for key in (item_key, *IDENTITIES)
        if key and _tells_apart(key, old) and _tells_apart(key, new)
    ]
    for key in possible:
        if not {*_keys(key, old)}.isdisjoint(_keys(key, new)):
            return key
    return possible[0] if possible else None


def _tells_apart(key: str, items: Sequence[Json]) -> bool:
    found = _keys(key, items)
    return None not in found and len({*found}) == len(items)


def _keys(key: str, items: Sequence[Json]) -> list[str | None]:
    """Return what items have under a key; a number is not the text of its digits."""
    found = (_member(item, key) for item in items)
    return [f'"{each}' if isinstance(each, str) else _digits(each) for each in found]


def _digits(value: Json) -> str | None:
    return str(value) if is_number(value) else None


def _member(item: Json, key: str) -> Json:
    return item.get(key) if isinstance(item, dict) else None


def _occurrences(images: Iterator[str]) -> list[str | None]:
    """Return the images, each with how often it was there before: items may be equal."""
    seen: Counter[str] = Counter()
    found: list[str | None] = []
    for each in images:
        found.append(f"{seen[each]} {each}")
        seen[each] += 1
    return found


def _places(before: Sequence[str | None], after: Sequence[str | None]) -> list[Place]:
    old = {each: number for number, each in enumerate(before, start=1)}
    new = {each: number for number, each in enumerate(after, start=1)}
    kept = [Place(old.get(each), number) for each, number in new.items()]
    return [*kept, *(Place(number, None) for each, number in old.items() if each not in new)]


def _paired(places: Sequence[Place], old: Sequence[Json], new: Sequence[Json]) -> list[Place]:
    """Return the places with items that came and went behind the same neighbour taken for one."""
    gone = _gone_behind(places, len(old))
    found: list[Place] = []
    anchor = 0
    for place in places:
        candidates = gone[anchor]
        if place.new is None:
            continue
        if place.old is not None:
            anchor = place.new
        elif candidates and _is_alike(old[candidates[0] - 1], new[place.new - 1]):
            place = Place(candidates.popleft(), place.new)
        found.append(place)
    left = sorted(number for numbers in gone.values() for number in numbers)
    return [*found, *(Place(number, None) for number in left)]


def _gone_behind(places: Sequence[Place], number: int) -> defaultdict[int, deque[int]]:
    """Return the items that went, by the new place of the one that stood before them and stayed."""
    new = {place.old: place.new for place in places if place.old and place.new}
    gone: defaultdict[int, deque[int]] = defaultdict(deque)
    anchor = 0
    for old in range(1, number + 1):
        if old in new:
            anchor = new[old]
        else:
            gone[anchor].append(old)
    return gone


def _is_alike(one: Json, other: Json) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return bool(one.keys() & other.keys())
    return isinstance(one, list) and isinstance(other, list)


def _named(
    places: Sequence[Place], old: Sequence[Json], new: Sequence[Json], item_key: str
) -> list[Item]:
    names = [_name(place, old, new, item_key) for place in places]
    often = Counter(names)
    return [
        Item(name if often[name] == 1 else f"{name} ({place.new or place.old})", place)
        for name, place in zip(names, places, strict=True)
    ]


def _name(place: Place, old: Sequence[Json], new: Sequence[Json], item_key: str) -> str:
    """Return what an item calls itself, or its position."""
    item = new[place.new - 1] if place.new else old[(place.old or 1) - 1]
    for key in (*NAMES, item_key):
        value = _member(item, key)
        if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME:
            return value
        if is_number(value):
            return f"#{value}"
    return str(place.new or place.old)
