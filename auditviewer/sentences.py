"""A change in one sentence: what an admin reads first.

Knows English; what changed is worked out in `changes`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from auditviewer.changes import Change, Group, Kind, PartChange, Verb
from auditviewer.fields import Field
from auditviewer.values import Kind as ValueKind
from auditviewer.values import Value

MOST_PHRASES = 3
LONGEST_VALUE = 60
LONGEST_PART = 120
ON_OFF = frozenset({"on", "off"})


@dataclass(frozen=True)
class Phrase:
    """A part of a sentence: of *label*, either *text* or what it was and what it is."""

    label: str = ""
    text: str = ""
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        said = f"{self.old} → {self.new}" if self.new else self.text
        mark = ": " if self.new and self.label else " " if self.label else ""
        return f"{self.label}{mark}{said}"


Sentence = tuple[Phrase, ...]
MORE = Phrase(text="and more than is counted here")


def say(change: Change) -> Sentence:
    """Return the sentence of a change, as phrases to be joined by semicolons."""
    if change.is_truncated:
        return (Phrase(text="All of them removed at once (TRUNCATE)"),)
    if change.too_large:
        return (Phrase(text="A row too large to be shown here"),)
    if change.leaves_nothing and change.kind is Kind.UPDATED:
        return (Phrase(text="Nothing that is shown differs from before"),)
    more = (MORE,) if change.is_partial else ()
    if change.kind is not Kind.UPDATED:
        return (*_whole(change), *more)
    return (*_shortened([*map(_field, change.fields), *_groups(change.groups)]), *more)


def in_words(sentence: Sentence) -> str:
    """Return a sentence as plain text."""
    return "; ".join(map(str, sentence))


def _shortened(phrases: Sequence[Phrase]) -> Sentence:
    if len(phrases) <= MOST_PHRASES + 1:
        return tuple(phrases)
    more = len(phrases) - MOST_PHRASES
    return (*phrases[:MOST_PHRASES], Phrase(text=f"and {more} more"))


def _whole(change: Change) -> Sentence:
    verb = "Created" if change.kind is Kind.CREATED else "Deleted"
    if change.is_fleeting and change.leaves_nothing:
        return (Phrase(text="Created and deleted in the same save"),)
    parts = [count(len(group.parts), group.noun) for group in change.groups if group.parts]
    if parts:
        return (Phrase(text=f"{verb} with {', '.join(parts)}"),)
    sides = [
        (field, field.new if change.kind is Kind.CREATED else field.old) for field in change.fields
    ]
    told = [
        f"{field.label} {value.text}"
        for field, value in sides
        if _is_short(value) and value.text != change.label
    ][:MOST_PHRASES]
    return (Phrase(text=f"{verb} with {', '.join(told)}" if told else verb),)


def _field(field: Field) -> Phrase:
    old, new = field.old, field.new
    if ValueKind.HIDDEN in (old.kind, new.kind):
        return Phrase(field.label, _hidden(old, new))
    if new.kind is ValueKind.FLAG and new.text in ON_OFF:
        return Phrase(field.label, f"turned {new.text}")
    if old.is_nothing and new.is_nothing:
        return Phrase(field.label, old=old.text, new=new.text)
    if new.is_nothing:
        return Phrase(field.label, f"cleared (was {old.text})" if _is_short(old) else "cleared")
    if not _is_short(new) or not (_is_short(old) or old.is_nothing):
        return Phrase(field.label, "set" if old.is_nothing else "changed")
    if old.is_nothing:
        return Phrase(field.label, f"set to {new.text}")
    by = f" ({field.difference})" if field.difference else ""
    return Phrase(field.label, old=old.text, new=new.text + by)


def _hidden(old: Value, new: Value) -> str:
    if old.is_nothing:
        return "set, hidden"
    return "cleared" if new.is_nothing else "changed, hidden"


def _is_short(value: Value) -> bool:
    return 0 < len(value.text) <= LONGEST_VALUE and not value.is_nothing


def _groups(groups: Sequence[Group]) -> Iterator[Phrase]:
    only = groups[0].parts[0] if len(groups) == 1 and len(groups[0].parts) == 1 else None
    if only and not groups[0].is_emptied and (told := _part(groups[0].noun, only)):
        yield told
        return
    for group in groups:
        yield Phrase(text=_counted(group))


def _counted(group: Group) -> str:
    if group.is_emptied:
        return f"All {plural(lowered(group.noun))} removed at once (TRUNCATE)"
    counts = [(sum(part.verb is verb for part in group.parts), verb.value) for verb in Verb]
    (first, verb), *others = [(number, verb) for number, verb in counts if number]
    said = [f"{count(first, group.noun)} {verb}", *(f"{n} {verb}" for n, verb in others)]
    return ", ".join(said)


def _part(noun: str, part: PartChange) -> Phrase | None:
    """Return what happened to the only part that changed; None where that takes too many words."""
    label = f"{noun} {part.verb}"
    if part.verb is Verb.MOVED:
        return Phrase(label, f"from {part.place.old} to {part.place.new}: {part.title}")
    if part.verb is not Verb.CHANGED:
        text = part.new or part.old
        return Phrase(f"{label}:", text) if 0 < len(text) <= LONGEST_PART else None
    if len(part.fields) == 1 and not _is_told(part):
        field = _field(part.fields[0])
        return replace(field, label=f"{part.title} › {field.label}")
    if part.old == part.new or len(part.old) + len(part.new) > 2 * LONGEST_PART:
        return None
    if not (part.old.strip() and part.new.strip()):
        return None
    return Phrase(label, old=part.old, new=_without_shared_start(part.old, part.new))


def _is_told(part: PartChange) -> bool:
    """Tell whether the one-line names of the part say what changed."""
    return part.old != part.new and part.fields[0].is_bare


def _without_shared_start(old: str, new: str) -> str:
    before, after = old.split(), new.split()
    return after[-1] if before[:-1] == after[:-1] else new


def count(number: int, noun: str) -> str:
    """Return "1 condition" or "2 conditions"."""
    word = lowered(noun)
    return f"{number} {word if number == 1 else plural(word)}"


def lowered(noun: str) -> str:
    """Return a noun for the middle of a sentence; an abbreviation keeps its capitals."""
    return noun[:1].lower() + noun[1:] if noun[1:] == noun[1:].lower() else noun


def plural(noun: str) -> str:
    """Return the regular plural of an English noun; "settings" is one already."""
    if noun.endswith("s") and noun[-2:-1] not in "aiosu":
        return noun
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"
