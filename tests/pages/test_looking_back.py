"""What an entity was at a moment, and two moments compared, as an admin reads it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from tests.crm import Crm, Person, add_condition
from tests.page import Element, links_named, parse, read_facts, read_rows

ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
RENAME = "UPDATE crm.workflow SET name = %s WHERE id = %s"
DELETE = "DELETE FROM crm.workflow WHERE id = %s"


def history_of(workflow: int) -> str:
    return f"/history/Workflow/{workflow}"


def page(reader: FlaskClient, path: str, **asked: str) -> Element:
    answer = reader.get(path, query_string=asked)
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def state(reader: FlaskClient, workflow: int, at: str, **asked: str) -> dict[str, str]:
    """Return what a workflow was at a moment, by the labels of its fields and parts."""
    table = page(reader, history_of(workflow), at=at, **asked).first("table", "state")
    return {
        row.first("th").text: row.first(cls="value").text
        for row in table.all("tr")
        if row.first(cls="value").tag
    }


def now() -> str:
    """Return this moment for an address; all that was written before is earlier."""
    return datetime.now(UTC).isoformat()


def test_it_shows_the_entity_with_its_parts_as_they_were(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    then = now()
    crm.save(RENAME, "Greet leads", workflow)
    crm.save("DELETE FROM crm.workflow_condition WHERE workflow_id = %s", workflow)

    before, after = state(admin, workflow, then), state(admin, workflow, now())

    assert (before["Name"], after["Name"]) == ("Nurture new leads", "Greet leads")
    assert before["Condition 1"] == "Lead score is greater than 50"
    assert before["Condition 2"] == "City is Bern"
    assert not any(label.startswith("Condition ") for label in after)


def test_a_row_leads_to_what_it_was_after_the_change(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    crm.save(RENAME, "Greet leads", workflow)
    crm.save(RENAME, "Welcome leads", workflow)

    links = links_named(page(admin, history_of(workflow)), "As it was then")

    tables = [parse(admin.get(link).text).first("table", "state") for link in links]
    names = [table.first(cls="value").text for table in tables]
    assert names == ["Welcome leads", "Greet leads", "Nurture new leads"]


def test_a_moment_is_of_the_zone_that_was_asked_for(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    then = datetime.now(tokyo).replace(tzinfo=None).isoformat()
    crm.save(RENAME, "Greet leads", workflow)

    assert state(admin, workflow, then, zone=tokyo.key)["Name"] == "Nurture new leads"
    found = page(admin, history_of(workflow), at=then, zone=tokyo.key)
    assert "(Asia/Tokyo, UTC+09:00)" in found.first(cls="said").text
    assert {
        each.attributes["value"] for each in found.all("input") if each.attributes["name"] == "zone"
    } == {tokyo.key}


def test_before_it_was_created_and_after_it_was_deleted_it_says_so(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    crm.save(DELETE, workflow)

    said = [
        page(admin, history_of(workflow), at=at).first(cls="absence").text
        for at in (yesterday, now())
    ]

    assert said == [
        "It was not there yet. See how it was created.",
        "It was not there: it had been deleted. See how.",
    ]


def test_one_that_was_created_while_tracked_is_said_to_be_whole(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    notes = page(admin, history_of(workflow), at=now()).first(cls="notes").text

    assert "The log has it since it was created" in notes


def test_one_that_was_there_before_is_said_to_be_incomplete(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("DELETE FROM audit.entry WHERE entity_id = %s", [str(workflow)])
    crm.save(ENABLE, workflow)

    notes = page(admin, history_of(workflow), at=now()).first(cls="notes").text

    assert "nobody has touched since recording began" in notes
    assert state(admin, workflow, now())["Name"] == "Nurture new leads"


def test_of_what_was_before_the_days_that_are_kept_it_says_that_little_is_known(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    crm.save(RENAME, "Greet leads", workflow)
    early, late = (
        page(admin, history_of(workflow), at=at).first(cls="notes").text
        for at in ("2020-01-01T00:00", now())
    )
    assert "The log keeps 90 days. Of what was before" in early
    assert "The log keeps 90 days" not in late


def test_parts_that_a_truncate_removed_are_said_to_be_unknown(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    then = now()
    with crm.as_superuser() as superuser:
        superuser.execute("TRUNCATE crm.workflow_condition")

    notes = page(admin, history_of(workflow), at=then).first(cls="notes").text

    assert "Conditions were removed all at once (TRUNCATE)" in notes
    assert not any(label.startswith("Condition ") for label in state(admin, workflow, now()))


def test_two_moments_are_compared_over_all_saves_between_them(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    first = now()
    crm.save(RENAME, "Greet leads", workflow, by=ana)
    crm.save(RENAME, "Welcome leads", workflow)
    with crm.saving(ana) as connection:
        add_condition(connection, workflow, position=3)
    last = now()
    crm.save(ENABLE, workflow)

    asked = {"from": first, "to": last}
    html = admin.get(history_of(workflow), query_string=asked).text

    assert read_rows(parse(html)) == [
        ("Name", "Nurture new leads", "Welcome leads"),
        ("+ added at 3", "not there", "Lead score is greater than 50"),
    ]
    assert read_facts(html)["Between them"] == "3 changes by Ana Diaz, Priya Nair"


def test_moments_the_wrong_way_round_are_turned(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    first = now()
    crm.save(RENAME, "Greet leads", workflow)

    found = page(admin, history_of(workflow), **{"from": now(), "to": first})

    assert read_rows(found) == [("Name", "Nurture new leads", "Greet leads")]


def test_where_nothing_was_changed_between_two_moments_it_says_so(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    first = now()
    crm.save(ENABLE, workflow)
    crm.save(ENABLE, workflow)

    same = page(admin, history_of(workflow), **{"from": first, "to": now()})
    none = page(admin, history_of(workflow), **{"from": now(), "to": now()})

    assert same.first(cls="absence").text.startswith("It was the same at both moments")
    assert none.first(cls="absence").text.startswith("No change of it between the two")
