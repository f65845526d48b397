"""What a row could be after the entries of one transaction, whatever order they are in.

A trigger of the application may write a row again before the entry of the first write is there:
so the ids of one transaction do not always tell which of its entries was last.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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


def could_be(found: Image | None, links: Sequence[Link]) -> bool:
    """Say whether a row that is as *found* (None: gone) fits what became of it in the links.

    Images that were put in once more than they were taken out are what is left.
    """
    put, taken = _images(link.after for link in links), _images(link.before for link in links)
    left = put - taken
    if left:
        return found is not None and any(_fits(found, image) for image in left)
    is_open = any(link.is_truncate for link in links) or sum(put.values()) == sum(taken.values())
    if found is None:
        return is_open or bool(taken)
    return is_open and any(_fits(found, image) for image in put)


def _images(images: Iterable[Image | None]) -> Counter[str]:
    return Counter(json.dumps(image, sort_keys=True) for image in images if image is not None)


def _fits(found: Image, image: str) -> bool:
    """Say whether all is equal that both have."""
    other = json.loads(image)
    return all(
        json.dumps(found[name]) == json.dumps(other[name]) for name in found if name in other
    )


def text_of(image: Image, names: Sequence[str]) -> str:
    """Return some columns of a row for the eye, each no longer than a line."""
    return ", ".join(f"{name} = {_cut(image[name])}" for name in names)


def _cut(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:79]}…"
