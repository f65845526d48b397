"""Which row an entry is about, where keys change, and to which entity a part belongs."""

from datetime import UTC
from itertools import permutations
from typing import Any

import pytest

from auditviewer.change.changes import Change, Kind, fold
from auditviewer.change.records import Entry, Table
from auditviewer.change.states import claims
from tests.entries import (
    ACTION,
    CONDITION,
    RECIPIENT,
    TABLES,
    WORKFLOW,
    action,
    condition,
    delete,
    entry,
    insert,
    recipient,
    save,
    update,
    workflow,
)

ROW, PART = workflow(), condition()
HUGE = {"size": 2_000_000, "old_row": None, "new_row": None}


def fields(change: Change) -> dict[str, tuple[str, str]]:
    return {field.label: (field.old.text, field.new.text) for field in change.fields}


def test_a_write_of_ignored_columns_alone_which_left_no_entry_is_passed_over() -> None:
    change = save(
        update(WORKFLOW, ROW, {"runs": 1}),
        update(WORKFLOW, workflow(runs=1, updated_at="later"), {"runs": 2}),
    )

    assert fields(change) == {"Most runs": ("not there", "2")}


def test_entries_may_come_in_any_order() -> None:
    named = workflow(name="Greet leads")
    entries = [
        update(WORKFLOW, ROW, {"name": "Greet leads"}),
        update(WORKFLOW, named, {"is_enabled": True}),
        insert(CONDITION, PART),
    ]

    assert {str(save(*order)) for order in permutations(entries)} == {str(save(*entries))}


def test_a_changed_key_is_a_field_of_the_same_row() -> None:
    change = save(update(WORKFLOW, ROW, {"id": 8}), update(WORKFLOW, workflow(id=8), {"runs": 3}))

    assert change.kind is Kind.UPDATED
    assert fields(change) == {"Id": ("7", "8"), "Most runs": ("not there", "3")}


def test_a_row_with_a_new_key_is_known_though_an_ignored_column_was_written_since() -> None:
    change = save(
        update(WORKFLOW, ROW, {"id": 8}),
        update(WORKFLOW, workflow(id=8, updated_at="later"), {"runs": 2}),
    )

    assert fields(change) == {"Id": ("7", "8"), "Most runs": ("not there", "2")}


def test_keys_that_one_statement_swaps_are_two_rows() -> None:
    low, high = condition(id=1, value="50"), condition(id=2, value="90", position=2)

    change = save(update(CONDITION, low, {"id": 2}), update(CONDITION, high, {"id": 1}))

    assert [(part.old, part.fields[0].new.text) for part in change.groups[0].parts] == [
        ("Lead score is greater than 50", "2"),
        ("Lead score is greater than 90", "1"),
    ]


def test_keys_that_are_swapped_by_way_of_a_third_are_two_rows() -> None:
    low, high = condition(id=1, value="50"), condition(id=2, value="90", position=2)

    change = save(
        update(CONDITION, low, {"id": 3}),
        update(CONDITION, high, {"id": 1}),
        update(CONDITION, low | {"id": 3}, {"id": 2}),
    )

    assert [[f.old.text + f.new.text for f in p.fields] for p in change.groups[0].parts] == [
        ["12"],
        ["21"],
    ]


def test_what_happened_to_a_row_before_its_key_was_swapped_is_kept() -> None:
    low, high = condition(id=1, value="50"), condition(id=2, value="90", position=2)

    change = save(
        update(CONDITION, high, {"value": "95"}),
        update(CONDITION, low, {"id": 2}),
        update(CONDITION, high | {"value": "95"}, {"id": 1}),
    )

    assert sorted(part.old for part in change.groups[0].parts) == [
        "Lead score is greater than 50",
        "Lead score is greater than 90",
    ]


def test_a_row_that_was_once_too_large_to_be_read_is_not_compared() -> None:
    change = save(
        update(WORKFLOW, ROW, {"runs": 1}),
        entry("UPDATE", WORKFLOW, ROW, ROW, **HUGE),
        update(WORKFLOW, workflow(name="Greet leads", runs=2), {"runs": 3}),
    )

    assert (change.kind, change.fields, change.label) == (Kind.UPDATED, (), "Greet leads")


def test_rows_of_a_table_without_a_key_are_told_one_by_one() -> None:
    notes = Table(("crm", "note"), "Notes", "Note")
    entries = [insert(notes, {"text": text}, row_key=None) for text in ("a", "a", "b")]

    change = fold(entries, {notes.name: notes}, UTC)

    assert change.kind is Kind.CREATED
    assert [part.new for part in change.groups[0].parts] == ["a", "a", "b"]


def test_a_table_that_is_not_described_is_shown_by_the_names_of_its_columns() -> None:
    change = fold([update(WORKFLOW, ROW, {"is_enabled": True})], {}, UTC)

    assert fields(change) == {"Is enabled": ("no", "yes")}


def lost(part: Table, row: dict[str, Any]) -> Entry:
    return delete(part, row, entity_id=None)


@pytest.mark.parametrize(
    ("found", "orphan", "is_claimed"),
    [
        ([delete(ACTION, action(id=1))], lost(RECIPIENT, recipient(action_id=1)), True),
        ([delete(ACTION, action(id=2))], lost(RECIPIENT, recipient(action_id=1)), False),
        ([delete(CONDITION, condition(id=1))], lost(RECIPIENT, recipient(action_id=1)), False),
        ([], lost(RECIPIENT, recipient()), False),
        ([], lost(Table(("crm", "gone"), part="Gone"), recipient()), True),
        ([], entry("DELETE", RECIPIENT, recipient(), None, **HUGE), True),
    ],
)
def test_a_part_without_its_entity_goes_where_its_parent_was_deleted(
    found: list[Entry], orphan: Entry, is_claimed: bool
) -> None:
    assert claims(found, orphan, TABLES) is is_claimed


def test_recipients_that_a_cascade_removed_are_parts_of_their_workflow() -> None:
    removed = delete(ACTION, action())

    change = save(removed, lost(RECIPIENT, recipient()))

    assert change.last is removed
    assert change.kind is Kind.UPDATED
    assert [group.noun for group in change.groups] == ["Action", "Recipient"]
