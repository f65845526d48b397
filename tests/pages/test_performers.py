"""Who performed a change: a person, one on behalf of another, the System, or nobody who said so."""

import hmac
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
SIGN = "SELECT set_config('audit.signature', %s, true)"
KEY = b"a key of at least 16 bytes"
FOREVER = "9999999999"


def sign(crm: Crm, key: bytes) -> None:
    """Set the key that actors are signed with."""
    with crm.as_superuser() as superuser:
        superuser.execute("SELECT audit.set_actor_key(%s)", [key])


def signature(person: Person, key: bytes) -> str:
    """Sign for somebody, as the one who holds the key does."""
    said = (person.key, person.name, person.ip, FOREVER)
    message = "\x1f".join(word or "" for word in said)
    return f"{FOREVER}.{hmac.new(key, message.encode(), 'sha256').hexdigest()}"


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


@pytest.mark.parametrize(
    ("is_good", "who", "said"),
    [
        (True, "Ana Diaz", "held, when the transaction began"),
        (False, "Ana Diaz signature does not hold", "does not hold: anybody who writes"),
    ],
)
def test_a_signature_that_does_not_hold_is_said_wherever_the_actor_is(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, is_good: bool, who: str, said: str
) -> None:
    sign(crm, KEY)
    with crm.saving(ana) as connection:
        connection.execute(SIGN, [signature(ana, KEY if is_good else b"another key of 16")])
        connection.execute(ENABLE.encode(), [workflow])

    change = only(admin, ana)
    facts = read_facts(admin.get(change.page).text)
    assert change.who == who
    assert facts["Signature of the actor"].startswith(said)


def test_a_change_of_a_table_that_wants_an_actor_says_that_nobody_said_who(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    with crm.as_superuser() as superuser:
        superuser.execute(WANT, ["mark"])
    crm.save(ENABLE, workflow, by=NOBODY)

    newest, *_ = changes(admin, by="system", module="Workflows")
    assert newest.who == "Nobody said who role crm_web"
