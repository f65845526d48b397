"""A change in one sentence: what an admin reads first.

Renders the tree that `changes` works out; knows English, and where a phrase stands among others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from auditviewer.change.changes import Change, Kind
from auditviewer.change.english import begun_large, begun_small, count, lowered, plural
from auditviewer.change.fields import Field, Items
from auditviewer.change.order import Verb
from auditviewer.change.parts import Group, PartChange
from auditviewer.change.values import PATH_MARK, Value
from auditviewer.change.values import Kind as ValueKind
from auditviewer.change.wordings import Wording

MOST_PHRASES = 3
MOST_ITEMS = 3
LONGEST_VALUE = 60
LONGEST_PART = 120
ON_OFF = frozenset({"on", "off"})


@dataclass(frozen=True)
class Phrase:
    """A part of a sentence: of *label*, either *text* or what it was and what it is.

    *mark* stands before it. *wording*: it is a sentence of audit.toml. *number* is how many it
    stands for.
    """

    label: str = ""
    text: str = ""
    old: str = ""
    new: str = ""
    mark: str = ""
    wording: Wording | None = None
    number: int = 1

    def __str__(self) -> str:
        said = f"{self.old} → {self.new}" if self.new else self.text
        mark = ": " if self.new and self.label else " " if self.label else ""
        return f"{self.label}{mark}{said}"


Sentence = tuple[Phrase, ...]
MORE = Phrase(text="and more than is counted here")


def say(change: Change) -> Sentence:
    """Return the sentence of a change, as phrases, each with the mark that stands before it."""
    return tuple(_joined(list(_phrases(change))))


def in_words(sentence: Sentence) -> str:
    """Return a sentence as plain text."""
    return "".join(phrase.mark + str(phrase) for phrase in sentence)


def _joined(phrases: Sequence[Phrase]) -> Iterator[Phrase]:
    """Yield the phrases of a sentence: those of audit.toml read on after a comma."""
    for before, phrase in zip([None, *phrases], phrases, strict=False):
        wording = phrase.wording
        if before is None:
            yield replace(phrase, text=begun_large(phrase.text)) if wording else phrase
            continue
        mark = ", " if wording and before.wording else "; "
        if wording and not wording.begins_with_value:
            phrase = replace(phrase, text=begun_small(phrase.text))
        yield replace(phrase, mark=mark)


def _phrases(change: Change) -> Iterator[Phrase]:
    if change.is_truncated:
        yield Phrase(text="All of them removed at once (TRUNCATE)")
    elif change.too_large:
        yield Phrase(text="A row too large to be shown here")
    elif change.leaves_nothing and change.kind is Kind.UPDATED:
        yield Phrase(text="Nothing that is shown differs from before")
    else:
        if change.kind is Kind.UPDATED:
            yield from _shortened([*_fields(change.fields), *_groups(change.groups)])
        else:
            yield _whole(change)
        if change.is_partial:
            yield MORE


def _worded(wording: Wording) -> Phrase:
    return Phrase(text=wording.text, wording=wording)


def _shortened(phrases: Sequence[Phrase]) -> Sequence[Phrase]:
    if len(phrases) <= MOST_PHRASES + 1:
        return phrases
    return [*phrases[:MOST_PHRASES], _more(phrases[MOST_PHRASES:])]


def _more(phrases: Sequence[Phrase]) -> Phrase:
    number = sum(phrase.number for phrase in phrases)
    return Phrase(text=f"and {number} more", number=number)


def _whole(change: Change) -> Phrase:
    verb = "Created" if change.kind is Kind.CREATED else "Deleted"
    if change.is_fleeting and change.leaves_nothing:
        return Phrase(text="Created and deleted in the same save")
    if change.wording:
        return _worded(change.wording)
    parts = [count(len(group.parts), group.noun) for group in change.groups if group.parts]
    if parts:
        return Phrase(text=f"{verb} with {', '.join(parts)}")
    sides = [
        (field, field.new if change.kind is Kind.CREATED else field.old)
        for field in change.fields
        if field.verb is None
    ]
    told = [
        f"{field.label} {value.text}"
        for field, value in sides
        if _is_short(value) and value.text != change.label
    ][:MOST_PHRASES]
    return Phrase(text=f"{verb} with {', '.join(told)}" if told else verb)


def _fields(fields: Sequence[Field]) -> Iterator[Phrase]:
    """Yield a phrase for each field; one for all of a column that audit.toml has a sentence for."""
    worded: set[str] = set()
    for field in fields:
        if field.wording is None:
            yield _field(field)
        elif field.column not in worded:
            worded.add(field.column)
            yield _worded(field.wording)


def _field(field: Field) -> Phrase:
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
        return Phrase(field.label, f"cleared (was {old.text})" if _is_short(old) else "cleared")
    if not _is_short(new) or not (_is_short(old) or old.is_nothing):
        return Phrase(field.label, "set" if old.is_nothing else "changed")
    if old.is_nothing:
        return Phrase(field.label, f"set to {new.text}")
    by = f" ({field.difference})" if field.difference else ""
    return Phrase(field.label, old=old.text, new=new.text + by)


def _item(label: str, verb: Verb, item: Value) -> Phrase:
    """Return "Steps › Call added"; of an item without a name, what it holds."""
    is_named = not label.rpartition(PATH_MARK)[2].isdecimal()
    if is_named or not _is_short(item):
        return Phrase(label, verb.value)
    return Phrase(label, f"{verb.value}: {item.text}")


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


def _is_short(value: Value) -> bool:
    return 0 < len(value.text) <= LONGEST_VALUE and not value.is_nothing


def _groups(groups: Sequence[Group]) -> Iterator[Phrase]:
    is_only = len(groups) == 1 and len(groups[0].parts) == 1 and not groups[0].is_emptied
    for group in groups:
        if group.is_emptied:
            yield Phrase(text=f"All {plural(lowered(group.noun))} removed at once (TRUNCATE)")
            continue
        worded = [_worded(wording) for part in group.parts for wording in part.wordings]
        yield from worded[:MOST_PHRASES]
        if len(worded) > MOST_PHRASES:
            more = _more(worded[MOST_PHRASES:])
            yield replace(more, wording=Wording(more.text))
        others = [part for part in group.parts if not part.wordings]
        told = _part(group.noun, others[0]) if is_only and others else ()
        if others:
            yield from told or [Phrase(text=_counted(group.noun, others))]


def _counted(noun: str, parts: Sequence[PartChange]) -> str:
    counts = [(sum(part.verb is verb for part in parts), verb.value) for verb in Verb]
    (first, verb), *others = [(number, verb) for number, verb in counts if number]
    return ", ".join([f"{count(first, noun)} {verb}", *(f"{n} {verb}" for n, verb in others)])


def _part(noun: str, part: PartChange) -> Sequence[Phrase]:
    """Return what happened to the only part that changed; nothing where that takes many words."""
    label = f"{part.verb.capitalize()} {lowered(noun)}"
    if part.verb is Verb.MOVED:
        return [Phrase(label, f"{part.title} from position {part.place.old} to {part.place.new}")]
    if part.verb is not Verb.CHANGED:
        text = part.new or part.old
        return [Phrase(f"{label}:", text)] if 0 < len(text) <= LONGEST_PART else ()
    if len(part.fields) == 1 and not _is_told(part):
        return _fields_of(part)
    is_short = len(part.old) + len(part.new) <= 2 * LONGEST_PART
    if part.old != part.new and is_short and part.old.strip() and part.new.strip():
        return [Phrase(label, old=part.old, new=_without_shared_start(part.old, part.new))]
    is_few = len(part.fields) <= MOST_PHRASES and not any(field.is_bare for field in part.fields)
    return _fields_of(part) if is_few else ()


def _fields_of(part: PartChange) -> Sequence[Phrase]:
    """Return a phrase for each field of a part, which names the part."""
    phrases = map(_field, part.fields)
    return [replace(each, label=f"{part.title}{PATH_MARK}{each.label}") for each in phrases]


def _is_told(part: PartChange) -> bool:
    """Tell whether the one-line names of the part say what changed."""
    return part.old != part.new and part.fields[0].is_bare


def _without_shared_start(old: str, new: str) -> str:
    before, after = old.split(), new.split()
    return after[-1] if before[:-1] == after[:-1] else new
