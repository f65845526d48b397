"""A row before and after a save, folded from however many entries the save left of it.

Knows rows and their keys, not what a row is to its entity.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from auditviewer.change.english import lowered
from auditviewer.change.records import NOTHING, Entry, Labels, Move, Row, Table, Tables
from auditviewer.change.stored import image
from auditviewer.change.verbatim import in_quotes, reveal

LONGEST_NAME = 60


@dataclass(frozen=True)
class State:
    """A row before and after; None: there was none. Of one that is too large, nothing is read.

    *first* is the id of its first entry, *move* the last of those from one entity to another.
    """

    first: int
    table: Table
    part: str | None
    old: Row | None
    new: Row | None
    old_labels: Labels
    new_labels: Labels
    is_rekeyed: bool = False
    is_too_large: bool = False
    move: Move | None = None

    @property
    def is_fleeting(self) -> bool:
        """Whether the row came and went in the same save."""
        return self.old is None and self.new is None

    @property
    def moved(self) -> str:
        """Return "moved to workflow “Welcome”", of a part that came or went that way."""
        move = self.move
        if move is None or (self.old is None, self.new is None) != (not move.is_away, move.is_away):
            return ""
        name = f"#{reveal(move.entity_id)}"
        if move.label is not None:
            name = in_quotes(_shortened(reveal(move.label)))
        return f"moved {'to' if move.is_away else 'from'} {lowered(self.table.entity)} {name}"

    def followed_by(self, later: "State") -> "State":
        """Return both as one."""
        return replace(
            later,
            first=self.first,
            old=self.old,
            old_labels=self.old_labels,
            is_rekeyed=self.is_rekeyed or later.is_rekeyed,
            is_too_large=self.is_too_large or later.is_too_large,
            move=later.move or self.move,
        )


def _shortened(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= LONGEST_NAME else words[:LONGEST_NAME].rstrip() + "…"


def fold_rows(entries: Iterable[Entry], tables: Tables) -> list[State]:
    """Return the rows in the order in which they were first written; so are *entries*."""
    standing: dict[tuple[object, str], list[State]] = {}
    for entry in _as_the_entity_sees(list(entries)):
        if entry.operation == "TRUNCATE":
            continue
        state = _state(entry, tables)
        here = standing.get((entry.table, _key_before(entry)), [])
        earlier = _find_earlier(here, state)
        if earlier is not None:
            here.remove(earlier)
            state = earlier.followed_by(state)
        standing.setdefault((entry.table, _key_after(entry)), []).append(state)
    states = [state for here in standing.values() for state in here]
    return sorted(states, key=lambda state: state.first)


def _as_the_entity_sees(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the entries, in which a part that moved from one entity to another came or went.

    Unless it is still the same entity, whose own key changed and its parts' with it.
    """
    rekeyed = {
        (entry.transaction_id, entry.move.entity_id)
        for entry in entries
        if entry.move and entry.part is None
    }
    for entry in entries:
        move = entry.move
        if not move or entry.part is None or (entry.transaction_id, move.entity_id) in rekeyed:
            yield entry
        elif move.is_away:
            yield replace(entry, operation="DELETE", new_row=None)
        else:
            yield replace(entry, operation="INSERT", old_row=None)


def without_parent(state: State) -> State:
    """Return a part that moved without the key of its parent: the name of that says more."""
    if state.move is None or state.part is None:
        return state
    old, new = (
        row and {name: row[name] for name in row if name not in state.table.parent_key}
        for row in (state.old, state.new)
    )
    return replace(state, old=old, new=new)


def _state(entry: Entry, tables: Tables) -> State:
    old, new = entry.old_row, entry.new_row
    if entry.size:
        old = None if entry.operation == "INSERT" else NOTHING
        new = None if entry.operation == "DELETE" else NOTHING
    return State(
        first=entry.id,
        table=tables.get(entry.table) or Table(entry.table, entry.module, entry.entity),
        part=entry.part,
        old=old,
        new=new,
        old_labels=entry.labels,
        new_labels=entry.labels,
        is_rekeyed=_key_before(entry) != _key_after(entry),
        is_too_large=bool(entry.size),
        move=entry.move,
    )


def _find_earlier(here: Sequence[State], state: State) -> State | None:
    """Return what the same row was by the entries before.

    Its key alone doesn't tell where keys were swapped: then it is the one that looks the same.
    """
    same = [earlier for earlier in here if _looks(earlier.new, state) == _looks(state.old, state)]
    others = [earlier for earlier in here if not earlier.is_rekeyed]
    return next(reversed([*others, *same]), None)


def _looks(row: Row | None, state: State) -> str:
    # A write of ignored columns alone left no entry in between.
    kept = {name: value for name, value in (row or {}).items() if name not in state.table.ignored}
    return "none" if row is None else image(kept)


def _key_after(entry: Entry) -> str:
    return image(dict(entry.row_key)) if entry.row_key else f"entry {entry.id}"


def _key_before(entry: Entry) -> str:
    """Return the key under which the row was known: an UPDATE may have changed it."""
    if entry.row_key and entry.old_row and all(name in entry.old_row for name in entry.row_key):
        return image({name: entry.old_row[name] for name in entry.row_key})
    return _key_after(entry)


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
