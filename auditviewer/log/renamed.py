"""References whose rows are called otherwise today than the entry says, or are gone.

Only of rows that are entities of the log, named there by the column that the reference shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from auditviewer.change.changes import Change
from auditviewer.change.fields import Field
from auditviewer.change.records import Tables
from auditviewer.change.values import Kind, Value
from auditviewer.change.verbatim import reveal
from auditviewer.log.database import Reading
from auditviewer.log.fates import Fate, find_fates
from auditviewer.log.stands import Entity


def read_referred(
    reading: Reading, changes: Sequence[Change], tables: Tables
) -> dict[Entity, Fate]:
    """Return what became since of the entities that changes refer to, by one query."""
    entities = {each for change in changes for each in _entities(change, tables)}
    low = min((change.last.transaction_at for change in changes), default=reading.now)
    return find_fates(reading, dict.fromkeys(entities, low))


def _entities(change: Change, tables: Tables) -> Iterator[Entity]:
    parts = (part for group in change.groups for part in group.parts)
    for fields in (change.fields, *(part.fields for part in parts)):
        for field in fields:
            for value in (field.old, field.new):
                if entity := _entity(field, value, tables):
                    yield entity


def _entity(field: Field, value: Value, tables: Tables) -> Entity | None:
    reference = field.reference
    table = tables.get(reference.table) if reference and value.key else None
    if reference is None or table is None or table.parent is not None:
        return None
    if (table.key, table.label_column) != ((reference.key,), reference.label):
        return None
    return table.module, table.entity, value.key


def with_names_of_now(change: Change, fates: Mapping[Entity, Fate], tables: Tables) -> Change:
    """Return a change whose references say what became of them since."""
    if not fates:
        return change

    def renamed(fields: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(_renamed(field, fates, tables) for field in fields)

    groups = tuple(
        replace(
            group,
            parts=tuple(replace(part, fields=renamed(part.fields)) for part in group.parts),
        )
        for group in change.groups
    )
    return replace(change, fields=renamed(change.fields), groups=groups)


def _renamed(field: Field, fates: Mapping[Entity, Fate], tables: Tables) -> Field:
    old, new = (
        _with_fate(value, fates.get(entity)) if entity else value
        for value, entity in (
            (each, _entity(field, each, tables)) for each in (field.old, field.new)
        )
    )
    return replace(field, old=old, new=new) if (old, new) != (field.old, field.new) else field


def _with_fate(value: Value, fate: Fate | None) -> Value:
    if fate is None:
        return value
    name = value.text.removesuffix(f" (#{value.key})")
    if fate.is_deleted:
        became = "deleted since"
    elif fate.label and reveal(fate.label) != name and value.kind is Kind.REFERENCE:
        became = f"now called {reveal(fate.label)}"
    else:
        return value
    return replace(value, note=", ".join(filter(None, (value.note, became))))
