"""Two states of one row, compared field by field and named in words.

Knows the words of its table; what the row is to its entity is the caller's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from auditviewer.change.order import NOWHERE, Place, Verb
from auditviewer.change.quantities import (
    amount_in_words,
    difference_of,
    read_moment,
    time_between,
)
from auditviewer.change.records import NOTHING, Column, Json, Reference
from auditviewer.change.rows import BARE, RowInWords
from auditviewer.change.stored import as_json, is_number, is_same
from auditviewer.change.trees import Difference, exchange_of, find_differences
from auditviewer.change.values import PATH_MARK, Kind, Value, describe, tell_apart
from auditviewer.change.verbatim import quote, reveal
from auditviewer.change.wordings import Terms, Wording, case_of, find_wording

MOST_PLACES = 500
"""Of one column that differ, and are told one by one."""
MOST_ITEMS = 50
LONGEST_LIST = 400


@dataclass(frozen=True)
class Items:
    """What came to a list of plain values and what went, by its first items; how many stayed."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    added_count: int
    removed_count: int
    kept: int

    @property
    def in_words(self) -> str:
        """Return "1 added, 2 removed, 3 kept"."""
        if not self.added_count and not self.removed_count:
            return "the same in another order"
        counts = (self.added_count, "added"), (self.removed_count, "removed"), (self.kept, "kept")
        return ", ".join(f"{number:,} {what}" for number, what in counts if number)


@dataclass(frozen=True)
class Field:
    """A value before and after, under the name of its column and the path in it.

    *difference* is that of two numbers or moments, such as "+5". *is_bare*: it reads without its
    label, as the words and texts in the one-line name of a row do. *items* are those of a list of
    plain values; *verb* and *place* say what happened to an item of a list of objects. *wording* is
    the sentence of audit.toml for the whole *column*, *reference* what the column refers to.
    """

    column: str
    label: str
    old: Value
    new: Value
    difference: str = ""
    is_bare: bool = False
    items: Items | None = None
    verb: Verb | None = None
    place: Place = NOWHERE
    wording: Wording | None = None
    reference: Reference | None = None

    @property
    def note(self) -> str:
        """What is said beside both values."""
        return self.items.in_words if self.items else self.difference


@dataclass(frozen=True)
class Fields:
    """What changed in a row, in reading order, and how many columns did not."""

    changed: tuple[Field, ...] = ()
    unchanged: int = 0


def compare_rows(old: RowInWords, new: RowInWords, without: frozenset[str] = frozenset()) -> Fields:
    """Return the fields that differ; of a row that came or went, those that hold something."""
    changed: list[Field] = []
    unchanged = 0
    whole = old.row is None or new.row is None
    for name in columns_of(old, new, without):
        if is_same(old.stored(name), new.stored(name)):
            unchanged += 1
            continue
        fields = list(_fields(name, old, new))
        held = [f for f in fields if not (whole and f.old.is_nothing and f.new.is_nothing)]
        changed.extend(held)
        unchanged += not held
    return Fields(tuple(changed), unchanged)


def columns_of(old: RowInWords, new: RowInWords, without: frozenset[str]) -> Iterator[str]:
    """Yield the columns worth a line: first those that have words, in the order of these.

    Keys say nothing to a reader, unless they changed or have words of their own.
    """
    table = new.table
    there = dict.fromkeys([*(new.row or NOTHING), *(old.row or NOTHING)])
    ordered = [*(name for name in table.columns if name in there), *there]
    keys = {*table.key, *table.parent_key} - table.columns.keys()
    for name in dict.fromkeys(ordered):
        is_noise = name in keys and (
            old.row is None or new.row is None or is_same(old.stored(name), new.stored(name))
        )
        if not is_noise and name not in table.ignored and name not in without:
            yield name


def _fields(name: str, old: RowInWords, new: RowInWords) -> Iterator[Field]:
    """Yield the fields of a column; beyond so many, what it holds as a whole instead."""
    before, after = old.stored(name), new.stored(name)
    column = new.table.words_for(name)
    found = find_differences(before, after, column.item_key)
    places = list(islice(found, MOST_PLACES + 1))
    if len(places) > MOST_PLACES:
        places = [*places[: MOST_PLACES - 1], Difference(("and more",), before, after)]
    wording = _wording(name, column, old, new) if column.say else None
    for place in places:
        yield _field(name, column, place, old, new, wording)


def _field(
    name: str,
    column: Column,
    place: Difference,
    old: RowInWords,
    new: RowInWords,
    wording: Wording | None,
) -> Field:
    label = PATH_MARK.join([column.label, *(quote(reveal(step)) for step in place.path)])
    about = partial(Field, name, label, wording=wording, reference=column.reference)
    if place.verb is Verb.MOVED:
        was, is_ = (Value(Kind.TEXT, f"position {at}") for at in (place.place.old, place.place.new))
        return about(was, is_, verb=Verb.MOVED, place=place.place)
    words, currencies = column, (old.currency(column), new.currency(column))
    if place.path:
        words, currencies = Column(label), (None, None)
        was, is_ = (
            describe(stored, words, row.labels.get(name, NOTHING), row.zone)
            for stored, row in ((place.old, old), (place.new, new))
        )
    else:
        was, is_ = old.value(name), new.value(name)
    was, is_ = tell_apart((was, place.old), (is_, place.new))
    items = _items(place, words, new)
    if items and max(len(was.text), len(is_.text)) > LONGEST_LIST:
        was, is_ = _only(items.removed, items.removed_count), _only(items.added, items.added_count)
    is_bare = not place.path and all(side.is_nothing or side.kind in BARE for side in (was, is_))
    difference = _difference(was, is_, place, currencies)
    return about(was, is_, difference, is_bare, items, place.verb, place.place)


def _difference(
    was: Value, is_: Value, place: Difference, currencies: tuple[str | None, str | None]
) -> str:
    """Return by how much a number or a moment changed, with its sign."""
    before, after = place.old, place.new
    if was.kind is is_.kind is Kind.NUMBER and is_number(before) and is_number(after):
        difference = difference_of(before, after)
        if difference is None or currencies[0] != currencies[1]:
            return ""
        return ("+" if difference > 0 else "") + amount_in_words(difference, currencies[0])
    if was.kind is is_.kind is Kind.MOMENT:
        then, now = read_moment(str(before)), read_moment(str(after))
        return time_between(then, now) if then and now else ""
    return ""


def _items(place: Difference, words: Column, row: RowInWords) -> Items | None:
    exchange = exchange_of(place.old, place.new)
    if exchange is None:
        return None

    def told(items: tuple[Json, ...]) -> tuple[str, ...]:
        return tuple(describe(item, words, {}, row.zone).said for item in items[:MOST_ITEMS])

    came, went = exchange.added, exchange.removed
    added, removed = told(came), told(went)
    if {*added} & {*removed}:
        added, removed = (
            tuple(reveal(as_json(item)) for item in items[:MOST_ITEMS]) for items in (came, went)
        )
    return Items(added, removed, len(came), len(went), exchange.kept)


def _only(items: tuple[str, ...], number: int) -> Value:
    """Return the items that came or went, of a list too long to be shown."""
    if not items:
        return Value(Kind.EMPTY, "none of these")
    more = f", and {number - len(items):,} more" if number > len(items) else ""
    return Value(Kind.JSON, ", ".join(items) + more)


def _wording(name: str, column: Column, old: RowInWords, new: RowInWords) -> Wording | None:
    """Return the sentence of audit.toml for a column that changed."""
    before, after = old.stored(name), new.stored(name)
    was, is_ = tell_apart((old.value(name), before), (new.value(name), after))
    case = case_of(column, (was, before), (is_, after))
    currencies = old.currency(column), new.currency(column)
    difference = _difference(was, is_, Difference((), before, after), currencies)
    own = {"old": was.said, "new": is_.said, "label": column.label}
    own["difference"] = difference.lstrip("+−").removesuffix(" later").removesuffix(" earlier")
    row = old if new.row is None else new
    return find_wording(column.say, (case, "changed" if case else None), Terms(row, own))
