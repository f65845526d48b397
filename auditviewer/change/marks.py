"""Which words of two texts differ.

Knows texts, not what they are of.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD_END = ",;:.!?"
MOST_EFFORT = 200_000
"""Pairs of equal words, times words: beyond, all between what both ends share is marked."""
LEAST_SHARED = 4
"""Texts that share less than one word of so many are marked as a whole."""


@dataclass(frozen=True)
class Run:
    """Words in a row, which differ from the other text or don't."""

    text: str
    is_marked: bool = False


Runs = tuple[Run, ...]
Span = tuple[int, int, int, int]


@dataclass(frozen=True)
class Words:
    """A text as words, each with what stands before it."""

    words: Sequence[str]
    gaps: Sequence[str]

    def text(self, start: int, end: int) -> str:
        """Return the words from one to another, with what stands between them."""
        return "".join(
            word if number == start else self.gaps[number] + word
            for number, word in enumerate(self.words[start:end], start=start)
        )


def split(text: str) -> Words:
    """Return the words of a text; marks at the end of a word are words of their own."""
    words: list[str] = []
    gaps: list[str] = []
    for number, part in enumerate(re.split(r"(\s+)", text)):
        if number % 2:
            gaps.append(part)
            continue
        if not number:
            gaps.append("")
        word = part.rstrip(WORD_END) or part
        words.append(word)
        if word != part:
            words.append(part[len(word) :])
            gaps.append("")
    return Words(words, gaps)


def mark_words(old: str, new: str, effort: int = MOST_EFFORT) -> tuple[Runs, Runs, int]:
    """Return both texts as runs, and how much of the effort is left."""
    before, after = split(old), split(new)
    head = _shared(before.words, after.words)
    tail = _shared(before.words[head:][::-1], after.words[head:][::-1])
    ends = len(before.words) - tail, len(after.words) - tail
    middle = before.words[head : ends[0]], after.words[head : ends[1]]
    spans: list[Span] = [(head, ends[0], head, ends[1])]
    cost = _cost(*middle)
    if cost <= effort:
        spans = [(i + head, j + head, k + head, m + head) for i, j, k, m in _spans(*middle)]
        effort -= cost
    shared = len(before.words) - sum(j - i for i, j, _, _ in spans)
    if shared * LEAST_SHARED < max(len(before.words), len(after.words)):
        return (Run(old, True),), (Run(new, True),), effort
    sides = [(i, j) for i, j, _, _ in spans], [(k, m) for _, _, k, m in spans]
    return tuple(_runs(before, sides[0])), tuple(_runs(after, sides[1])), effort


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _cost(one: Sequence[str], other: Sequence[str]) -> int:
    often = Counter(other)
    return sum(often[word] for word in one) * min(len(one), len(other)) + len(one) + len(other)


def _spans(one: Sequence[str], other: Sequence[str]) -> Iterator[Span]:
    """Yield where the words of both differ."""
    for tag, *span in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag != "equal":
            yield (span[0], span[1], span[2], span[3])


def _runs(words: Words, marked: Sequence[tuple[int, int]]) -> Iterator[Run]:
    """Yield the runs of a text; what stands before a run's first word belongs to the one before."""
    at = 0
    for start, end in marked:
        if start == end:
            continue
        if start > at:
            yield Run(_lead(words, at) + words.text(at, start) + words.gaps[start])
        yield Run(words.text(start, end), True)
        at = end
    if at < len(words.words):
        yield Run(_lead(words, at) + words.text(at, len(words.words)))


def _lead(words: Words, at: int) -> str:
    return words.gaps[at] if at else ""
