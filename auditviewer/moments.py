"""An entity as it was at a moment, from the entries before it and after it, and what is not known.

Pure: knows neither the database nor the page.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum

from auditviewer.change.changes import Change, fold
from auditviewer.change.english import plural
from auditviewer.change.records import Entry, Row, Table, Tables
from auditviewer.change.sides import Line, Section, lay_out
from auditviewer.change.states import State, fold_rows
from auditviewer.change.stored import image
from auditviewer.log.past import Past

Identity = tuple[object, str]


class Presence(StrEnum):
    """Whether the entity was there."""

    THERE = "there"
    GONE = "gone"
    NOT_YET = "not yet"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Moment:
    """An entity at a moment; *state* says of its rows what a save that made them all would.

    *last* is the newest entry before it and *next* the first after it. *is_whole*: the log has
    the entity since it was created. *emptied* are entries of a TRUNCATE after it, *is_cut* tells
    that more entries were there than were read.
    """

    presence: Presence
    state: Change | None
    last: Entry | None
    next: Entry | None
    is_whole: bool
    emptied: tuple[Entry, ...]
    is_cut: bool


def find_moment(before: Past, after: Past, tables: Tables, zone: tzinfo) -> Moment:
    """Return the entity between two runs of entries; not both are empty."""
    rows = _rows_between(before.entries, after.entries, tables)
    presence = _presence(before.entries, after.entries, rows)
    is_there = presence in (Presence.THERE, Presence.UNKNOWN)
    return Moment(
        presence=presence,
        state=fold(rows, tables, zone) if rows and is_there else None,
        last=_named(reversed(before.entries)),
        next=_named(iter(after.entries)),
        is_whole=not before.is_cut and _is_whole(before.entries, tables),
        emptied=tuple(entry for entry in after.entries if entry.operation == "TRUNCATE"),
        is_cut=before.is_cut or after.is_cut,
    )


def _named(entries: Iterator[Entry]) -> Entry | None:
    return next((entry for entry in entries if entry.entity_id is not None), None)


def _presence(before: Sequence[Entry], after: Sequence[Entry], rows: Sequence[Entry]) -> Presence:
    if any(row.part is None for row in rows):
        return Presence.THERE
    if any(entry.part is None for entry in before):
        return Presence.GONE
    first = next((entry for entry in after if entry.part is None), None)
    if first is not None and first.operation == "INSERT":
        return Presence.NOT_YET
    return Presence.UNKNOWN


def _is_whole(before: Sequence[Entry], tables: Tables) -> bool:
    """Tell whether all there was has left an entry, as its tables were tracked from the start."""
    own = [entry for entry in before if entry.part is None and entry.operation != "TRUNCATE"]
    if not own or own[0].operation != "INSERT":
        return False
    parents = {table.parent for table in tables.values()}
    if any(entry.table in parents for entry in _that_moved(before, away=False)):
        return False
    return all(
        table.tracked_at and table.tracked_at <= own[0].occurred_at and not table.untracked_at
        for table in tables.values()
        if table.entity == own[0].entity
    )


def _rows_between(
    before: Sequence[Entry], after: Sequence[Entry], tables: Tables
) -> tuple[Entry, ...]:
    """Return the rows that were there, each as the entry of an INSERT.

    Of a row that was written before, it is what the last write left; of one that was only written
    later, what the first write found.
    """
    emptied = {entry.table: entry.id for entry in before if entry.operation == "TRUNCATE"}
    written = (entry for entry in before if entry.id > emptied.get(entry.table, 0))
    left = fold_rows(map(_gone, written), tables)
    found = {
        _identity(state.table, state.new): _inserted(state, state.new, before)
        for state in left
        if state.new is not None
    }
    for state in fold_rows(after, tables):
        if state.old is not None:
            identity = _identity(state.table, state.old)
            found.setdefault(identity, _inserted(state, state.old, after))
    moved = {
        _identity(tables[entry.table], (entry.old_row if entry.is_former else entry.new_row) or {})
        for entry in (*_that_moved(before, away=True), *_that_moved(after, away=False))
        if entry.table in tables
    }
    there = _without_followers(found, moved - found.keys(), tables)
    return tuple(replace(entry, id=number) for number, entry in enumerate(there))


def _that_moved(entries: Iterable[Entry], *, away: bool) -> Iterator[Entry]:
    """Yield the entries of parts that went to another entity, or came from one."""
    return (each for each in entries if each.part and each.move and each.move.is_away is away)


def _without_followers(
    rows: Mapping[Identity, Entry], gone: set[Identity], tables: Tables
) -> list[Entry]:
    """Return rows less those that went to another entity with their parents, or are yet to come."""
    left = dict(rows)
    while lost := [each for each, row in left.items() if _parent_of(row, tables) in gone]:
        gone = gone.union(lost)
        left = {each: row for each, row in left.items() if each not in gone}
    return list(left.values())


def _parent_of(row: Entry, tables: Tables) -> Identity | None:
    table = tables.get(row.table)
    parent = tables.get(table.parent) if table and table.parent else None
    if table is None or parent is None:
        return None
    held, key = row.new_row or {}, zip(parent.key, table.parent_key, strict=False)
    return _identity(parent, {name: held.get(own) for name, own in key})


def _gone(entry: Entry) -> Entry:
    """Return an entry that took a row away, under another key or to another entity, as its end."""
    return replace(entry, operation="DELETE", new_row=None) if entry.is_former else entry


def _identity(table: Table, row: Row) -> Identity:
    key = {name: row.get(name) for name in table.key}
    return table.name, image(key or dict(row))


def _inserted(state: State, row: Row, entries: Sequence[Entry]) -> Entry:
    is_after = row is state.new
    like = next(entry for entry in entries if entry.id == state.first)
    name = row.get(state.table.label_column) if state.table.label_column else None
    return replace(
        like,
        operation="INSERT",
        part=state.part,
        # A key would make one row of what bears the same at different times.
        row_key=None,
        entity_label=name if isinstance(name, str) and state.part is None else like.entity_label,
        labels=state.new_labels if is_after else state.old_labels,
        old_row=None,
        new_row=row,
        size=1 if state.is_too_large else None,
        move=None,
    )


def lay_out_state(state: Change, most: int) -> tuple[Section, ...]:
    """Return the two sides of a state, of which the second says it all."""
    nouns = {plural(group.noun): group.noun for group in state.groups}
    return tuple(
        replace(
            section,
            lines=tuple(_plain(line, nouns.get(section.title, "")) for line in section.lines),
            footnote="",
        )
        for section in lay_out(state, most)
    )


def _plain(line: Line, noun: str) -> Line:
    """Return a line without what only a change has: its sign, and that a part was added."""
    is_part = line.label == line.verb and bool(noun)
    number = line.note.removeprefix("at ") if is_part else ""
    label = f"{noun} {number}".strip() if is_part else line.label
    return replace(line, label=label, sign="", verb="", note="" if is_part else line.note)
