"""The two sides of a change, BEFORE and AFTER: lines under headings, with the changed words marked.

Renders the tree that `changes` works out; knows what stands in a cell, not how a page draws it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditviewer.change.changes import Change
from auditviewer.change.english import count, plural
from auditviewer.change.fields import Field
from auditviewer.change.marks import MOST_EFFORT, Run, Runs, mark_words
from auditviewer.change.order import NOWHERE, Place, Verb
from auditviewer.change.parts import Group, PartChange
from auditviewer.change.rows import CUT
from auditviewer.change.values import NOT_THERE, PATH_MARK, Value
from auditviewer.change.values import Kind as ValueKind

SIGNS = {Verb.ADDED: "+", Verb.REMOVED: "−", Verb.CHANGED: "~", Verb.MOVED: "↕"}
LONGEST_MARKED = 5000
LONGEST_NAME = 60
MARKED_BY_WORDS = frozenset({ValueKind.TEXT, ValueKind.JSON})


@dataclass(frozen=True)
class Cell:
    """A value, cut where it differs from the other side."""

    kind: ValueKind
    runs: Runs
    note: str = ""

    @property
    def text(self) -> str:
        """The whole value."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True)
class Line:
    """A line, in which both sides are; *sign* and *verb* are a part's, or an item's of a list."""

    label: str
    before: Cell
    after: Cell
    sign: str = ""
    verb: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Lines under one heading; *left_out* more are there."""

    title: str
    lines: tuple[Line, ...]
    footnote: str = ""
    left_out: int = 0


@dataclass(frozen=True)
class _Draft:
    """A line before its words are marked, which is worth the effort only if it is shown."""

    label: str
    old: Value
    new: Value
    sign: str = ""
    verb: str = ""
    note: str = ""


def lay_out(change: Change, most: int) -> tuple[Section, ...]:
    """Return the two sides of a change, with at most so many lines in a section."""
    drafts = [("", [_field_draft(field) for field in change.fields], "")]
    for group in change.groups:
        named = zip(group.parts, _names(group.parts), strict=True)
        lines = [draft for part, name in named for draft in _part_drafts(part, name)]
        drafts.append((plural(group.noun), lines, _footnote(group)))
    sections: list[Section] = []
    effort = MOST_EFFORT
    for title, lines, footnote in drafts:
        marked, effort = _mark(lines[:most], effort)
        left_out = max(0, len(lines) - most)
        if lines or footnote:
            sections.append(Section(title, marked, footnote, left_out))
    return tuple(sections)


def _mark(drafts: Sequence[_Draft], effort: int) -> tuple[tuple[Line, ...], int]:
    lines: list[Line] = []
    for draft in drafts:
        before, after, effort = marked(draft.old, draft.new, effort)
        lines.append(Line(draft.label, before, after, draft.sign, draft.verb, draft.note))
    return tuple(lines), effort


def _footnote(group: Group) -> str:
    said = []
    if group.is_emptied:
        said.append("All of them were removed at once (TRUNCATE), which names no rows.")
    if group.shifted:
        said.append(f"{count(group.shifted, 'other')} moved up or down to make room.")
    return " ".join(said)


def _field_draft(field: Field, title: str = "", of_part: Verb | None = None) -> _Draft:
    label = f"{title}{PATH_MARK}{field.label}" if title else field.label
    verb = field.verb or of_part
    at = _at(field.place) if field.verb in (Verb.ADDED, Verb.REMOVED) else ""
    sign = SIGNS[verb] if verb else ""
    return _Draft(label, field.old, field.new, sign, verb or "", field.note or at)


def _names(parts: Sequence[PartChange]) -> Iterator[str]:
    """Yield what parts are called beside each other: where titles repeat, the whole of one line."""
    often = Counter(part.title for part in parts)
    for part in parts:
        line = part.old or part.new
        is_name = often[part.title] > 1 and 0 < len(line) <= LONGEST_NAME
        yield line if is_name else part.title


def _part_drafts(part: PartChange, name: str) -> Iterator[_Draft]:
    sign, verb = SIGNS[part.verb], part.verb.value
    names = _named(part.old), _named(part.new)
    is_cut = part.old.endswith(CUT) or part.new.endswith(CUT)
    told: list[Field] = []
    if part.verb in (Verb.ADDED, Verb.REMOVED):
        note = ", ".join(filter(None, (_at(part.place), part.moved)))
        yield _Draft(verb, *names, sign, verb, note)
        told = [] if is_cut else list(part.fields)
    elif part.place != NOWHERE:
        was, is_ = (_named(f"position {at}") for at in (part.place.old, part.place.new))
        yield _Draft(name, was, is_, SIGNS[Verb.MOVED], Verb.MOVED.value)
    if part.verb is Verb.CHANGED and part.old != part.new and not is_cut:
        told = [field for field in part.fields if field.is_bare]
        if told:
            yield _Draft(verb, *names, sign, verb)
    for field in part.fields:
        if field not in told:
            yield _field_draft(field, name, part.verb)


def _at(place: Place) -> str:
    number = place.new if place.old is None else place.old
    return "" if number is None else f"at {number}"


def _named(text: str) -> Value:
    return Value(ValueKind.TEXT, text) if text else NOT_THERE


def marked(old: Value, new: Value, effort: int = MOST_EFFORT) -> tuple[Cell, Cell, int]:
    """Return both values with what differs marked, and how much of the effort is left.

    Of texts it is the words that differ; a number or a moment differs as a whole.
    """
    before: Runs = (Run(old.text),)
    after: Runs = (Run(new.text),)
    is_long = len(old.text) + len(new.text) > LONGEST_MARKED
    if {old.kind, new.kind} <= MARKED_BY_WORDS and not is_long:
        before, after, effort = mark_words(old.text, new.text, effort)
    return _cell(old, before), _cell(new, after), effort


def _cell(value: Value, runs: Runs) -> Cell:
    # Where nothing is shared with the other side, marks would say nothing.
    is_shared = any(not run.is_marked for run in runs)
    return Cell(value.kind, runs if is_shared else (Run(value.text),), value.note)
