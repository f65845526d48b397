"""Page after page, and saves of many, where parts move: each entity's change once."""

import pytest
from flask.testing import FlaskClient

from tests.crm import Crm, Person, add_condition
from tests.page import Listed, links_named, parse, read_list

PAGE = 50
MOVE = "UPDATE crm.workflow_condition SET workflow_id = %s WHERE workflow_id = %s AND position = 1"
TAKE_ALL = """
    UPDATE crm.workflow_condition
    SET workflow_id = %s, position = position + workflow_id
    WHERE workflow_id = ANY (%s)
"""
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"


@pytest.fixture
def welcome(crm: Crm) -> int:
    """Another workflow, with no conditions."""
    return crm.add_workflow("Welcome")


def pages(reader: FlaskClient, path: str) -> list[list[Listed]]:
    """Return what each page shows, from one to the last."""
    html = reader.get(path, follow_redirects=True).text
    found = [read_list(html)]
    while links := links_named(parse(html), "Older changes"):
        html = reader.get(links[0]).text
        found.append(read_list(html))
    return found


def keys(listed: list[list[Listed]]) -> list[tuple[str, str]]:
    """Return save and name of each change."""
    return [(change.page.split("/")[2], change.name) for page in listed for change in page]


@pytest.mark.parametrize("after", [PAGE - 2, PAGE - 1, PAGE])
def test_a_page_may_end_between_what_it_came_to_and_what_it_left(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int, after: int
) -> None:
    crm.save(ENABLE, welcome, by=ana)
    crm.save(MOVE, welcome, workflow, by=ana)
    crm.save_often(after, ENABLE, welcome, by=ana)

    found = pages(admin, f"/?by={ana.key}")

    assert [len(page) for page in found] == [PAGE, after + 3 - PAGE]
    assert len(set(keys(found))) == after + 3
    around = [change.name for page in found for change in page][after:]
    assert around == ["Welcome", "Nurture new leads", "Welcome"]


def test_moves_one_after_the_other_are_two_changes_each(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    for _ in range(PAGE // 2 + 3):
        crm.save(MOVE, welcome, workflow, by=ana)
        crm.save(MOVE, workflow, welcome, by=ana)

    found = pages(admin, f"/?by={ana.key}")

    assert [len(page) for page in found] == [PAGE, PAGE, 12]
    assert len(set(keys(found))) == 2 * PAGE + 12


def test_a_change_that_ends_with_what_left_it_is_shown_once_and_whole(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    with crm.saving(ana) as long:
        long.execute(ENABLE.encode(), [workflow])
        crm.save_often(PAGE, ENABLE, crm.add_workflow("Another"), by=ana)
        long.execute(MOVE.encode(), [welcome, workflow])

    found = [change for page in pages(admin, f"/?by={ana.key}") for change in page]

    mine = [change for change in found if change.name != "Another"]
    assert [change.name for change in mine] == ["Welcome", "Nurture new leads"]
    assert len(found) == PAGE + 2
    assert [len(change.rows) for change in mine] == [1, 2]


def test_a_change_that_goes_on_after_it_stands_where_it_ends(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, welcome: int
) -> None:
    with crm.saving(ana) as long:
        long.execute(MOVE.encode(), [welcome, workflow])
        crm.save_often(PAGE, ENABLE, crm.add_workflow("Another"), by=ana)
        long.execute(ENABLE.encode(), [workflow])

    first, second = pages(admin, f"/?by={ana.key}")

    assert (first[0].name, len(first[0].rows)) == ("Nurture new leads", 2)
    assert [change.name for change in second][-1:] == ["Welcome"]
    assert len(first) + len(second) == PAGE + 2


def test_a_later_page_says_that_a_part_was_taken_away_since(
    crm: Crm, admin: FlaskClient, workflow: int, welcome: int
) -> None:
    crm.save_often(PAGE, ENABLE, workflow)
    history = f"/history/Workflow/{workflow}"
    [older] = links_named(parse(admin.get(history).text), "Older changes")
    crm.save(MOVE, welcome, workflow)

    second = admin.get(older).text

    assert "Newer changes have come in" in second
    assert len(read_list(second)) == 1


def test_a_save_that_takes_parts_of_many_counts_each_of_them(
    crm: Crm, admin: FlaskClient, ana: Person, welcome: int
) -> None:
    workflows = [crm.add_workflow(f"Workflow {n}") for n in range(PAGE + 5)]
    with crm.saving() as connection:
        for workflow in workflows:
            add_condition(connection, workflow)
    crm.save(TAKE_ALL, welcome, workflows, by=ana)

    html = admin.get(f"/?by={ana.key}").text
    [rest] = parse(html).all(cls="rest")
    found = pages(admin, rest.attributes["href"])

    assert rest.text == f"and {PAGE + 5} more changes in this save by Ana Diaz"
    assert [change.name for change in read_list(html)] == ["Welcome"]
    assert [len(page) for page in found] == [PAGE, 6]
    assert len(set(keys(found))) == PAGE + 6
