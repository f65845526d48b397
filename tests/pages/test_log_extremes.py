"""What strains the pages: odd contexts, bulk saves, huge rows, deep JSON, TRUNCATE, clocks."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.crm import Crm, Person, add_action, add_condition
from tests.page import links_named, parse, read_facts, read_rows
from tests.viewer import changes, only


@pytest.mark.parametrize(
    "context", [[1, 2], "text", 5, True, {"reason": 5}, {"reason": None}, None]
)
def test_any_context_that_the_application_gives_can_be_shown(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, context: Any
) -> None:
    enable = "UPDATE crm.workflow SET is_enabled = true WHERE id = %s"

    crm.save(enable, workflow, by=ana, context=context)

    change = only(admin, ana)
    assert (change.said, change.reason) == ("Status: disabled → enabled", "")
    assert admin.get(change.page).status_code == 200


def test_a_change_of_many_parts_is_read_page_by_page(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        for number in range(3, 453):
            add_condition(connection, workflow, value=f"v{number}", position=number)

    change = only(admin, ana)
    seen: list[str] = []
    links = [change.page]
    for link in links:
        html = admin.get(link).text
        page = parse(html)
        assert page.first("time").attributes["datetime"] == change.when.isoformat()
        assert page.first(cls="said").text == change.said == "At least 200 conditions added"
        assert "at least 450 entries" in read_facts(html)["Transaction"]
        seen += [after.rpartition(" ")[2] for _, _, after in read_rows(page)]
        links += links_named(page, "More of this change")
    assert sorted(seen) == sorted(f"v{number}" for number in range(3, 453))


def test_the_page_of_a_change_leads_back_to_its_beginning(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        for position in range(3, 204):
            add_condition(connection, workflow, position=position)

    page = only(admin, ana).page
    [more] = links_named(parse(admin.get(page).text), "More of this change")
    second = parse(admin.get(more).text)

    assert links_named(second, "Its beginning") == [page]
    assert links_named(second, "More of this change") == []


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30])
def test_an_address_that_ends_oddly_shows_the_beginning(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, after: str
) -> None:
    with crm.saving(ana) as connection:
        for position in range(3, 204):
            add_condition(connection, workflow, position=position)

    page = only(admin, ana).page
    rows, odd = (read_rows(parse(admin.get(each).text)) for each in (page, f"{page}?after={after}"))
    assert rows == odd
    assert len(rows) == 200


def test_a_save_of_as_much_as_is_read_is_whole(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        for position in range(3, 203):
            add_condition(connection, workflow, position=position)

    said = "200 conditions added, all the same: Lead score is greater than 50"
    assert only(admin, ana).said == said


def test_a_row_too_large_to_be_shown_says_so(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    noise = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 60000) AS n)"

    crm.save(
        "INSERT INTO crm.workflow (name, record_type, owner_id, description)"
        f" SELECT 'Huge', 'lead', 1, {noise}",
        by=ana,
    )

    change = only(admin, ana)
    assert (change.kind, change.name) == ("Created", "Huge")
    assert change.said == "A row too large to be shown here"


def test_a_text_of_ten_megabytes_is_cut(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    crm.add_workflow("Long", by=ana, description="x" * 10_000_000)

    answer = admin.get("/", query_string={"by": ana.key})

    assert "(10,000,000 characters)" in answer.text
    assert len(answer.text) < 100_000


def test_json_that_is_nested_however_deeply_is_shown(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    for depth in (90, *range(860, 1000, 5), 3000):
        settings = '{"a":' * depth + "1" + "}" * depth
        with crm.saving(ana) as connection:
            add_action(connection, workflow, position=depth, settings=settings)

    assert len(changes(admin, by=ana.key or "")) == 30


def test_a_change_is_shown_though_the_clock_was_set_back_meanwhile(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow, by=ana)
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(
            "UPDATE audit.entry SET transaction_at = occurred_at + '30 s' WHERE actor = %s",
            [ana.key],
        )

    assert only(admin, ana).said == "Conditions match: all of them → any of them"


def test_truncate_of_conditions_is_an_update_of_no_certain_workflow(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SELECT set_config('audit.actor', %s, true)", [ana.key])
        superuser.execute("TRUNCATE crm.workflow_condition")

    change = only(admin, ana)
    assert (change.kind, change.name, change.link) == ("Updated", "Workflow", None)
    assert change.said == "All conditions removed at once (TRUNCATE)"


def test_truncate_of_workflows_deletes_all_of_them(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SELECT set_config('audit.actor', %s, true)", [ana.key])
        superuser.execute("TRUNCATE crm.workflow CASCADE")

    change = only(admin, ana)
    assert (change.kind, change.name, change.link) == ("Deleted", "All Workflows", None)
    assert change.said == "All of them removed at once (TRUNCATE)"


@pytest.mark.parametrize(
    "ip", ["unknown", "203.0.113.24, 10.0.0.1", "' OR 1=1 --", "::1%lo0x" * 16]
)
def test_an_address_that_is_none_is_shown_as_it_came(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, ip: str
) -> None:
    ana = Person(ana.key, ana.name, ip)

    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow, by=ana)

    assert only(admin, ana).address == f"{ip} not an address"
