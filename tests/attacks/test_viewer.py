"""The viewer over HTTP: visitors who want in, readers who want more, entries that want to run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.attacks.outcomes import Attack
from tests.attacks.scene import entries
from tests.crm import APP, VIEWER, Crm, Person, new_person
from tests.databases import OWNER
from tests.page import parse
from tests.viewer import PASSWORD, csrf_token, email_of, sign_in, signed_in, viewer_over

MARKUP = "<img src=x onerror=alert(1)>"
ADDRESSES = {
    "the log": "/",
    "the coverage": "/coverage",
    "a change": "/changes/1/1",
    "a history": "/history/Workflow/1",
    "a file beside the stylesheet": "/assets/../../accounts.toml",
    "a file by an escaped path": "/assets/%2e%2e/%2e%2e/config.py",
}
# For these arguments it fits better than the one in pg_catalog, which takes a name and a text.
PLANTED = """
CREATE FUNCTION public.pg_has_role(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'
"""
FILTERS = {
    "SQL in the person": {"by": "' OR 1=1 --"},
    "SQL in the module": {"module": "x'; DELETE FROM audit.entry; --"},
    "SQL in the text": {"q": "') OR 1=1; --"},
    "a text of operators": {"q": "!!! & | <-> :* ''"},
    "a text of a hundred thousand signs": {"q": "a " * 50_000},
    "markup in the text": {"q": MARKUP},
    "a place of somebody's own": {"before": "2026-01-01,1; DROP"},
    "a place beyond all": {"before": "9" * 400},
    "days that are none": {"from": "soon", "to": "9999-99-99"},
    "a NUL": {"by": "\0"},
    "an unknown filter": {"order": "actor; DROP TABLE audit.entry"},
}


@pytest.fixture(scope="module")
def viewer(crm: Crm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with viewer_over(crm.as_role(VIEWER), tmp_path_factory.mktemp("viewer")) as app:
        yield app


@pytest.fixture(scope="module")
def visitor(viewer: Flask) -> FlaskClient:
    return viewer.test_client()


@pytest.fixture(scope="module")
def admin(viewer: Flask) -> FlaskClient:
    return signed_in(viewer)


@pytest.fixture
def eve() -> Person:
    """Somebody whose name and address are markup."""
    return Person(new_person("Eve").key, f"Eve {MARKUP}", MARKUP)


@pytest.mark.attacker("visitor of the viewer")
@pytest.mark.parametrize("path", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_visitor_asks_for(attack: Attack, visitor: FlaskClient, path: str) -> None:
    attack.turned_away(visitor.get(path).status_code, by=404 if "assets" in path else 302)


@pytest.mark.attacker("visitor of the viewer")
def test_a_visitor_forges_a_session(attack: Attack, viewer: Flask) -> None:
    client = viewer.test_client()
    client.set_cookie("session", "eyJlbWFpbCI6ImFkbWluQGNybS5leGFtcGxlIn0.aaaaaa.forged")

    attack.turned_away(client.get("/").status_code, by=302)


@pytest.mark.attacker("visitor of the viewer")
@pytest.mark.parametrize(
    ("email", "password"),
    [
        pytest.param(email_of("admin"), "wrong", id="a wrong password"),
        pytest.param(email_of("admin"), "", id="no password"),
        pytest.param("nobody@crm.example", PASSWORD, id="an unknown address"),
        pytest.param("' OR ''='", PASSWORD, id="SQL"),
        pytest.param(email_of("admin") + "\0", PASSWORD, id="a NUL in the address"),
    ],
)
def test_a_visitor_signs_in_with(attack: Attack, viewer: Flask, email: str, password: str) -> None:
    client = viewer.test_client()
    sign_in(client, email, password)

    attack.turned_away(client.get("/").status_code, by=302)


@pytest.mark.attacker("another site")
def test_another_site_signs_a_reader_in_or_out(attack: Attack, viewer: Flask) -> None:
    client = signed_in(viewer)
    attack.turned_away(client.post("/sign-out").status_code, by=400)
    data = {"email": email_of("admin"), "password": PASSWORD}
    attack.turned_away(client.post("/sign-in", data=data).status_code, by=400)
    assert client.get("/").status_code == 200


@pytest.mark.attacker("another site")
def test_another_site_uses_a_token_of_its_own(attack: Attack, viewer: Flask) -> None:
    token = csrf_token(viewer.test_client())
    answer = signed_in(viewer).post("/sign-out", data={"csrf_token": token})

    attack.turned_away(answer.status_code, by=400)


@pytest.mark.attacker("another site")
def test_another_site_puts_the_log_into_a_frame(attack: Attack, admin: FlaskClient) -> None:
    policy = admin.get("/").headers["Content-Security-Policy"]

    attack.shown(policy, "frame-ancestors 'none'")


@pytest.mark.attacker("user of the product who is no admin")
@pytest.mark.parametrize("path", ["/", "/coverage", "/changes/1/1", "/history/Workflow/1"])
def test_one_who_is_no_admin_asks_for(attack: Attack, viewer: Flask, path: str) -> None:
    attack.turned_away(signed_in(viewer, "sales_rep").get(path).status_code, by=403)


@pytest.mark.attacker("reader of the viewer")
@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS.keys())
def test_a_reader_asks_with(
    attack: Attack, crm: Crm, admin: FlaskClient, asked: dict[str, str]
) -> None:
    before = len(entries(crm))
    answer = admin.get("/", query_string=asked, follow_redirects=True)

    if answer.status_code == 200:
        attack.shown(parse(answer.text).first("h1").text, "Audit log")
    else:
        attack.turned_away(answer.status_code, by=400)
    assert MARKUP not in answer.text
    assert len(entries(crm)) == before


@pytest.mark.attacker("reader of the viewer")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_reader_writes(attack: Attack, admin: FlaskClient, method: str) -> None:
    attack.turned_away(admin.open("/", method=method).status_code, by=405)


@pytest.mark.attacker("who configures the viewer")
@pytest.mark.parametrize("role", [OWNER, APP, "postgres"])
def test_the_viewer_is_let_in_as_a_role_that_may_write_or_not_read(
    attack: Attack, crm: Crm, tmp_path: Path, role: str
) -> None:
    with viewer_over(crm.as_role(role), tmp_path) as app:
        attack.turned_away(signed_in(app).get("/").status_code, by=503)


@pytest.mark.attacker("another role")
def test_a_function_is_planted_that_the_viewer_would_call(
    attack: Attack, crm: Crm, viewer: Flask
) -> None:
    with crm.as_superuser() as superuser:
        superuser.execute(PLANTED)
        try:
            page = signed_in(viewer).get("/").text
        finally:
            superuser.execute("DROP FUNCTION public.pg_has_role")

    attack.shown(parse(page).first("h1").text, "Audit log")


@pytest.mark.attacker("application that stores markup")
@pytest.mark.parametrize("where", ["/", "{change}", "/history/Workflow/{workflow}"])
def test_markup_in_an_entry_reaches_the_page(
    attack: Attack, crm: Crm, admin: FlaskClient, eve: Person, where: str
) -> None:
    workflow = crm.add_workflow(MARKUP, by=eve, description=f"</td></table><script>{MARKUP}")
    page = admin.get("/", query_string={"by": eve.key}).text
    [change] = set(re.findall(r'href="(/changes/[^"?]*)', page))
    html = admin.get(where.format(change=change, workflow=workflow)).text

    attack.shown(parse(html).text, MARKUP)
    assert [*parse(html).all("img"), *parse(html).all("script")] == []


@pytest.mark.attacker("application that stores markup")
def test_signs_that_turn_a_line_around_reach_the_page(
    attack: Attack, crm: Crm, admin: FlaskClient
) -> None:
    mallory = Person(new_person("Mallory").key, "\u202enimda", "203.0.113.9")
    crm.add_workflow("Nurture", by=mallory)

    attack.shown(admin.get("/", query_string={"by": mallory.key}).text, "⟨U+202E⟩")


@pytest.mark.attacker("application that stores markup")
def test_a_name_that_poses_as_the_system(attack: Attack, crm: Crm, admin: FlaskClient) -> None:
    mallory = Person(new_person("Mallory").key, "System", "203.0.113.9")
    crm.add_workflow("Nurture", by=mallory)

    page = parse(admin.get("/", query_string={"by": mallory.key}).text)
    attack.shown(page.text, f"System a person, #{mallory.key}")
