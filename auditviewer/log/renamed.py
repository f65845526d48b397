"""References whose rows are called otherwise today than the entry says, or are gone.

Only of rows that are entities of the log, named there by the column that the reference shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from psycopg import sql

from auditviewer.change.changes import Change
from auditviewer.change.fields import Field
from auditviewer.change.records import Tables
from auditviewer.change.values import Kind, Value
from auditviewer.change.verbatim import reveal
from auditviewer.log.database import Reading
from auditviewer.log.fates import Fate
from auditviewer.log.stands import MARGIN

Entity = tuple[str, str, str]
"""Module, entity and id."""

# The newest entry of an entity's own row says its name; what is older than the change doesn't.
# Ordered as the index by entity is: by the key, every entry since then would be passed.
FATES = sql.SQL("""
SELECT k.module, k.entity, k.id, e.operation = 'DELETE' AS is_deleted, e.entity_label AS label
FROM unnest(%(modules)s::text[], %(entities)s::text[], %(ids)s::text[]) AS k (module, entity, id)
CROSS JOIN LATERAL (
    SELECT e.operation, e.entity_label
    FROM audit.entry AS e
    WHERE e.entity = k.entity
      AND hashtextextended(e.entity_id, 0) = hashtextextended(k.id, 0)
      AND e.entity_id = k.id
      AND e.module = k.module
      AND e.part IS NULL
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.entity DESC, hashtextextended(e.entity_id, 0) DESC, e.occurred_at DESC, e.id DESC
    LIMIT 1
) AS e""")


def read_referred(
    reading: Reading, changes: Sequence[Change], tables: Tables
) -> dict[Entity, Fate]:
    """Return what became since of the entities that changes refer to, by one query."""
    entities = sorted({each for change in changes for each in _entities(change, tables)})
    if not entities:
        return {}
    modules, names, ids = map(list, zip(*entities, strict=True))
    values = {"modules": modules, "entities": names, "ids": ids}
    low = min(change.last.transaction_at for change in changes)
    span = {"low": low, "high": reading.now + MARGIN}
    return {
        (row["module"], row["entity"], row["id"]): Fate(row["is_deleted"], row["label"])
        for row in reading.connection.execute(FATES, values | span)
    }


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
