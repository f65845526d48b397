"""What is read from the schema audit: entries of the log, and the words of a tracked table.

Knows how they are stored, not what they mean together.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
Row = Mapping[str, Json]
Labels = Mapping[str, Mapping[str, str]]
TableName = tuple[str, str]

NOTHING: Mapping[str, Any] = MappingProxyType({})
DEEPEST_JSON = 100
STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')
LONGEST_INTEGER = 4000
"""Digits that Python turns into an int without protest; a numeric column may hold more."""


@dataclass(frozen=True)
class Move:
    """Where a row came from or, *is_away*, went to: another entity, and its name if it is known."""

    is_away: bool
    entity_id: str
    label: str | None = None


@dataclass(frozen=True)
class Entry:
    """A row of audit.entry, as the entity *entity_id* sees it.

    *move* is there where the row belonged to another entity before the write, or does since. *size*
    is that of a row too large to be read, in bytes.
    """

    id: int
    occurred_at: datetime
    transaction_id: int
    transaction_at: datetime
    operation: str
    table: TableName
    module: str
    entity: str
    part: str | None = None
    entity_id: str | None = None
    entity_label: str | None = None
    actor: str | None = None
    actor_name: str | None = None
    actor_bound: bool | None = None
    actor_signed: bool | None = None
    ip: str | None = None
    db_user: str = ""
    db_role: str | None = None
    client_addr: str | None = None
    application_name: str | None = None
    context: Row = field(default_factory=dict)
    row_key: Row | None = None
    labels: Labels = field(default_factory=dict)
    old_row: Row | None = None
    new_row: Row | None = None
    size: int | None = None
    move: Move | None = None

    @property
    def is_former(self) -> bool:
        """Whether this is what the entity sees that the row left."""
        return self.move is not None and self.move.is_away


@dataclass(frozen=True)
class Reference:
    """The table that a column refers to, by which key, and the column that names its rows."""

    table: TableName
    key: str
    label: str


@dataclass(frozen=True)
class Column:
    """The words for a column: its name, those of its values, and whether it refers to a row.

    *currency* is that of its amounts, or the column that names it; *item_key* tells the items of a
    list in it apart; *say* has sentences by the way in which a value changed.
    """

    label: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_reference: bool = False
    reference: Reference | None = None
    currency: str | None = None
    item_key: str = ""
    say: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The words for a table: a row of audit.tracked_table.

    *wants_actor*: an entry without one is not the System's doing, nobody said who it was.
    """

    name: TableName
    module: str = ""
    entity: str = ""
    part: str | None = None
    key: tuple[str, ...] = ()
    label_column: str | None = None
    parent: TableName | None = None
    parent_key: tuple[str, ...] = ()
    link: str | None = None
    say: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    wants_actor: bool = False
    tracked_at: datetime | None = None
    untracked_at: datetime | None = None

    def words_for(self, column: str) -> Column:
        """Return the words for a column, made up from its name where none were given."""
        return self.columns.get(column) or _made_up(column)


@lru_cache(maxsize=10_000)
def _made_up(column: str) -> Column:
    return Column(name_in_words(column))


Tables = Mapping[TableName, Table]


def name_in_words(name: str) -> str:
    """Return "Record type" for "record_type"; a name that is not snake_case stays as it is."""
    if not name or name != name.lower():
        return name
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else name


def read_columns(described: Mapping[str, Any]) -> dict[str, Column]:
    """Return the words by column from tracked_table.columns, in their order."""
    return {
        name: Column(
            label=words.get("label") or _default_label(name, "references" in words),
            values=words.get("values", {}),
            is_reference="references" in words,
            reference=_read_reference(words.get("references", {})),
            currency=words.get("currency"),
            item_key=words.get("item_key", ""),
            say=words.get("say", {}),
        )
        for name, words in described.items()
    }


def _read_reference(described: Mapping[str, str]) -> Reference | None:
    if not {"schema", "table", "key", "label"} <= described.keys():
        return None
    table = (described["schema"], described["table"])
    return Reference(table, described["key"], described["label"])


def _default_label(name: str, is_reference: bool) -> str:
    return name_in_words(name.removesuffix("_id") if is_reference else name)


def read_json(text: str | None) -> Any:
    """Return stored JSON with its numbers exact; what is nested too deeply becomes a text in it."""
    if text is None:
        return None
    try:
        value = _loads(text)
    except RecursionError:
        return _loads(_with_deep_as_text(text))
    return _loads(_with_deep_as_text(text)) if _is_deep(text, value) else value


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=_integer)


def _with_deep_as_text(text: str) -> str:
    kept: list[str] = []
    depth = start = end = 0
    for token in STRING_OR_BRACKET.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == DEEPEST_JSON + 1:
                start = token.start()
                kept.append(text[end:start])
        elif token[0] in ("]", "}"):
            if depth == DEEPEST_JSON + 1:
                end = token.end()
                kept.append(json.dumps(text[start:end]))
            depth -= 1
    return "".join([*kept, text[end:]])


def _is_deep(text: str, value: Any) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST_JSON:
        return False
    inside = [value]
    for _ in range(DEEPEST_JSON):
        inside = [
            inner
            for outer in inside
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(inside)


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < LONGEST_INTEGER else Decimal(digits)
