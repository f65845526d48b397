"""What the log shows of territories."""

from itertools import count

import pytest
from flask.testing import FlaskClient

from tests.crm import PRIYA, Crm, Person
from tests.saves import add, change, editing, remove
from tests.viewer import seen

TERRITORY = "Territories"

_numbers = count(1)


@pytest.fixture
def name() -> str:
    """A name that no other territory has."""
    return f"Nordics {next(_numbers)}"


@pytest.fixture
def territory(crm: Crm, name: str) -> int:
    """A territory that somebody else made."""
    with crm.saving(PRIYA) as form:
        return int(add(form, "territory", name=name, description="Norway and Sweden"))


def test_T1_territory_is_created_and_deleted(
    crm: Crm, admin: FlaskClient, ana: Person, name: str
) -> None:
    with crm.saving(ana) as form:
        territory = add(form, "territory", name=name, description="Norway and Sweden")
    with crm.saving(ana) as form:
        remove(form, "territory", id=territory)

    created, deleted = seen(admin, ana)
    assert created.what == ("Created", TERRITORY, name)
    assert created.said == "Created with Description Norway and Sweden"
    assert ("Name", "not there", name) in created.rows
    assert deleted.what == ("Deleted", TERRITORY, name)
    assert ("Description", "Norway and Sweden", "not there") in deleted.rows
    assert (created.link, deleted.link) == (None, None)


def test_T2_territory_gets_another_name(
    crm: Crm, admin: FlaskClient, ana: Person, name: str, territory: int
) -> None:
    with editing(crm, ana, "territory", territory) as form:
        change(form, "territory", territory, name=f"{name} and Baltics")

    [renamed] = seen(admin, ana)
    assert renamed.what == ("Updated", TERRITORY, f"{name} and Baltics")
    assert renamed.said == f"Name: {name} → {name} and Baltics"
    assert renamed.rows == [("Name", name, f"{name} and Baltics")]
    assert renamed.link == f"https://crm.example/territories/{territory}"


def test_T3_territory_gets_another_description(
    crm: Crm, admin: FlaskClient, ana: Person, name: str, territory: int
) -> None:
    with editing(crm, ana, "territory", territory) as form:
        change(form, "territory", territory, description="Norway alone")

    [changed] = seen(admin, ana)
    assert changed.what == ("Updated", TERRITORY, name)
    assert changed.said == "Description: Norway and Sweden → Norway alone"
    assert changed.rows == [("Description", "Norway and Sweden", "Norway alone")]
