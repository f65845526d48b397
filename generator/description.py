"""Writes the words of a table as arguments of audit._describe().

Knows the columns of audit.tracked_table; an argument that says nothing is left out.
"""

import json
from collections.abc import Iterator, Mapping

from generator.config import Column, TrackedTable
from generator.quoting import Sql, literal, text_array

_LINE = 60


def describe(tracked: TrackedTable) -> Sql:
    """Return the arguments of audit._describe(), one on a line."""
    return Sql(",\n".join(f"    {name} => {value}" for name, value in _arguments(tracked)))


def column_words(tracked: TrackedTable) -> dict[str, dict[str, object]]:
    """Return audit.tracked_table.columns: the words of each column that has some."""
    words = {name: _words(column) for name, column in tracked.columns.items()}
    return {name: said for name, said in words.items() if said}


def _arguments(tracked: TrackedTable) -> Iterator[tuple[str, Sql]]:
    yield "p_table_schema", literal(tracked.name.schema)
    yield "p_table_name", literal(tracked.name.table)
    yield "p_module", literal(tracked.module)
    yield "p_entity", literal(tracked.entity)
    if tracked.parent:
        yield "p_part", literal(tracked.part)
        yield "p_parent_schema", literal(tracked.parent.table.schema)
        yield "p_parent_table", literal(tracked.parent.table.table)
        yield "p_parent_key", text_array(tracked.parent.key)
    for name, columns in _column_lists(tracked).items():
        if columns:
            yield name, text_array(columns)
    for name, value in {"p_label_column": tracked.label, "p_link": tracked.root.link}.items():
        if value:
            yield name, literal(value)
    if tracked.truncate != "log":
        yield "p_on_truncate", literal(tracked.truncate)
    if tracked.missing_actor != "allow":
        yield "p_missing_actor", literal(tracked.missing_actor)
    words: dict[str, Mapping[str, object]]
    words = {"p_say": tracked.say, "p_columns": column_words(tracked)}
    yield from ((name, _json_object(said)) for name, said in words.items() if said)


def _column_lists(tracked: TrackedTable) -> dict[str, tuple[str, ...]]:
    return {
        "p_key_columns": tracked.key,
        "p_ignored": tracked.ignore,
        "p_excluded": tracked.exclude,
        "p_redacted": tracked.redact,
    }


def _json_object(words: Mapping[str, object]) -> Sql:
    """Write the words with a line for each column, or for each word where that is too long."""
    lines = [
        f"        {json.dumps(name, ensure_ascii=False)}: {_json(value)}"
        for name, value in words.items()
    ]
    return literal("{\n" + ",\n".join(lines) + "\n    }")


def _json(value: object) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= _LINE:
        return line
    return json.dumps(value, ensure_ascii=False, indent=4).replace("\n", "\n        ")


def _words(column: Column) -> dict[str, object]:
    words: dict[str, object] = {}
    if column.label:
        words["label"] = column.label
    if column.values:
        words["values"] = column.values
    if column.references:
        reference = column.references
        words["references"] = {
            "schema": reference.table.schema,
            "table": reference.table.table,
            "key": reference.key,
            "label": reference.label,
        }
    if column.currency:
        words["currency"] = column.currency
    if column.item_key:
        words["item_key"] = column.item_key
    if column.say:
        words["say"] = column.say
    return words
