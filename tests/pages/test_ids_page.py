"""The pages where ids of entries are not in the order of time, share one, or are very large."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.crm import APP, Connection, Crm, Person, say_who
from tests.page import links_named, parse, read_list
from tests.viewer import changes

RENAME = "UPDATE crm.workflow SET name = %s WHERE id = %s"
IN_ADVANCE = "ALTER SEQUENCE audit.entry_id_seq CACHE 100"
ONE_BY_ONE = "ALTER SEQUENCE audit.entry_id_seq CACHE 1"
SET_BACK = """
SELECT setval('audit.entry_id_seq', last_value - %s) FROM audit.entry_id_seq
"""
TO_THE_END = "SELECT setval('audit.entry_id_seq', 9223372036854775000)"


@pytest.fixture
def superuser(crm: Crm) -> Iterator[Connection]:
    """Who can change the sequence of ids; it gives out one by one again afterwards."""
    with crm.as_superuser() as superuser:
        yield superuser
        superuser.execute(ONE_BY_ONE)


def rename_in_turns(crm: Crm, by: Person, workflow: int, number: int) -> list[str]:
    """Rename a workflow over two sessions in turns, and return the names, newest first."""
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(psycopg.connect(crm.as_role(APP), autocommit=True))
            for _ in range(2)
        ]
        for turn in range(number):
            session = sessions[turn % 2]
            with session.transaction():
                say_who(session, by)
                session.execute(RENAME, [f"Turn {turn}", workflow])
    return [f"Turn {turn}" for turn in reversed(range(number))]


def test_changes_are_listed_by_time_though_sessions_take_ids_in_advance(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, superuser: Connection
) -> None:
    superuser.execute(IN_ADVANCE)
    names = rename_in_turns(crm, ana, workflow, 4)

    listed = changes(admin, by=ana.key or "")
    history = read_list(admin.get(f"/history/Workflow/{workflow}").text)

    assert [change.rows[0][2] for change in listed] == names
    assert [change.rows[0][1:] for change in history[:3]] == [
        (before, after) for before, after in zip(names[1:], names[:-1], strict=True)
    ]


def test_changes_that_share_an_id_have_a_page_each(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, superuser: Connection
) -> None:
    crm.save(RENAME, "First", workflow, by=ana)
    superuser.execute(SET_BACK, [1])
    crm.save(RENAME, "Second", workflow, by=ana)

    listed = changes(admin, by=ana.key or "")
    pages = [parse(admin.get(change.page).text).first("table", "diff").text for change in listed]

    assert ["Second" in page for page in pages] == [True, False]
    assert ["Lead" not in page and "First" in page for page in pages] == [True, True]


def test_pages_go_on_where_ids_are_near_the_end_of_all_numbers(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, superuser: Connection
) -> None:
    superuser.execute(TO_THE_END)
    names = rename_in_turns(crm, ana, workflow, 52)

    first = admin.get("/", query_string={"by": ana.key}).text
    [older] = links_named(parse(first), "Older changes")
    second = admin.get(older)

    assert second.status_code == 200
    assert [change.rows[0][2] for change in read_list(first + second.text)] == names
