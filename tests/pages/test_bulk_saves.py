"""A save of very many entities: one row of the list, and all of it behind a link."""

import pytest
from flask.testing import FlaskClient

from tests.crm import Crm, Person, add_condition, new_person, say_who
from tests.page import Listed, links_named, parse, read_list
from tests.viewer import changes

PAGE = 50
CREATE = """
    INSERT INTO crm.workflow (name, record_type, owner_id)
    SELECT 'Imported ' || n, 'lead', 1 FROM generate_series(1, %s) AS n
"""
ADD_CONDITIONS = """
    INSERT INTO crm.workflow_condition (workflow_id, position, field, operator, value)
    SELECT w.id, n, 'city', 'is', 'Bern'
    FROM generate_series(1, %s) AS n,
         (SELECT id FROM crm.workflow ORDER BY id DESC LIMIT 8) AS w
    ORDER BY n
"""
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"


def rest_of(html: str) -> dict[str, str]:
    """Return what a page says is behind its rows, and where that leads."""
    rests = (each for each in parse(html).all(cls="rest"))
    return {each.text: each.attributes["href"] for each in rests}


def pages(reader: FlaskClient, path: str) -> list[list[Listed]]:
    """Return what each page shows, from one to the last."""
    html = reader.get(path, follow_redirects=True).text
    found = [read_list(html)]
    while links := links_named(parse(html), "Older changes"):
        html = reader.get(links[0]).text
        found.append(read_list(html))
    return found


def list_of(by: Person) -> str:
    return f"/?by={by.key}"


@pytest.mark.parametrize(
    ("number", "rows", "said"),
    [
        (5, 5, []),
        (6, 1, ["and 5 more changes in this save by Ana Diaz"]),
        (1001, 1, ["and 1,000 more changes in this save by Ana Diaz"]),
        (1002, 1, ["and more than 1,000 more changes in this save by Ana Diaz"]),
    ],
)
def test_a_save_of_many_entities_is_one_row_that_counts_the_others(
    crm: Crm, admin: FlaskClient, ana: Person, number: int, rows: int, said: list[str]
) -> None:
    crm.save(CREATE, number, by=ana)

    html = admin.get(list_of(ana)).text

    assert [change.name for change in read_list(html)] == [
        f"Imported {n}" for n in range(number, number - rows, -1)
    ]
    assert list(rest_of(html)) == said


def test_behind_the_link_is_every_change_of_the_save_once(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    crm.save(CREATE, 2 * PAGE + 20, by=ana)

    [link] = rest_of(admin.get(list_of(ana)).text).values()
    found = pages(admin, link)

    assert [len(page) for page in found] == [PAGE, PAGE, 20]
    assert len({change.page for page in found for change in page}) == 2 * PAGE + 20


def test_a_save_is_a_filter_with_a_chip(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    crm.save(CREATE, 6, by=ana)
    crm.save(CREATE, 1, by=ana)

    [link] = rest_of(admin.get(list_of(ana)).text).values()

    html = admin.get(link).text
    transaction = link.rpartition("save=")[2]
    [chip] = links_named(parse(html).first(cls="chips"), "Save")
    assert {change.page.split("/")[2] for change in read_list(html)} == {transaction}
    assert chip == list_of(ana)
    assert rest_of(html) == {}


def test_what_was_done_before_and_after_stands_around_the_row(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.save(CREATE, 300, by=ana)
    crm.save(ENABLE, workflow, by=ana)

    [page] = pages(admin, list_of(ana))

    assert [change.name for change in page] == [
        "Nurture new leads",
        "Imported 300",
        "Nurture new leads",
    ]


def test_what_is_done_while_it_runs_is_shown_and_the_save_stays_one_row(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        for _ in range(2 * PAGE + 5):
            connection.execute(CREATE.encode(), [10])
            crm.save(ENABLE, workflow, by=ana)

    found = [change for page in pages(admin, list_of(ana)) for change in page]

    transactions = [change.page.split("/")[2] for change in found]
    assert len(found) == 2 * PAGE + 6
    assert len(set(transactions)) == 2 * PAGE + 6


def test_a_save_that_begins_on_the_last_row_is_folded_there(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.save(CREATE, 60, by=ana)
    crm.save_often(PAGE - 1, ENABLE, workflow, by=ana)

    first, second = pages(admin, list_of(ana))

    assert first[-1].name == "Imported 60"
    assert [change.name for change in second] == ["Nurture new leads"]


def test_saves_one_after_the_other_are_a_row_each(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    crm.save_often(PAGE + 3, CREATE, 7, by=ana)

    found = pages(admin, list_of(ana))

    assert [len(page) for page in found] == [PAGE, 3]
    assert {change.name for page in found for change in page} == {"Imported 7"}


def test_entities_with_parts_are_counted_once(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    workflows = [crm.add_workflow(f"Workflow {n}") for n in range(8)]
    with crm.saving(ana) as connection:
        for position in (1, 2):
            for workflow in workflows:
                add_condition(connection, workflow, position=position)

    assert list(rest_of(admin.get(list_of(ana)).text)) == [
        "and 7 more changes in this save by Ana Diaz"
    ]


def test_of_a_save_with_many_entries_it_counts_as_far_as_it_reads(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    with crm.saving(ana) as connection:
        connection.execute(CREATE.encode(), [8])
        connection.execute(ADD_CONDITIONS.encode(), [300])

    [said] = rest_of(admin.get(list_of(ana)).text)

    assert said == "and at least 7 more changes in this save by Ana Diaz"


def test_other_filters_are_kept_and_counted_by(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        connection.execute(CREATE.encode(), [10])
        connection.execute("UPDATE crm.app_user SET full_name = full_name || '.'")

    html = admin.get("/", query_string={"by": ana.key, "type": "created"}).text
    [(said, link)] = rest_of(html).items()

    assert said.startswith("and 9 more")
    assert len(read_list(admin.get(link).text)) == 10
    assert len(changes(admin, by=ana.key or "", module="Users")) == 3


def test_a_save_of_several_persons_is_said_to_be_nobody_s(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    with crm.saving(ana) as connection:
        connection.execute(CREATE.encode(), [5])
        say_who(connection, new_person("Kim Lee"))
        connection.execute(CREATE.encode(), [5])
        transaction = connection.execute("SELECT txid_current()").fetchone()

    saves = rest_of(admin.get("/").text)

    assert transaction is not None
    assert [said for said, link in saves.items() if link.endswith(f"save={transaction[0]}")] == [
        "and 9 more changes in this save"
    ]
