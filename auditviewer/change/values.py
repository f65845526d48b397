"""How a stored value reads: JSON in words, by the words of its column.

Knows nothing of changes, pages or the database.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from auditviewer.change.characters import first_difference
from auditviewer.change.quantities import (
    amount_in_words,
    duration_in_words,
    moment_in_words,
    read_moment,
    size_in_words,
)
from auditviewer.change.records import Column, Json, name_in_words
from auditviewer.change.stored import Absent, Stored, as_json, as_text, is_redacted
from auditviewer.change.verbatim import quote, reveal, reveal_blanks, seen_words

LONGEST_TEXT = 2000
MOST_LEAVES = 400
DEEPEST_PATH = 8
PATH_MARK = " › "
HEX = re.compile(r"[0-9a-f]+")
QUANTITIES_BEGIN = frozenset("0123456789+-P")
"""How a moment or a duration begins: most texts are neither."""
BEFORE_DIFFERENCE = 200


class Kind(StrEnum):
    """What a value is, where that decides how it is shown."""

    ABSENT = "absent"
    NULL = "null"
    EMPTY = "empty"
    HIDDEN = "hidden"
    REFERENCE = "reference"
    WORD = "word"
    FLAG = "flag"
    NUMBER = "number"
    MOMENT = "moment"
    TEXT = "text"
    BINARY = "binary"
    JSON = "json"


NOTHING_KINDS = frozenset({Kind.ABSENT, Kind.NULL, Kind.EMPTY})
TYPED_KINDS = frozenset({Kind.TEXT, Kind.REFERENCE})


@dataclass(frozen=True)
class Value:
    """A value in words; *note* is the key behind a name, or what tells one of its size apart.

    *key* is that of the row which a reference refers to.
    """

    kind: Kind
    text: str
    note: str = ""
    key: str = ""

    @property
    def said(self) -> str:
        """The text amid others: what somebody typed is in quotes where it would be ambiguous."""
        return quote(self.text) if self.kind in TYPED_KINDS else self.text

    @property
    def is_nothing(self) -> bool:
        """Whether there is no value, or an empty one."""
        return self.kind in NOTHING_KINDS

    @property
    def is_readable(self) -> bool:
        """Whether the text is of the value itself."""
        return not (self.is_nothing or self.kind is Kind.HIDDEN)


NOT_THERE = Value(Kind.ABSENT, "not there")
NOT_SET = Value(Kind.NULL, "not set")
PLAIN = Column("")


def describe(
    value: Stored,
    column: Column,
    names: Mapping[str, str],
    zone: tzinfo,
    currency: str | None = None,
) -> Value:
    """Say a value in the words of its column; *names* are those that its references had."""
    match value:
        case Absent():
            return NOT_THERE
        case str():
            return _described_word(value, column, names) or _described_text(value, zone)
        case None:
            return NOT_SET
        case dict() if is_redacted(value):
            return Value(Kind.HIDDEN, "hidden")
        case dict() | list():
            return _described_json(value, column, names, zone)
        case bool():
            flag = Value(Kind.FLAG, "yes" if value else "no")
            return _described_word(value, column, names) or flag
    number = Value(Kind.NUMBER, _cut(amount_in_words(value, currency)))
    return _described_word(value, column, names) or number


def _described_word(
    value: bool | int | Decimal | str, column: Column, names: Mapping[str, str]
) -> Value | None:
    """Return a value by the name of what it refers to, or by a word of its column."""
    key = as_text(value)
    if names.get(key):
        return Value(Kind.REFERENCE, reveal(names[key]), f"#{key}", key)
    if key in column.values:
        return Value(Kind.FLAG if isinstance(value, bool) else Kind.WORD, column.values[key])
    if column.is_reference and value != "" and not isinstance(value, bool):
        return Value(Kind.REFERENCE, f"#{key}" if key.isdecimal() else reveal(key), key=key)
    return None


def _described_text(value: str, zone: tzinfo) -> Value:
    if value == "":
        return Value(Kind.EMPTY, "empty text")
    if value.startswith("\\x") and len(value) % 2 == 0 and HEX.fullmatch(value, 2):
        size = size_in_words(len(value) // 2 - 1)
        fingerprint = sha256(value.encode()).hexdigest()[:12]
        return Value(Kind.BINARY, f"{size} of binary data", f"fingerprint {fingerprint}")
    if value[0] not in QUANTITIES_BEGIN:
        return Value(Kind.TEXT, _typed(value))
    moment = read_moment(value)
    try:
        if moment is not None:
            return Value(Kind.MOMENT, moment_in_words(moment, zone))
    except OverflowError:
        return Value(Kind.TEXT, value)
    return Value(Kind.TEXT, duration_in_words(value[:LONGEST_TEXT]) or _typed(value))


def _described_json(
    value: list[Json] | dict[str, Json], column: Column, names: Mapping[str, str], zone: tzinfo
) -> Value:
    if not value:
        return Value(Kind.EMPTY, "empty list" if isinstance(value, list) else "empty")
    words = column if isinstance(value, list) else PLAIN
    leaves = list(islice(_leaves(value), MOST_LEAVES + 1))
    told = [
        (" ".join(path), describe(leaf, PLAIN if path else words, {} if path else names, zone).said)
        for path, leaf in leaves[:MOST_LEAVES]
    ]
    text = ", ".join(f"{reveal(path)}: {text}" if path else text for path, text in told)
    if len(leaves) > MOST_LEAVES:
        return Value(Kind.JSON, f"{text[:LONGEST_TEXT]}… ({len(value):,} items)")
    return Value(Kind.JSON, _cut(text))


def _leaves(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    if not value or is_redacted(value) or not isinstance(value, dict | list):
        yield path, value
    elif len(path) >= DEEPEST_PATH:
        yield path, as_json(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, name_in_words(key)))
    else:
        for inner in value:
            yield from _leaves(inner, path)


def _typed(text: str) -> str:
    return reveal(text[:LONGEST_TEXT]) + _end_of(text)


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT] + _end_of(text)


def _end_of(text: str, start: int = 0) -> str:
    return f"… ({len(text):,} characters)" if len(text) > start + LONGEST_TEXT else ""


def tell_apart(was: tuple[Value, Stored], is_: tuple[Value, Stored]) -> tuple[Value, Value]:
    """Return both values; what is stored where they read the same, for words must hide nothing.

    Of long texts, what is there from shortly before they differ.
    """
    (old, before), (new, after) = was, is_
    if not (old.is_readable and new.is_readable):
        return old, new
    if old.kind is new.kind is Kind.TEXT and isinstance(before, str) and isinstance(after, str):
        old, new = _window(old, before, after), _window(new, after, before)
    if seen_words(old.text) != seen_words(new.text):
        return old, new
    if old.note != new.note:
        return _with_note(old), _with_note(new)
    if not isinstance(before, str) or not isinstance(after, str):
        before, after = as_json(before), as_json(after)
    start = max(0, first_difference(before, after) - LONGEST_TEXT // 2)
    return _raw(before, start), _raw(after, start)


def _with_note(value: Value) -> Value:
    return replace(value, text=f"{value.text} ({value.note})", note="") if value.note else value


def _window(value: Value, text: str, other: str) -> Value:
    if max(len(text), len(other)) <= LONGEST_TEXT:
        return value
    start = max(0, first_difference(text, other) - BEFORE_DIFFERENCE)
    shown = reveal(text[start : start + LONGEST_TEXT])
    return Value(Kind.TEXT, f"{'…' if start else ''}{shown}{_end_of(text, start)}")


def _raw(text: str, start: int) -> Value:
    shown = reveal_blanks(text[start : start + LONGEST_TEXT])
    end = "…" if len(text) > start + LONGEST_TEXT else ""
    return Value(Kind.TEXT, f"{'…' if start else ''}{shown}{end}")
