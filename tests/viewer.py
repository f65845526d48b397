"""The viewer as an app of its own, and somebody in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from auditviewer import create_app
from tests.crm import Person
from tests.page import Listed, parse, read_list

PASSWORD = "a password for the tests alone"
SETTINGS = {"SECRET_KEY": "a key for the tests alone", "PRODUCT_URL": "https://crm.example"}
ROLES = ("account_admin", "admin", "sales_manager", "sales_rep")


def email_of(role: str) -> str:
    """Return the address by which one with that role signs in to the viewer."""
    return f"{role}@crm.example"


def write_accounts(folder: Path) -> Path:
    """Write the viewer's accounts, one for each role."""
    hash_ = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
    path = folder / "accounts.toml"
    path.write_text(
        "".join(
            f'[[account]]\nemail = "{email_of(role)}"\nname = "One {role}"\n'
            f'role = "{role}"\npassword_hash = "{hash_}"\n'
            for role in ROLES
        )
    )
    return path


@contextmanager
def viewer_over(conninfo: str, folder: Path, **settings: Any) -> Iterator[Flask]:
    """Make the viewer as an app of its own; what goes wrong in it is raised, not shown."""
    accounts = settings.get("ACCOUNTS") or write_accounts(folder)
    app = create_app(SETTINGS | settings | {"DATABASE": conninfo, "ACCOUNTS": accounts})
    app.testing = True
    try:
        yield app
    finally:
        app.extensions["audit"].close()


def csrf_token(client: FlaskClient) -> str:
    """Return the token of the form for signing in."""
    [field] = (
        field
        for field in parse(client.get("/sign-in").text).all("input")
        if field.attributes.get("name") == "csrf_token"
        and field.attributes.get("id") == "csrf_token"
    )
    return field.attributes["value"]


def sign_in(
    client: FlaskClient, email: str, password: str = PASSWORD, to: str | None = None
) -> TestResponse:
    """Fill in the form and send it off; *to* is where the visitor wanted to go."""
    return client.post(
        "/sign-in",
        query_string={} if to is None else {"next": to},
        data={"email": email, "password": password, "csrf_token": csrf_token(client)},
    )


def signed_in(app: Flask, role: str = "admin") -> FlaskClient:
    """Return the browser of somebody who signed in."""
    client = app.test_client()
    assert sign_in(client, email_of(role)).status_code == 302
    return client


def changes(reader: FlaskClient, **asked: str) -> list[Listed]:
    """Return what the first page lists, by filters such as module and by."""
    answer = reader.get("/", query_string=asked, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return read_list(answer.text)


def only(reader: FlaskClient, by: Person) -> Listed:
    """Return the only change that somebody made."""
    [change] = changes(reader, by=by.key or "system")
    return change


def seen(reader: FlaskClient, by: Person) -> list[Listed]:
    """Return the changes that somebody made just now, oldest first, each by them and from there."""
    found = changes(reader, by=by.key or "system")[::-1]
    for change in found:
        assert (change.who, change.address) == (by.name, by.ip)
        assert timedelta(0) <= datetime.now(UTC) - change.when < timedelta(minutes=1)
    return found
