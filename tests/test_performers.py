"""Who performed a change: a person, one on behalf of another, the System, or nobody who said so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from auditviewer.change.performers import performers
from auditviewer.change.records import Entry, Table
from tests.crm import NOBODY, Crm, Person
from tests.page import read_facts
from tests.viewer import changes, only

WORKFLOW = ("crm", "workflow")
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
WANT = "UPDATE audit.tracked_table SET missing_actor = %s WHERE table_name = 'workflow'"


def entry(**said: Any) -> Entry:
    then = datetime(2026, 11, 26, tzinfo=UTC)
    return Entry(1, then, 700, then, "UPDATE", WORKFLOW, "Workflows", "Workflow", **said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"actor": "1", "actor_name": "Priya Nair"}, "Priya Nair"),
        ({"actor": "1"}, "1"),
        ({}, "System"),
        ({"actor": "1", "context": {"on_behalf_of": "7"}}, "1 on behalf of 7"),
        ({"actor": "1", "context": {"on_behalf_of": 7}}, "1 on behalf of 7"),
        ({"actor": "1", "context": {"on_behalf_of": {"id": "7", "name": "A"}}}, "1 on behalf of A"),
        ({"actor": "1", "context": {"on_behalf_of": {"id": 7, "name": " "}}}, "1 on behalf of 7"),
        ({"context": {"on_behalf_of": "Ana"}}, "System on behalf of Ana"),
        ({"actor": "1", "context": {"on_behalf_of": "\u202eanA"}}, "1 on behalf of ⟨U+202E⟩anA"),
        ({"actor": "1", "context": {"on_behalf_of": "x" * 9000}}, "1 on behalf of " + "x" * 256),
    ],
)
def test_a_performer_in_words(said: dict[str, Any], told: str) -> None:
    assert str(performers({})(entry(**said))) == told


@pytest.mark.parametrize("said", [None, True, "", "  ", [], ["7"], {}, {"id": {"id": "7"}}])
def test_what_names_nobody_is_on_behalf_of_nobody(said: Any) -> None:
    assert performers({})(entry(actor="1", context={"on_behalf_of": said})).on_behalf_of is None


def test_nobody_said_who_where_the_table_wants_an_actor() -> None:
    performer = performers({WORKFLOW: Table(WORKFLOW, wants_actor=True)})

    assert str(performer(entry())) == "Nobody said who"
    assert str(performer(entry(actor="1"))) == "1"


def test_a_list_and_a_page_name_both_where_one_acted_for_another(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    said = {"on_behalf_of": {"id": "7", "name": "<b>Omar</b>"}, "request": "7f1c"}
    crm.save(ENABLE, workflow, by=ana, context=said)

    change = only(admin, ana)
    facts = read_facts(admin.get(change.page).text)
    assert change.who == "Ana Diaz on behalf of <b>Omar</b>"
    assert facts["Performed by"] == f"Ana Diaz #{ana.key} on behalf of <b>Omar</b>"
    assert (facts["request"], "on_behalf_of" in facts) == ("7f1c", False)


def test_a_change_of_a_table_that_wants_an_actor_says_that_nobody_said_who(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    with crm.as_superuser() as superuser:
        superuser.execute(WANT, ["mark"])
    crm.save(ENABLE, workflow, by=NOBODY)

    newest, *_ = changes(admin, by="system", module="Workflows")
    assert newest.who == "Nobody said who role crm_web"
