"""Rendered SQL as statements and words, by PostgreSQL's lexical rules (manual, 4.1).

Knows how SQL is written, and how PostgreSQL writes it back; not what it does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<skipped> \s+ | --[^\n]* | ::\w+(?:\[\])?
               | (?: OR\s+REPLACE | IF\s+NOT\s+EXISTS | ELSE\s+NULL )\b )
  | \$(?P<tag>\w*)\$(?P<body>.*?)\$(?P=tag)\$
  | E'(?P<escaped>(?:[^'\\]|''|\\.)*)'
  | '(?P<text>(?:[^']|'')*)'
  | "(?P<name>(?:[^"]|"")*)"
  | (?P<timestamptz> TIMESTAMP\s+WITH\s+TIME\s+ZONE\b)
  | OPERATOR\(pg_catalog\.(?P<operator>[^)]+)\)
  | (?P<word>\w+)
  | (?P<symbol>[-+*/<>=~!@\#%^&|`?]+ | .)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_REWRITTEN = frozenset("()[],.") | {"=", "in", "any", "array", "only", "using", "btree"}


class Token(NamedTuple):
    """A word as PostgreSQL reads it, texts behind a quote; and where it stands in the source."""

    word: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """A statement of a script, and the role that SET ROLE has taken before it."""

    source: str
    tokens: tuple[Token, ...]
    role: str

    @property
    def words(self) -> list[str]:
        """Its words, for matching."""
        return [token.word for token in self.tokens]

    def text(self, first: int, end: int | None = None) -> str:
        """Return the source of some of its words."""
        part = self.tokens[first:end]
        return self.source[part[0].start : part[-1].end]


def read_statements(sql: str) -> Iterator[Statement]:
    """Split a script into its statements."""
    role = ""
    statement: list[Token] = []
    for token in _tokens(sql):
        if token.word != ";":
            statement.append(token)
            continue
        match [word for word, *_ in statement]:
            case ["set", "role", name]:
                role = name
            case ["reset", "role"]:
                role = ""
        yield Statement(sql, tuple(statement), role)
        statement = []


def same_meaning(declared: str, installed: str) -> bool:
    """Say whether two definitions are the same but for how PostgreSQL writes them back.

    It turns IN into = ANY (ARRAY […]), adds casts, brackets and ELSE NULL, and sorts a trigger's
    events; not alike in every version. All else must be the same words in the same order.
    """
    return _meaning(declared) == _meaning(installed)


def unqualified(query: str) -> str:
    """Return a query on one table, aliased e, as PostgreSQL 16 and later write it back."""
    return re.sub(r"\be\.|\bAS (?=e$)", "", query)


@cache
def _meaning(definition: str) -> list[str]:
    words = [token.word for token in _tokens(definition) if token.word not in _REWRITTEN]
    events = words.index("on", 3) if words[:2] == ["create", "trigger"] else 0
    return sorted(words[:events]) + words[events:]


def _tokens(sql: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(sql):
        if match["skipped"] is None:
            yield Token(_word(match), match.start(), match.end())


def _word(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    value = match[kind]
    match kind:
        case "body":
            return "'" + value
        case "escaped":
            return "'" + re.sub(r"\\(.)|'(')", r"\1\2", value, flags=re.DOTALL)
        case "text":
            return "'" + value.replace("''", "'")
        case "name":
            return value.replace('""', '"')
        case "operator" | "symbol":
            return value
        case _:
            return value.lower() if kind == "word" else kind
