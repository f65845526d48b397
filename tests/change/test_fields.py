"""Two states of a row compared field by field, and a row in one line."""

from datetime import UTC
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.fields import Field, Fields, columns_of, compare_rows
from auditviewer.change.records import Column, Labels, Row, Table
from auditviewer.change.rows import RowInWords, summarise
from auditviewer.change.stored import image
from auditviewer.change.values import Kind
from tests.entries import ACTION, CONDITION, WORKFLOW, action, condition, workflow

NO_NAMES: Labels = {}
JUST_JSON = Table(("crm", "thing"), columns={"settings": Column("Settings")})

Told = tuple[str, str, str]


def compare(old: Row | None, new: Row | None, table: Table = WORKFLOW, **names: Any) -> Fields:
    return compare_rows(RowInWords(table, old, names, UTC), RowInWords(table, new, names, UTC))


def told(fields: Fields) -> list[Told]:
    return [(field.label, field.old.text, field.new.text) for field in fields.changed]


def changed(column: str, before: Any, after: Any) -> Field:
    [field] = compare(workflow(**{column: before}), workflow(**{column: after})).changed
    return field


def inside(before: Any, after: Any) -> list[Told]:
    return told(compare({"settings": before}, {"settings": after}, JUST_JSON))


def one_line(table: Table, row: Row | None, **names: Any) -> tuple[str, str]:
    nothing, told = (RowInWords(table, each, names, UTC) for each in (None, row))
    summary = summarise(told, columns_of(nothing, told, frozenset({"position"})))
    return summary.title, summary.text


def test_only_what_differs_is_a_field_and_the_rest_is_counted() -> None:
    fields = compare(workflow(runs=1, owner_id=7), workflow(runs=2, owner_id=7))

    assert told(fields) == [("Most runs", "1", "2")]
    assert fields.unchanged == 3


def test_fields_come_in_the_order_of_their_words() -> None:
    old = {"zeta": 1, "runs": 1} | workflow(name="a")
    new = {"zeta": 2, "runs": 2} | workflow(name="b")

    assert [label for label, *_ in told(compare(old, new))] == ["Name", "Most runs", "Zeta"]


def test_of_a_row_that_came_the_fields_that_hold_something_are_told() -> None:
    fields = compare(None, workflow(description="", runs=None, settings={}, owner_id=0))

    assert told(fields) == [
        ("Name", "not there", "Nurture leads"),
        ("Status", "not there", "disabled"),
        ("Owner", "not there", "#0"),
    ]
    assert fields.unchanged == 3


def test_of_a_row_that_went_the_fields_that_held_something_are_told() -> None:
    assert told(compare(workflow(description=None), None)) == [
        ("Name", "Nurture leads", "not there"),
        ("Status", "disabled", "not there"),
    ]


def test_keys_are_told_only_where_they_changed() -> None:
    assert told(compare(condition(), condition(workflow_id=8), CONDITION)) == [
        ("Workflow id", "7", "8")
    ]
    assert told(compare(condition(), condition(value="60"), CONDITION)) == [("Value", "50", "60")]


def test_ignored_columns_are_never_told() -> None:
    assert compare(workflow(updated_at="a"), workflow(updated_at="b")).changed == ()


def test_a_column_that_came_with_a_migration_is_told() -> None:
    assert told(compare(workflow(), workflow(runs=0))) == [("Most runs", "not there", "0")]


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (None, "", (Kind.NULL, Kind.EMPTY)),
        ("", "0", (Kind.EMPTY, Kind.TEXT)),
        ("0", 0, (Kind.TEXT, Kind.TEXT)),
        (None, 0, (Kind.NULL, Kind.NUMBER)),
        (0, False, (Kind.NUMBER, Kind.FLAG)),
        (Decimal("1.10"), Decimal("1.1"), (Kind.NUMBER, Kind.NUMBER)),
    ],
)
def test_nothing_empty_zero_and_false_differ(
    before: Any, after: Any, kinds: tuple[Kind, Kind]
) -> None:
    field = changed("runs", before, after)

    assert (field.old.kind, field.new.kind) == kinds
    assert field.old.text != field.new.text


def test_a_reference_has_the_names_of_then() -> None:
    old, new = {"owner_id": {"7": "Ana Diaz"}}, {"owner_id": {"8": "Jonas Berg"}}

    [field] = compare_rows(
        RowInWords(WORKFLOW, workflow(owner_id=7), old, UTC),
        RowInWords(WORKFLOW, workflow(owner_id=8), new, UTC),
    ).changed

    assert (field.old.text, field.old.note) == ("Ana Diaz", "#7")
    assert (field.new.text, field.new.note) == ("Jonas Berg", "#8")


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        (10, 15, "+5"),
        (15, 10, "−5"),
        (Decimal("1.10"), Decimal("1.1"), "0.00"),
        (0, 250_000, "+250,000"),
        (2**63, 2**63 + 1, ""),
        (None, 5, ""),
        ("NaN", 5, ""),
        (False, 1, ""),
    ],
)
def test_the_difference_of_two_numbers_is_exact_or_not_said(
    before: Any, after: Any, difference: str
) -> None:
    assert changed("runs", before, after).difference == difference


def test_a_redacted_value_is_hidden_but_seen_to_change() -> None:
    field = changed("secret", {"redacted": "0" * 16}, {"redacted": "1" * 16})

    assert (field.old.kind, field.new.kind) == (Kind.HIDDEN, Kind.HIDDEN)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("Settings › B", "2", "3")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("Settings › A › B", "1", "2")]),
        ({"a": 1}, {}, [("Settings › A", "1", "not there")]),
        ({}, {"a": None}, [("Settings › A", "not there", "not set")]),
        (None, {"a": 1}, [("Settings › A", "not there", "1")]),
        (None, {}, [("Settings", "not set", "empty")]),
        ({"a": 1}, None, [("Settings › A", "1", "not there")]),
        ([1, 2], [2, 1], [("Settings", "1, 2", "2, 1")]),
        ([{"a": 1}], [{"a": 2}], [("Settings › 1 › A", "1", "2")]),
        ({"a": 1}, [1], [("Settings", "A: 1", "1")]),
        ({"1": {"a": 1}}, [{"a": 1}], [("Settings", "1 A: 1", "A: 1")]),
        ({"a_b": 1, "A b": 2}, {"a_b": 3, "A b": 2}, [("Settings › A b", "1", "3")]),
        ({"a": Decimal("1.1")}, {"a": {"number": "1.1"}}, [("Settings › A", "1.1", "Number: 1.1")]),
    ],
)
def test_json_is_compared_by_what_is_inside(before: Any, after: Any, expected: list[Told]) -> None:
    assert inside(before, after) == expected


def test_json_that_is_nested_deeply_is_compared_as_a_whole_from_there() -> None:
    before, after = 1, 2
    for _ in range(60):
        before, after = {"a": before}, {"a": after}  # type: ignore[assignment]

    [(label, old, new)] = inside(before, after)

    assert label == "Settings" + " › A" * 8
    assert old != new


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "A", "a_b", "A b", "1"]), inner)
    ),
    max_leaves=8,
)


@given(json_values, json_values)
def test_json_that_differs_has_a_field_that_says_so(before: Any, after: Any) -> None:
    fields = compare({"settings": before}, {"settings": after}, JUST_JSON)

    assert bool(fields.changed) == (image(before) != image(after))
    for field in fields.changed:
        assert (field.old.kind, field.old.text) != (field.new.kind, field.new.text)


def test_a_text_of_ten_megabytes_is_compared_in_no_time() -> None:
    began = perf_counter()

    field = changed("description", "x" * 10_000_000, "x" * 10_000_000 + "y")

    assert len(field.old.text) + len(field.new.text) < 5000
    assert perf_counter() - began < 2


@pytest.mark.parametrize(
    ("table", "row", "expected"),
    [
        (CONDITION, condition(), ("Lead score", "Lead score is greater than 50")),
        (CONDITION, condition(field="cf_x"), ("cf_x", "cf_x is greater than 50")),
        (
            CONDITION,
            condition(operator="is_empty", value=None),
            ("Lead score", "Lead score is empty"),
        ),
        (
            ACTION,
            action(settings={"template": "Hi"}),
            ("Send e-mail", "Send e-mail · Template: Hi"),
        ),
        (WORKFLOW, {"id": 7, "runs": 3}, ("Most runs: 3", "Most runs: 3")),
        (WORKFLOW, {"id": 7}, ("", "")),
        (WORKFLOW, None, ("", "")),
    ],
)
def test_a_row_in_one_line_begins_with_its_words(
    table: Table, row: Row | None, expected: tuple[str, str]
) -> None:
    assert one_line(table, row) == expected


def test_a_person_in_one_line_needs_the_name_of_the_column() -> None:
    line = one_line(WORKFLOW, workflow(owner_id=7), owner_id={"7": "Ana Diaz"})

    assert line == ("Nurture leads", "Nurture leads · Status: disabled · Owner: Ana Diaz")


def test_a_long_row_is_cut() -> None:
    text = one_line(WORKFLOW, workflow(description="x" * 500))[1]

    assert text.startswith("Nurture leads xxx")
    assert (len(text), text[-1]) == (161, "…")
