"""What the log shows of sales sequences, with their conditions and steps."""

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from tests.crm import PRIYA, Connection, Crm, Person
from tests.page import Listed
from tests.saves import add, change, editing, remove
from tests.viewer import seen

NAME = "Follow up after the fair"
SEQUENCE = ("Sales sequences", NAME)
SCHEDULE = {"days": ["mon", "thu"], "window": {"from": "09:00", "until": "17:00"}}
FAIR = {"field": "lead_source", "operator": "is", "value": "Trade fair"}
SCORE = {"field": "lead_score", "operator": "is_greater_than", "value": "50"}
REPLIED = {"field": "replied_at", "operator": "is_not_empty", "value": None}
BOUGHT = {"field": "deal_stage", "operator": "is", "value": "Won"}


@dataclass(frozen=True)
class Sequence:
    """A sequence with an entry condition, an exit condition and a step."""

    id: int
    entry: int
    exit: int
    step: int


def add_sequence(form: Connection) -> Sequence:
    """Make a sequence with its parts."""
    columns = {"name": NAME, "record_type": "lead", "owner_id": 1, "schedule": SCHEDULE}
    id_ = add(form, "sales_sequence", **columns)
    first = {"sales_sequence_id": id_, "position": 1}
    return Sequence(
        id_,
        add(form, "sales_sequence_entry_condition", **first, **FAIR),
        add(form, "sales_sequence_exit_condition", **first, **REPLIED),
        add(form, "sales_sequence_step", **first, kind="email", subject="Good to meet you"),
    )


@pytest.fixture
def sequence(crm: Crm) -> Sequence:
    """A sequence that somebody else made."""
    with crm.saving(PRIYA) as form:
        return add_sequence(form)


@dataclass(frozen=True)
class Edited:
    """Somebody in front of the form of a sequence, and an admin in front of the log."""

    crm: Crm
    admin: FlaskClient
    by: Person
    sequence: int

    def __call__(self, **columns: object) -> Listed:
        """Save columns of the sequence, and return the newest change on the page."""
        with editing(self.crm, self.by, "sales_sequence", self.sequence) as form:
            change(form, "sales_sequence", self.sequence, **columns)
        return seen(self.admin, self.by)[-1]


@pytest.fixture
def edited(crm: Crm, admin: FlaskClient, ana: Person, sequence: Sequence) -> Edited:
    """Saves columns of the sequence, and returns what the page shows of it."""
    return Edited(crm, admin, ana, sequence.id)


def test_Q1_sequence_is_created_and_deleted(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    with crm.saving(ana) as form:
        sequence = add_sequence(form)
    with crm.saving(ana) as form:
        remove(form, "sales_sequence", id=sequence.id)

    created, deleted = seen(admin, ana)
    parts = "1 entry condition, 1 exit condition, 1 step"
    assert created.what == ("Created", *SEQUENCE)
    assert created.said == f"Created with {parts}"
    assert ("Schedule › Window › From", "not there", "09:00") in created.rows
    assert deleted.what == ("Deleted", *SEQUENCE)
    assert deleted.said == f"Deleted with {parts}"
    assert ("− removed at 1", "Replied is not empty", "not there") in deleted.rows


def test_Q2_sequence_gets_another_name(edited: Edited) -> None:
    shown = edited(name="Follow up at once")

    assert shown.what == ("Updated", "Sales sequences", "Follow up at once")
    assert shown.said == f"Name: {NAME} → Follow up at once"
    assert shown.rows == [("Name", NAME, "Follow up at once")]
    assert shown.link == f"https://crm.example/sales-sequences/{edited.sequence}"


def test_Q3_entry_condition_is_added_updated_and_removed(
    crm: Crm, admin: FlaskClient, ana: Person, sequence: Sequence
) -> None:
    table = "sales_sequence_entry_condition"
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        new = add(form, table, sales_sequence_id=sequence.id, position=2, **SCORE)
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        change(form, table, new, value="65")
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        remove(form, table, id=new)

    added, updated, removed = seen(admin, ana)
    assert added.what == updated.what == removed.what == ("Updated", *SEQUENCE)
    before, after = "Lead score is greater than 50", "Lead score is greater than 65"
    assert added.said == f"Added entry condition: {before}"
    assert added.rows == [("+ added at 2", "not there", before)]
    assert updated.said == f"Changed entry condition: {before} → 65"
    assert updated.rows == [("~ changed", before, after)]
    assert removed.said == f"Removed entry condition: {after}"
    assert removed.rows == [("− removed at 2", after, "not there")]


def test_Q4_entry_conditions_match_all_or_any(edited: Edited) -> None:
    shown = edited(entry_match="any")

    assert shown.what == ("Updated", *SEQUENCE)
    assert shown.said == "Entry conditions match: all of them → any of them"
    assert shown.rows == [("Entry conditions match", "all of them", "any of them")]


def test_Q5_type_changes(edited: Edited) -> None:
    shown = edited(kind="automatic")

    assert shown.what == ("Updated", *SEQUENCE)
    assert shown.said == "Type: manual → automatic"
    assert shown.rows == [("Type", "manual", "automatic")]


def test_Q6_run_time_time_zone_and_schedule_change(edited: Edited) -> None:
    shown = edited(run_time="10:30", time_zone="Europe/Zurich")
    window = edited(schedule=SCHEDULE | {"window": {"from": "08:00", "until": "17:00"}})

    assert shown.what == window.what == ("Updated", *SEQUENCE)
    assert shown.said == "Run time: 09:00:00 → 10:30:00; Time zone: UTC → Europe/Zurich"
    assert shown.rows == [
        ("Run time", "09:00:00", "10:30:00"),
        ("Time zone", "UTC", "Europe/Zurich"),
    ]
    assert window.said == "Schedule › Window › From: 09:00 → 08:00"
    assert window.rows == [("Schedule › Window › From", "09:00", "08:00")]


def test_Q7_step_is_added_updated_and_removed(
    crm: Crm, admin: FlaskClient, ana: Person, sequence: Sequence
) -> None:
    call = {"kind": "call", "subject": "Ask for a visit", "wait_days": 3}
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        new = add(form, "sales_sequence_step", sales_sequence_id=sequence.id, position=2, **call)
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        change(form, "sales_sequence_step", new, subject="Ask for a meeting")
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        remove(form, "sales_sequence_step", id=new)

    added, updated, removed = seen(admin, ana)
    assert added.what == updated.what == removed.what == ("Updated", *SEQUENCE)
    before, after = "Call Ask for a visit", "Call Ask for a meeting"
    wait = "Days to wait: 3"
    assert added.said == f"Added step: {before} · {wait}"
    assert updated.said.startswith("Changed step: Call Ask for a visit")
    assert ("~ changed", f"{before} · {wait}", f"{after} · {wait}") in updated.rows
    assert removed.said == f"Removed step: {after} · {wait}"


def test_Q8_exit_conditions_match_all_or_any(edited: Edited) -> None:
    shown = edited(exit_match="all")

    assert shown.what == ("Updated", *SEQUENCE)
    assert shown.said == "Exit conditions match: any of them → all of them"
    assert shown.rows == [("Exit conditions match", "any of them", "all of them")]


def test_Q9_exit_condition_is_added_updated_and_removed(
    crm: Crm, admin: FlaskClient, ana: Person, sequence: Sequence
) -> None:
    table = "sales_sequence_exit_condition"
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        new = add(form, table, sales_sequence_id=sequence.id, position=2, **BOUGHT)
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        change(form, table, new, value="Lost")
    with editing(crm, ana, "sales_sequence", sequence.id) as form:
        remove(form, table, id=sequence.exit)
        change(form, table, new, position=1)

    added, updated, removed = seen(admin, ana)
    assert added.what == updated.what == removed.what == ("Updated", *SEQUENCE)
    assert added.said == "Added exit condition: Deal stage is Won"
    assert added.rows == [("+ added at 2", "not there", "Deal stage is Won")]
    assert updated.said == "Changed exit condition: Deal stage is Won → Lost"
    assert updated.rows == [("~ changed", "Deal stage is Won", "Deal stage is Lost")]
    assert removed.said == "Removed exit condition: Replied is not empty"
    assert removed.rows == [("− removed at 1", "Replied is not empty", "not there")]


def test_Q10_sequence_is_enabled_and_disabled(edited: Edited) -> None:
    enabled = edited(is_enabled=True)
    disabled = edited(is_enabled=False)

    assert enabled.what == disabled.what == ("Updated", *SEQUENCE)
    assert enabled.said == "Status: disabled → enabled"
    assert enabled.rows == [("Status", "disabled", "enabled")]
    assert disabled.said == "Status: enabled → disabled"
    assert disabled.rows == [("Status", "enabled", "disabled")]
