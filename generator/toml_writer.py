"""Writes tracked tables as the text of an audit.toml that people go on editing.

Knows TOML and the order of the keys; what to say about a table is decided elsewhere.
"""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator

from generator.config import Column, TrackedTable
from generator.names import as_printed

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 100
_LISTS = ("ignore", "exclude", "redact", "keep")
_OPTIONS = ("truncate", "capture", "rows", "missing_actor")


def write_header(source: str) -> str:
    """Return what stands above the tables."""
    return f'source = {_text(source)}\nmigrations = "migrations"\n'


def write_table(table: TrackedTable, comments: Iterable[str] = ()) -> str:
    """Return a table with all that is not a default, under comments of one sentence each."""
    lines = [*_table_lines(table), *_columns_lines(table)]
    return write_comment(comments) + "\n".join(lines) + "\n"


def write_comment(sentences: Iterable[str]) -> str:
    """Return sentences as comments, each on lines of its own."""
    wrapped = (
        textwrap.wrap(as_printed(sentence), _WIDTH - 2, break_long_words=False)
        for sentence in sentences
    )
    return "".join(f"# {line}\n" for lines in wrapped for line in lines)


def comment_out(text: str) -> str:
    """Return lines of TOML as comments that become valid again without their first two bytes."""
    lines = text.removesuffix("\n").split("\n")
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _table_lines(table: TrackedTable) -> Iterator[str]:
    yield f"[table.{_text(str(table.name))}]"
    if table.parent:
        key = _list(table.parent.key)
        yield f"parent = {{ table = {_text(str(table.parent.table))}, key = {key} }}"
        yield f"part = {_text(table.part or '')}"
    else:
        yield f"module = {_text(table.module)}"
        yield f"entity = {_text(table.entity)}"
    if table.key != ("id",):
        yield f"key = {_list(table.key)}"
    if table.label:
        yield f"label = {_text(table.label)}"
    if table.link:
        yield f"link = {_text(table.link)}"
    for policy in _LISTS:
        if columns := getattr(table, policy):
            yield _wrapped_list(policy, columns)
    for option in _OPTIONS:
        if (value := getattr(table, option)) != getattr(TrackedTable, option):
            yield f"{option} = {_text(value)}"
    if table.say:
        yield f"say = {_inline({case: _text(text) for case, text in table.say.items()})}"


def _columns_lines(table: TrackedTable) -> Iterator[str]:
    if table.columns:
        yield ""
        yield f"[table.{_text(str(table.name))}.columns]"
    for name, column in table.columns.items():
        yield from _column_lines(_key(name), column)


def _column_lines(key: str, column: Column) -> list[str]:
    """Write a column on one line, or each word on its own where that is too long."""
    words = dict(_column_words(column))
    line = f"{key} = {_inline(words)}"
    if len(line) <= _WIDTH:
        return [line]
    values = {f"values.{_key(value)}": _text(word) for value, word in column.values.items()}
    words = {word: text for word, text in words.items() if word != "values"} | values
    return [f"{key}.{word} = {text}" for word, text in words.items()]


def _column_words(column: Column) -> Iterator[tuple[str, str]]:
    if column.label:
        yield "label", _text(column.label)
    if column.values:
        yield "values", _inline({_key(key): _text(word) for key, word in column.values.items()})
    if column.references:
        reference = column.references
        words = {
            "table": _text(str(reference.table)),
            "key": _text(reference.key),
            "label": _text(reference.label),
        }
        yield "references", _inline(words)
    if column.currency:
        yield "currency", _text(column.currency)
    if column.item_key:
        yield "item_key", _text(column.item_key)
    if column.say:
        yield "say", _inline({case: _text(text) for case, text in column.say.items()})


def _inline(pairs: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"


def _wrapped_list(key: str, values: tuple[str, ...]) -> str:
    line = f"{key} = {_list(values)}"
    if len(line) <= _WIDTH:
        return line
    return f"{key} = [\n" + "".join(f"    {_text(value)},\n" for value in values) + "]"


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """Write a basic string: JSON's escapes are TOML's, but for DEL, which TOML escapes too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
