"""Which words of two texts differ, and of a long word which characters.

Knows texts, not what they are of.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from auditviewer.change.characters import ends_in_common

WORD = re.compile(r"\S+")
WORD_END = ",;:.!?"
MOST_EFFORT = 200_000
"""Pairs of equal words, times words: beyond, all between what both ends share is marked."""
LEAST_SHARED = 4
"""Texts that share less than one word of so many are marked as a whole."""


@dataclass(frozen=True)
class Run:
    """Characters in a row, which differ from the other text or don't."""

    text: str
    is_marked: bool = False


Runs = tuple[Run, ...]
Span = tuple[int, int, int, int]
"""From one word to another in the old text, and in the new one."""
Region = tuple[int, int]
"""From one character of a text to another."""


@dataclass(frozen=True)
class Words:
    """A text, its words, and the regions in which they stand."""

    text: str
    words: Sequence[str]
    regions: Sequence[Region]

    def region(self, start: int, end: int) -> Region:
        """Return where the words from one to another stand."""
        if start == end:
            return 0, 0
        return self.regions[start][0], self.regions[end - 1][1]


@dataclass(frozen=True)
class Mark:
    """Where two texts differ; *is_inside*: in a word, of which the rest is the same."""

    old: Region
    new: Region
    is_inside: bool = False


def split(text: str) -> Words:
    """Return the words of a text; marks at the end of a word are words of their own."""
    regions: list[Region] = []
    for match in WORD.finditer(text):
        start, end = match.span()
        middle = start + len(match[0].rstrip(WORD_END))
        regions += [(start, middle), (middle, end)] if start < middle < end else [(start, end)]
    return Words(text, [text[start:end] for start, end in regions], regions)


def mark_words(old: str, new: str, effort: int = MOST_EFFORT) -> tuple[Runs, Runs, int]:
    """Return both texts as runs, and how much of the effort is left."""
    before, after = split(old), split(new)
    spans, effort = _spans(before.words, after.words, effort)
    marks = [mark for span in spans for mark in _marks(before, after, span)]
    differ = sum(j - i for i, j, _, _ in spans) - sum(mark.is_inside for mark in marks)
    shared = len(before.words) - differ
    if shared * LEAST_SHARED < max(len(before.words), len(after.words)):
        return (Run(old, True),), (Run(new, True),), effort
    runs = _runs(old, [mark.old for mark in marks]), _runs(new, [mark.new for mark in marks])
    return tuple(runs[0]), tuple(runs[1]), effort


def _spans(one: Sequence[str], other: Sequence[str], effort: int) -> tuple[list[Span], int]:
    """Return where the words of both differ, and how much of the effort is left."""
    head = _shared(one, other)
    tail = _shared(one[head:][::-1], other[head:][::-1])
    ends = len(one) - tail, len(other) - tail
    middle = one[head : ends[0]], other[head : ends[1]]
    cost = _cost(*middle)
    if cost > effort:
        return [(head, ends[0], head, ends[1])], effort
    codes = SequenceMatcher(None, *middle, autojunk=False).get_opcodes()
    spans = [
        (i + head, j + head, k + head, m + head) for tag, i, j, k, m in codes if tag != "equal"
    ]
    return spans, effort - cost


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _cost(one: Sequence[str], other: Sequence[str]) -> int:
    often = Counter(other)
    return sum(often[word] for word in one) * min(len(one), len(other)) + len(one) + len(other)


def _marks(before: Words, after: Words, span: Span) -> Iterator[Mark]:
    """Yield where the characters of a span differ: by word, if there are as many on both sides."""
    i, j, k, m = span
    if j - i != m - k:
        yield Mark(before.region(i, j), after.region(k, m))
        return
    for one, other in zip(range(i, j), range(k, m), strict=True):
        head, tail = ends_in_common(before.words[one], after.words[other])
        old, new = before.regions[one], after.regions[other]
        inside = (old[0] + head, old[1] - tail), (new[0] + head, new[1] - tail)
        yield Mark(*inside, is_inside=head + tail > 0)


def _runs(text: str, regions: Sequence[Region]) -> Iterator[Run]:
    """Yield the runs of a text; regions with nothing but space between them are one."""
    at = 0
    for start, end in _joined(text, regions):
        if start > at:
            yield Run(text[at:start])
        yield Run(text[start:end], True)
        at = end
    if at < len(text):
        yield Run(text[at:])


def _joined(text: str, regions: Sequence[Region]) -> Sequence[Region]:
    joined: list[Region] = []
    for start, end in regions:
        if start == end:
            continue
        if joined and not text[joined[-1][1] : start].strip():
            start = joined.pop()[0]
        joined.append((start, end))
    return joined
