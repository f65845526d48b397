"""Filters by what a change is: its type, the kind of entity, the words in it; and why none is."""

import pytest
from flask.testing import FlaskClient

from tests.crm import Crm, Person, add_condition, new_person
from tests.page import Element, Listed, parse
from tests.viewer import changes

KINDS = ("created", "updated", "deleted")
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
DELETE = "DELETE FROM crm.workflow WHERE id = %s"
RENAME_USER = "UPDATE crm.app_user SET full_name = full_name || '.' WHERE id = 1"
CREATE = """
    INSERT INTO crm.workflow (id, name, record_type, owner_id)
    OVERRIDING SYSTEM VALUE VALUES (%s, 'Made again', 'lead', 1)
"""


def page(reader: FlaskClient, **asked: str) -> Element:
    return parse(reader.get("/", query_string=asked).text)


def heading(reader: FlaskClient, **asked: str) -> str:
    """Return what a page says that has no change to show."""
    return page(reader, **asked).first(cls="empty").first("h2").text


def make_one_of_each(crm: Crm, by: Person, workflow: int) -> None:
    """Make changes whose type is not that of their newest entry, and some whose type is."""
    crm.save(ENABLE, workflow, by=by)
    with crm.saving(by) as connection:
        add_condition(connection, workflow, position=3)
    other = crm.add_workflow("Greet leads", by=by, conditions=2)
    with crm.saving(by) as connection:
        connection.execute(DELETE.encode(), [other])
        connection.execute(CREATE.encode(), [other])
    with crm.saving(by) as connection:
        connection.execute(CREATE.encode(), [other + 10_000])
        connection.execute(ENABLE.encode(), [other + 10_000])
        add_condition(connection, other + 10_000)
    crm.save(DELETE, other + 10_000, by=by)
    with crm.saving(by) as connection:
        connection.execute(CREATE.encode(), [other + 20_000])
        connection.execute(DELETE.encode(), [other + 20_000])
    crm.save("DELETE FROM crm.workflow_condition WHERE workflow_id = %s", workflow, by=by)


def pages(listed: list[Listed]) -> list[str]:
    return [change.page for change in listed]


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_lets_through_the_changes_that_the_list_shows_as_such(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, kind: str
) -> None:
    make_one_of_each(crm, ana, workflow)

    every = changes(admin, by=ana.key or "")
    found = changes(admin, by=ana.key or "", type=kind)

    assert {change.kind.lower() for change in every} == set(KINDS)
    assert pages(found) == pages([one for one in every if one.kind.lower() == kind])
    assert set(pages(found)) <= set(pages(changes(admin, type=kind)))


def test_a_truncate_is_a_deletion(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SELECT set_config('audit.actor', %s, true)", [ana.key])
        superuser.execute("TRUNCATE crm.workflow CASCADE")

    found = changes(admin, by=ana.key or "", type="deleted")

    assert pages(found) == pages(
        [one for one in changes(admin, by=ana.key or "") if one.kind == "Deleted"]
    )
    assert [one.said for one in found] == ["All of them removed at once (TRUNCATE)"]


def test_an_entity_is_a_filter_of_its_own(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.save(RENAME_USER, by=ana)

    assert [one.where for one in changes(admin, by=ana.key or "", entity="User")] == ["Users"]
    assert len(changes(admin, by=ana.key or "", entity="Workflow", module="Workflows")) == 1
    assert changes(admin, by=ana.key or "", entity="Workflow", module="Users") == []


def test_entities_are_offered_by_module(admin: FlaskClient) -> None:
    groups = {
        group.attributes["label"]: {option.text for option in group.all("option")}
        for select in page(admin).all("select")
        if select.attributes["name"] == "entity"
        for group in select.all("optgroup")
    }

    assert "Workflow" in groups["Workflows"]
    assert "User" in groups["Users"]


def test_text_finds_a_change_by_a_word_in_any_of_its_entries(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        add_condition(connection, workflow, position=3, value="Zwieselstein")
        connection.execute(ENABLE.encode(), [workflow])
    crm.save(ENABLE, workflow, by=ana)

    [found] = changes(admin, q="zwieselstein")

    assert {label for label, _, _ in found.rows} == {"Status", "+ added at 3"}


def test_a_change_with_a_word_in_many_entries_is_found_once(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        for position in range(3, 9):
            add_condition(connection, workflow, position=position, value="Quellenhof")

    assert len(changes(admin, q="quellenhof")) == 1
    assert len(changes(admin, q="quellenhof", type="updated", by=ana.key or "")) == 1
    assert changes(admin, q="quellenhof", type="created") == []


def test_all_filters_are_kept_in_the_dialog(admin: FlaskClient) -> None:
    asked = {"q": "city", "type": "deleted", "entity": "Workflow", "save": "1", "module": "Users"}

    dialog = page(admin, **asked).first("dialog")

    held = {
        element.attributes["name"]: element.attributes["value"]
        for element in dialog.all("input")
        if element.attributes.get("type") in ("search", "hidden") or "checked" in element.attributes
    }
    chosen = {option.text for option in dialog.all("option") if "selected" in option.attributes}
    assert held == {"period": "", "q": "city", "type": "deleted", "save": "1"}
    assert chosen == {"Workflow", "Users"}


def test_no_result_says_whether_nothing_matched_or_nothing_was_recorded(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    nobody = new_person("Nobody").key or ""

    assert heading(admin, by=nobody) == "Nothing matched these filters"
    assert heading(admin, by=nobody, module="Users") == "Nothing matched these filters"
    assert heading(admin, entity="Workflow", module="Users") == (
        "Nothing was recorded of Workflow in Users"
    )
    assert heading(admin, entity="Car") == "Nothing was recorded of Car"
    assert "No table is tracked there" in page(admin, entity="Car").text


def test_of_a_module_that_is_tracked_but_was_never_written_it_says_since_when(
    crm: Crm, admin: FlaskClient
) -> None:
    with crm.as_superuser() as superuser:
        superuser.execute("UPDATE audit.tracked_table SET entity = 'Boat' WHERE entity = 'User'")
        said = page(admin, entity="Boat").first(cls="empty").text
        superuser.execute("UPDATE audit.tracked_table SET entity = 'User' WHERE entity = 'Boat'")

    assert "Nothing was recorded of Boat 1 table tracked since" in said
