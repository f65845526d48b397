"""Which characters two words share, and where a text may be cut.

Knows one word beside another; texts of many words are for `marks`.
"""

import re
import unicodedata

LETTER = re.compile(r"[^\W\d_]")
LONG_WORD = 6
"""Of a word with so many characters, those that differ are marked, if they are a third at most."""
FOLLOWING = re.compile(
    r"[\u0e33\u0eb3\u200c\u200d\u1160-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff"
    r"\U000e0020-\U000e007f]"
)
"""What belongs to the character before it, beside marks: parts of Hangul and of emoji."""
FLAG_LETTERS = range(0x1F1E6, 0x1F1FF + 1)
"""Two of them are a flag."""
ZERO_WIDTH_JOINER = "\u200d"
VIRAMA = 9
"""The combining class of a mark that joins two letters of an Indic script."""


def ends_in_common(one: str, other: str) -> tuple[int, int]:
    """Return how many characters two long words share at both ends; none, unless that is most.

    Numbers differ as a whole. Each word is looked at once, so that it takes no more than reading.
    """
    longest = max(len(one), len(other))
    if longest < LONG_WORD or not (LETTER.search(one) and LETTER.search(other)):
        return 0, 0
    head = first_difference(one, other)
    while not (_may_cut(one, head) and _may_cut(other, head)):
        head -= 1
    rest = one[head:], other[head:]
    tail = first_difference(rest[0][::-1], rest[1][::-1])
    while not (_may_cut(rest[0], len(rest[0]) - tail) and _may_cut(rest[1], len(rest[1]) - tail)):
        tail -= 1
    return (head, tail) if (head + tail) * 3 >= longest * 2 else (0, 0)


def first_difference(one: str, other: str) -> int:
    """Return how many characters two texts share at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _may_cut(text: str, at: int) -> bool:
    """Tell whether a text may be cut there: not in what is read as one character, or a number.

    Stays on the safe side of the grapheme clusters of Unicode (UAX 29).
    """
    if at in (0, len(text)):
        return True
    before, after = text[at - 1], text[at]
    if before.isdecimal() and after.isdecimal():
        return False
    if ord(before) in FLAG_LETTERS and ord(after) in FLAG_LETTERS:
        return False
    is_joined = before == ZERO_WIDTH_JOINER or unicodedata.combining(before) == VIRAMA
    is_part = unicodedata.category(after).startswith("M") or FOLLOWING.match(after)
    return not (is_joined or is_part)
