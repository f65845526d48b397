"""A row in the words of its table: its values, and the whole of it in one line.

Knows one row; two of them are compared in `fields`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from auditviewer.change.quantities import is_currency
from auditviewer.change.records import NOTHING, Column, Labels, Row, Table
from auditviewer.change.stored import ABSENT, Stored
from auditviewer.change.values import Kind, Value, describe

LONGEST_SUMMARY = 160
CUT = "…"
BARE = frozenset({Kind.WORD, Kind.TEXT, Kind.MOMENT})
"""What reads without the name of its column."""


@dataclass(frozen=True)
class RowInWords:
    """A row with the words of its table, and the names that its references had then.

    *row* is None where there was none.
    """

    table: Table
    row: Row | None
    labels: Labels
    zone: tzinfo
    told: dict[str, Value] = field(default_factory=dict, compare=False, repr=False)
    """Values that were put into words already: fields and the row's one line say the same ones."""

    def stored(self, name: str) -> Stored:
        """Return what a column holds."""
        return ABSENT if self.row is None else self.row.get(name, ABSENT)

    def currency(self, column: Column) -> str | None:
        """Return the currency of a column's amounts, as it was in this row."""
        if column.currency is None:
            return None
        held = self.stored(column.currency)
        code = column.currency if held is ABSENT else str(held).strip().upper()
        return code if is_currency(code) else None

    def value(self, name: str) -> Value:
        """Return what a column holds, in words."""
        value = self.told.get(name)
        if value is None:
            column = self.table.words_for(name)
            names = self.labels.get(name, NOTHING)
            value = describe(self.stored(name), column, names, self.zone, self.currency(column))
            self.told[name] = value
        return value


@dataclass(frozen=True)
class Summary:
    """A row in one line; *title* is the shortest way to name it."""

    title: str
    text: str


def summarise(row: RowInWords, columns: Iterator[str]) -> Summary:
    """Return a row in one line: "Lead score is greater than 50", "Send e-mail · Template: Hi".

    Words of the configuration come first, then what somebody typed; what is neither, such as a
    number or the name of a person, needs the name of its column.
    """
    if row.row is None:
        return Summary("", "")
    label_column = row.table.label_column
    words: list[str] = []
    texts: list[str] = []
    named: list[str] = []
    for name in sorted(columns, key=lambda name: name != label_column):
        value = row.value(name)
        if value.kind is Kind.WORD or name == label_column:
            words.append(value.said)
        elif value.kind in BARE:
            texts.append(value.said)
        elif value.kind is Kind.JSON:
            named.append(value.text)
        elif not value.is_nothing:
            named.append(f"{row.table.words_for(name).label}: {value.said}")
    bare = " ".join([*words, *texts])
    told = [bare, *named] if bare else named
    return Summary((words or texts or named or [""])[0], _shortened(" · ".join(told)))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SUMMARY else text[:LONGEST_SUMMARY].rstrip() + CUT
