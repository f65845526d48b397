"""Text in the log: which words find which entries, with the index of a day and without it.

What else a day that is over gets beside that index is tested here, too.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from auditviewer import Database
from auditviewer.log.known import find_persons
from auditviewer.log.search import text_condition
from generator.drift import find_drift
from generator.parse import read_config
from tests.crm import VIEWER, Crm, Person, add_condition, new_person
from tests.databases import MIGRATIONS
from tests.viewer import changes

RENAME = "UPDATE crm.workflow SET name = %s WHERE id = %s"
INVITE = "INSERT INTO crm.app_user (full_name, email, password_hash) VALUES (%s, %s, %s)"
USES_INDEX = "EXPLAIN SELECT FROM audit.entry AS e WHERE {} AND occurred_at >= %(low)s"
DESCRIPTION = r"Zürich, by e-mail, lead_score, O'Neill, back\slash, priya@crm.example, https://crm.example/path"
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)


def find(crm: Crm, text: str, by: Person) -> list[str | None]:
    """Return the names in those entries of a person that have a text, oldest first."""
    condition, values = text_condition(text)
    query = sql.SQL(
        "SELECT e.entity_label FROM audit.entry AS e WHERE {} AND e.actor = %(by)s ORDER BY e.id"
    ).format(condition)
    with psycopg.connect(crm.as_role(VIEWER)) as viewer:
        rows = viewer.execute(query, values | {"by": by.key}).fetchall()
    return [label for (label,) in rows]


def index(crm: Crm, day: date) -> bool:
    """Index a day as the owner of the database does."""
    with psycopg.connect(crm.conninfo) as owner:
        owner.execute("SET ROLE audit_owner")
        [(is_indexed,)] = owner.execute("SELECT audit.index_day(%s)", [day]).fetchall()
    return bool(is_indexed)


def today() -> date:
    return datetime.now(UTC).date()


def names(listed: list[Any]) -> list[str]:
    return [change.name for change in listed]


@pytest.mark.parametrize(
    "text",
    [
        "nurture",
        "NURTURE Leads",
        "leads nurture",
        "nurture le",
        '"nurture new leads"',
        '"nurture new',
        "Zürich",
        "zür",
        "nurture ... !!!",
        "(nurture",
        "nurture & | ! <-> :*",
        "e-mail",
        "lead_score",
        "O'Neill",
        r"back\slash",
        "priya@crm",
        "priya@crm.example",
        "crm.example/pa",
    ],
)
def test_a_text_is_found_as_it_is_typed(crm: Crm, ana: Person, text: str) -> None:
    crm.add_workflow("Nurture new leads", ana, description=DESCRIPTION)

    assert find(crm, text, ana) == ["Nurture new leads"]


@pytest.mark.parametrize(
    "text", ["nurture deals", "nurt leads", '"leads new"', '"nurture ne"', "urture", "!!!", '"', ""]
)
def test_a_text_that_is_not_there_is_not_found(crm: Crm, ana: Person, text: str) -> None:
    crm.add_workflow("Nurture new leads", ana)

    assert find(crm, text, ana) == []


@pytest.fixture(scope="module")
def viewer(crm: Crm) -> Iterator[psycopg.Connection]:
    with psycopg.connect(crm.as_role(VIEWER), autocommit=True) as connection:
        yield connection


@given(text=TEXT)
def test_no_text_is_wrong(viewer: psycopg.Connection, text: str) -> None:
    condition, values = text_condition(text)
    query = sql.SQL("SELECT FROM audit.entry AS e WHERE {} LIMIT 1").format(condition)

    assert viewer.execute(query, values).rowcount >= 0


@pytest.mark.parametrize("text", ["'" * 999, '"' * 999, "\\" * 999, "x" * 9999, "ö " * 999])
def test_a_long_text_is_no_error(crm: Crm, ana: Person, text: str) -> None:
    assert find(crm, text, ana) == []


def test_the_value_before_is_found_as_the_one_after(crm: Crm, ana: Person, workflow: int) -> None:
    crm.save(RENAME, "Revive cold deals", workflow, by=ana)

    assert find(crm, "nurture", ana) == find(crm, "revive", ana) == ["Revive cold deals"]


def test_numbers_and_the_names_of_references_are_found(crm: Crm, ana: Person) -> None:
    crm.add_workflow("Assign", ana, run_count=48213)

    assert find(crm, "48213", ana) == find(crm, '"Priya Nair"', ana) == ["Assign"]


def test_a_redacted_value_is_not_found_and_neither_is_its_fingerprint(
    crm: Crm, ana: Person
) -> None:
    crm.save(INVITE, "Eve Adams", "eve@crm.example", "hunter2", by=ana)
    with crm.as_superuser() as superuser:
        [(fingerprint,)] = superuser.execute(
            "SELECT new_row -> 'password_hash' ->> 'redacted' FROM audit.entry WHERE actor = %s",
            [ana.key],
        ).fetchall()

    assert find(crm, "hunter2", ana) == find(crm, fingerprint, ana) == []
    assert find(crm, "eve", ana) == ["Eve Adams"]


def test_a_change_is_listed_once_when_any_of_its_entries_has_the_text(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        connection.execute("UPDATE crm.workflow SET match = 'any' WHERE id = %s", [workflow])
        for position, city in enumerate(("Timbuktu", "Bern", "Timbuktu"), start=3):
            add_condition(connection, workflow, position=position, value=city)
        add_condition(connection, workflow, position=6, value="Turin")

    assert names(changes(admin, by=ana.key or "", q="timbuktu")) == ["Nurture new leads"]
    assert changes(admin, by=ana.key or "", q="timbuktu bern") == []


def test_an_indexed_day_is_searched_by_its_index_with_the_same_answers(
    crm: Crm, ana: Person
) -> None:
    for name in ("Nurture leads", "Nurture deals", "Escalate"):
        crm.add_workflow(name, ana, conditions=1)
    crm.move_back(ana, timedelta(days=3))
    texts = ("nurture", "nurture le", "deals", "bern", "lead score", "nobody")
    before = [find(crm, text, ana) for text in texts]

    assert index(crm, today() - timedelta(days=3))

    assert [find(crm, text, ana) for text in texts] == before
    assert list(dict.fromkeys(before[0])) == ["Nurture leads", "Nurture deals"]
    condition, values = text_condition("nurture")
    with psycopg.connect(crm.as_role(VIEWER)) as viewer:
        viewer.execute("SET enable_seqscan = off")
        low = {"low": datetime.now(UTC) - timedelta(days=4)}
        plan = viewer.execute(sql.SQL(USES_INDEX).format(condition), values | low).fetchall()
    assert f"Bitmap Index Scan on entry_{today() - timedelta(days=3):%Y%m%d}_words" in str(plan)


def test_a_day_is_indexed_once_and_only_when_it_is_over(crm: Crm) -> None:
    yesterday = today() - timedelta(days=1)

    assert [index(crm, yesterday), index(crm, yesterday)] == [True, True]
    assert [index(crm, today()), index(crm, date(2001, 1, 1))] == [False, False]
    with crm.as_superuser() as superuser:
        rows = superuser.execute(
            "SELECT indrelid::regclass::text FROM pg_index"
            " WHERE pg_get_expr(indexprs, indrelid) ~ '_words'"
        ).fetchall()
    assert (f"audit.entry_{today():%Y%m%d}",) not in rows
    assert (f"audit.entry_{yesterday:%Y%m%d}",) in rows


def offered(crm: Crm) -> dict[str, str]:
    """Return the persons whom the filters offer, by their keys."""
    database = Database(crm.as_role(VIEWER))
    with database.reading() as reading:
        persons = find_persons(reading, reading.now - timedelta(days=90))
    database.close()
    return {person.actor: person.name for person in persons}


def test_persons_are_offered_by_their_latest_names_whether_a_day_is_indexed_or_not(
    crm: Crm, ana: Person, workflow: int
) -> None:
    former, returned = (replace(new_person("Eve"), name=name) for name in ("Eve Adams", "Tom Ray"))
    for person in (former, returned):
        crm.save(RENAME, "Another", workflow, by=person)
        crm.move_back(person, timedelta(days=7))
    before = offered(crm)

    assert index(crm, today() - timedelta(days=7))
    assert offered(crm) == before
    assert before[former.key or ""] == "Eve Adams"

    crm.save(RENAME, "Yet another", workflow, by=replace(returned, name="Tom Ray-Diaz"))
    assert offered(crm)[returned.key or ""] == "Tom Ray-Diaz"


def test_an_indexed_day_is_as_declared(reference: str) -> None:
    with psycopg.connect(reference, autocommit=True) as owner:
        owner.execute("SET ROLE audit_owner")
        owner.execute("SELECT audit.index_day(%s)", [today() - timedelta(days=1)])

        assert find_drift(owner, read_config(MIGRATIONS / "audit.toml")) == []


def test_a_row_with_a_megabyte_of_words_is_found_by_its_name(crm: Crm, ana: Person) -> None:
    words = " ".join(f"{n:x}g{n * 7919:x}" for n in range(90_000))
    crm.add_workflow("Enormous", ana, description=words)
    crm.move_back(ana, timedelta(days=5))

    assert index(crm, today() - timedelta(days=5))
    assert find(crm, "enormous", ana) == ["Enormous"]


def test_nobody_but_the_owner_indexes_a_day(crm: Crm) -> None:
    with (
        psycopg.connect(crm.as_role(VIEWER)) as viewer,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        viewer.execute("SELECT audit.index_day(%s)", [today() - timedelta(days=1)])
