"""The pages of the log in an app of somebody else's, which knows who is signed in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, render_template_string, request

from auditviewer import ConfigError, Viewer, create_blueprint
from tests.crm import VIEWER, Crm, Person
from tests.page import links_named, parse, read_list

PATH = "/admin/settings/audit-log"
ENABLE = "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = %s"


def identify() -> Viewer | None:
    """Return who the host says is signed in: a header, for the tests."""
    name, _, role = request.headers.get("X-User", "").partition("/")
    return Viewer(name, role) if role else None


@contextmanager
def mounted(
    crm: Crm, sign_in_url: Callable[[str], str] | None = None, **options: Any
) -> Iterator[Flask]:
    """Make a host app with the log at a path of its own."""
    host = Flask("host")
    host.testing = True
    host.add_url_rule("/", "home", lambda: render_template_string("Hello {{ viewer }}"))
    pages = create_blueprint({"DATABASE": crm.as_role(VIEWER)}, identify, sign_in_url)
    host.register_blueprint(pages, url_prefix=PATH, **options)
    try:
        yield host
    finally:
        host.extensions["audit"].close()


def as_(user: str) -> dict[str, str]:
    return {"X-User": user}


def test_the_host_says_who_is_signed_in(crm: Crm) -> None:
    with mounted(crm) as host:
        client = host.test_client()

        assert client.get(PATH + "/", headers=as_("Ana Diaz/admin")).status_code == 200
        assert client.get(PATH + "/", headers=as_("Ana Diaz/sales_rep")).status_code == 403
        assert client.get(PATH + "/").status_code == 401


def test_a_visitor_is_sent_to_the_sign_in_of_the_host(crm: Crm) -> None:
    with mounted(crm, lambda to: f"/login?back={to}") as host:
        answer = host.test_client().get(PATH + "/?by=7")

    assert (answer.status_code, answer.location) == (302, f"/login?back={PATH}/?by=7")


@pytest.mark.parametrize("name", ["audit", "log"])
def test_every_link_of_the_pages_stays_where_they_are_mounted(
    crm: Crm, ana: Person, workflow: int, name: str
) -> None:
    crm.save_often(51, ENABLE, workflow, by=ana)

    with mounted(crm, name=name) as host:
        client = host.test_client()
        html = client.get(f"{PATH}/?by={ana.key}", headers=as_("Priya/admin")).text
        change = read_list(html)[0].page
        other = client.get(change, headers=as_("Priya/admin"))

    page = parse(html)
    assert other.status_code == 200
    assert "Older changes" in page.text
    addresses = {each.attributes["href"] for each in page.all() if "href" in each.attributes}
    assert all(address.startswith((PATH, "#", f"/workflows/{workflow}")) for address in addresses)
    assert parse(other.text).first("form").attributes.get("action", PATH).startswith(PATH)


def test_the_page_shows_who_is_signed_in_and_no_button_to_sign_out(crm: Crm) -> None:
    with mounted(crm) as host:
        page = parse(host.test_client().get(PATH + "/", headers=as_("Ana Diaz/admin")).text)

    assert page.first(cls="me").text == "Ana Diaz · admin"
    assert links_named(page, "Sign out") == []
    assert not any(form.attributes.get("method") == "post" for form in page.all("form"))


def test_the_rest_of_the_host_is_left_alone(crm: Crm) -> None:
    with mounted(crm) as host:
        home = host.test_client().get("/")
        missing = host.test_client().get("/nothing")

    assert home.text == "Hello "
    assert "Content-Security-Policy" not in home.headers
    assert "Audit log" not in missing.text


def test_errors_within_the_log_are_its_own_pages(crm: Crm) -> None:
    with mounted(crm) as host:
        for path, status in (("/changes/1/1", 404), ("/?before=x", 400)):
            answer = host.test_client().get(PATH + path, headers=as_("Ana Diaz/admin"))
            assert answer.status_code == status
            assert answer.headers["Cache-Control"] == "no-store"
            assert links_named(parse(answer.text), "Go to the audit log") == [PATH + "/"]


def test_a_wrong_configuration_is_refused_when_the_host_starts() -> None:
    with pytest.raises(ConfigError, match="PGWITNESS_DATABASE"):
        create_blueprint({"TIME_ZONE": "UTC"}, identify)
