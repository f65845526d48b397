"""A change in one sentence: what an admin reads first.

Renders the tree that `changes` works out; knows English, and where a phrase stands among others.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from auditviewer.change.changes import Change, Kind
from auditviewer.change.english import begun_large, begun_small, count, lowered, plural
from auditviewer.change.order import Verb
from auditviewer.change.parts import Group, PartChange
from auditviewer.change.phrases import (
    Phrase,
    aside,
    is_short,
    say_field,
    say_fields,
    say_wording,
)
from auditviewer.change.quantities import number_in_words
from auditviewer.change.values import PATH_MARK
from auditviewer.change.verbatim import reveal
from auditviewer.change.wordings import Wording

MOST_PHRASES = 3
LONGEST_PART = 120
MOST_COMPARED = 200
"""Parts of which it is said that they are all the same, if they are."""
QUOTED_OR_WORD = re.compile(r"“[^”]*”|\S+")

Sentence = tuple[Phrase, ...]
MORE = Phrase(text="and more")
"""Stands for the entries of a change that were not read."""


def say(change: Change) -> Sentence:
    """Return the sentence of a change, as phrases, each with the mark that stands before it."""
    return tuple(_joined(_phrases(change)))


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
        if phrase.is_least or (wording and not wording.begins_with_value):
            phrase = replace(phrase, text=begun_small(phrase.text))
        yield replace(phrase, mark=mark)


def _phrases(change: Change) -> Sequence[Phrase]:
    if exception := _exception(change):
        phrases = [exception]
    elif change.kind is Kind.UPDATED:
        phrases = [*say_fields(change.fields), *_groups(change.groups, change.is_partial)]
    else:
        phrases = [_whole(change)]
    return _read_in_part(phrases) if change.is_partial else _shortened(phrases)


def _read_in_part(phrases: Sequence[Phrase]) -> Sequence[Phrase]:
    told = phrases[: MOST_PHRASES + 1]
    is_said = len(told) == len(phrases) and any(phrase.is_least for phrase in told)
    return told if is_said else [*told, MORE]


def _shortened(phrases: Sequence[Phrase]) -> Sequence[Phrase]:
    if len(phrases) <= MOST_PHRASES + 1:
        return phrases
    return [*phrases[:MOST_PHRASES], _more(phrases[MOST_PHRASES:])]


def _exception(change: Change) -> Phrase | None:
    """Return what is said of a change whose values can't be."""
    if change.is_truncated:
        return Phrase(text="All of them removed at once (TRUNCATE)")
    if change.too_large:
        return Phrase(text="A row too large to be shown here")
    if change.leaves_nothing and change.kind is Kind.UPDATED and change.is_partial:
        return Phrase(text="More rows written than are read here", is_least=True)
    if change.leaves_nothing and change.kind is Kind.UPDATED:
        return Phrase(text="Nothing that is shown differs from before")
    return None


def _more(phrases: Sequence[Phrase], *, is_least: bool = False) -> Phrase:
    number = sum(phrase.number for phrase in phrases)
    least = "at least " if is_least else ""
    return Phrase(text=f"and {least}{number} more", number=number, is_least=is_least)


def _whole(change: Change) -> Phrase:
    verb = "Created" if change.kind is Kind.CREATED else "Deleted"
    if change.is_fleeting and change.leaves_nothing:
        return Phrase(text="Created and deleted in the same save")
    if change.wording:
        return say_wording(change.wording)
    parts = [count(len(group.parts), group.noun) for group in change.groups if group.parts]
    if parts:
        least = "at least " if change.is_partial else ""
        return Phrase(text=f"{verb} with {least}{', '.join(parts)}", is_least=change.is_partial)
    told = list(_held(change))[:MOST_PHRASES]
    return Phrase(text=f"{verb} with {', '.join(told)}" if told else verb)


def _held(change: Change) -> Iterator[str]:
    """Yield what the fields of an entity hold that came or went, but for its name."""
    name = reveal(change.label or "")
    for field in change.fields:
        value = field.new if change.kind is Kind.CREATED else field.old
        if field.verb is None and is_short(value) and value.text != name:
            yield f"{field.label} {value.said}"


def _groups(groups: Sequence[Group], is_partial: bool) -> Iterator[Phrase]:
    is_only = len(groups) == 1 and len(groups[0].parts) == 1 and not groups[0].is_emptied
    for group in groups:
        if group.is_emptied:
            yield Phrase(text=f"All {plural(lowered(group.noun))} removed at once (TRUNCATE)")
            continue
        yield from _wordings(group.parts, is_partial)
        others = [part for part in group.parts if not part.wordings]
        told = _part(group.noun, others[0]) if is_only and others else ()
        if others:
            yield from told or [_counted(group.noun, others, is_partial)]


def _wordings(parts: Sequence[PartChange], is_partial: bool) -> Iterator[Phrase]:
    """Yield the sentences of audit.toml for parts, each of them once."""
    said = [say_wording(each, part.moved) for part in parts for each in part.wordings]
    often = Counter(phrase.text for phrase in said)
    phrases = [
        _repeated(each, often[each.text]) for each in {each.text: each for each in said}.values()
    ]
    yield from phrases[:MOST_PHRASES]
    if len(phrases) > MOST_PHRASES:
        more = _more(phrases[MOST_PHRASES:], is_least=is_partial)
        yield replace(more, wording=Wording(more.text))


def _repeated(phrase: Phrase, number: int) -> Phrase:
    if number == 1:
        return phrase
    times = f"{number_in_words(number)} times"
    return replace(phrase, text=phrase.text + aside(times), number=number)


def _counted(noun: str, parts: Sequence[PartChange], is_partial: bool) -> Phrase:
    """Return "2 conditions added, 1 removed"; of parts that are all the same, what they are."""
    counts = [(sum(part.verb is verb for part in parts), verb.value) for verb in Verb]
    (first, verb), *others = [(number, verb) for number, verb in counts if number]
    counted = ", ".join(
        [f"{count(first, noun)} {verb}", *(f"{number_in_words(n)} {verb}" for n, verb in others)]
    )
    counted += aside(_together(parts))
    if is_partial:
        return Phrase(text=f"At least {counted}", is_least=True)
    same = "" if others else _text_of_all(parts)
    all_of_them = "both" if len(parts) == 2 else "all"
    return Phrase(text=f"{counted}, {all_of_them} the same: {same}" if same else counted)


def _text_of_all(parts: Sequence[PartChange]) -> str:
    """Return what stands in the one line of each of several parts that came or went."""
    if not 1 < len(parts) <= MOST_COMPARED or parts[0].verb not in (Verb.ADDED, Verb.REMOVED):
        return ""
    text = parts[0].new or parts[0].old
    is_same = all((part.new or part.old) == text for part in parts)
    return text if is_same and len(text) <= LONGEST_PART else ""


def _together(parts: Sequence[PartChange]) -> str:
    """Return where all of the parts moved, if that is the same."""
    moves = {part.moved for part in parts}
    return moves.pop() if len(moves) == 1 else ""


def _part(noun: str, part: PartChange) -> Sequence[Phrase]:
    """Return what happened to the only part that changed; nothing where that takes many words."""
    label = f"{part.verb.capitalize()} {lowered(noun)}"
    if part.verb is Verb.MOVED:
        return [Phrase(label, f"{part.title} from position {part.place.old} to {part.place.new}")]
    if part.verb is not Verb.CHANGED:
        text = part.new or part.old
        is_short = 0 < len(text) <= LONGEST_PART
        return [Phrase(f"{label}:", text + aside(part.moved))] if is_short else ()
    if len(part.fields) == 1 and not _is_told(part):
        return _fields_of(part)
    is_short = len(part.old) + len(part.new) <= 2 * LONGEST_PART
    if part.old != part.new and is_short and part.old.strip() and part.new.strip():
        return [Phrase(label, old=part.old, new=_without_shared_start(part.old, part.new))]
    is_few = len(part.fields) <= MOST_PHRASES and not any(field.is_bare for field in part.fields)
    return _fields_of(part) if is_few else ()


def _fields_of(part: PartChange) -> Sequence[Phrase]:
    """Return a phrase for each field of a part, which names the part."""
    phrases = map(say_field, part.fields)
    return [replace(each, label=f"{part.title}{PATH_MARK}{each.label}") for each in phrases]


def _is_told(part: PartChange) -> bool:
    """Tell whether the one-line names of the part say what changed."""
    return part.old != part.new and part.fields[0].is_bare


def _without_shared_start(old: str, new: str) -> str:
    """Return the last word of what became of a text, if that is all that is new."""
    before, after = QUOTED_OR_WORD.findall(old), QUOTED_OR_WORD.findall(new)
    return str(after[-1]) if before[:-1] == after[:-1] else new
