"""Who gets in: every route and every role, the headers of every answer, and CSRF."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.crm import VIEWER, Crm, new_person
from tests.page import parse
from tests.viewer import ROLES, csrf_token, only, signed_in, viewer_over

ADMINS = {"account_admin", "admin"}
FOR_EVERYBODY = {"audit.static", "accounts.sign_in"}


@pytest.fixture(scope="module")
def app(crm: Crm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with viewer_over(crm.as_role(VIEWER), tmp_path_factory.mktemp("viewer")) as app:
        yield app


@pytest.fixture(scope="module")
def clients(app: Flask) -> dict[str, FlaskClient]:
    """A browser of each role; the visitor's has none."""
    return {"visitor": app.test_client()} | {role: signed_in(app, role) for role in ROLES}


@pytest.fixture(scope="module")
def known(crm: Crm, clients: dict[str, FlaskClient]) -> dict[str, str]:
    """What stands in the variable parts of addresses, so that there is something to be seen."""
    ana = new_person("Ana Diaz")
    workflow = crm.add_workflow("Nurture new leads", by=ana)
    _, _, transaction, entry = only(clients["admin"], ana).page.split("/")
    change = {"transaction": transaction, "entry": entry}
    return {"filename": "audit.css", "entity": "Workflow", "key": str(workflow)} | change


def rules(app: Flask, method: str) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]


def address(app: Flask, rule: Rule, known: dict[str, str]) -> str:
    with app.test_request_context():
        built = app.url_map.bind("localhost").build(
            rule.endpoint, {name: known[name] for name in rule.arguments}
        )
    return built


def paths(known: dict[str, str]) -> list[str]:
    """Return the addresses of pages that show what is in the log."""
    history = f"/history/Workflow/{known['key']}"
    asked = ("", "?at=2100-01-01T00:00", "?from=2000-01-01T00:00", "?from=2100-01-01T00:00")
    change = f"/changes/{known['transaction']}/{known['entry']}"
    return [
        "/",
        "/?type=created",
        "/coverage",
        "/seals",
        change,
        *(history + query for query in asked),
    ]


def ask(client: FlaskClient, path: str, method: str = "GET") -> TestResponse:
    """Return the whole answer: a file would stay open otherwise."""
    return client.open(path, method=method, buffered=True)


def expected(endpoint: str, who: str) -> int:
    if endpoint in FOR_EVERYBODY or who in ADMINS:
        return 200
    return 302 if who == "visitor" else 403


@pytest.mark.parametrize("who", ["visitor", *ROLES])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_route_is_for_admins_but_the_stylesheet_and_the_sign_in(
    app: Flask, clients: dict[str, FlaskClient], known: dict[str, str], who: str, method: str
) -> None:
    found = {
        rule.endpoint: ask(clients[who], address(app, rule, known), method).status_code
        for rule in rules(app, method)
    }

    assert found == {endpoint: expected(endpoint, who) for endpoint in found}
    assert {
        "audit.changes",
        "audit.change",
        "audit.history",
        "audit.coverage",
        "audit.seals",
    } <= found.keys()


def test_a_visitor_is_sent_to_the_sign_in(
    app: Flask, clients: dict[str, FlaskClient], known: dict[str, str]
) -> None:
    for rule in rules(app, "GET"):
        answer = ask(clients["visitor"], address(app, rule, known))
        if answer.status_code == 302:
            assert answer.location.startswith("/sign-in?next=/")


def test_one_who_is_no_admin_learns_nothing_of_the_log(
    clients: dict[str, FlaskClient], known: dict[str, str]
) -> None:
    for path in (*paths(known), "/changes/1/1"):
        answer = clients["sales_rep"].get(path)
        assert "The audit log is for admins" in answer.text
        assert "Nurture" not in answer.text


def test_the_roles_of_admins_are_for_the_installation_to_say(
    crm: Crm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("viewer")
    with viewer_over(crm.as_role(VIEWER), folder, ADMIN_ROLES=["sales_manager"]) as app:
        assert signed_in(app, "sales_manager").get("/").status_code == 200
        assert signed_in(app, "account_admin").get("/").status_code == 403


@pytest.mark.parametrize("who", ["visitor", *ROLES])
def test_nothing_is_posted_without_a_token(
    app: Flask, clients: dict[str, FlaskClient], known: dict[str, str], who: str
) -> None:
    posted = rules(app, "POST")

    assert {rule.endpoint for rule in posted} == {"accounts.sign_in", "accounts.sign_out"}
    for rule in posted:
        assert clients[who].post(address(app, rule, known)).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_log_is_only_read(clients: dict[str, FlaskClient], method: str) -> None:
    assert clients["admin"].open("/", method=method).status_code == 405


ANSWERS = [
    (200, "admin", "/"),
    (302, "admin", "/?unknown=1"),
    (400, "admin", "/?before=x"),
    (404, "admin", "/changes/1/1"),
    (404, "admin", "/nothing"),
    (404, "admin", "/history/Car/1"),
    (400, "admin", "/history/Car/1?at=soon"),
    (403, "sales_rep", "/history/Car/1"),
    (302, "visitor", "/history/Car/1"),
    (403, "sales_rep", "/"),
    (302, "visitor", "/"),
    (200, "visitor", "/sign-in"),
    (405, "visitor", "/sign-out"),
    (404, "visitor", "/nothing"),
    (200, "visitor", "/assets/audit.css"),
    (404, "visitor", "/assets/nothing.css"),
    (404, "visitor", "/assets/nothing.css?v=1"),
    (404, "visitor", "/assets/../__init__.py"),
]


@pytest.mark.parametrize(("status", "who", "path"), ANSWERS)
def test_every_answer_forbids_what_no_page_needs(
    clients: dict[str, FlaskClient], status: int, who: str, path: str
) -> None:
    answer = ask(clients[who], path)

    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert answer.status_code == status
    assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} <= set(policy)
    assert not any("unsafe" in rule or "*" in rule for rule in policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


def test_refused_forms_have_the_headers_too(clients: dict[str, FlaskClient]) -> None:
    token = csrf_token(clients["visitor"])
    for data in ({}, {"csrf_token": token}, {"csrf_token": "x" * 70_000}):
        answer = clients["visitor"].post("/sign-in", data=data)
        assert answer.status_code in (400, 413, 422)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_stylesheet_of_this_version_is_kept_and_nothing_else(
    clients: dict[str, FlaskClient],
) -> None:
    page = parse(clients["visitor"].get("/sign-in").text)
    links = {link.attributes["rel"]: link.attributes["href"] for link in page.all("link")}

    kept = {
        name: ask(clients["visitor"], link).headers["Cache-Control"] for name, link in links.items()
    }
    assert kept == {"icon": "no-store", "stylesheet": "public, max-age=31536000, immutable"}


def test_pages_need_no_script_and_no_other_site(
    clients: dict[str, FlaskClient], known: dict[str, str]
) -> None:
    for path in (*paths(known), "/sign-in", "/nothing"):
        page = parse(clients["admin"].get(path).text)
        sources = [
            element.attributes[name]
            for element in page.all()
            for name in ("src", "action", "formaction")
            if name in element.attributes
        ]
        assert all(source.startswith("/") for source in sources)
        assert all(link.attributes["href"].startswith("/") for link in page.all("link"))
        assert not any(name.startswith("on") for each in page.all() for name in each.attributes)
        assert not any("style" in each.attributes or each.tag == "style" for each in page.all())
