"""A change: what the entries of one save of one entity come to, row by row and field by field.

Pure: knows neither the database nor the page. `sentences` and `columns` say it in words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum

from auditviewer.fields import Field, Fields, Summary, compare_rows, summarise
from auditviewer.order import Place, find_moved
from auditviewer.records import NOTHING, Entry, Labels, Row, Tables
from auditviewer.states import State, fold_rows

POSITION_COLUMNS = frozenset({"position", "sort_order", "ordinal", "sequence", "rank"})
"""A number under one of these names says where a part stands among its like."""


class Kind(StrEnum):
    """Type of change, of the entity as a whole."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class Verb(StrEnum):
    """What happened to a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class PartChange:
    """What happened to one part; *old* and *new* name it, *place* is there where it has one."""

    verb: Verb
    title: str
    old: str
    new: str
    fields: tuple[Field, ...]
    place: Place


@dataclass(frozen=True)
class Group:
    """The parts of one kind that changed; *shifted* ones only made room for others."""

    noun: str
    parts: tuple[PartChange, ...]
    shifted: int = 0
    is_emptied: bool = False


@dataclass(frozen=True)
class Change:
    """One save of one entity; *last* is the newest entry that names it, and says who and when.

    *is_fleeting*: the entity came and went in this save. *is_partial*: there are more *entries*.
    """

    last: Entry
    entries: int
    kind: Kind
    label: str | None
    fields: tuple[Field, ...]
    unchanged: int
    groups: tuple[Group, ...]
    is_fleeting: bool = False
    is_truncated: bool = False
    is_partial: bool = False
    too_large: int | None = None

    @property
    def leaves_nothing(self) -> bool:
        """Whether what was done was undone, or hidden, in the same save."""
        return not (self.fields or self.groups or self.is_truncated or self.too_large)


def fold(
    entries: Sequence[Entry], tables: Tables, zone: tzinfo, *, is_partial: bool = False
) -> Change:
    """Return what the entries of one change come to; *entries* is not empty, in any order."""
    ordered = sorted(entries, key=lambda entry: entry.id)
    states = fold_rows(ordered, tables)
    roots = [state for state in states if state.part is None]
    parts = [state for state in states if state.part is not None and not state.is_fleeting]
    root = roots[0] if len(roots) == 1 else None
    compared = _compare(root, zone) if root else Fields()
    truncated = {entry.part for entry in ordered if entry.operation == "TRUNCATE"}
    return Change(
        # A part that a cascade removed has lost its entity, and the way to its change.
        last=max(ordered, key=lambda each: (each.entity_id is not None, each.occurred_at, each.id)),
        entries=len(entries),
        kind=Kind.DELETED if None in truncated else _kind(roots),
        label=_label(ordered),
        fields=compared.changed,
        unchanged=compared.unchanged,
        groups=tuple(_groups([*parts, *(() if root else roots)], truncated, zone)),
        is_fleeting=root is not None and root.is_fleeting,
        is_truncated=None in truncated,
        is_partial=is_partial,
        too_large=max((entry.size for entry in ordered if entry.size), default=None),
    )


def _kind(roots: Sequence[State]) -> Kind:
    if roots and all(root.new is None for root in roots):
        return Kind.DELETED
    if roots and all(root.old is None for root in roots):
        return Kind.CREATED
    return Kind.UPDATED


def _label(entries: Sequence[Entry]) -> str | None:
    """Return the entity's name: the last that its own row said, else that a part said."""
    named = [entry for entry in entries if entry.entity_label is not None]
    of_root = [entry for entry in named if entry.part is None]
    return (of_root or named)[-1].entity_label if named else None


def _compare(state: State, zone: tzinfo, without: frozenset[str] = frozenset()) -> Fields:
    if state.is_too_large:
        return Fields()
    return compare_rows(
        state.table,
        (state.old, state.old_labels),
        (state.new, state.new_labels),
        zone,
        without,
    )


def _groups(states: Sequence[State], truncated: set[str | None], zone: tzinfo) -> Iterator[Group]:
    by_noun: dict[str, list[State]] = {}
    for state in states:
        by_noun.setdefault(state.part or state.table.entity or state.table.name[1], []).append(
            state
        )
    for part in sorted(part for part in truncated if part is not None):
        by_noun.setdefault(part, [])
    for noun, members in by_noun.items():
        group = _group(noun, members, zone)
        group = replace(group, is_emptied=noun in truncated)
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
    old = _summary(state, state.old, state.old_labels, zone)
    new = _summary(state, state.new, state.new_labels, zone)
    fields = _compare(state, zone, without=frozenset() if place == NOWHERE else POSITION_COLUMNS)
    if state.old is None or state.new is None:
        verb = Verb.ADDED if state.old is None else Verb.REMOVED
    elif fields.changed:
        verb = Verb.CHANGED
    elif is_moved:
        verb = Verb.MOVED
    else:
        return None
    told = new if state.old is None else old
    return PartChange(
        verb=verb,
        title=told.title,
        old=old.text,
        new=new.text,
        fields=fields.changed,
        place=place if is_moved or verb in (Verb.ADDED, Verb.REMOVED) else NOWHERE,
    )


def _summary(state: State, row: Row | None, labels: Labels, zone: tzinfo) -> Summary:
    if state.is_too_large and row is not None:
        return TOO_LARGE
    return summarise(state.table, row, labels, zone, POSITION_COLUMNS)


TOO_LARGE = Summary("One", "too large to be shown here")
NOWHERE = Place(None, None)


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


def _reading_order(part: PartChange) -> tuple[float, float]:
    new, old = part.place.new, part.place.old
    return (
        list(Verb).index(part.verb),
        next((float(place) for place in (new, old) if place is not None), float("inf")),
    )
