"""A part that moves from one entity to another, which is a change of both."""

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.crm import Crm, Person, say_who
from tests.page import Listed, links_named, parse, read_facts, read_list, read_rows
from tests.saves import add
from tests.viewer import changes

MOVE = """
    UPDATE crm.workflow_condition SET workflow_id = %s, position = position + 2
    WHERE workflow_id = %s
"""
MOVE_FIRST = MOVE + " AND position = 1"
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
RENAME = "UPDATE crm.workflow SET name = %s WHERE id = %s"
SCORE = "Lead score is greater than 50"
FROM, TO = "moved from workflow “Nurture new leads”", "moved to workflow “Welcome”"
ADDED, REMOVED = f"Added condition: {SCORE} ({FROM})", f"Removed condition: {SCORE} ({TO})"


@pytest.fixture
def welcome(crm: Crm) -> int:
    """Another workflow, with no conditions."""
    return crm.add_workflow("Welcome")


def of(listed: list[Listed], name: str) -> Listed:
    """Return the only change of an entity among some."""
    [found] = [change for change in listed if change.name == name]
    return found


def both(reader: FlaskClient, by: Person, **asked: str) -> tuple[Listed, Listed]:
    """Return the two changes that somebody made: of what a part came to, and of what it left."""
    listed = changes(reader, by=by.key or "", **asked)
    assert len(listed) == 2
    return of(listed, "Welcome"), of(listed, "Nurture new leads")


def history(reader: FlaskClient, workflow: int) -> list[Listed]:
    return read_list(reader.get(f"/history/Workflow/{workflow}").text)


def test_it_came_to_one_and_left_the_other(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    crm.save(MOVE_FIRST, welcome, workflow, by=ana)

    came, left = both(admin, ana)
    assert (came.said, came.rows) == (ADDED, [(f"+ added at 3, {FROM}", "not there", SCORE)])
    assert (left.said, left.rows) == (REMOVED, [(f"− removed at 1, {TO}", SCORE, "not there")])
    assert {(each.who, each.address, each.kind, each.where) for each in (came, left)} == {
        ("Ana Diaz", ana.ip, "Updated", "Workflows")
    }
    assert came.when == left.when
    assert (came.link, left.link) == tuple(
        f"https://crm.example/workflows/{each}" for each in (welcome, workflow)
    )


def test_it_is_part_of_what_else_was_changed_of_both(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    with crm.saving(ana) as connection:
        for statement, values in (
            (ENABLE, [workflow]),
            (MOVE_FIRST, [welcome, workflow]),
            (ENABLE, [welcome]),
        ):
            connection.execute(statement.encode(), values)

    came, left = both(admin, ana)
    assert came.said == f"Status: disabled → enabled; {ADDED}"
    assert left.said == f"Status: disabled → enabled; {REMOVED}"


def test_what_it_was_before_the_save_is_what_the_other_lost(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    change = "UPDATE crm.workflow_condition SET value = %s WHERE workflow_id = %s AND field = %s"
    with crm.saving(ana) as connection:
        connection.execute(change.encode(), ["60", workflow, "lead_score"])
        connection.execute(MOVE_FIRST.encode(), [welcome, workflow])
        connection.execute(change.encode(), ["70", welcome, "lead_score"])

    came, left = both(admin, ana)
    assert came.rows == [(f"+ added at 3, {FROM}", "not there", SCORE.replace("50", "70"))]
    assert left.rows == [(f"− removed at 1, {TO}", SCORE, "not there")]


def test_several_that_moved_together_say_so(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    crm.save(MOVE, welcome, workflow, by=ana)

    came, left = both(admin, ana)
    assert came.said == f"2 conditions added ({FROM})"
    assert left.said == f"2 conditions removed ({TO})"


def test_one_that_moved_there_and_back_changed_nothing(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    with crm.saving(ana) as connection:
        connection.execute(MOVE_FIRST.encode(), [welcome, workflow])
        back = "UPDATE crm.workflow_condition SET workflow_id = %s, position = 1 WHERE position = 3"
        connection.execute(f"{back} AND workflow_id = %s".encode(), [workflow, welcome])

    assert {each.said for each in both(admin, ana)} == {"Nothing that is shown differs from before"}


def test_a_part_whose_key_holds_that_of_its_parent_moves_too(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    move = "UPDATE crm.assignment_access SET assignment_rule_id = %s WHERE assignment_rule_id = %s"
    with crm.saving() as connection:
        old, new = (
            add(
                connection,
                "assignment_rule",
                territory_id=add(connection, "territory", name=name),
                name=name,
                record_type="lead",
                position=position,
            )
            for position, name in enumerate(("Enterprise", "Small"), start=1)
        )
        add(connection, "assignment_access", assignment_rule_id=old, user_id=2)

    with psycopg.connect(crm.conninfo) as owner:
        say_who(owner, ana)
        owner.execute(move.encode(), [new, old])

    listed = changes(admin, by=ana.key or "")
    assert len(listed) == 2
    assert "moved from" in of(listed, "Small").said
    assert "moved to" in of(listed, "Enterprise").said
    assert {len(each.rows) for each in listed} == {1}


def test_each_leads_to_its_own_page_and_history(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    crm.save(MOVE_FIRST, welcome, workflow, by=ana)

    for change, entity in zip(both(admin, ana), (welcome, workflow), strict=True):
        html = admin.get(change.page).text
        page = parse(html)
        assert page.first("h1").text.startswith(change.name)
        assert (page.first(cls="said").text, read_rows(page)) == (change.said, change.rows)
        assert read_facts(html)["Transaction"].endswith("· 1 entry in this change")
        assert links_named(page, "History of this workflow") == [f"/history/Workflow/{entity}"]
        assert history(admin, entity)[0] == change


def test_an_entry_that_moved_nothing_has_no_change_of_a_former_entity(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)

    [change] = changes(admin, by=ana.key or "")

    assert admin.get(f"{change.page}?of=former").status_code == 404


def test_filters_find_both(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    crm.save(MOVE_FIRST, welcome, workflow, by=ana)
    save = both(admin, ana)[0].page.split("/")[2]

    for asked in (
        {"module": "Workflows"},
        {"entity": "Workflow"},
        {"type": "updated"},
        {"save": save},
        {"q": "Welcome"},
        {"period": "today", "type": "updated", "module": "Workflows", "q": "score"},
    ):
        assert {each.said for each in both(admin, ana, **asked)} == {ADDED, REMOVED}
    for kind in ("created", "deleted"):
        assert changes(admin, by=ana.key or "", type=kind) == []


def test_the_former_one_is_called_what_it_was_called_then(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    crm.save(MOVE_FIRST, welcome, workflow, by=ana)
    crm.save(RENAME, "Another name", workflow)

    came, left = both(admin, ana)

    assert came.said == ADDED
    assert left.became == "now called Another name"


def test_one_of_which_the_log_knows_no_name_is_shown_by_its_key(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("DELETE FROM audit.entry WHERE entity_id = %s", [str(workflow)])
    crm.save(MOVE_FIRST, welcome, workflow, by=ana)

    listed = changes(admin, by=ana.key or "")

    assert of(listed, "Welcome").said.endswith(f"(moved from workflow #{workflow})")
    assert of(listed, f"Workflow #{workflow}").said == REMOVED
