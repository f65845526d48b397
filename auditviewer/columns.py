"""A change in two columns, BEFORE and AFTER: lines under headings, with the changed words marked.

Knows what stands in a cell, not how a page draws it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from auditviewer.changes import Change, Group, PartChange, Verb
from auditviewer.fields import CUT, Field
from auditviewer.order import Place
from auditviewer.sentences import plural
from auditviewer.values import NOT_THERE, PATH_MARK, Value
from auditviewer.values import Kind as ValueKind

SIGNS = {Verb.ADDED: "+", Verb.REMOVED: "−", Verb.CHANGED: "~", Verb.MOVED: "↕"}
LONGEST_MARKED = 4000


@dataclass(frozen=True)
class Cell:
    """A value cut into three: what both sides share at the start, what differs, what follows."""

    kind: ValueKind
    head: str = ""
    mark: str = ""
    tail: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The whole value."""
        return self.head + self.mark + self.tail


@dataclass(frozen=True)
class Line:
    """A row of the two columns; *sign* and *verb* are a part's."""

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


def lay_out(change: Change, most: int) -> tuple[Section, ...]:
    """Return the two columns of a change, with at most so many lines in a section."""
    sections = [Section("", tuple(_field_line(field) for field in change.fields))]
    sections += [_group_section(group) for group in change.groups]
    return tuple(
        replace(section, lines=section.lines[:most], left_out=max(0, len(section.lines) - most))
        for section in sections
        if section.lines or section.footnote
    )


def _group_section(group: Group) -> Section:
    lines = [line for part in group.parts for line in _part_lines(part)]
    said = []
    if group.is_emptied:
        said.append("All of them were removed at once (TRUNCATE), which names no rows.")
    if group.shifted:
        others = "1 other" if group.shifted == 1 else f"{group.shifted} others"
        said.append(f"{others} moved up or down to make room.")
    return Section(plural(group.noun), tuple(lines), " ".join(said))


def _field_line(field: Field) -> Line:
    return Line(field.label, *marked(field.old, field.new), note=field.difference)


def _part_lines(part: PartChange) -> Iterator[Line]:
    sign, verb = SIGNS[part.verb], part.verb.value
    names = marked(_named(part.old), _named(part.new))
    is_cut = part.old.endswith(CUT) or part.new.endswith(CUT)
    told: list[Field] = []
    if part.verb in (Verb.ADDED, Verb.REMOVED):
        yield Line(verb, *names, sign, verb, _at(part.place))
        told = [] if is_cut else list(part.fields)
    elif part.place != Place(None, None):
        places = (f"position {part.place.old}", f"position {part.place.new}")
        yield Line(part.title, *marked(*map(_named, places)), SIGNS[Verb.MOVED], "moved")
    if part.verb is Verb.CHANGED and part.old != part.new and not is_cut:
        told = [field for field in part.fields if field.is_bare]
        if told:
            yield Line(verb, *names, sign, verb)
    for field in part.fields:
        if field not in told:
            line = _field_line(field)
            label = f"{part.title}{PATH_MARK}{field.label}"
            yield replace(line, label=label, sign=sign, verb=verb)


def _at(place: Place) -> str:
    number = place.new if place.old is None else place.old
    return "" if number is None else f"at {number}"


def _named(text: str) -> Value:
    return Value(ValueKind.TEXT, text) if text else NOT_THERE


def marked(old: Value, new: Value) -> tuple[Cell, Cell]:
    """Return both values with the words marked that differ; all of them where nothing is shared."""
    if old.is_nothing or new.is_nothing or len(old.text) + len(new.text) > LONGEST_MARKED:
        return tuple(  # type: ignore[return-value]
            Cell(value.kind, head=value.text, note=value.note) for value in (old, new)
        )
    before, after = old.text.split(" "), new.text.split(" ")
    head = _shared(before, after)
    tail = _shared(before[head:][::-1], after[head:][::-1])
    return _cell(old, before, head, tail), _cell(new, after, head, tail)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _cell(value: Value, words: Sequence[str], head: int, tail: int) -> Cell:
    end = len(words) - tail
    start, middle, rest = (" ".join(part) for part in (words[:head], words[head:end], words[end:]))
    return Cell(
        value.kind,
        head=f"{start} " if 0 < head < len(words) else start,
        mark=middle,
        tail=f" {rest}" if head < end < len(words) else rest,
        note=value.note,
    )
