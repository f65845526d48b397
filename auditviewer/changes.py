"""A change: what the entries of one save of one entity come to, row by row and field by field.

Pure: knows neither the database nor the page. `sentences` and `columns` say it in words.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum

from auditviewer.fields import Field, Fields, compare_rows, summarise
from auditviewer.order import Place, find_moved
from auditviewer.records import NOTHING, Entry, Labels, Row, Table, Tables
from auditviewer.values import image

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
    """One save of one entity; *last* is the newest of its entries, and says who and when."""

    last: Entry
    kind: Kind
    label: str | None
    fields: tuple[Field, ...]
    unchanged: int
    groups: tuple[Group, ...]
    is_truncated: bool = False
    too_large: int | None = None

    @property
    def leaves_nothing(self) -> bool:
        """Whether what was done was undone, or hidden, in the same save."""
        return not (self.fields or self.groups or self.is_truncated or self.too_large)


@dataclass(frozen=True)
class _State:
    """A row before and after the change, folded from however many entries."""

    table: Table
    part: str | None
    old: Row | None
    new: Row | None
    old_labels: Labels
    new_labels: Labels


def fold(entries: Sequence[Entry], tables: Tables, zone: tzinfo) -> Change:
    """Return what the entries of one change come to; *entries* is not empty, in any order."""
    ordered = sorted(entries, key=lambda entry: entry.id)
    states = _fold_rows(ordered, tables)
    roots = [state for state in states if state.part is None]
    root = roots[0] if len(roots) == 1 else None
    compared = _compare(root, zone) if root else Fields()
    truncated = {entry.part for entry in ordered if entry.operation == "TRUNCATE"}
    return Change(
        last=max(ordered, key=lambda entry: (entry.occurred_at, entry.id)),
        kind=Kind.DELETED if None in truncated else _kind(roots),
        label=_label(ordered),
        fields=compared.changed,
        unchanged=compared.unchanged,
        groups=tuple(_groups([s for s in states if s is not root], truncated, zone)),
        is_truncated=None in truncated,
        too_large=max((entry.size for entry in ordered if entry.size), default=None),
    )


def _fold_rows(entries: Iterable[Entry], tables: Tables) -> list[_State]:
    states: dict[tuple[object, ...], _State] = {}
    for entry in entries:
        if entry.operation == "TRUNCATE" or entry.size:
            continue
        table = tables.get(entry.table) or Table(entry.table, entry.module, entry.entity)
        state = _State(table, entry.part, entry.old_row, entry.new_row, entry.labels, entry.labels)
        earlier = states.pop((entry.table, _key_before(entry)), None)
        if earlier is not None:
            state = replace(state, old=earlier.old, old_labels=earlier.old_labels)
        states[entry.table, _key_after(entry)] = state
    return [
        state
        for state in states.values()
        if state.part is None or state.old is not None or state.new is not None
    ]


def _key_after(entry: Entry) -> str:
    return image(dict(entry.row_key)) if entry.row_key else f"entry {entry.id}"


def _key_before(entry: Entry) -> str:
    """Return the key under which the row was known: an UPDATE may have changed it."""
    if entry.row_key and entry.old_row and all(name in entry.old_row for name in entry.row_key):
        return image({name: entry.old_row[name] for name in entry.row_key})
    return _key_after(entry)


def _kind(roots: Sequence[_State]) -> Kind:
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


def _compare(state: _State, zone: tzinfo, without: frozenset[str] = frozenset()) -> Fields:
    return compare_rows(
        state.table,
        (state.old, state.old_labels),
        (state.new, state.new_labels),
        zone,
        without,
    )


def _groups(states: Sequence[_State], truncated: set[str | None], zone: tzinfo) -> Iterator[Group]:
    by_noun: dict[str, list[_State]] = {}
    for state in states:
        by_noun.setdefault(state.part or state.table.entity or state.table.name[1], []).append(
            state
        )
    for part in truncated:
        if part is not None:
            by_noun.setdefault(part, [])
    for noun, members in by_noun.items():
        group = _group(noun, members, zone)
        group = replace(group, is_emptied=noun in truncated)
        if group.parts or group.is_emptied:
            yield group


def _group(noun: str, states: Sequence[_State], zone: tzinfo) -> Group:
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


def _part_change(state: _State, place: Place, is_moved: bool, zone: tzinfo) -> PartChange | None:
    old = summarise(state.table, state.old, state.old_labels, zone, POSITION_COLUMNS)
    new = summarise(state.table, state.new, state.new_labels, zone, POSITION_COLUMNS)
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


NOWHERE = Place(None, None)


def _place(state: _State) -> Place:
    return Place(_position(state.old), _position(state.new))


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


def claims(entries: Sequence[Entry], orphan: Entry, tables: Tables) -> bool:
    """Tell whether a part that lost its way to the entity belongs to these entries' change.

    A cascade that removes grandchildren leaves entries without entity_id: their parents were gone
    already. The parent's own entry, found by the key that the row still holds, is in the change.
    """
    table = tables.get(orphan.table)
    parent = tables.get(table.parent) if table and table.parent else None
    if table is None or parent is None or orphan.old_row is None:
        return True
    wanted = {
        name: orphan.old_row.get(own)
        for name, own in zip(parent.key, table.parent_key, strict=False)
    }
    return any(
        entry.table == parent.name and dict(entry.row_key or {}) == wanted for entry in entries
    )
