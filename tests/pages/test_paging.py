"""Page after page of the log: every change once, whatever is written in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.crm import Connection, Crm, Person, add_action, add_condition
from tests.page import Listed, links_named, parse, read_list
from tests.viewer import changes

PAGE = 50
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
AT_ONCE = """
    UPDATE audit.entry AS e SET occurred_at = m.moment
    FROM (SELECT actor, max(occurred_at) AS moment FROM audit.entry GROUP BY actor) AS m
    WHERE e.actor = m.actor AND e.actor = %s
"""
DESCRIBE = "UPDATE crm.workflow SET description = 'Ours' WHERE id = %s"


def write(crm: Crm, by: Person, workflow: int, number: int) -> None:
    """Make so many changes, one after the other."""
    crm.save_often(number, ENABLE, workflow, by=by)


@contextmanager
def left_open(crm: Crm, by: Person, workflow: int, position: int = 3) -> Iterator[Connection]:
    """Begin a save with one entry; it ends with the block."""
    with crm.saving(by) as connection:
        add_condition(connection, workflow, position=position)
        yield connection


def first_page(reader: FlaskClient, by: Person) -> str:
    return reader.get("/", query_string={"by": by.key}).text


def next_page(reader: FlaskClient, html: str) -> str:
    [link] = links_named(parse(html), "Older changes")
    return reader.get(link).text


def has_next(html: str) -> bool:
    return links_named(parse(html), "Older changes") != []


def pages(reader: FlaskClient, by: Person) -> list[list[Listed]]:
    """Return what each page shows, from the newest to the last."""
    html = first_page(reader, by)
    found = [read_list(html)]
    while has_next(html):
        html = next_page(reader, html)
        found.append(read_list(html))
    return found


def recorded(crm: Crm, by: Person) -> list[int]:
    """Return the transactions of a person, newest first, as the database counts them."""
    with crm.as_superuser() as superuser:
        rows = superuser.execute(
            "SELECT transaction_id::text::bigint FROM audit.entry WHERE actor = %s"
            " GROUP BY 1 ORDER BY max((occurred_at, id)) DESC",
            [by.key],
        ).fetchall()
    return [transaction for (transaction,) in rows]


def transactions(listed: list[Listed]) -> list[int]:
    return [int(change.page.split("/")[2]) for change in listed]


@pytest.mark.parametrize("number", [PAGE, PAGE + 1])
def test_a_page_is_followed_by_another_only_where_there_is_more(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, number: int
) -> None:
    write(crm, ana, workflow, number)

    assert [len(page) for page in pages(admin, ana)] == [PAGE, 1][: number - PAGE + 1]


def test_pages_hold_every_change_once_newest_first(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    write(crm, ana, workflow, 2 * PAGE + 20)

    listed = [change for page in pages(admin, ana) for change in page]

    assert transactions(listed) == recorded(crm, ana)
    assert [change.when for change in listed] == sorted((c.when for c in listed), reverse=True)


def test_changes_of_the_very_same_moment_are_told_apart(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    write(crm, ana, workflow, PAGE + 9)
    with left_open(crm, ana, workflow) as connection:
        add_action(connection, workflow)
    with crm.as_superuser() as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(AT_ONCE, [ana.key])

    listed = [change for page in pages(admin, ana) for change in page]

    assert transactions(listed) == recorded(crm, ana)
    assert len({change.when for change in listed}) == 1


def test_what_is_written_between_two_pages_neither_shifts_nor_repeats_a_change(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    write(crm, ana, workflow, PAGE + 20)
    expected = recorded(crm, ana)

    first = first_page(admin, ana)
    write(crm, ana, workflow, 7)
    second = next_page(admin, first)

    assert transactions(read_list(first) + read_list(second)) == expected
    assert "Newer changes have come in" not in first
    assert "Newer changes have come in" in second


def test_a_save_that_was_open_while_page_1_was_read_is_on_no_later_page(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    write(crm, ana, workflow, 20)
    with left_open(crm, ana, workflow):
        write(crm, ana, crm.add_workflow("Another"), PAGE)
        expected = recorded(crm, ana)
        first = first_page(admin, ana)
    second = next_page(admin, first)

    assert transactions(read_list(first) + read_list(second)) == expected
    assert "Newer changes have come in" in second
    again = [change for page in pages(admin, ana) for change in page]
    assert transactions(again) == recorded(crm, ana)
    assert len(again) == len(expected) + 1


def test_a_change_whose_entries_straddle_pages_is_shown_once_and_whole(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    other = crm.add_workflow("Another")
    write(crm, ana, other, 5)
    with left_open(crm, ana, workflow) as long:
        write(crm, ana, other, PAGE)
        add_action(long, workflow)
    with left_open(crm, ana, workflow, position=4) as longer:
        longer.execute("UPDATE crm.workflow SET match = 'any' WHERE id = %s", [workflow])
        write(crm, ana, other, PAGE)
        longer.execute("UPDATE crm.workflow SET is_enabled = true WHERE id = %s", [workflow])

    listed = [change for page in pages(admin, ana) for change in page]

    assert transactions(listed) == recorded(crm, ana)
    assert [change.said for change in listed if change.name == "Nurture new leads"] == [
        "Conditions match: all of them → any of them; Status: disabled → enabled; "
        "Added condition: Lead score is greater than 50",
        "1 condition added; 1 action added",
    ]


def test_one_transaction_with_many_entities_is_a_change_of_each_over_pages(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    workflows = [crm.add_workflow(f"Workflow {n}") for n in range(PAGE + 10)]
    with crm.saving(ana) as connection:
        for workflow in workflows:
            connection.execute(DESCRIBE.encode(), [workflow])
        for workflow in workflows:
            add_condition(connection, workflow)

    [first] = changes(admin, by=ana.key or "")
    asked = {"by": ana.key, "save": first.page.split("/")[2]}
    html = admin.get("/", query_string=asked).text
    listed = read_list(html) + read_list(next_page(admin, html))

    assert [change.name for change in listed] == [f"Workflow {n}" for n in range(PAGE + 10)][::-1]
    assert {len(change.rows) for change in listed} == {2}


def test_filters_and_zone_are_kept_from_page_to_page(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    write(crm, ana, workflow, PAGE + 1)
    asked = {"by": ana.key, "module": "Workflows", "zone": "Asia/Tokyo"}

    [link] = links_named(parse(admin.get("/", query_string=asked).text), "Older changes")

    assert all(f"{name}={value}" in link for name, value in asked.items())
    assert "Asia/Tokyo" in admin.get(link).text


def test_beyond_the_last_page_it_says_that_there_is_nothing_older(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    answer = admin.get("/?before=20260101T000000.000000Z_1_5:5:")

    assert answer.status_code == 200
    assert "There is nothing older" in answer.text


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "20261122T120000.000000Z_1",
        "20261122T120000.000000Z_1_",
        "20261122T120000.000000Z_1_5:3:",
        "20261122T120000.000000Z_1_5:9:4",
        "20261122T120000.000000Z_-1_5:5:",
        "20261122T120000.000000Z_9999999999999999999_5:5:",
        "20261322T120000.000000Z_1_5:5:",
        "20261122T250000.000000Z_1_5:5:",
        "99991231T235959.999999Z_1_5:5:",
        "00000101T000000.000000Z_1_5:5:",
        "20261122T120000.000000Z_1_5:5:_",
        "20261122T120000.000000Z_1_5:5:_7,",
        "20261122T120000.000000Z_1_5:5:_7_8",
        "20261122T120000.000000Z_1_5:5:; DROP TABLE audit.entry",
        "２０２６1122T120000.000000Z_1_5:5:",
        "20261122T120000.000000Z_1_５:５:",
        "20261122T120000.000000Z_1_5:5:\n",
    ],
)
def test_a_broken_cursor_is_refused(admin: FlaskClient, cursor: str) -> None:
    assert admin.get("/", query_string={"before": cursor}).status_code == 400


def test_a_cursor_of_another_s_page_shows_nothing_that_a_filter_keeps_out(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    write(crm, ana, workflow, PAGE + 1)
    crm.save("UPDATE crm.workflow SET match = 'any' WHERE id = %s", workflow)
    [link] = links_named(parse(first_page(admin, ana)), "Older changes")
    before = link.partition("before=")[2]

    found: list[Any] = changes(admin, by=ana.key or "", module="Users", before=before)

    assert found == []
