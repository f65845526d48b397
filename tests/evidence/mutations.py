"""What somebody could change in a bundle of evidence, a thing at a time."""

from collections.abc import Iterator
from functools import partial
from typing import Any

Bundle = dict[str, Any]
Place = tuple[Any, ...]

CLAIMS = ("format", "readme", "database", "made_at", "asked", "anchors")
"""What a bundle says of itself, and nothing proves."""


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield each value in a bundle that is no list or object, and where it is."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key), inner


def others(value: Any) -> list[Any]:
    """Return what somebody could write instead of a value."""
    if isinstance(value, str) and len(value) > 20:
        at = {9, len(value) // 2, len(value) - 1}
        flipped = [value[:n] + ("1" if value[n] == "0" else "0") + value[n + 1 :] for n in at]
        return [*flipped, value[:-2], value + "00", ""]
    if isinstance(value, str):
        return [value + "0", None]
    return ["a text" if value is None or isinstance(value, bool) else value + 1, [value]]


def put(path: Place, value: Any, bundle: Bundle) -> None:
    """Write a value into a bundle."""
    *way, last = path
    for key in way:
        bundle = bundle[key]
    bundle[last] = value


def remove(path: Place, bundle: Any) -> None:
    """Remove something from a bundle."""
    *way, last = path
    for key in way:
        bundle = bundle[key]
    del bundle[last]


def swap(key: str, number: int, name: str, bundle: Bundle) -> None:
    """Exchange a field of an item for that of the one before."""
    one, other = bundle[key][number - 1 : number + 1]
    one[name], other[name] = other[name], one[name]


def mutations(bundle: Bundle) -> Iterator[partial[None]]:
    """Yield how each value can be changed, and how things can be removed and exchanged."""
    for path, value in leaves(bundle):
        if path[0] not in CLAIMS:
            yield from (partial(put, path, other) for other in others(value) if other != value)
    for key in ("entries", "blocks", "seals"):
        yield partial(remove, (key,))
        for number, item in enumerate(bundle[key]):
            yield partial(remove, (key, number))
            for name, value in item.items():
                yield partial(remove, (key, number, name))
                if number and bundle[key][number - 1][name] != value:
                    yield partial(swap, key, number, name)
