"""Phrases of a sentence: what happened to a value, in a few words.

Knows a field by itself; how phrases are put together is for `sentences`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditviewer.change.fields import Field, Items
from auditviewer.change.order import Verb
from auditviewer.change.values import PATH_MARK, Value
from auditviewer.change.values import Kind as ValueKind
from auditviewer.change.wordings import Wording

MOST_ITEMS = 3
LONGEST_VALUE = 60
ON_OFF = frozenset({"on", "off"})


@dataclass(frozen=True)
class Phrase:
    """A part of a sentence: of *label*, either *text* or what it was and what it is.

    *mark* stands before it. *wording*: it is a sentence of audit.toml. *number* is how many it
    stands for; *is_least*: there may be more of these.
    """

    label: str = ""
    text: str = ""
    old: str = ""
    new: str = ""
    mark: str = ""
    wording: Wording | None = None
    number: int = 1
    is_least: bool = False

    def __str__(self) -> str:
        said = f"{self.old} → {self.new}" if self.new else self.text
        mark = ": " if self.new and self.label else " " if self.label else ""
        return f"{self.label}{mark}{said}"


def say_wording(wording: Wording, beside: str = "") -> Phrase:
    """Return a sentence of audit.toml, with what is said beside it."""
    return Phrase(text=wording.text + aside(beside), wording=wording)


def aside(said: str) -> str:
    """Return what is said beside a phrase, in brackets."""
    return f" ({said})" if said else ""


def say_fields(fields: Sequence[Field]) -> Iterator[Phrase]:
    """Yield a phrase for each field; one for all of a column that audit.toml has a sentence for."""
    worded: set[str] = set()
    for field in fields:
        if field.wording is None:
            yield say_field(field)
        elif field.column not in worded:
            worded.add(field.column)
            yield say_wording(field.wording)


def say_field(field: Field) -> Phrase:
    """Return "Name: Old → New", "Logging turned on" or "Most runs cleared (was 3)"."""
    old, new = field.old, field.new
    if field.verb is Verb.MOVED:
        return Phrase(field.label, f"moved from position {field.place.old} to {field.place.new}")
    if field.verb is not None:
        return _item(field.label, field.verb, new if old.is_nothing else old)
    if field.items is not None:
        return _items(field.label, field.items)
    if ValueKind.HIDDEN in (old.kind, new.kind):
        return Phrase(field.label, _hidden(old, new))
    if new.kind is ValueKind.FLAG and new.text in ON_OFF:
        return Phrase(field.label, f"turned {new.text}")
    if old.is_nothing and new.is_nothing:
        return Phrase(field.label, old=old.text, new=new.text)
    if new.is_nothing:
        return Phrase(field.label, f"cleared (was {old.said})" if is_short(old) else "cleared")
    if not is_short(new) or not (is_short(old) or old.is_nothing):
        return Phrase(field.label, "set" if old.is_nothing else "changed")
    if old.is_nothing:
        return Phrase(field.label, f"set to {new.said}")
    by = f" ({field.difference})" if field.difference else ""
    return Phrase(field.label, old=old.said, new=new.said + by)


def _item(label: str, verb: Verb, item: Value) -> Phrase:
    """Return "Steps › Call added"; of an item without a name, what it holds."""
    is_named = not label.rpartition(PATH_MARK)[2].isdecimal()
    if is_named or not is_short(item):
        return Phrase(label, verb.value)
    return Phrase(label, f"{verb.value}: {item.said}")


def _items(label: str, items: Items) -> Phrase:
    """Return "Tags: + vip, − old, 3 kept", or only how many came and went."""
    changed = [*(f"+ {item}" for item in items.added), *(f"− {item}" for item in items.removed)]
    number = items.added_count + items.removed_count
    is_short = 0 < number <= MOST_ITEMS and all(len(item) <= LONGEST_VALUE for item in changed)
    if not is_short:
        return Phrase(f"{label}:", items.in_words)
    kept = f", {items.kept:,} kept" if items.kept else ""
    return Phrase(f"{label}:", ", ".join(changed) + kept)


def _hidden(old: Value, new: Value) -> str:
    if old.is_nothing:
        return "set, hidden"
    return "cleared" if new.is_nothing else "changed, hidden"


def is_short(value: Value) -> bool:
    """Tell whether a value is there, and short enough for a sentence."""
    return 0 < len(value.text) <= LONGEST_VALUE and not value.is_nothing
