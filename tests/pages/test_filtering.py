"""The filters of the list: person, module and period, each alone and all together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from tests.crm import NOBODY, Crm, Person, new_person
from tests.page import Element, parse
from tests.viewer import changes

ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
RENAME_USER = "UPDATE crm.app_user SET full_name = full_name || '.' WHERE id = 1"


def page(reader: FlaskClient, **asked: str) -> Element:
    return parse(reader.get("/", query_string=asked).text)


def chips(reader: FlaskClient, **asked: str) -> dict[str, str]:
    """Return the filters that are on, and where a click takes each away."""
    links = (link for each in page(reader, **asked).all(cls="chips") for link in each.all("a"))
    return {link.text.removesuffix("×").strip(): link.attributes["href"] for link in links}


def chosen(reader: FlaskClient, **asked: str) -> dict[str, str]:
    """Return what the dialog has selected."""
    dialog = page(reader, **asked).first("dialog")
    return {
        select.attributes["name"]: option.text
        for select in dialog.all("select")
        for option in select.all("option")
        if "selected" in option.attributes
    }


@pytest.fixture
def jonas(crm: Crm, workflow: int) -> Person:
    """Somebody who enabled a workflow and renamed a user ten days ago."""
    person = new_person("Jonas")
    person = replace(person, name=f"Jonas {person.key}")
    crm.save(ENABLE, workflow, by=person)
    crm.save(RENAME_USER, by=person)
    crm.move_back(person, timedelta(days=10))
    return person


def test_a_person_a_module_and_a_period_each_filter_alone(
    crm: Crm, admin: FlaskClient, ana: Person, jonas: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)

    of_jonas = {change.who for change in changes(admin, by=jonas.key or "")}
    modules = {change.where for change in changes(admin, module="Users")}
    week, month = ({change.who for change in changes(admin, period=n)} for n in ("7", "30"))

    assert of_jonas == {jonas.name}
    assert modules == {"Users"}
    assert ("Ana Diaz" in week, jonas.name in week) == (True, False)
    assert {"Ana Diaz", jonas.name} <= month


def test_all_filters_together_let_through_what_each_does(
    crm: Crm, admin: FlaskClient, ana: Person, jonas: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.save(RENAME_USER, by=ana)
    crm.save(RENAME_USER, by=jonas)

    found = changes(admin, by=jonas.key or "", module="Users", period="30")
    recent = changes(admin, by=jonas.key or "", module="Users", period="today")

    assert [change.who for change in found] == [jonas.name] * 2
    assert [change.who for change in recent] == [jonas.name]


def test_dates_are_days_of_the_zone_that_was_asked_for(
    crm: Crm, admin: FlaskClient, jonas: Person
) -> None:
    moment = datetime.now(UTC) - timedelta(days=10)

    for zone in ("UTC", "Etc/GMT+12", "Pacific/Kiritimati"):
        day = moment.astimezone(ZoneInfo(zone)).date()
        asked = {"by": jonas.key or "", "zone": zone}
        days = {n: str(day + timedelta(days=n)) for n in (-1, 0, 1)}
        assert len(changes(admin, **asked, **{"from": days[0], "to": days[0]})) == 2
        assert len(changes(admin, **asked, **{"from": days[-1], "to": days[-1]})) == 0
        assert len(changes(admin, **asked, **{"from": days[1], "to": days[1]})) == 0


def test_the_product_itself_is_a_person_to_filter_by(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.save(ENABLE, workflow, by=NOBODY)

    assert {change.who for change in changes(admin, by="system")} == {"System role crm_web"}
    assert list(chips(admin, by="system")) == ["By System", "Clear all"]


def test_somebody_whose_key_is_system_is_not_the_product(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=Person("system", "Mallory"))

    assert [change.who for change in changes(admin, by="=system")] == ["Mallory"]
    assert "Mallory" not in {change.who for change in changes(admin, by="system")}


def test_a_person_who_did_nothing_is_told_so_and_stays_chosen(admin: FlaskClient) -> None:
    asked = {"by": "4711", "module": "Users"}

    assert page(admin, **asked).first("h2").text == "Filters"
    assert "Nothing matched these filters" in page(admin, **asked).text
    assert list(chips(admin, **asked)) == ["By 4711", "Module Users", "Clear all"]
    assert chosen(admin, **asked) == {"by": "4711", "module": "Users"}


def test_each_chip_takes_one_filter_away_and_keeps_the_others(
    admin: FlaskClient, jonas: Person
) -> None:
    key = jonas.key or ""
    asked = {"period": "30", "q": "a b", "by": key, "type": "deleted", "module": "Users"}
    asked |= {"entity": "User", "save": "731", "zone": "Asia/Tokyo"}

    links = chips(admin, **asked)

    names = ["Period Last 30 days", "Text a b", f"By {jonas.name}", "Type Deleted"]
    names += ["Module Users", "Entity User", "Save #731"]
    for name, argument in zip(names, asked, strict=False):
        others = {each: value for each, value in asked.items() if each != argument}
        assert dict(parse_qsl(links.pop(name).removeprefix("/?"))) == others
    assert links == {"Clear all": "/?zone=Asia/Tokyo"}
    links = chips(admin, **asked)
    assert all(admin.get(link).status_code == 200 for link in links.values())


def test_two_persons_of_one_name_are_offered_with_their_keys(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    twins = new_person("Kim Lee"), new_person("Kim Lee")
    for twin in twins:
        crm.save(ENABLE, workflow, by=twin)

    offered = [option.text for option in page(admin).first("dialog").all("option")]

    assert {f"Kim Lee (#{twin.key})" for twin in twins} <= set(offered)


def test_a_person_is_offered_by_the_latest_name(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.save(ENABLE, workflow, by=Person(ana.key, "Ana Berg"))

    assert chosen(admin, by=ana.key or "")["by"] == "Ana Berg"
    assert [change.who for change in changes(admin, by=ana.key or "")] == ["Ana Berg", "Ana Diaz"]


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("?period=&from=&to=&by=&module=&zone=UTC", "/"),
        ("?from=2026-11-09&to=2026-11-03", "/?period=dates&from=2026-11-03&to=2026-11-09"),
        ("?period=7&from=2026-11-03", "/?period=7"),
        ("?by=7&by=8&utm_source=mail", "/?by=7"),
        ("?period=soon&zone=Europe/Atlantis", "/"),
        ("?type=&q=+&entity=&save=", "/"),
        ("?type=fleeting&save=x&q=a++b", "/?q=a+b"),
        ("?before=", "/"),
    ],
)
def test_an_address_is_put_in_order(admin: FlaskClient, query: str, canonical: str) -> None:
    answer = admin.get("/" + query)

    assert (answer.status_code, answer.location) == (302, canonical)
    assert admin.get(canonical).status_code == 200
