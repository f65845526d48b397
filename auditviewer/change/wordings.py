"""The sentences of audit.toml: which one says a change, and what its placeholders stand for.

Knows one value or one row at a time; where a sentence stands among others is for `sentences`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from auditviewer.change.english import plural
from auditviewer.change.records import Column
from auditviewer.change.rows import CUT, RowInWords
from auditviewer.change.stored import Stored, as_text, is_number
from auditviewer.change.values import Kind, Value
from auditviewer.change.verbatim import shorten

PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
LONGEST_WORD = 60


class Case(StrEnum):
    """The way in which a value changed."""

    CHANGED = "changed"
    SET = "set"
    CLEARED = "cleared"
    UP = "up"
    DOWN = "down"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True)
class Wording:
    """A sentence of audit.toml with its placeholders filled in.

    *begins_with_value*: with the value of a placeholder, which may be a name.
    """

    text: str
    begins_with_value: bool = False


@dataclass(frozen=True)
class Terms:
    """What placeholders stand for: words of the change, then the columns of a row."""

    row: RowInWords
    own: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """Return what a placeholder stands for; None where there is nothing of that name."""
        if name in self.own:
            return self.own[name]
        if name in (self.row.row or ()) or name in self.row.table.columns:
            return self.row.value(name).said
        return None


def case_of(column: Column, was: tuple[Value, Stored], is_: tuple[Value, Stored]) -> Case | None:
    """Return the way in which a value changed; None where there was nothing and still isn't."""
    (old, before), (new, after) = was, is_
    if old.is_nothing or new.is_nothing:
        if old.is_nothing and new.is_nothing:
            return None
        return Case.SET if old.is_nothing else Case.CLEARED
    if isinstance(after, bool):
        return Case.ON if after else Case.OFF
    if is_number(before) and is_number(after):
        return _direction(before, after)
    order = list(column.values)
    keys = as_text(before), as_text(after)
    if Kind.HIDDEN not in (old.kind, new.kind) and all(key in order for key in keys):
        return _direction(*map(order.index, keys))
    return Case.CHANGED


def _direction(before: int | Decimal, after: int | Decimal) -> Case:
    if before == after:
        return Case.CHANGED
    return Case.UP if after > before else Case.DOWN


def find_wording(
    sentences: Mapping[str, str], cases: tuple[str | None, ...], terms: Terms
) -> Wording | None:
    """Return the sentence of the first case that has one which can be filled in."""
    for case in cases:
        sentence = sentences.get(case) if case else None
        filled = _fill(sentence, terms) if sentence else None
        if sentence and filled:
            return Wording(filled, sentence.startswith("{"))
    return None


def _fill(sentence: str, terms: Terms) -> str | None:
    """Return a sentence with its placeholders filled in; one that is not known stays as it is.

    None where it says by how much something changed that has no such difference.
    """
    if terms.own.get("difference") == "" and "{difference" in sentence:
        return None

    def filled(match: re.Match[str]) -> str:
        found = terms.find(match[1])
        if found is None:
            return match[0]
        text = shorten(found, LONGEST_WORD, CUT)
        if match[2] is None:
            return text
        return f"{text} {match[2] if text == '1' else plural(match[2])}"

    return PLACEHOLDER.sub(filled, sentence)
