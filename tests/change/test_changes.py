"""What the entries of one save come to: created, updated or deleted, and which rows of it."""

import pytest

from auditviewer.change.changes import Change, Kind
from auditviewer.change.order import Place, Verb
from tests.entries import (
    ACTION,
    CONDITION,
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

ROW, PART = workflow(), condition()
HUGE = {"size": 2_000_000, "old_row": None, "new_row": None}


def fields(change: Change) -> dict[str, tuple[str, str]]:
    return {field.label: (field.old.text, field.new.text) for field in change.fields}


def parts(change: Change) -> list[tuple[str, str, str, str]]:
    return [
        (group.noun, part.verb.value, part.old, part.new)
        for group in change.groups
        for part in group.parts
    ]


def test_a_row_that_is_inserted_and_then_updated_was_created_as_it_is_in_the_end() -> None:
    change = save(insert(WORKFLOW, ROW), update(WORKFLOW, ROW, {"name": "Greet leads"}))

    assert change.kind is Kind.CREATED
    assert change.label == "Greet leads"
    assert fields(change)["Name"] == ("not there", "Greet leads")


def test_a_row_that_is_inserted_and_then_deleted_came_and_went() -> None:
    change = save(insert(WORKFLOW, ROW), delete(WORKFLOW, ROW))

    assert change.kind is Kind.DELETED
    assert change.is_fleeting
    assert change.leaves_nothing


def test_a_row_that_is_deleted_and_inserted_again_was_updated() -> None:
    change = save(delete(WORKFLOW, ROW), insert(WORKFLOW, workflow(name="Greet leads")))

    assert change.kind is Kind.UPDATED
    assert fields(change) == {"Name": ("Nurture leads", "Greet leads")}


def test_an_update_that_is_undone_leaves_nothing() -> None:
    enabled = workflow(is_enabled=True)

    change = save(
        update(WORKFLOW, ROW, {"is_enabled": True}),
        update(WORKFLOW, enabled, {"is_enabled": False}),
    )

    assert change.kind is Kind.UPDATED
    assert change.leaves_nothing
    assert not change.is_fleeting


def test_several_updates_of_a_row_are_one_from_the_first_old_to_the_last_new() -> None:
    named = workflow(name="Greet leads")

    change = save(
        update(WORKFLOW, ROW, {"name": "Greet leads"}),
        update(WORKFLOW, named, {"name": "Welcome leads"}),
    )

    assert fields(change) == {"Name": ("Nurture leads", "Welcome leads")}
    assert change.label == "Welcome leads"


def test_the_newest_entry_says_who_and_when() -> None:
    first, last = insert(WORKFLOW, ROW, ip="10.0.0.1"), insert(CONDITION, PART, ip="10.0.0.2")

    assert save(last, first).last is last


def test_parts_alone_are_an_update_of_the_entity_named_as_they_say() -> None:
    change = save(insert(CONDITION, PART, entity_label="Nurture leads"))

    assert (change.kind, change.label) == (Kind.UPDATED, "Nurture leads")
    assert parts(change) == [("Condition", "added", "", "Lead score is greater than 50")]


def test_an_entity_that_is_created_with_parts_is_one_change() -> None:
    change = save(insert(WORKFLOW, ROW), insert(CONDITION, PART), insert(ACTION, action()))

    assert change.kind is Kind.CREATED
    assert [verb for _, verb, *_ in parts(change)] == ["added", "added"]
    assert [group.noun for group in change.groups] == ["Condition", "Action"]


def test_an_entity_that_is_deleted_with_its_parts_is_one_change_with_its_name() -> None:
    change = save(delete(WORKFLOW, ROW), delete(CONDITION, PART), delete(ACTION, action()))

    assert (change.kind, change.label) == (Kind.DELETED, "Nurture leads")
    assert [verb for _, verb, *_ in parts(change)] == ["removed", "removed"]


def test_a_part_that_came_and_went_is_not_told() -> None:
    assert save(insert(CONDITION, PART), delete(CONDITION, PART)).leaves_nothing


def test_a_part_that_is_removed_and_added_again_was_changed() -> None:
    change = save(delete(CONDITION, PART), insert(CONDITION, condition(value="60")))

    assert [verb for _, verb, *_ in parts(change)] == ["changed"]


def test_a_part_that_moves_is_told_with_its_places_and_the_others_are_counted() -> None:
    rows = [condition(id=n, position=n, value=str(n)) for n in (1, 2, 3)]

    [group] = save(
        update(CONDITION, rows[2], {"position": 1}),
        update(CONDITION, rows[0], {"position": 2}),
        update(CONDITION, rows[1], {"position": 3}),
    ).groups

    [part] = group.parts
    assert (part.verb, part.place, part.fields) == (Verb.MOVED, Place(3, 1), ())
    assert group.shifted == 2


def test_parts_that_made_room_for_a_new_one_are_only_counted() -> None:
    rows = [condition(id=n, position=n) for n in (1, 2)]

    [group] = save(
        *(update(CONDITION, row, {"position": row["position"] + 1}) for row in rows),
        insert(CONDITION, condition(id=3, position=1)),
    ).groups

    assert [part.verb for part in group.parts] == [Verb.ADDED]
    assert group.shifted == 2


def test_a_changed_part_that_stays_where_it_is_is_not_said_to_move() -> None:
    rows = [condition(id=n, position=n) for n in (1, 2, 3)]

    [group] = save(
        update(CONDITION, rows[0], {"position": 3}),
        update(CONDITION, rows[1], {"value": "60"}),
        update(CONDITION, rows[2], {"position": 1}),
    ).groups

    [changed] = [part for part in group.parts if part.verb is Verb.CHANGED]
    assert changed.place == Place(None, None)


@pytest.mark.parametrize(("before", "after"), [(None, 3), (3, None)])
def test_a_part_that_gets_or_loses_its_position_was_changed(
    before: int | None, after: int | None
) -> None:
    change = save(update(CONDITION, condition(position=before), {"position": after}))

    [part] = change.groups[0].parts
    assert (part.verb, part.fields[0].label) == (Verb.CHANGED, "Position")


def test_truncate_of_the_entities_deletes_them_with_their_parts() -> None:
    change = save(truncate(WORKFLOW), truncate(CONDITION))

    assert (change.kind, change.is_truncated) == (Kind.DELETED, True)


def test_truncate_of_parts_is_an_update() -> None:
    change = save(truncate(CONDITION))

    assert (change.kind, change.is_truncated) == (Kind.UPDATED, False)
    assert [(group.noun, group.is_emptied) for group in change.groups] == [("Condition", True)]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("INSERT", Kind.CREATED), ("UPDATE", Kind.UPDATED), ("DELETE", Kind.DELETED)],
)
def test_a_row_too_large_to_be_read_is_still_created_updated_or_deleted(
    operation: str, kind: Kind
) -> None:
    change = save(entry(operation, WORKFLOW, ROW, ROW, **HUGE))

    assert (change.kind, change.too_large) == (kind, HUGE["size"])
    assert (change.fields, change.leaves_nothing) == ((), False)


@pytest.mark.parametrize(("operation", "verb"), [("INSERT", "added"), ("DELETE", "removed")])
def test_a_part_too_large_to_be_read_is_counted(operation: str, verb: str) -> None:
    change = save(entry(operation, CONDITION, PART, PART, **HUGE))

    [(noun, found, *texts)] = parts(change)
    assert (noun, found) == ("Condition", verb)
    assert "too large to be shown here" in texts
