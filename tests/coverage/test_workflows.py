"""What the log shows of workflows, with their conditions and actions."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.crm import CONDITIONS, PRIYA, Crm, Person
from tests.page import Listed
from tests.saves import add, change, editing, remove
from tests.viewer import seen

NAME = "Nurture new leads"
WORKFLOW = ("Workflows", NAME)
ANA = 2
EMAIL = {"kind": "send_email", "settings": {"template": "Welcome"}}


@pytest.fixture
def condition(crm: Crm, workflow: int) -> int:
    """A third condition of the workflow, which somebody else added."""
    place = {"workflow_id": workflow, "position": 3}
    with crm.saving(PRIYA) as form:
        return int(add(form, "workflow_condition", **place, **CONDITIONS[0]))


def edited(crm: Crm, admin: FlaskClient, by: Person, workflow: int, **columns: Any) -> Listed:
    """Save columns of a workflow, and return the newest change on the page."""
    with editing(crm, by, "workflow", workflow) as form:
        change(form, "workflow", workflow, **columns)
    return seen(admin, by)[-1]


def test_W1_workflow_is_created_and_deleted(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    with crm.saving(ana) as form:
        workflow = add(form, "workflow", name=NAME, record_type="lead", owner_id=1)
        first = {"workflow_id": workflow, "position": 1}
        add(form, "workflow_condition", **first, **CONDITIONS[0])
        add(form, "workflow_action", **first, **EMAIL)
    with crm.saving(ana) as form:
        remove(form, "workflow", id=workflow)

    created, deleted = seen(admin, ana)
    assert created.what == ("Created", *WORKFLOW)
    assert created.said == "Created with 1 condition, 1 action"
    assert ("+ added at 1", "not there", "Lead score is greater than 50") in created.rows
    assert deleted.what == ("Deleted", *WORKFLOW)
    assert deleted.said == "Deleted with 1 condition, 1 action"
    assert ("− removed at 1", "Lead score is greater than 50", "not there") in deleted.rows


def test_W2_workflow_gets_another_name(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    shown = edited(crm, admin, ana, workflow, name="Nurture all leads")

    assert shown.what == ("Updated", "Workflows", "Nurture all leads")
    assert shown.said == f"Name: {NAME} → Nurture all leads"
    assert shown.rows == [("Name", NAME, "Nurture all leads")]
    assert shown.link == f"https://crm.example/workflows/{workflow}"


def test_W3_workflow_gets_another_description(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    shown = edited(crm, admin, ana, workflow, description="One e-mail a week")

    assert shown.what == ("Updated", *WORKFLOW)
    assert shown.said == "Description set to One e-mail a week"
    assert shown.rows == [("Description", "empty text", "One e-mail a week")]


def test_W4_filters_match_all_or_any(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    shown = edited(crm, admin, ana, workflow, match="any")

    assert shown.what == ("Updated", *WORKFLOW)
    assert shown.said == "Conditions match: all of them → any of them"
    assert shown.rows == [("Conditions match", "all of them", "any of them")]


def test_W5_condition_is_added_removed_and_updated(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, condition: int
) -> None:
    industry = {"field": "industry", "operator": "is", "value": "Logistics"}
    with editing(crm, ana, "workflow", workflow) as form:
        add(form, "workflow_condition", workflow_id=workflow, position=4, **industry)
    with editing(crm, ana, "workflow", workflow) as form:
        change(form, "workflow_condition", condition, value="65")
    with editing(crm, ana, "workflow", workflow) as form:
        remove(form, "workflow_condition", workflow_id=workflow, position=4)

    added, updated, removed = seen(admin, ana)
    assert added.what == updated.what == removed.what == ("Updated", *WORKFLOW)
    before, after = "Lead score is greater than 50", "Lead score is greater than 65"
    assert added.said == "Added condition: Industry is Logistics"
    assert added.rows == [("+ added at 4", "not there", "Industry is Logistics")]
    assert updated.said == f"Changed condition: {before} → 65"
    assert updated.rows == [("~ changed", before, after)]
    assert removed.said == "Removed condition: Industry is Logistics"
    assert removed.rows == [("− removed at 4", "Industry is Logistics", "not there")]


def test_W6_action_is_added_removed_and_updated(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with editing(crm, ana, "workflow", workflow) as form:
        action = add(form, "workflow_action", workflow_id=workflow, position=1, **EMAIL)
    with editing(crm, ana, "workflow", workflow) as form:
        change(form, "workflow_action", action, kind="create_task", assignee_id=ANA)
    with editing(crm, ana, "workflow", workflow) as form:
        remove(form, "workflow_action", id=action)

    added, updated, removed = seen(admin, ana)
    assert added.what == updated.what == removed.what == ("Updated", *WORKFLOW)
    assert added.said == "Added action: Send e-mail · Template: Welcome"
    assert added.rows == [("+ added at 1", "not there", "Send e-mail · Template: Welcome")]
    assert updated.said.startswith("Changed action: Send e-mail")
    assert ("~ Send e-mail › Assigned to", "not set", "Ana Diaz") in updated.rows
    assert removed.said.startswith("Removed action: Create task")


def test_W7_workflow_is_enabled_and_disabled(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    enabled, disabled = (
        edited(crm, admin, ana, workflow, is_enabled=value) for value in (True, False)
    )

    assert enabled.what == disabled.what == ("Updated", *WORKFLOW)
    assert enabled.said == "Status: disabled → enabled"
    assert enabled.rows == [("Status", "disabled", "enabled")]
    assert disabled.said == "Status: enabled → disabled"
    assert disabled.rows == [("Status", "enabled", "disabled")]
