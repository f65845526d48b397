"""What a part is to the entity that it left and to the one that it came to."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from auditviewer.change.changes import Change, Kind, fold
from auditviewer.change.order import Verb
from auditviewer.change.parts import PartChange
from auditviewer.change.records import Column, Entry, Move
from auditviewer.change.sentences import in_words, say
from tests.entries import CONDITION, TABLES, WORKFLOW, condition, delete, save, update, workflow

AWAY, HERE = Move(True, "8", "Welcome"), Move(False, "6", "Nurture")
SCORE = "Lead score is greater than 50"


def moved(move: Move, to: int, **columns: Any) -> Entry:
    """Return the entry of a condition that moved, as workflow 7 sees it."""
    row = condition(workflow_id=7 if move.is_away else int(move.entity_id))
    return update(CONDITION, row, {"workflow_id": to, **columns}, entity_id="7", move=move)


def only(change: Change) -> PartChange:
    [group] = change.groups
    [part] = group.parts
    return part


def test_one_that_moved_away_was_removed() -> None:
    change = save(moved(AWAY, 8))

    part = only(change)
    assert (change.kind, part.verb, part.old, part.new) == (Kind.UPDATED, Verb.REMOVED, SCORE, "")
    assert in_words(say(change)) == f"Removed condition: {SCORE} (moved to workflow “Welcome”)"


def test_one_that_came_was_added_as_it_is_now() -> None:
    change = save(moved(HERE, 7, value="60"))

    assert in_words(say(change)) == (
        "Added condition: Lead score is greater than 60 (moved from workflow “Nurture”)"
    )


@pytest.mark.parametrize("move", [AWAY, HERE])
def test_the_key_of_the_parent_is_no_difference_though_it_has_words(move: Move) -> None:
    words = {**CONDITION.columns, "workflow_id": Column("Workflow", is_reference=True)}
    tables = {**TABLES, CONDITION.name: replace(CONDITION, columns=words)}

    change = fold([moved(move, 8)], tables, UTC)

    assert "Workflow" not in {field.label for field in only(change).fields}


def test_one_that_came_back_is_only_what_changed_of_it() -> None:
    gone = moved(AWAY, 8)
    back = update(
        CONDITION,
        condition(workflow_id=8),
        {"workflow_id": 7, "value": "60"},
        move=Move(False, "8", "Welcome"),
    )

    part = only(save(gone, back))

    assert (part.verb, part.moved) == (Verb.CHANGED, "")
    assert [(field.old.text, field.new.text) for field in part.fields] == [("50", "60")]


def test_one_that_came_and_was_removed_leaves_nothing() -> None:
    assert save(moved(HERE, 7), delete(CONDITION, condition())).leaves_nothing


def test_a_long_name_is_cut_and_its_quotes_are_told_from_ours() -> None:
    long = save(moved(replace(AWAY, label="Lead " * 40), 8))
    quoted = save(moved(replace(AWAY, label="The “best”"), 8))

    assert only(long).moved.endswith("Lead…”")
    assert only(quoted).moved == "moved to workflow “The ‘best’”"


def rekeyed(move: Move, old: int, new: int) -> list[Entry]:
    """Return the entries of a workflow that got another key, and of a condition with it."""
    own = {"move": move, "entity_id": "7"}
    return [
        update(WORKFLOW, workflow(id=old), {"id": new}, **own),
        update(CONDITION, condition(workflow_id=old), {"workflow_id": new}, **own),
    ]


@pytest.mark.parametrize(
    ("entries", "is_former"), [(rekeyed(AWAY, 7, 8), True), (rekeyed(HERE, 6, 7), False)]
)
def test_parts_of_an_entity_whose_key_changed_did_not_move(
    entries: list[Entry], is_former: bool
) -> None:
    change = save(*entries)

    assert (change.kind, change.groups, change.is_rekeyed) == (Kind.UPDATED, (), is_former)
    assert [field.label for field in change.fields] == ["Id"]
