"""A change in one sentence, as an admin reads it first."""

from datetime import UTC
from typing import Any

import pytest

from auditviewer.change.changes import fold
from auditviewer.change.records import Entry
from auditviewer.change.sentences import in_words, say
from tests.entries import (
    ACTION,
    CONDITION,
    TABLES,
    WORKFLOW,
    action,
    condition,
    conditions,
    delete,
    entry,
    insert,
    said,
    truncate,
    update,
    workflow,
)

LONG = "x" * 61
OTHER_LONG = "y" * 61
HIDDEN, OTHER_HIDDEN = {"redacted": "0" * 16}, {"redacted": "1" * 16}
HUGE = {"size": 2_000_000, "old_row": None, "new_row": None}


def updated(before: dict[str, Any], after: dict[str, Any]) -> str:
    return said(update(WORKFLOW, workflow(**before), after))


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({"is_enabled": False}, {"is_enabled": True}, "Status: disabled → enabled"),
        ({"is_logged": False}, {"is_logged": True}, "Logging turned on"),
        ({"is_logged": True}, {"is_logged": False}, "Logging turned off"),
        ({"is_logged": None}, {"is_logged": True}, "Logging turned on"),
        ({"name": "Old"}, {"name": "New"}, "Name: Old → New"),
        ({"runs": 10}, {"runs": 15}, "Most runs: 10 → 15 (+5)"),
        ({"runs": None}, {"runs": 0}, "Most runs set to 0"),
        ({"runs": 0}, {"runs": None}, "Most runs cleared (was 0)"),
        ({"description": ""}, {"description": "Hi"}, "Description set to Hi"),
        ({"description": "Hi"}, {"description": ""}, "Description cleared (was Hi)"),
        ({"description": None}, {"description": ""}, "Description: not set → empty text"),
        ({"description": ""}, {"description": LONG}, "Description set"),
        ({"description": LONG}, {"description": ""}, "Description cleared"),
        ({"description": LONG}, {"description": OTHER_LONG}, "Description changed"),
        ({"description": "Hi"}, {"description": LONG}, "Description changed"),
        ({"description": LONG}, {"description": "Hi"}, "Description changed"),
        ({"secret": None}, {"secret": HIDDEN}, "Secret set, hidden"),
        ({"secret": HIDDEN}, {"secret": OTHER_HIDDEN}, "Secret changed, hidden"),
        ({"secret": HIDDEN}, {"secret": None}, "Secret cleared"),
        ({"settings": {"a": 1}}, {"settings": {"a": 2}}, "Settings › A: 1 → 2 (+1)"),
        ({"name": "a"}, {"name": "a "}, "Name: a → a␣"),
    ],
)
def test_each_kind_of_field_has_its_words(
    before: dict[str, Any], after: dict[str, Any], sentence: str
) -> None:
    assert updated(before, after) == sentence


def test_four_fields_are_told_and_of_more_only_three() -> None:
    before = {"name": "a", "description": "a", "runs": 1, "is_enabled": False}
    after = {"name": "b", "description": "b", "runs": 2, "is_enabled": True}

    assert updated(before, after).count(";") == 3
    assert updated(before | {"secret": None}, after | {"secret": HIDDEN}) == (
        "Name: a → b; Description: a → b; Status: disabled → enabled; and 2 more"
    )


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([insert(WORKFLOW, {"id": 7})], "Created"),
        ([insert(WORKFLOW, {"id": 7, "name": "Nurture leads"})], "Created"),
        ([insert(WORKFLOW, workflow(runs=3))], "Created with Status disabled, Most runs 3"),
        (
            [insert(WORKFLOW, workflow()), insert(CONDITION, condition())],
            "Created with 1 condition",
        ),
        (
            [
                insert(WORKFLOW, workflow()),
                *(insert(CONDITION, row) for row in conditions(2)),
                insert(ACTION, action()),
            ],
            "Created with 2 conditions, 1 action",
        ),
        ([delete(WORKFLOW, workflow())], "Deleted with Status disabled"),
        ([delete(WORKFLOW, {"id": 7})], "Deleted"),
        (
            [delete(WORKFLOW, workflow()), delete(CONDITION, condition())],
            "Deleted with 1 condition",
        ),
        (
            [insert(WORKFLOW, workflow()), delete(WORKFLOW, workflow())],
            "Created and deleted in the same save",
        ),
        ([truncate(WORKFLOW), truncate(CONDITION)], "All of them removed at once (TRUNCATE)"),
        ([truncate(CONDITION)], "All conditions removed at once (TRUNCATE)"),
        (
            [truncate(CONDITION), truncate(ACTION)],
            "All actions removed at once (TRUNCATE); All conditions removed at once (TRUNCATE)",
        ),
        (
            [update(WORKFLOW, workflow(), {"updated_at": "now"})],
            "Nothing that is shown differs from before",
        ),
        ([entry("INSERT", WORKFLOW, None, None, **HUGE)], "A row too large to be shown here"),
    ],
)
def test_each_kind_of_change_has_its_words(entries: list[Entry], sentence: str) -> None:
    assert said(*entries) == sentence


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        (
            [insert(CONDITION, condition())],
            "Added condition: Lead score is greater than 50; and more",
        ),
        ([insert(WORKFLOW, workflow())], "Created with Status disabled; and more"),
        (
            [insert(WORKFLOW, workflow()), *(insert(CONDITION, row) for row in conditions(200))],
            "Created with at least 200 conditions",
        ),
        ([insert(CONDITION, row) for row in conditions(201)], "At least 201 conditions added"),
        (
            [
                update(WORKFLOW, workflow(runs=3), {"runs": 5}),
                *(insert(CONDITION, row) for row in conditions(201)),
            ],
            "Most runs: 3 → 5 (+2); at least 201 conditions added",
        ),
        (
            [update(WORKFLOW, workflow(), {"updated_at": "now"})],
            "More rows written than are read here",
        ),
    ],
)
def test_a_change_that_was_read_in_part_says_so(entries: list[Entry], sentence: str) -> None:
    assert in_words(say(fold(entries, TABLES, UTC, more=0))) == sentence


def test_of_many_fields_read_in_part_no_number_is_told() -> None:
    before, after = (dict.fromkeys("abcdef", value) for value in (1, 2))
    change = fold([update(WORKFLOW, workflow(**before), after)], TABLES, UTC, more=0)

    assert in_words(say(change)).endswith("; D: 1 → 2 (+1); and more")
