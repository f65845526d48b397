"""What a row could be after the entries of a transaction, whatever order they are in.

A trigger of the application may write a row again before the entry of the first write is there:
so the ids of one transaction do not always tell which of its entries was last.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile

Image = Mapping[str, str]
"""The columns of a row that are compared, each as JSON."""


@dataclass(frozen=True)
class Link:
    """An entry as far as one row goes: its image before and after, None where it is another's.

    A TRUNCATE has neither.
    """

    is_truncate: bool
    before: Image | None
    after: Image | None


_MOMENT = re.compile(r"-?\d{4,}-\d\d-\d\d|\d\d:\d\d|(-?\d+ (year|mon|day))")
Past = Sequence[Sequence[Link]]
"""What each transaction did to a row, the newest first, and so in each."""


def could_be(found: Image | None, pasts: Iterable[Past]) -> bool:
    """Say whether a row that is as *found* (None: gone) fits one of the orders of what it was."""
    return any(_fits_end(found, past) for past in pasts)


def _fits_end(found: Image | None, past: Past) -> bool:
    for links in past:
        fits = _fits_after(found, links)
        if fits is not None:
            return fits
    return True


def _fits_after(found: Image | None, links: Sequence[Link]) -> bool | None:
    """Say whether a row fits the end of a transaction; None where that left it as it was.

    Images that were put in once more than they were taken out are what is left. A TRUNCATE takes
    out all before it, and its id is in order: PostgreSQL refuses it while a trigger is pending.
    """
    since = list(takewhile(lambda link: not link.is_truncate, links))
    put, taken = _images(link.after for link in since), _images(link.before for link in since)
    if put == taken:
        return None if len(since) == len(links) else found is None
    left = put - taken
    return any(_fits(found, image) for image in left) if found is not None else not left


def _images(images: Iterable[Image | None]) -> Counter[str]:
    return Counter(json.dumps(image, sort_keys=True) for image in images if image is not None)


def _fits(found: Image, image: str) -> bool:
    """Say whether all is equal that both have."""
    other = json.loads(image)
    return all(
        json.dumps(found[name]) == json.dumps(other[name]) for name in found if name in other
    )


def is_another_value(logged: str, stored: str) -> bool:
    """Say whether two JSON texts are of one kind, and differ by more than a type would make of it.

    What looks like a moment is never another one: types write it in different ways.
    """
    before, after = (_value(image) for image in (logged, stored))
    if type(before) is not type(after):
        return False
    if isinstance(before, str) and isinstance(after, str):
        is_moment = _MOMENT.match(before) and _MOMENT.match(after)
        return not is_moment and before.rstrip() != after.rstrip()
    return bool(before != after)


def _value(image: str) -> object:
    return json.loads(image, parse_int=Decimal, parse_float=Decimal)


def text_of(image: Image, names: Sequence[str]) -> str:
    """Return some columns of a row for the eye, each no longer than a line."""
    return ", ".join(f"{name} = {_cut(image[name])}" for name in names)


def _cut(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:79]}…"
