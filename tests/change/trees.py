"""Changes written as data: rows before and after, and the tree that is expected of them.

A tree is written a line for each field: its sign, its label, what it was and is, and in brackets
what is said beside. The fields of a part stand under it.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from auditviewer.change.changes import Change, fold
from auditviewer.change.fields import Field
from auditviewer.change.parts import PartChange
from auditviewer.change.records import Entry, Row, Table, read_columns, read_json
from auditviewer.change.sides import SIGNS
from tests.entries import entry

DATA = Path(__file__).parents[1] / "data" / "change_trees.toml"


@dataclass(frozen=True)
class Case:
    """A change of a thing and its parts, what its tree is and how it is said."""

    name: str
    entries: tuple[Entry, ...]
    tables: Mapping[tuple[str, str], Table]
    tree: list[str]
    sentence: str

    @property
    def change(self) -> Change:
        """What the entries come to."""
        return fold(self.entries, self.tables, UTC)


def read_cases() -> list[Case]:
    """Return the cases of the file, each with the words of its tables."""
    data = tomllib.loads(DATA.read_text("utf-8"))
    return [_case(data, written) for written in data["case"]]


def _case(data: Mapping[str, Any], written: Mapping[str, Any]) -> Case:
    thing = _table(("crm", "thing"), data["thing"], label="name", say=written.get("say", {}))
    part = _table(
        ("crm", "part"), data["part"], "Condition", label="field", say=written.get("part_say", {})
    )
    old, new = (read_json(written.get(side)) for side in ("old", "new"))
    labels = {column: dict(names) for column, names in data["names"].items()}
    entries = [*_entries(thing, [old], [new], labels)]
    entries += _entries(part, _parts(written, "old_parts"), _parts(written, "new_parts"), labels)
    tables = {thing.name: thing, part.name: part}
    return Case(written["name"], tuple(entries), tables, written["tree"], written["sentence"])


def _table(
    name: tuple[str, str],
    words: Mapping[str, Any],
    part: str | None = None,
    *,
    label: str,
    say: Mapping[str, str],
) -> Table:
    parent: dict[str, Any] = {"parent": ("crm", "thing"), "parent_key": ("thing_id",)}
    return Table(
        name,
        "Things",
        "Thing",
        part,
        key=("id",),
        label_column=label,
        say=say,
        columns=read_columns(words),
        **(parent if part else {}),
    )


def _parts(written: Mapping[str, Any], side: str) -> list[Row | None]:
    return [read_json(row) for row in written.get(side, [])]


def _entries(
    table: Table, old: Sequence[Row | None], new: Sequence[Row | None], labels: Any
) -> Iterator[Entry]:
    """Yield an entry for each row that differs, by its key."""
    before, after = ({row.get("id"): row for row in side if row} for side in (old, new))
    for key in dict.fromkeys([*before, *after]):
        was, is_ = before.get(key), after.get(key)
        operation = "INSERT" if was is None else "DELETE" if is_ is None else "UPDATE"
        if was != is_ or str(was) != str(is_):
            row_key = {"id": key} if key else None
            yield entry(operation, table, was, is_, entity_id="7", row_key=row_key, labels=labels)


def tree_of(change: Change) -> list[str]:
    """Return the tree of a change as it is written in the file."""
    lines = [_field(field) for field in change.fields]
    for group in change.groups:
        for part in group.parts:
            lines.append(_part(group.noun, part))
            lines += [f"  {_field(field)}" for field in part.fields]
        if group.shifted:
            lines.append(f"{group.shifted} made room")
    return lines


def _field(field: Field) -> str:
    sign = f"{SIGNS[field.verb]} " if field.verb else ""
    note = f" [{field.note}]" if field.note else ""
    return f"{sign}{field.label}: {field.old.text} → {field.new.text}{note}"


def _part(noun: str, part: PartChange) -> str:
    place = part.place
    at = f" at {place.new or place.old}" if place.new or place.old else ""
    if place.new and place.old:
        at = f" from {place.old} to {place.new}"
    return f"{SIGNS[part.verb]} {noun}{at}: {part.old or '–'} → {part.new or '–'}"
