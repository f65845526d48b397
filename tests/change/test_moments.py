"""An entity as it was at a moment, and what the log doesn't know of it."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from auditviewer.change.records import Entry
from auditviewer.log.past import Past
from auditviewer.moments import Moment, Presence, find_moment, lay_out_state
from tests.entries import (
    ACTION,
    CONDITION,
    NOON,
    TABLES,
    WORKFLOW,
    action,
    condition,
    delete,
    insert,
    truncate,
    update,
    workflow,
)

CITY = condition(id=2, field="city", operator="is", value="Bern", position=2)


def at(before: list[Entry], after: list[Entry] | None = None) -> Moment:
    """Return what is known between some entries and others."""
    return find_moment(Past(tuple(before)), Past(tuple(after or [])), TABLES, UTC)


def lines(moment: Moment) -> dict[str, str]:
    """Return the labels and values that a page shows."""
    sections = lay_out_state(moment.state, 50) if moment.state else ()
    return {line.label: line.after.text for section in sections for line in section.lines}


def created() -> list[Entry]:
    return [insert(WORKFLOW, workflow()), insert(CONDITION, condition()), insert(CONDITION, CITY)]


def test_it_is_what_the_last_write_before_left() -> None:
    renamed = update(WORKFLOW, workflow(), {"name": "Greet leads"})

    found = lines(at([*created(), renamed], [update(WORKFLOW, workflow(), {"name": "Later"})]))

    assert found["Name"] == "Greet leads"
    assert found["Condition 1"] == "Lead score is greater than 50"
    assert found["Condition 2"] == "City is Bern"


def test_a_row_that_was_only_written_later_is_what_that_write_found() -> None:
    later = [
        update(WORKFLOW, workflow(), {"name": "Greet leads"}),
        delete(CONDITION, condition()),
        insert(CONDITION, CITY),
    ]

    found = at([], later)

    assert found.presence is Presence.THERE
    assert lines(found)["Name"] == "Nurture leads"
    assert "City is Bern" not in lines(found).values()
    assert "Lead score is greater than 50" in lines(found).values()


def test_a_row_that_was_written_before_and_after_is_there_once() -> None:
    before = [*created(), update(CONDITION, condition(), {"value": "60"})]
    after = [update(CONDITION, condition(value="60"), {"value": "70"})]

    found = lines(at(before, after))

    assert list(found.values()).count("Lead score is greater than 60") == 1
    assert "Lead score is greater than 50" not in found.values()


def test_a_part_whose_key_changed_is_there_once() -> None:
    moved = update(CONDITION, condition(), {"id": 9})
    after = [delete(CONDITION, condition(id=9))]

    found = lines(at([*created(), moved], after))

    assert list(found.values()).count("Lead score is greater than 50") == 1


@pytest.mark.parametrize(
    ("before", "after", "presence"),
    [
        ([], [insert(WORKFLOW, workflow())], Presence.NOT_YET),
        ([insert(WORKFLOW, workflow()), delete(WORKFLOW, workflow())], [], Presence.GONE),
        ([delete(WORKFLOW, workflow())], [insert(WORKFLOW, workflow())], Presence.GONE),
        ([insert(WORKFLOW, workflow()), truncate(WORKFLOW)], [], Presence.GONE),
        ([insert(CONDITION, condition())], [], Presence.UNKNOWN),
        ([], [insert(CONDITION, condition())], Presence.UNKNOWN),
        ([], [delete(WORKFLOW, workflow())], Presence.THERE),
    ],
)
def test_it_says_whether_the_entity_was_there(
    before: list[Entry], after: list[Entry], presence: Presence
) -> None:
    assert at(before, after).presence is presence


def test_what_was_not_there_has_no_values() -> None:
    assert lines(at([*created(), delete(WORKFLOW, workflow())])) == {}


def test_parts_alone_are_shown_where_nothing_else_is_known() -> None:
    assert lines(at([insert(CONDITION, condition())])) == {
        "Condition 1": "Lead score is greater than 50"
    }


def test_parts_that_were_emptied_are_gone_but_those_added_since() -> None:
    found = lines(at([*created(), truncate(CONDITION), insert(CONDITION, CITY)]))

    assert [value for label, value in found.items() if label.startswith("Condition")] == [
        "City is Bern"
    ]


def test_an_emptying_that_comes_later_is_told_since_it_names_nobody() -> None:
    assert [entry.part for entry in at(created(), [truncate(CONDITION)]).emptied] == ["Condition"]


@pytest.mark.parametrize(("late", "is_whole"), [(None, True), (ACTION.name, False)])
def test_it_is_whole_where_all_its_tables_were_tracked_before_it_was_created(
    late: tuple[str, str] | None, is_whole: bool
) -> None:
    tables = {
        name: replace(table, tracked_at=NOON + timedelta(hours=1 if name == late else -1))
        for name, table in TABLES.items()
    }

    found = find_moment(Past(tuple(created())), Past(()), tables, UTC)

    assert found.is_whole is is_whole


def test_one_of_which_not_everything_was_read_is_not_whole() -> None:
    tables = {name: replace(table, tracked_at=NOON) for name, table in TABLES.items()}

    found = find_moment(Past(tuple(created()), is_cut=True), Past(()), tables, UTC)

    assert (found.is_whole, found.is_cut) == (False, True)


def test_the_changes_on_either_side_are_named_less_those_without_the_entity() -> None:
    before, after = created(), [truncate(CONDITION), insert(ACTION, action())]

    found = at(before, after)

    assert (found.last, found.next) == (before[-1], after[-1])


def test_a_row_too_large_to_be_read_says_so() -> None:
    huge = replace(insert(CONDITION, condition()), new_row=None, size=5_000_000)

    assert "too large to be shown here" in lines(at([insert(WORKFLOW, workflow()), huge])).values()
