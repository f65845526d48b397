"""What a capture function looks up beside the row: the names of references and of the entity.

Knows which columns that takes, so that exactly these are granted; writes parts of queries only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from generator.config import Parent, TrackedTable
from generator.names import TableName
from generator.quoting import Sql, identifier, literal, qualified


@dataclass(frozen=True)
class Grant:
    """Columns of one table that the capture function may read."""

    table: Sql
    columns: Sql


@dataclass(frozen=True)
class Written:
    """How SQL writes a column of the row before and after: alike where there is only one."""

    old: Callable[[str], str]
    new: Callable[[str], str]

    def both(self, column: str) -> str:
        """Write the two values."""
        return ", ".join(dict.fromkeys((self.old(column), self.new(column))))

    def either(self, column: str) -> str:
        """Write the value after, or before where there is none."""
        if self.old(column) == self.new(column):
            return self.new(column)
        return f"coalesce({self.new(column)}, {self.old(column)})"


OF_ROW = Written(lambda name: f"OLD.{identifier(name)}", lambda name: f"NEW.{identifier(name)}")
"""In a row trigger."""


@dataclass(frozen=True)
class NamedReference:
    """A reference as the template writes it: the values here, and what names them there.

    ``value`` is the one that both rows have, where an update didn't change it.
    """

    column_in_text: Sql
    values: Sql
    value: Sql
    table: Sql
    key: Sql
    label: Sql


@dataclass(frozen=True)
class AncestorQuery:
    """The query for the entity that a row of a child table belongs to, in its parts."""

    columns: Sql
    variables: Sql
    named_columns: Sql
    tables: Sql
    condition: Sql
    finds_id: bool
    finds_label: bool


def grants(tracked: TrackedTable) -> list[Grant]:
    """Return what the capture function must be able to read, by table."""
    columns: dict[TableName, dict[str, None]] = {}
    for table, column in read_columns(tracked):
        columns.setdefault(table, {})[column] = None
    return [
        Grant(qualified(table), Sql(", ".join(map(identifier, columns[table]))))
        for table in columns
    ]


def granted_schemas(tracked: TrackedTable) -> Sql:
    """Return the schemas of what is read, but for the table's own where that is granted anyway."""
    schemas = {table.schema: None for table, _ in read_columns(tracked)}
    if tracked.capture == "statement" or tracked.truncate == "rows":
        schemas.pop(tracked.name.schema, None)
    return Sql(", ".join(map(identifier, schemas)))


def read_columns(tracked: TrackedTable) -> Iterator[tuple[TableName, str]]:
    """Yield each table and column that the capture function reads; some come twice."""
    if _needs_ancestor(tracked):
        for ancestor in tracked.ancestors:
            for column in _columns_on_the_way(ancestor):
                yield ancestor.name, column
    for reference in tracked.references.values():
        yield reference.table, reference.key
        yield reference.table, reference.label


def looked_up(tracked: TrackedTable) -> tuple[str, ...]:
    """Return the columns of the table that names are looked up by."""
    parent_key = tracked.parent.key if tracked.parent and _needs_ancestor(tracked) else ()
    return tuple(dict.fromkeys((*parent_key, *tracked.references)))


def named_references(tracked: TrackedTable, written: Written = OF_ROW) -> list[NamedReference]:
    """Return the references in the order of audit.toml."""
    return [
        NamedReference(
            literal(column),
            Sql(written.both(column)),
            Sql(written.either(column)),
            qualified(reference.table),
            identifier(reference.key),
            identifier(reference.label),
        )
        for column, reference in tracked.references.items()
    ]


def ancestor_query(tracked: TrackedTable, written: Written = OF_ROW) -> AncestorQuery | None:
    """Return the query for the entity's label, and for its key where it is not in the row."""
    if not _needs_ancestor(tracked):
        return None
    root = f"a{len(tracked.ancestors)}"
    found = {}
    if len(tracked.ancestors) > 1:
        found["v_entity_id"] = _key_as_text(root, tracked.root.key)
    if tracked.root.label:
        found["v_entity_label"] = f"left({root}.{identifier(tracked.root.label)}::text, 256)"
    return AncestorQuery(
        columns=Sql(", ".join(found.values())),
        variables=Sql(", ".join(found)),
        named_columns=Sql(", ".join(f"{value} AS {name}" for name, value in found.items())),
        tables=Sql("\n             ".join(_joins(tracked))),
        condition=Sql(_row_condition(tracked, written)),
        finds_id="v_entity_id" in found,
        finds_label="v_entity_label" in found,
    )


def _needs_ancestor(tracked: TrackedTable) -> bool:
    is_named = bool(tracked.ancestors) and tracked.root.label is not None
    return is_named or len(tracked.ancestors) > 1


def _columns_on_the_way(ancestor: TrackedTable) -> tuple[str, ...]:
    onward = ancestor.parent.key if ancestor.parent else (ancestor.label,)
    return (*ancestor.key, *(column for column in onward if column))


def _joins(tracked: TrackedTable) -> Iterator[str]:
    parent, *further = tracked.ancestors
    yield f"{qualified(parent.name)} AS a1"
    below = parent
    for level, ancestor in enumerate(further, start=2):
        assert below.parent is not None  # noqa: S101 - only a root has none, and it is the last
        condition = _join_condition(level, ancestor, below.parent)
        yield f"JOIN {qualified(ancestor.name)} AS a{level}\n             ON {condition}"
        below = ancestor


def _join_condition(level: int, ancestor: TrackedTable, parent: Parent) -> str:
    return " AND\n                ".join(
        f"a{level}.{identifier(key)} = a{level - 1}.{identifier(reference)}"
        for key, reference in zip(ancestor.key, parent.key, strict=True)
    )


def _row_condition(tracked: TrackedTable, written: Written) -> str:
    assert tracked.parent is not None  # noqa: S101 - asked of child tables only
    return "\n          AND ".join(
        f"a1.{identifier(key)} = {written.either(column)}"
        for key, column in zip(tracked.ancestors[0].key, tracked.parent.key, strict=True)
    )


def _key_as_text(alias: str, key: tuple[str, ...]) -> str:
    columns = [f"{alias}.{identifier(column)}" for column in key]
    if len(columns) == 1:
        return f"to_jsonb({columns[0]}) #>> '{{}}'"
    return f"jsonb_build_array({', '.join(columns)})::text"
