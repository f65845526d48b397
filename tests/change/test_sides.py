"""The two sides of a change: what stands in them, what is marked, and what is left out."""

from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.changes import fold
from auditviewer.change.marks import Run
from auditviewer.change.records import Entry
from auditviewer.change.sides import Section, lay_out, marked
from auditviewer.change.values import NOT_SET, NOT_THERE, Kind, Value
from tests.entries import (
    ACTION,
    CONDITION,
    TABLES,
    WORKFLOW,
    action,
    condition,
    delete,
    entry,
    insert,
    save,
    truncate,
    update,
    workflow,
)

Row = tuple[str, str, str, str]


def sides(*entries: Entry, most: int = 99) -> tuple[Section, ...]:
    return lay_out(save(*entries), most)


def rows(*entries: Entry) -> list[Row]:
    """Return sign, label, before and after of each line."""
    return [
        (line.sign, line.label, line.before.text, line.after.text)
        for section in sides(*entries)
        for line in section.lines
    ]


def text(words: str) -> Value:
    return Value(Kind.TEXT, words)


def marks(before: str, after: str) -> tuple[str, str]:
    """Return both texts with what is marked in brackets."""
    *cells, _ = marked(text(before), text(after))
    one, other = ("".join(map(in_brackets, cell.runs)) for cell in cells)
    return one, other


def in_brackets(run: Run) -> str:
    return f"[{run.text}]" if run.is_marked else run.text


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a b c", "a x c", ("a [b] c", "a [x] c")),
        ("a b", "a b c", ("a b", "a b [c]")),
        ("b c", "a b c", ("b c", "[a] b c")),
        ("a c", "a b c", ("a c", "a [b] c")),
        ("a", "b", ("a", "b")),
        ("a a", "a", ("a [a]", "a")),
        (" a", " b", (" a", " b")),
        ("a  b", "a  c", ("a  [b]", "a  [c]")),
    ],
)
def test_the_words_that_differ_are_marked(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    assert marks(before, after) == expected


@given(st.text(" ab,\n"), st.text(" ab,\n"))
def test_marks_lose_no_character(before: str, after: str) -> None:
    assert [cell.text for cell in marked(text(before), text(after))[:2]] == [before, after]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (NOT_THERE, text("a")),
        (text("a"), NOT_SET),
        (text("a " * 1300), text("a " * 1299)),
    ],
)
def test_nothing_is_marked_beside_nothing_or_in_a_long_text(old: Value, new: Value) -> None:
    for cell, value in zip(marked(old, new)[:2], (old, new), strict=True):
        assert cell.runs == (Run(value.text),)


def test_the_fields_of_the_entity_come_first_and_then_its_parts() -> None:
    sections = sides(
        insert(ACTION, action()),
        insert(CONDITION, condition()),
        update(WORKFLOW, workflow(), {"runs": 3}),
    )

    assert [section.title for section in sections] == ["", "Actions", "Conditions"]
    assert sections[0].lines[0].note == ""


def test_a_number_says_by_how_much_it_changed() -> None:
    [section] = sides(update(WORKFLOW, workflow(runs=3), {"runs": 5}))

    assert section.lines[0].note == "+2"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (
            [insert(CONDITION, condition())],
            [("+", "added", "not there", "Lead score is greater than 50")],
        ),
        (
            [delete(CONDITION, condition())],
            [("−", "removed", "Lead score is greater than 50", "not there")],
        ),
        (
            [update(CONDITION, condition(), {"value": "60"})],
            [("~", "changed", "Lead score is greater than 50", "Lead score is greater than 60")],
        ),
        (
            [update(CONDITION, condition(), {"weight": 2})],
            [("~", "Lead score › Weight", "not there", "2")],
        ),
        (
            [update(CONDITION, condition(), {"position": 4})],
            [("↕", "Lead score", "position 1", "position 4")],
        ),
        (
            [update(CONDITION, condition(), {"position": 4, "value": "60"})],
            [
                ("↕", "Lead score", "position 1", "position 4"),
                ("~", "changed", "Lead score is greater than 50", "Lead score is greater than 60"),
            ],
        ),
        (
            [entry("INSERT", CONDITION, None, condition(), size=2_000_000)],
            [("+", "added", "not there", "too large to be shown here")],
        ),
    ],
)
def test_each_part_has_its_lines(entries: list[Entry], expected: list[Row]) -> None:
    assert rows(*entries) == expected


def test_parts_of_one_title_are_called_by_the_whole_of_their_line() -> None:
    parts = condition(id=1), condition(id=2, value="60"), condition(id=3, field="city")
    found = rows(*(update(CONDITION, part, {"weight": 2}) for part in parts))

    assert [label for _, label, *_ in found] == [
        "Lead score is greater than 50 › Weight",
        "Lead score is greater than 60 › Weight",
        "City › Weight",
    ]


def test_a_part_says_where_it_was_added() -> None:
    [section] = sides(insert(CONDITION, condition(position=3)))

    assert section.lines[0].note == "at 3"


@pytest.mark.parametrize(("make", "sign"), [(insert, "+"), (delete, "−")])
def test_of_a_part_too_long_for_one_line_each_field_has_its_own(
    make: Callable[..., Entry], sign: str
) -> None:
    found = rows(make(CONDITION, condition(value="x" * 300)))

    assert [row[:2] for row in found[1:]] == [
        (sign, "Lead score › Field"),
        (sign, "Lead score › Operator"),
        (sign, "Lead score › Value"),
    ]
    assert "x" * 300 in found[3]


def test_a_difference_behind_the_end_of_the_line_has_a_line_of_its_own() -> None:
    long = "x" * 300
    found = rows(update(CONDITION, condition(value=long), {"field": "city", "value": long + "y"}))

    assert ("~", "Lead score › Value", long, long + "y") in found
    assert ("~", "Lead score › Field", "Lead score", "City") in found


def test_lines_beyond_the_most_are_counted() -> None:
    [section] = sides(*(insert(CONDITION, condition(id=n)) for n in range(5)), most=3)

    assert (len(section.lines), section.left_out) == (3, 2)


def test_a_footnote_says_what_has_no_lines() -> None:
    [emptied] = sides(truncate(CONDITION))
    [shifted] = sides(
        update(CONDITION, condition(id=1, position=1), {"position": 2}),
        insert(CONDITION, condition(id=2, position=1)),
    )

    assert (emptied.lines, "TRUNCATE" in emptied.footnote) == ((), True)
    assert shifted.footnote == "1 other moved up or down to make room."


def test_a_change_that_leaves_nothing_has_no_sides() -> None:
    change = fold([update(WORKFLOW, workflow(), {"updated_at": "now"})], TABLES, UTC)

    assert lay_out(change, 99) == ()
