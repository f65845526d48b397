"""What a sentence says of the parts of an entity: of one by its name, of more by their number."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from auditviewer.change.changes import fold
from auditviewer.change.records import Entry, Table
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
    update,
    workflow,
)

LONG = "x" * 61
OTHER_LONG = "y" * 61
HUGE = {"size": 2_000_000, "old_row": None, "new_row": None}


def changed_part(**changes: Any) -> str:
    return said(update(CONDITION, condition(), changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"value": "60"}, "Changed condition: Lead score is greater than 50 → 60"),
        (
            {"operator": "is_empty", "value": None},
            "Changed condition: Lead score is greater than 50 → Lead score is empty",
        ),
        (
            {"field": "city"},
            "Changed condition: Lead score is greater than 50 → City is greater than 50",
        ),
        ({"weight": 2}, "Lead score › Weight set to 2"),
        (
            {"weight": 2, "unit": 3},
            "Changed condition: Lead score is greater than 50 → Lead score "
            "is greater than 50 · Weight: 2 · Unit: 3",
        ),
    ],
)
def test_the_only_part_that_was_changed_is_told(changes: dict[str, Any], sentence: str) -> None:
    assert changed_part(**changes) == sentence


def test_a_part_that_takes_too_many_words_is_counted() -> None:
    long = update(CONDITION, condition(value=LONG * 4), {"value": OTHER_LONG * 4})

    assert said(long) == "1 condition changed"


@pytest.mark.parametrize("text", ["hello", "hello world", " "])
def test_a_part_of_one_text_may_lose_it_or_get_it(text: str) -> None:
    notes = Table(("crm", "note"), entity="Workflow", part="Note", parent=WORKFLOW.name)
    for before, after in ((text, ""), ("", text), (text, " \n")):
        entries = [update(notes, {"text": before}, {"text": after})]
        sentence = in_words(say(fold(entries, {**TABLES, notes.name: notes}, UTC)))

        assert "Note" in sentence or "note" in sentence


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([insert(CONDITION, condition())], "Added condition: Lead score is greater than 50"),
        ([delete(CONDITION, condition())], "Removed condition: Lead score is greater than 50"),
        ([insert(CONDITION, condition(value=LONG * 3))], "1 condition added"),
        ([insert(CONDITION, row) for row in conditions(2)], "2 conditions added"),
        (
            [
                *(insert(CONDITION, row) for row in conditions(2)),
                delete(CONDITION, condition(id=9)),
            ],
            "2 conditions added, 1 removed",
        ),
        (
            [insert(CONDITION, condition()), delete(ACTION, action())],
            "1 condition added; 1 action removed",
        ),
        (
            [
                update(WORKFLOW, workflow(), {"name": "New"}),
                insert(CONDITION, condition()),
            ],
            "Name: Nurture leads → New; Added condition: Lead score is greater than 50",
        ),
        (
            [
                update(CONDITION, conditions(2)[0], {"position": 2}),
                update(CONDITION, conditions(2)[1], {"position": 1}),
            ],
            "Moved condition Lead score from position 1 to 2",
        ),
        (
            [entry("INSERT", CONDITION, None, condition(), **HUGE)],
            "A row too large to be shown here",
        ),
    ],
)
def test_parts_are_named_alone_and_counted_together(entries: list[Entry], sentence: str) -> None:
    assert said(*entries) == sentence


@pytest.mark.parametrize(
    ("make", "number", "sentence"),
    [
        (delete, 40, "40 conditions removed, all the same: Lead score is greater than 50"),
        (insert, 2, "2 conditions added, both the same: Lead score is greater than 50"),
        (insert, 201, "201 conditions added"),
    ],
)
def test_parts_that_are_all_the_same_are_told_once(
    make: Callable[..., Entry], number: int, sentence: str
) -> None:
    assert said(*(make(CONDITION, condition(id=n)) for n in range(number))) == sentence


def test_a_sentence_of_audit_toml_is_said_once_for_parts_of_which_it_says_the_same() -> None:
    table = replace(CONDITION, say={"removed": "{label} no longer counts"})
    tables = {**TABLES, table.name: table}
    rows = [condition(id=n, field="city" if n % 10 else "score") for n in range(40)]
    entries = [delete(table, row) for row in rows]

    assert in_words(say(fold(entries, tables, UTC))) == (
        "Lead score no longer counts (4 times), City no longer counts (36 times)"
    )
