"""How a table is named in audit.toml, in SQL and inside derived names.

Knows nothing of what is done with the table.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

MAX_IDENTIFIER_BYTES = 63
"""NAMEDATALEN - 1: PostgreSQL cuts longer names silently (manual, 4.1.1)."""

_PART = r'(?:"(?:[^"]|"")+"|[^".]+)'
_QUALIFIED = re.compile(rf"({_PART})\.({_PART})")
_REORDERS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BACKSLASH = re.compile(r"\\(['\"]|$)")


@dataclass(frozen=True, order=True)
class TableName:
    """A table's schema and name, as the catalogue has them (unquoted)."""

    schema: str
    table: str

    def __str__(self) -> str:
        """Return the name as audit.toml writes it: quoted only where it must be."""
        return f"{_as_written(self.schema)}.{_as_written(self.table)}"

    @property
    def capture_function(self) -> str:
        """Name of the table's capture function in schema audit.

        One that PostgreSQL would cut ends in a hash instead, so that two long names stay two.
        """
        name = f"capture_{self.schema}_{self.table}"
        if len(name.encode()) <= MAX_IDENTIFIER_BYTES:
            return name
        digest = sha256(f"{self.schema}\0{self.table}".encode()).hexdigest()[:8]
        cut = name.encode()[: MAX_IDENTIFIER_BYTES - 9].decode(errors="ignore")
        return f"{cut}_{digest}"


def parse_table_name(written: str) -> TableName:
    """Read ``schema.table``, each part literal or in SQL double quotes.

    Raises ValueError where it is neither.
    """
    match = _QUALIFIED.fullmatch(written)
    if match is None:
        raise ValueError(f"{written!r} is not schema.table")
    schema, table = (_unquote(part) for part in match.groups())
    return TableName(schema, table)


def as_arrays(names: Iterable[TableName]) -> dict[str, list[str]]:
    """Return tables as the parameters of a query: their schemas and names, in the same order."""
    listed = list(names)
    return {"schemas": [n.schema for n in listed], "tables": [n.table for n in listed]}


def identifier_problem(name: str) -> str | None:
    """Say why *name* can't stand in a migration as it is, and what to do; or None."""
    size = len(name.encode())
    if not name.strip():
        return "is blank – use the name in the catalogue, or give it one that can be read"
    if size > MAX_IDENTIFIER_BYTES:
        limit = f"PostgreSQL keeps {MAX_IDENTIFIER_BYTES} and cuts the rest"
        return f"has {size} bytes; {limit} – use the name in the catalogue"
    if holds_control_character(name):
        return "holds a control character, which would end the comments that name it – rename it"
    if _REORDERS.search(name):
        return "holds a character that reorders a line, which hides what it says – rename it"
    if _BACKSLASH.search(name):
        return "holds a backslash before a quote, by which yoyo misreads a migration – rename it"
    return None


def holds_control_character(text: str) -> bool:
    """Say whether a text holds what ends a line, or does something else than to be read."""
    return any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text)


def as_printed(text: str) -> str:
    """Return a text with what does not print as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the nearest known name as a question, or what to do where none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else otherwise


def _as_written(part: str) -> str:
    if '"' in part or "." in part:
        return '"' + part.replace('"', '""') + '"'
    return part


def _unquote(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
