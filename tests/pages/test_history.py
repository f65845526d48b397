"""The history of one entity: its changes, under an address that any key survives."""

import pytest
from flask.testing import FlaskClient

from auditviewer.addresses import in_path
from tests.crm import Crm, Person, add_condition
from tests.page import Element, links_named, parse, read_list
from tests.viewer import changes, only

ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
RENAME = "UPDATE crm.workflow SET name = %s WHERE id = %s"
DELETE = "DELETE FROM crm.workflow WHERE id = %s"


def history_of(workflow: int) -> str:
    return f"/history/Workflow/{workflow}"


def page(reader: FlaskClient, path: str, **asked: str) -> Element:
    answer = reader.get(path, query_string=asked)
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def test_it_has_every_change_of_the_entity_and_of_its_parts_newest_first(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    other = crm.add_workflow("Another")
    crm.save(ENABLE, workflow)
    crm.save(ENABLE, other)
    with crm.saving() as connection:
        add_condition(connection, workflow, position=3)

    listed = read_list(admin.get(history_of(workflow)).text)

    assert [(change.kind, len(change.rows)) for change in listed[:2]] == [("Updated", 1)] * 2
    assert [change.rows[0][0] for change in listed[:2]] == ["+ added at 3", "Status"]
    assert [change.kind for change in listed[2:]] == ["Created"]


def test_every_row_and_the_page_of_a_change_lead_to_it(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)

    listed = page(admin, "/", by=ana.key or "")
    alone = page(admin, only(admin, ana).page)

    words = "History of this workflow"
    assert links_named(listed, words) == links_named(alone, words) == [history_of(workflow)]


def test_it_is_paged(crm: Crm, admin: FlaskClient, workflow: int) -> None:
    crm.save_often(60, ENABLE, workflow)

    first = admin.get(history_of(workflow)).text
    [older] = links_named(parse(first), "Older changes")
    second = admin.get(older).text

    listed = read_list(first) + read_list(second)
    assert (len(read_list(first)), len(listed)) == (50, 61)
    assert len({change.page for change in listed}) == 61
    assert links_named(parse(second), "Newest changes") == [history_of(workflow)]


def test_a_deleted_entity_has_one_too(crm: Crm, admin: FlaskClient, workflow: int) -> None:
    crm.save(DELETE, workflow)

    found = page(admin, history_of(workflow))

    assert found.first("h1").text == "Nurture new leads (deleted)"
    assert [change.kind for change in read_list(admin.get(history_of(workflow)).text)] == [
        "Deleted",
        "Created",
    ]


def test_it_is_called_what_the_entity_is_called_now(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    crm.save(RENAME, "Greet leads", workflow)

    assert page(admin, history_of(workflow)).first("h1").text.startswith("Greet leads")


@pytest.mark.parametrize("key", ["..", ".", "a/b", "", "?a=b#c", '["x", 1]', "é ~2F", "\n"])
def test_any_key_has_an_address(crm: Crm, admin: FlaskClient, ana: Person, key: str) -> None:
    crm.save(ENABLE, crm.add_workflow("Odd"), by=ana)
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("UPDATE audit.entry SET entity_id = %s WHERE actor = %s", [key, ana.key])

    listed = page(admin, "/", by=ana.key or "")
    [link] = links_named(listed, "History of this workflow")

    assert len(read_list(admin.get(link).text)) == 1
    assert admin.get(f"/history/Workflow/{in_path(key)}").status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/history/Workflow/999999999", 404),
        ("/history/Car/1", 404),
        ("/history/Workflow/~00", 404),
        ("/history/Workflow/~FF", 404),
        ("/history/Workflow", 404),
        ("/history/Workflow/1?at=2026-11-20T09:00&module=Cars", 404),
        ("/history/Workflow/999999999?at=2026-11-20T09:00", 404),
        ("/history/Workflow/999999999?from=2026-11-20T09:00", 404),
        ("/history/Workflow/1?at=soon", 400),
        ("/history/Workflow/1?from=2026-11-31T09:00", 400),
        ("/history/Workflow/1?to=0001-01-01T00:00", 400),
        ("/history/Workflow/1?before=x", 400),
    ],
)
def test_an_address_of_nothing_says_so(admin: FlaskClient, path: str, code: int) -> None:
    assert admin.get(path).status_code == code


def test_entities_of_one_name_in_two_modules_are_kept_apart(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    say = "UPDATE audit.tracked_table SET entity = %s WHERE entity = %s"
    with crm.as_superuser() as superuser:
        superuser.execute(say, ["Workflow", "User"])
        [link] = links_named(page(admin, "/", by=ana.key or ""), "History of this workflow")
        superuser.execute(say + " AND module = 'Users'", ["User", "Workflow"])

    assert link == f"{history_of(workflow)}?module=Workflows"
    assert len(changes(admin, by=ana.key or "")) == 1
    assert len(read_list(admin.get(link).text)) == 2
