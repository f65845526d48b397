"""Two states of one row, compared field by field and named in words.

Knows the words of its table; what the row is to its entity is the caller's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from auditviewer.records import NOTHING, Column, Labels, Row, Table, name_in_words
from auditviewer.values import (
    ABSENT,
    DEEPEST_PATH,
    PATH_MARK,
    Absent,
    Kind,
    Stored,
    Value,
    as_text,
    describe,
    image,
    is_redacted,
    number_in_words,
    tell_apart,
)

LONGEST_SUMMARY = 160
CUT = "…"
MOST_DIGITS = 28
"""Of two numbers together: their difference is exact."""
BARE = frozenset({Kind.WORD, Kind.TEXT})


@dataclass(frozen=True)
class Field:
    """A value before and after, under the name of its column and the path in it.

    *difference* is that of two numbers, such as "+5". *is_bare*: it reads without its label, as
    the words and texts in the one-line name of a row do.
    """

    label: str
    old: Value
    new: Value
    difference: str = ""
    is_bare: bool = False


@dataclass(frozen=True)
class Fields:
    """What changed in a row, in reading order, and how many columns did not."""

    changed: tuple[Field, ...] = ()
    unchanged: int = 0


@dataclass(frozen=True)
class Summary:
    """A row in one line; *title* is the shortest way to name it."""

    title: str
    text: str


State = tuple[Row | None, Labels]
"""A row, and the names that its references had then. None: there was no row."""


def compare_rows(
    table: Table, old: State, new: State, zone: tzinfo, without: frozenset[str] = frozenset()
) -> Fields:
    """Return the fields that differ; of a row that came or went, those that hold something."""
    changed: list[Field] = []
    unchanged = 0
    whole = old[0] is None or new[0] is None
    for name in _columns(table, old[0], new[0], without):
        before, after = _stored(old[0], name), _stored(new[0], name)
        if image(before) == image(after):
            unchanged += 1
            continue
        fields = list(_fields(table.words_for(name), name, (before, old[1]), (after, new[1]), zone))
        held = [f for f in fields if not (whole and f.old.is_nothing and f.new.is_nothing)]
        changed.extend(held)
        unchanged += not held
    return Fields(tuple(changed), unchanged)


def _columns(
    table: Table, old: Row | None, new: Row | None, without: frozenset[str]
) -> Iterator[str]:
    """Yield the columns worth a line: first those that have words, in the order of these.

    Keys say nothing to a reader, unless they changed or have words of their own.
    """
    there = dict.fromkeys([*(new or NOTHING), *(old or NOTHING)])
    ordered = [*(name for name in table.columns if name in there), *there]
    keys = {*table.key, *table.parent_key} - table.columns.keys()
    for name in dict.fromkeys(ordered):
        is_noise = name in keys and (
            old is None or new is None or image(_stored(old, name)) == image(_stored(new, name))
        )
        if not is_noise and name not in table.ignored and name not in without:
            yield name


def _stored(row: Row | None, name: str) -> Stored:
    return ABSENT if row is None else row.get(name, ABSENT)


def _fields(
    column: Column,
    name: str,
    old: tuple[Stored, Labels],
    new: tuple[Stored, Labels],
    zone: tzinfo,
) -> Iterator[Field]:
    old_names, new_names = old[1].get(name, NOTHING), new[1].get(name, NOTHING)
    for path, before, after in _differences(old[0], new[0]):
        label = PATH_MARK.join([column.label, *map(name_in_words, path)])
        words = column if not path else Column(label)
        was = describe(before, words, old_names, zone)
        is_ = describe(after, words, new_names, zone)
        was, is_ = tell_apart((was, before), (is_, after))
        is_bare = not path and all(side.is_nothing or side.kind in BARE for side in (was, is_))
        yield Field(label, was, is_, _difference(was, is_, before, after), is_bare)


def _difference(was: Value, is_: Value, before: Stored, after: Stored) -> str:
    if was.kind is not Kind.NUMBER or is_.kind is not Kind.NUMBER:
        return ""
    digits = as_text(before), as_text(after)
    if len("".join(digits)) > MOST_DIGITS:
        return ""
    difference = Decimal(digits[1]) - Decimal(digits[0])
    return ("+" if difference > 0 else "") + number_in_words(difference)


def _differences(
    old: Stored, new: Stored, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Stored, Stored]]:
    """Yield the places inside two values that differ; plain values are one place."""
    if image(old) == image(new):
        return
    before, after = _members(old), _members(new)
    if before is None or after is None or not (before or after) or len(path) >= DEEPEST_PATH:
        yield path, old, new
        return
    if isinstance(old, list) != isinstance(new, list) and before and after:
        yield path, old, new
        return
    for key in dict.fromkeys([*after, *before]):
        inner = (before.get(key, ABSENT), after.get(key, ABSENT))
        yield from _differences(*inner, (*path, key))


def _members(value: Stored) -> Mapping[str, Stored] | None:
    """Return what is inside a JSON object or list of objects; None: it is a plain value."""
    if value is None or isinstance(value, Absent):
        return {}
    if isinstance(value, dict) and not is_redacted(value):
        return value
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return {str(place): item for place, item in enumerate(value, start=1)}
    return None


def summarise(
    table: Table, row: Row | None, labels: Labels, zone: tzinfo, without: frozenset[str]
) -> Summary:
    """Return a row in one line: "Lead score is greater than 50", "Send e-mail · Template: Hi".

    Words of the configuration come first, then what somebody typed; what is neither, such as a
    number or the name of a person, needs the name of its column.
    """
    if row is None:
        return Summary("", "")
    words: list[str] = []
    texts: list[str] = []
    named: list[str] = []
    for name in _label_first(table, _columns(table, None, row, without)):
        column = table.words_for(name)
        value = describe(_stored(row, name), column, labels.get(name, NOTHING), zone)
        if value.kind is Kind.WORD or name == table.label_column:
            words.append(value.text)
        elif value.kind is Kind.TEXT:
            texts.append(value.text)
        elif value.kind is Kind.JSON:
            named.append(value.text)
        elif not value.is_nothing:
            named.append(f"{column.label}: {value.text}")
    bare = " ".join([*words, *texts])
    told = [bare, *named] if bare else named
    return Summary((words or texts or named or [""])[0], _shortened(" · ".join(told)))


def _label_first(table: Table, names: Iterator[str]) -> list[str]:
    return sorted(names, key=lambda name: name != table.label_column)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SUMMARY else text[:LONGEST_SUMMARY].rstrip() + CUT
