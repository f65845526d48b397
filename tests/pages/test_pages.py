"""Addresses of the viewer, what it says when nothing is there, and text that would do harm."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crm import VIEWER, Crm, Person, new_person
from tests.page import Element, links_named, parse, read_facts, read_list
from tests.viewer import changes, only, signed_in, viewer_over

ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"
DESCRIBE = "UPDATE crm.workflow SET description = %s WHERE id = %s"
HOSTILE = (
    """<script>alert(1)</script>"'><img src=x onerror=alert(1)>\u202ekcab\n{{ 7 * 7 }} &amp;"""
)


def page(reader: FlaskClient, **asked: str) -> Element:
    return parse(reader.get("/", query_string=asked).text)


arguments = st.sampled_from(
    ["period", "from", "to", "q", "by", "type", "module", "entity", "save", "zone", "before", "x"]
)
words = st.sampled_from(
    ["today", "7", "dates", "0001-01-02", "9998-12-31", "system", "created", "deleted", "UTC", "\0"]
)
query_strings = st.dictionaries(arguments, words | st.dates().map(str) | st.text(max_size=9))


@settings(max_examples=60)
@given(query_strings)
def test_no_query_string_breaks_the_list(admin: FlaskClient, asked: dict[str, str]) -> None:
    answer = admin.get("/", query_string=asked, follow_redirects=True)

    assert answer.status_code in ((200, 400) if "before" in asked else (200,))


@pytest.mark.parametrize(
    "path",
    [
        "/?by=%ff%fe",
        "/?by=%ED%A0%80",
        "/?module=%00",
        "/?%00=%00",
        "/?zone=../../etc/passwd",
        "/?q=%00",
        "/?q='",
        "/?q=%22%5C%27%20%26%20!",
        "/?save=9999999999999999999",
        "/?save=-1",
        "/?type=fleeting",
        "/history/%2F/%2F",
        "/history/../..",
        "/history/Workflow/" + "x" * 5000,
        "/history/%ff/%ff",
        "/?by=" + "x" * 5000,
        "/changes/0/0",
        "/changes/1/1",
        "/changes/9223372036854775807/9223372036854775807",
        "/changes/9223372036854775808/1",
        "/changes/99999999999999999999999/1",
        "/changes/-1/1",
        "/changes/1",
        "/changes/a/b",
        "/changes/١/١",
        "/%00",
        "//",
    ],
)
def test_no_address_breaks_the_viewer(admin: FlaskClient, path: str) -> None:
    assert admin.get(path, follow_redirects=True).status_code in (200, 404)


def test_a_change_is_found_by_any_of_its_entries_and_by_no_other_transaction(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    with crm.saving(ana) as connection:
        for _ in range(2):
            connection.execute(ENABLE.encode(), [workflow])

    address = only(admin, ana).page
    transaction, entry = (int(number) for number in address.split("/")[2:])
    assert admin.get(f"/changes/{transaction}/{entry - 1}").status_code == 200
    assert admin.get(f"/changes/{transaction + 1}/{entry}").status_code == 404
    assert admin.get(f"/changes/{transaction}/{entry + 1}").status_code == 404


def test_nothing_older_than_the_retention_is_shown(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    # The day of what is ten minutes older may be another one.
    crm.move_back(new_person("Nobody"), timedelta(days=90, minutes=5))
    crm.save(ENABLE, workflow, by=ana)
    crm.move_back(ana, timedelta(days=90, minutes=-5))
    change = only(admin, ana)

    crm.move_back(ana, timedelta(minutes=10))

    assert changes(admin, by=ana.key or "") == []
    assert changes(admin, by=ana.key or "", **{"from": "2020-01-01"}) == []
    assert admin.get(change.page).status_code == 404
    assert ana.key not in {option.attributes.get("value") for option in page(admin).all("option")}


def test_a_shorter_retention_is_kept_to_and_said(
    crm: Crm, ana: Person, workflow: int, tmp_path: Path
) -> None:
    crm.save(ENABLE, workflow, by=ana)
    crm.move_back(ana, timedelta(days=10))
    with viewer_over(crm.as_role(VIEWER), tmp_path, RETENTION_DAYS=9) as app:
        admin = signed_in(app)

        assert changes(admin, by=ana.key or "") == []
        assert "All 9 days" in page(admin).first("dialog").text
        assert "90 days" not in page(admin).text


@pytest.fixture
def fresh(crm: Crm, reference: str, tmp_path: Path) -> Iterator[tuple[Crm, FlaskClient]]:
    """A CRM in which nothing happened yet, and an admin in front of its viewer."""
    crm = Crm(reference)
    with viewer_over(crm.as_role(VIEWER), tmp_path) as app:
        yield crm, signed_in(app)


def test_an_empty_log_says_that_nothing_was_recorded_yet(
    crm: Crm, fresh: tuple[Crm, FlaskClient]
) -> None:
    _, admin = fresh

    assert "Nothing recorded yet" in page(admin).text
    assert "Nothing recorded yet" in page(admin, by="7").text
    assert "Nothing was recorded of Users" in page(admin, module="Users").text


def test_a_log_that_tracks_nothing_says_so(crm: Crm, fresh: tuple[Crm, FlaskClient]) -> None:
    empty, admin = fresh
    with empty.as_superuser() as superuser:
        superuser.execute("UPDATE audit.tracked_table SET untracked_at = now()")

    assert page(admin).first(cls="state").text == "No table is tracked"


def test_hostile_text_is_shown_as_text_everywhere(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    mallory = Person(ana.key, HOSTILE, HOSTILE)
    context = {HOSTILE: HOSTILE, "reason": HOSTILE}
    workflow = crm.add_workflow(HOSTILE)

    crm.save(DESCRIBE, HOSTILE, workflow, by=mallory, context=context)

    seen = " ".join(HOSTILE.replace("\u202e", "⟨U+202E⟩").split())
    change = only(admin, mallory)
    html = admin.get(change.page).text
    assert (change.who, change.name, change.reason) == (seen, seen, f"“{seen}”")
    assert change.rows == [("Description", "empty text", seen)]
    assert read_facts(html)[seen] == seen
    for page in (parse(html), parse(admin.get("/").text)):
        assert list(page.all("script")) + list(page.all("img")) == []
        assert not any("onerror" in element.attributes for element in page.all())


def test_a_hostile_key_of_a_person_is_only_text_in_addresses(
    crm: Crm, admin: FlaskClient, workflow: int
) -> None:
    mallory = Person('"><script>&by=1#', None)
    crm.save(ENABLE, workflow, by=mallory)

    assert [change.who for change in changes(admin, by=mallory.key or "")] == [mallory.key]
    assert list(page(admin).all("script")) == []


def test_a_breadcrumb_leads_back_to_the_product(crm: Crm, tmp_path: Path) -> None:
    crumbs = [["Settings", "/settings"], ["Account", None]]
    with viewer_over(crm.as_role(VIEWER), tmp_path, BREADCRUMB=crumbs) as app:
        crumb = page(signed_in(app)).first("ol", "crumbs")

    assert crumb.text.split() == ["Settings", "Account", "Audit", "log"]
    assert links_named(crumb, "") == ["/settings"]


def test_a_day_has_a_heading_in_the_zone_of_the_reader(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int
) -> None:
    crm.save(ENABLE, workflow, by=ana)

    found = page(admin, by=ana.key or "", zone="Pacific/Kiritimati")

    assert "Times in Pacific/Kiritimati (UTC+14:00)." in found.text
    assert found.first("h2", "day").text.startswith("Today, ")
    assert read_list(admin.get("/", query_string={"by": ana.key}).text)[0].when.tzinfo is not None


@pytest.mark.parametrize("link", ["javascript:alert({id})", "data:text/html,{id}"])
def test_a_link_that_leads_to_no_page_is_no_link(
    fresh: tuple[Crm, FlaskClient], ana: Person, link: str
) -> None:
    crm, admin = fresh
    crm.add_users()
    with crm.as_superuser() as superuser:
        superuser.execute("UPDATE audit.tracked_table SET link = %s", [link])

    crm.add_workflow("Nurture new leads", by=ana)

    assert only(admin, ana).link is None
