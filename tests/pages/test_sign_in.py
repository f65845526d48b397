"""Signing in to the viewer with accounts of its own, and out again; no database is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from tests.page import parse
from tests.viewer import PASSWORD, csrf_token, email_of, sign_in, signed_in, viewer_over

NO_DATABASE = "host=127.0.0.1 port=1 dbname=none"
ADMIN = email_of("admin")
EVIL = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\r\nLocation: //evil.example",
    "evil.example",
    " //evil.example",
    "",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with viewer_over(NO_DATABASE, tmp_path_factory.mktemp("viewer")) as app:
        yield app


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


def who(client: FlaskClient) -> str:
    """Return who a page says is signed in."""
    return parse(client.get("/sign-in").text).first(cls="me").first("span").text


def errors(html: str) -> list[str]:
    return [each.text for each in parse(html).all(cls="refusal")]


def test_the_right_password_signs_in(visitor: FlaskClient) -> None:
    answer = sign_in(visitor, ADMIN)

    assert (answer.status_code, answer.location) == (302, "/")
    assert who(visitor) == "One admin · admin"


def test_the_case_of_the_address_does_not_matter(visitor: FlaskClient) -> None:
    assert sign_in(visitor, f" {ADMIN.upper()} ").status_code == 302


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADMIN, "wrong"),
        (ADMIN, PASSWORD + " "),
        (ADMIN, PASSWORD.upper()),
        ("nobody@crm.example", PASSWORD),
        ("nobody", "x" * 60_000),
        (ADMIN, "a\0b"),
    ],
)
def test_what_does_not_match_is_refused_without_saying_which(
    visitor: FlaskClient, email: str, password: str
) -> None:
    answer = sign_in(visitor, email, password)

    assert answer.status_code == 422
    assert errors(answer.text) == ["That e-mail address and password don't match."]
    assert who(visitor) == ""


def test_what_is_missing_is_said_at_its_field(visitor: FlaskClient) -> None:
    answer = sign_in(visitor, "", "")

    assert answer.status_code == 422
    assert errors(answer.text) == ["Enter your e-mail address.", "Enter your password."]


def test_the_password_is_never_sent_back(visitor: FlaskClient) -> None:
    assert "a-wrong-password" not in sign_in(visitor, ADMIN, "a-wrong-password").text


def test_a_form_without_its_token_is_refused(visitor: FlaskClient) -> None:
    data = {"email": ADMIN, "password": PASSWORD}

    assert visitor.post("/sign-in", data=data).status_code == 400
    assert visitor.post("/sign-in", data=data | {"csrf_token": "x"}).status_code == 400
    assert who(visitor) == ""


def test_a_form_with_the_token_of_another_s_browser_is_refused(app: Flask) -> None:
    data = {"email": ADMIN, "password": PASSWORD, "csrf_token": csrf_token(app.test_client())}

    assert app.test_client().post("/sign-in", data=data).status_code == 400


def test_a_form_that_is_too_large_is_refused(visitor: FlaskClient) -> None:
    assert sign_in(visitor, ADMIN, "x" * 70_000).status_code == 413


def test_signing_out_ends_the_session(app: Flask) -> None:
    admin = signed_in(app)

    answer = admin.post("/sign-out", data={"csrf_token": csrf_token(admin)})

    assert (answer.status_code, answer.location) == (302, "/sign-in")
    assert who(admin) == ""


def test_signing_out_takes_a_form_with_its_token(app: Flask) -> None:
    admin = signed_in(app)

    assert admin.post("/sign-out").status_code == 400
    assert admin.get("/sign-out").status_code == 405
    assert who(admin) == "One admin · admin"


@contextmanager
def restarted(
    app: Flask, folder: Path, old: str = "", new: str = "", **other: str
) -> Iterator[Flask]:
    """Start the viewer once more, with something else in its accounts, or configured."""
    accounts = folder / "changed.toml"
    accounts.write_text(Path(app.config["ACCOUNTS"]).read_text().replace(old, new))
    with viewer_over(NO_DATABASE, folder, ACCOUNTS=accounts, **other) as again:
        yield again


def moved_to(app: Flask, client: FlaskClient) -> FlaskClient:
    """Return the same browser in front of another viewer."""
    cookie, other = client.get_cookie("audit_session"), app.test_client()
    assert cookie is not None
    other.set_cookie("audit_session", cookie.value)
    return other


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        ("", "", "One admin · admin"),
        ('role = "admin"', 'role = "sales_rep"', "One admin · sales rep"),
        ('name = "One admin"', 'name = "Ana Diaz"', "Ana Diaz · admin"),
        ('email = "admin@', 'email = "gone@', ""),
        ('hash = "', f'hash = "{generate_password_hash("new", "pbkdf2:sha256:1")}"\nx = "', ""),
    ],
)
def test_a_session_lasts_while_its_account_and_password_do(
    app: Flask, tmp_path: Path, old: str, new: str, left: str
) -> None:
    admin = signed_in(app)

    with restarted(app, tmp_path, old, new) as again:
        assert who(moved_to(again, admin)) == left


def test_a_session_ends_with_the_key_that_signed_it(app: Flask, tmp_path: Path) -> None:
    admin = signed_in(app)

    with restarted(app, tmp_path, SECRET_KEY="another key for the tests") as again:
        assert who(moved_to(again, admin)) == ""


def test_a_forged_session_is_nobody_s(visitor: FlaskClient) -> None:
    visitor.set_cookie("audit_session", "eyJlbWFpbCI6ImFkbWluQGNybS5leGFtcGxlIn0.aaaa.bbbb")

    assert who(visitor) == ""


@pytest.mark.parametrize("to", ["/", "/?by=7&module=Users", "/changes/1/2?zone=Asia/Tokyo"])
def test_signing_in_leads_where_the_visitor_wanted_to_go(visitor: FlaskClient, to: str) -> None:
    assert sign_in(visitor, ADMIN, to=to).location == to


@pytest.mark.parametrize("to", EVIL)
def test_signing_in_leads_nowhere_else(visitor: FlaskClient, to: str) -> None:
    assert sign_in(visitor, ADMIN, to=to).location == "/"


def test_a_visitor_comes_back_to_the_very_address(visitor: FlaskClient) -> None:
    wanted = "/?by=what%3F&module=a%26b%20%C3%A9&zone=Asia/Tokyo"
    sign_in_page = visitor.get(wanted).location

    form = {"email": ADMIN, "password": PASSWORD, "csrf_token": csrf_token(visitor)}
    answer = visitor.post(sign_in_page, data=form)

    assert parse_qs(urlsplit(answer.location).query) == parse_qs(urlsplit(wanted).query)
    assert urlsplit(answer.location).path == "/"


def test_a_visitor_comes_back_to_where_the_viewer_is_mounted(visitor: FlaskClient) -> None:
    answer = visitor.get("/changes/1/2", environ_overrides={"SCRIPT_NAME": "/audit"})

    assert answer.location == "/audit/sign-in?next=/audit/changes/1/2"


@pytest.mark.parametrize("query", ["by=%ff", "by=%C3%28"])
def test_a_visitor_with_a_broken_address_is_asked_to_sign_in(
    visitor: FlaskClient, query: str
) -> None:
    assert visitor.get("/?" + query).status_code == 302
    raw = visitor.get("/", environ_overrides={"QUERY_STRING": "by=\xff"})
    assert raw.status_code == 302


@pytest.mark.parametrize(
    ("host", "is_secure"),
    [
        ("localhost", False),
        ("localhost:8080", False),
        ("127.0.0.1:8080", False),
        ("[::1]:8080", False),
        ("crm.example", True),
        ("crm.example:8443", True),
        ("localhost.evil.example", True),
        ("127.0.0.1.evil.example", True),
        ("10.0.0.1", True),
        ("[2001:db8::1]:80", True),
    ],
)
def test_the_cookie_travels_encrypted_only_but_to_this_machine(
    visitor: FlaskClient, host: str, is_secure: bool
) -> None:
    cookie = visitor.get("/sign-in", base_url=f"http://{host}").headers["Set-Cookie"]

    flags = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= flags
    assert ("Secure" in flags) is is_secure


def test_the_cookie_of_who_signed_in_ends_after_twelve_hours(visitor: FlaskClient) -> None:
    cookie = sign_in(visitor, ADMIN).headers["Set-Cookie"]
    [expires] = (part for part in cookie.split(";") if part.strip().startswith("Expires="))

    moment = parsedate_to_datetime(expires.partition("=")[2])
    assert timedelta(hours=11) < moment - datetime.now(UTC) <= timedelta(hours=12)
