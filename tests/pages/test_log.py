"""The walk of a real change: from a write of the application to what an admin reads."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.crm import NOBODY, Crm, Person, add_action, add_condition, new_person, say_who
from tests.page import parse, read_facts, read_rows
from tests.viewer import changes, only

PRODUCT = "https://crm.example"


def test_an_update_says_who_when_from_where_of_what_and_how(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    before = datetime.now(UTC)

    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow, by=ana)

    change = only(admin, ana)
    assert (change.who, change.address) == ("Ana Diaz", "198.51.100.7")
    assert before - timedelta(seconds=1) < change.when < datetime.now(UTC)
    assert (change.kind, change.where) == ("Updated", "Workflows")
    assert (change.name, change.link) == ("Nurture new leads", f"{PRODUCT}/workflows/{workflow}")
    assert change.said == "Conditions match: all of them → any of them"
    assert change.rows == [("Conditions match", "all of them", "any of them")]


def test_adding_a_condition_is_an_update_of_its_workflow(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        add_condition(connection, workflow, position=3, field="country", operator="is", value="CH")

    change = only(admin, ana)
    assert (change.kind, change.name) == ("Updated", "Nurture new leads")
    assert change.said == "Added condition: Country is CH"
    assert change.rows == [("+ added at 3", "not there", "Country is CH")]


def test_a_save_of_a_workflow_with_its_parts_is_one_change(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        connection.execute("UPDATE crm.workflow SET is_enabled = true WHERE id = %s", [workflow])
        connection.execute(
            "UPDATE crm.workflow_condition SET value = 60 WHERE value = '50' AND workflow_id = %s",
            [workflow],
        )
        add_action(connection, workflow)

    change = only(admin, ana)
    assert change.said == "Status: disabled → enabled; 1 condition changed; 1 action added"
    assert change.rows == [
        ("Status", "disabled", "enabled"),
        ("~ changed", "Lead score is greater than 50", "Lead score is greater than 60"),
        ("+ added at 1", "not there", "Send e-mail"),
    ]


def test_conditions_that_swap_places_are_one_move(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    swap = "UPDATE crm.workflow_condition SET position = 3 - position WHERE workflow_id = %s"

    crm.save(swap, workflow, by=ana)

    change = only(admin, ana)
    assert change.said == "Moved condition Lead score from position 1 to 2"
    assert change.footnotes == "1 other moved up or down to make room."


def test_deleting_a_workflow_with_its_parts_is_one_change_with_its_name_and_no_link(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save("DELETE FROM crm.workflow WHERE id = %s", workflow, by=ana)

    change = only(admin, ana)
    assert (change.kind, change.name) == ("Deleted", "Nurture new leads")
    assert (change.link, change.became) == (None, "(deleted)")
    assert change.said == "Deleted with 2 conditions"


def test_earlier_changes_of_a_deleted_workflow_have_no_link_either(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow, by=ana)
    crm.save("DELETE FROM crm.workflow WHERE id = %s", workflow)

    change = only(admin, ana)
    assert (change.link, change.became) == (None, "(deleted)")


def test_a_workflow_that_lost_a_condition_is_still_there(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save("DELETE FROM crm.workflow_condition WHERE workflow_id = %s", workflow, by=ana)

    change = only(admin, ana)
    assert (change.kind, change.said) == ("Updated", "2 conditions removed")
    assert (change.link, change.became) == (f"{PRODUCT}/workflows/{workflow}", "")


def test_what_two_persons_do_in_one_transaction_is_a_change_of_each(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    kim = new_person("Kim Lee")
    with crm.saving(ana) as connection:
        connection.execute("UPDATE crm.workflow SET match = 'any' WHERE id = %s", [workflow])
        say_who(connection, kim)
        connection.execute("UPDATE crm.workflow SET is_enabled = true WHERE id = %s", [workflow])

    assert only(admin, ana).said == "Conditions match: all of them → any of them"
    assert only(admin, kim).said == "Status: disabled → enabled"


def test_a_workflow_that_was_renamed_since_says_what_it_is_called_now(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow, by=ana)
    crm.save("UPDATE crm.workflow SET name = 'Greet leads' WHERE id = %s", workflow)

    change = only(admin, ana)
    assert (change.name, change.became) == ("Nurture new leads", "now called Greet leads")


def test_the_renaming_itself_is_told_under_the_new_name(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save("UPDATE crm.workflow SET name = 'Greet leads' WHERE id = %s", workflow, by=ana)

    change = only(admin, ana)
    assert (change.name, change.became) == ("Greet leads", "")
    assert change.said == "Name: Nurture new leads → Greet leads"


def test_without_an_actor_the_product_itself_acted(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    with crm.saving(NOBODY, program="workflow-runner") as connection:
        connection.execute("UPDATE crm.workflow SET match = 'any' WHERE id = %s", [workflow])

    change = changes(admin, by="system")[0]
    assert change.who == "System role crm_web"
    assert change.address == "workflow-runner"
    assert change.link == f"{PRODUCT}/workflows/{workflow}"


def test_a_person_without_name_or_address_is_shown_by_key(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    ana = Person(ana.key, None, None)

    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow, by=ana)

    change = only(admin, ana)
    assert (change.who, change.address) == (ana.key, "no address given")


def test_an_owner_is_told_by_name_and_two_of_one_name_by_their_keys(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    change_owner = "UPDATE crm.workflow SET owner_id = %s WHERE id = %s"

    crm.save(change_owner, 2, workflow, by=ana)
    crm.save(change_owner, 3, workflow, by=ana)

    assert [change.said for change in changes(admin, by=ana.key or "")] == [
        "Owner: Ana Diaz (#2) → Ana Diaz (#3)",
        "Owner: Priya Nair → Ana Diaz",
    ]


def test_a_secret_is_seen_to_change_but_not_shown(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    crm.save("UPDATE crm.app_user SET password_hash = 'scrypt:secret' WHERE id = 2", by=ana)

    assert only(admin, ana).said == "Password set, hidden"
    assert "scrypt:secret" not in admin.get("/").text


def test_a_reason_is_shown_with_the_change_and_the_rest_of_the_context_on_its_page(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    context = {"reason": "Ticket 7", "request": {"id": "7f1c"}}

    crm.save("DELETE FROM crm.workflow WHERE id = %s", workflow, by=ana, context=context)

    change = only(admin, ana)
    assert change.reason == "“Ticket 7”"
    facts = read_facts(admin.get(change.page).text)
    assert (facts["Reason"], facts["request"]) == ("“Ticket 7”", "Id: 7f1c")


def test_a_change_has_a_page_of_its_own_with_what_the_database_saw(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        add_condition(connection, workflow, position=3)
        connection.execute("UPDATE crm.workflow SET match = 'any' WHERE id = %s", [workflow])

    change = only(admin, ana)
    html = admin.get(change.page).text
    page, facts = parse(html), read_facts(html)
    assert page.first("h1").text.startswith("Nurture new leads")
    assert page.first(cls="said").text == change.said
    assert read_rows(page) == change.rows
    assert facts["Performed by"] == f"Ana Diaz #{ana.key}"
    assert (facts["Logged in as"], facts["Its name"]) == ("crm_web", "crm-web")
    assert facts["Transaction"].endswith("· 2 entries in this change")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "SELECT set_config('audit.actor', %s, true)",
            "a setting, of this transaction or left over from an earlier one",
        ),
        ("SELECT audit.set_context(%s)", "audit.set_context() in this transaction"),
    ],
)
def test_the_page_says_how_the_actor_was_named(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, statement: str, said: str
) -> None:
    with crm.saving(NOBODY) as connection:
        connection.execute(statement.encode(), [ana.key])
        connection.execute("DELETE FROM crm.workflow WHERE id = %s", [workflow])

    assert read_facts(admin.get(only(admin, ana).page).text)["Actor named by"] == said
