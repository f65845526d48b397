"""What happened to the parts of an entity: which came, went, changed or moved.

Knows rows and their places; the entity's own row is for `changes`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cached_property

from auditviewer.change.fields import Field, Fields, columns_of, compare_rows
from auditviewer.change.order import NOWHERE, Place, Verb, find_moved
from auditviewer.change.records import NOTHING, Row
from auditviewer.change.rows import RowInWords, Summary, summarise
from auditviewer.change.states import State
from auditviewer.change.wordings import Terms, Wording, find_wording

POSITION_COLUMNS = frozenset({"position", "sort_order", "ordinal", "sequence", "rank"})
"""A number under one of these names says where a part stands among its like."""
TOO_LARGE = Summary("One", "too large to be shown here")


@dataclass(frozen=True)
class PartChange:
    """What happened to one part, whose row was and is *rows*; *place* is there where it has one.

    *moved* says from which entity it came, or to which it went. *wordings* are the sentences of
    audit.toml that say all of it. The part in words is worked out when it is asked for: of
    thousands, a page shows a few.
    """

    verb: Verb
    fields: tuple[Field, ...]
    place: Place
    rows: tuple[RowInWords, RowInWords]
    is_too_large: bool = False
    wordings: tuple[Wording, ...] = ()
    moved: str = ""

    @property
    def title(self) -> str:
        """The shortest way to name it."""
        was, is_ = self._summaries
        return (is_ if self.rows[0].row is None else was).title

    @property
    def old(self) -> str:
        """What it was in one line; nothing, where it was not there."""
        return self._summaries[0].text

    @property
    def new(self) -> str:
        """What it is in one line; nothing, where it is no longer there."""
        return self._summaries[1].text

    @cached_property
    def _summaries(self) -> tuple[Summary, Summary]:
        before, after = self.rows
        was = _summary(before, self.is_too_large)
        if before.row is not None and before.labels == after.labels:
            # What did not change reads the same, but for an amount in another currency.
            changed = {field.column for field in self.fields}
            after.told.update(
                (name, value)
                for name, value in before.told.items()
                if name not in changed and before.table.words_for(name).currency is None
            )
        return was, _summary(after, self.is_too_large)


@dataclass(frozen=True)
class Group:
    """The parts of one kind that changed; *shifted* ones only made room for others."""

    noun: str
    parts: tuple[PartChange, ...]
    shifted: int = 0
    is_emptied: bool = False


def rows_of(state: State, zone: tzinfo) -> tuple[RowInWords, RowInWords]:
    """Return a row before and after."""
    return (
        RowInWords(state.table, state.old, state.old_labels, zone),
        RowInWords(state.table, state.new, state.new_labels, zone),
    )


def compare(
    state: State, rows: tuple[RowInWords, RowInWords], without: frozenset[str] = frozenset()
) -> Fields:
    """Return the fields of a row that differ; of one that was not read, none."""
    return Fields() if state.is_too_large else compare_rows(*rows, without)


def group_parts(
    states: Sequence[State], truncated: set[str | None], zone: tzinfo
) -> Iterator[Group]:
    """Yield the parts that changed by their kind, in the order in which these were written."""
    by_noun: dict[str, list[State]] = {}
    for state in states:
        noun = state.part or state.table.entity or state.table.name[1]
        by_noun.setdefault(noun, []).append(state)
    for part in sorted(part for part in truncated if part is not None):
        by_noun.setdefault(part, [])
    for noun, members in by_noun.items():
        group = replace(_group(noun, members, zone), is_emptied=noun in truncated)
        if group.parts or group.is_emptied:
            yield group


def _group(noun: str, states: Sequence[State], zone: tzinfo) -> Group:
    places = [_place(state) for state in states]
    moved = find_moved(places)
    parts: list[PartChange] = []
    shifted = 0
    for index, (state, place) in enumerate(zip(states, places, strict=True)):
        part = _part_change(state, place, index in moved, zone)
        if part is not None:
            parts.append(part)
        elif place.old != place.new:
            shifted += 1
    return Group(noun, tuple(sorted(parts, key=_reading_order)), shifted)


def _part_change(state: State, place: Place, is_moved: bool, zone: tzinfo) -> PartChange | None:
    rows = rows_of(state, zone)
    without = frozenset() if place == NOWHERE else POSITION_COLUMNS
    fields = compare(state, rows, without)
    if state.old is None or state.new is None:
        verb = Verb.ADDED if state.old is None else Verb.REMOVED
    elif fields.changed:
        verb = Verb.CHANGED
    elif is_moved:
        verb = Verb.MOVED
    else:
        return None
    part = PartChange(
        verb=verb,
        fields=fields.changed,
        place=place if is_moved or verb in (Verb.ADDED, Verb.REMOVED) else NOWHERE,
        rows=rows,
        is_too_large=state.is_too_large,
        moved=state.moved,
    )
    wordings = tuple(_wordings(part, state.table.say))
    return replace(part, wordings=wordings) if wordings else part


def _summary(row: RowInWords, is_too_large: bool) -> Summary:
    if is_too_large and row.row is not None:
        return TOO_LARGE
    return summarise(row, columns_of(replace(row, row=None), row, POSITION_COLUMNS))


def _wordings(part: PartChange, say: Mapping[str, str]) -> Iterator[Wording]:
    """Yield the sentences of audit.toml for a part, if they say all that happened to it."""
    if part.is_too_large:
        return
    if part.verb is Verb.CHANGED:
        if part.place == NOWHERE and all(field.wording for field in part.fields):
            yield from {f.column: f.wording for f in part.fields if f.wording}.values()
    elif part.verb.value in say:
        old, new = part.rows
        own = {"label": part.title}
        if part.verb is Verb.MOVED:
            own |= {"old": str(part.place.old), "new": str(part.place.new)}
        terms = Terms(old if new.row is None else new, own)
        if told := find_wording(say, (part.verb.value,), terms):
            yield told


def _place(state: State) -> Place:
    place = Place(_position(state.old), _position(state.new))
    # A row that was there without a position, or is, did not come or go.
    is_lost = None in (place.old, place.new) and None not in (state.old, state.new)
    return NOWHERE if is_lost else place


def _position(row: Row | None) -> int | None:
    for name, value in (row or NOTHING).items():
        if name in POSITION_COLUMNS and isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


ORDER = {verb: place for place, verb in enumerate(Verb)}


def _reading_order(part: PartChange) -> tuple[float, float]:
    new, old = part.place.new, part.place.old
    return (
        ORDER[part.verb],
        next((float(place) for place in (new, old) if place is not None), float("inf")),
    )
