"""The words for the columns of a table in audit.toml, and the sentences in which to say a change.

Knows how they are written; the viewer fills the sentences in.
"""

import re
from collections.abc import Iterable

from generator.config import Column, Reference
from generator.toml_reader import Reader, Toml

VALUE_CASES = ("changed", "set", "cleared", "up", "down", "on", "off")
"""How a value can change. Up and down: of numbers, and of values by the order of their words."""
ENTITY_CASES = ("created", "deleted")
PART_CASES = ("added", "removed", "moved")

_PLACEHOLDER = re.compile(r"\{[^{}:]+(:[^{}]+)?\}")


def read_columns(reader: Reader, body: Toml, where: str) -> dict[str, Column]:
    """Return the words for the columns of a table."""
    columns = reader.mapping(body, "columns", where)
    return {
        name: _read_column(reader, name, reader.mapping(columns, name, where), where)
        for name in columns
    }


def _read_column(reader: Reader, name: str, body: Toml, where: str) -> Column:
    where = f'{where}: column "{name}"'
    reader.identifier(name, where)
    reader.known(body, ("label", "values", "references", "currency", "item_key", "say"), where)
    values = reader.mapping(body, "values", where)
    return Column(
        label=reader.optional_text(body, "label", where, "Name"),
        values={key: reader.text(values, key, f"{where}: values", "on") for key in values},
        references=_read_reference(reader, body, where) if "references" in body else None,
        currency=reader.optional_text(body, "currency", where, "EUR"),
        item_key=reader.optional_text(body, "item_key", where, "slug"),
        say=read_sentences(reader, body, VALUE_CASES, where),
    )


def _read_reference(reader: Reader, body: Toml, where: str) -> Reference | None:
    where = f"{where}: references"
    reference = reader.mapping(body, "references", where)
    reader.known(reference, ("table", "key", "label"), where)
    table = reader.table_name(reader.text(reference, "table", where, "crm.app_user"), where)
    key = reader.optional_text(reference, "key", where, "id") or "id"
    label = reader.text(reference, "label", where, "full_name")
    for column in (key, label):
        reader.identifier(column or "?", where)
    return Reference(table, key, label) if table else None


def read_sentences(reader: Reader, body: Toml, cases: Iterable[str], where: str) -> dict[str, str]:
    """Return the sentences by their case.

    They hold {old}, {new} and {difference}, or {column} of the row; {difference:licence} counts.
    """
    where = f"{where}: say"
    sentences = reader.mapping(body, "say", where)
    reader.known(sentences, tuple(cases), where)
    said = {case: reader.text(sentences, case, where, "Upgraded to {new}") for case in sentences}
    for case, sentence in said.items():
        if re.search("[{}]", _PLACEHOLDER.sub("", sentence)):
            what = f'"{case}" has a brace too many or too few'
            reader.finding(where, f"{what} – write {{new}} or {{difference:licence}}")
    return said
