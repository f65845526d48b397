"""How a stored value reads: JSON in words, by the words of its column.

Knows nothing of changes, pages or the database.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Final

from babel.dates import format_datetime

from auditviewer.records import Column, Json, name_in_words

LONGEST_TEXT = 2000
DEEPEST_PATH = 8
PATH_MARK = " › "
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
IMAGE_OF_DECIMAL = re.compile(r'\{"\\u0000": "([^"]*)"\}')
VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"})
GROUPED_FROM = 10_000
"""Numbers from here on get separators: a year doesn't."""


class Absent(StrEnum):
    """Says that there is no value: neither null nor empty."""

    ABSENT = "not there"


ABSENT: Final = Absent.ABSENT
Stored = Json | Absent


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
    TEXT = "text"
    JSON = "json"


NOTHING_KINDS = frozenset({Kind.ABSENT, Kind.NULL, Kind.EMPTY})


@dataclass(frozen=True)
class Value:
    """A value in words; *note* is the key behind a name."""

    kind: Kind
    text: str
    note: str = ""

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


def describe(value: Stored, column: Column, names: Mapping[str, str], zone: tzinfo) -> Value:
    """Say a value in the words of its column; *names* are those that its references had."""
    match value:
        case Absent():
            return NOT_THERE
        case None:
            return NOT_SET
        case dict() if is_redacted(value):
            return Value(Kind.HIDDEN, "hidden")
        case dict() | list():
            return _described_json(value, zone)
    return _described_scalar(value, column, names, zone)


def _described_scalar(
    value: bool | int | Decimal | str, column: Column, names: Mapping[str, str], zone: tzinfo
) -> Value:
    key = as_text(value)
    if names.get(key):
        return Value(Kind.REFERENCE, names[key], f"#{key}")
    if key in column.values:
        is_flag = isinstance(value, bool)
        return Value(Kind.FLAG if is_flag else Kind.WORD, column.values[key])
    if isinstance(value, bool):
        return Value(Kind.FLAG, "yes" if value else "no")
    if column.is_reference and value != "":
        return Value(Kind.REFERENCE, f"#{key}" if key.isdecimal() else key)
    if isinstance(value, int | Decimal):
        return Value(Kind.NUMBER, number_in_words(value))
    return _described_text(value, zone)


def _described_text(value: str, zone: tzinfo) -> Value:
    if value == "":
        return Value(Kind.EMPTY, "empty text")
    if TIMESTAMP.fullmatch(value):
        return Value(Kind.TEXT, _moment_in_words(value, zone))
    return Value(Kind.TEXT, _cut(value))


def _described_json(value: list[Json] | dict[str, Json], zone: tzinfo) -> Value:
    if not value:
        return Value(Kind.EMPTY, "empty list" if isinstance(value, list) else "empty")
    leaves = list(_leaves(value))
    told = [(" ".join(path), describe(leaf, Column(""), {}, zone).text) for path, leaf in leaves]
    return Value(
        Kind.JSON, _cut(", ".join(f"{path}: {text}" if path else text for path, text in told))
    )


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


def is_redacted(value: Stored) -> bool:
    """Tell whether this is the fingerprint of a redacted value."""
    if not isinstance(value, dict) or value.keys() != {"redacted"}:
        return False
    fingerprint = value["redacted"]
    return isinstance(fingerprint, str) and FINGERPRINT.fullmatch(fingerprint) is not None


def image(value: Stored) -> str:
    """Return what tells two values apart: 1.10 is not 1.1, true not 1, and "1" not 1."""
    if isinstance(value, Absent):
        return ""
    return json.dumps(value, default=_decimal_image, sort_keys=True, ensure_ascii=False)


def _decimal_image(value: Decimal) -> dict[str, str]:
    # No key of a jsonb value holds NUL, so that this is nothing else's image.
    return {"\0": str(value)}


def as_json(value: Stored) -> str:
    """Return a value as JSON."""
    return IMAGE_OF_DECIMAL.sub(r"\1", image(value))


def as_text(value: Stored) -> str:
    """Return a value as PostgreSQL's ->> does: the key by which words are looked up."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def number_in_words(value: int | Decimal) -> str:
    """Return a number with all the digits that are stored, grouped where it is long."""
    digits = as_text(value)
    whole, point, fraction = digits.lstrip("-").partition(".")
    if len(whole) <= 30 and int(whole) >= GROUPED_FROM:
        whole = f"{int(whole):,}"
    sign = "−" if digits.startswith("-") else ""
    return _cut(f"{sign}{whole}{point}{fraction}")


def _moment_in_words(value: str, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(value).astimezone(zone)
    except (ValueError, OverflowError):
        return value
    return format_datetime(moment, "d MMM y, HH:mm:ss", tzinfo=zone, locale="en")


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"


def tell_apart(was: tuple[Value, Stored], is_: tuple[Value, Stored]) -> tuple[Value, Value]:
    """Return both values; what is stored where they read the same, for words must hide nothing."""
    (old, before), (new, after) = was, is_
    if old.text.split() != new.text.split() or not (old.is_readable and new.is_readable):
        return old, new
    if old.note != new.note:
        return _with_note(old), _with_note(new)
    if not isinstance(before, str) or not isinstance(after, str):
        before, after = as_json(before), as_json(after)
    start = max(0, _first_difference(before, after) - LONGEST_TEXT // 2)
    return _raw(before, start), _raw(after, start)


def _with_note(value: Value) -> Value:
    return replace(value, text=f"{value.text} ({value.note})", note="") if value.note else value


def _first_difference(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _raw(text: str, start: int) -> Value:
    shown = text[start : start + LONGEST_TEXT].translate(VISIBLE)
    end = "…" if len(text) > start + LONGEST_TEXT else ""
    return Value(Kind.TEXT, f"{'…' if start else ''}{shown}{end}")
