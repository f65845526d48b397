"""What the viewer is told: all that is wrong with it, said at once, and how to mend it."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import generate_password_hash

from auditviewer import ConfigError, create_app
from auditviewer.accounts import read_accounts
from auditviewer.config import Settings, read_settings

HASH = generate_password_hash("right", method="pbkdf2:sha256:1")
SCRYPT = "scrypt:1024:8:1$salt$" + "0" * 128
GOOD = f"""
[[account]]
email = "Priya@kestrel.example"
name = "Priya Nair"
role = "admin"
password_hash = "{HASH}"
"""


def settings(**given: Any) -> Settings:
    return read_settings({"DATABASE": "dbname=crm"} | given)


def problems(**given: Any) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        settings(**given)
    return str(refusal.value).splitlines()


def accounts_file(folder: Path, text: str) -> Path:
    path = folder / "accounts.toml"
    path.write_text(text, encoding="utf-8")
    return path


def account_problems(folder: Path, text: str) -> list[str]:
    path = accounts_file(folder, text)
    with pytest.raises(ConfigError) as refusal:
        read_accounts(path)
    return [line.removeprefix(f"{path}: ") for line in str(refusal.value).splitlines()]


def test_a_database_is_all_that_has_to_be_said() -> None:
    found = settings()

    assert (found.time_zone.key, found.retention.days) == ("UTC", 90)
    assert found.admin_roles == ("account_admin", "admin")
    assert found.admins_in_words == "account admins and admins"


@pytest.mark.parametrize(
    ("roles", "words"),
    [(["owner"], "owners"), (["a", "b_c", "d"], "as, b cs and ds")],
)
def test_the_roles_of_admins_are_said_in_words(roles: list[str], words: str) -> None:
    assert settings(ADMIN_ROLES=roles).admins_in_words == words


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DATABASE", ""),
        ("DATABASE", "no such option=1"),
        ("TIME_ZONE", "Europe/Atlantis"),
        ("TIME_ZONE", ""),
        ("TIME_ZONE", ["UTC"]),
        ("RETENTION_DAYS", 0),
        ("RETENTION_DAYS", -1),
        ("RETENTION_DAYS", 1.5),
        ("RETENTION_DAYS", "many"),
        ("RETENTION_DAYS", 10**9),
        ("ADMIN_ROLES", "admin"),
        ("ADMIN_ROLES", []),
        ("ADMIN_ROLES", 5),
        ("ADMIN_ROLES", ["admin", 5]),
        ("BREADCRUMB", "Settings"),
        ("BREADCRUMB", ["Settings"]),
        ("BREADCRUMB", [["Settings"]]),
        ("BREADCRUMB", [[1, "/settings"]]),
        ("BREADCRUMB", [["Settings", 1]]),
        ("PRODUCT_URL", "javascript:alert(1)//"),
        ("PRODUCT_URL", "//evil.example"),
        ("PRODUCT_URL", "crm.example"),
        ("PRODUCT_URL", "http://[crm"),
        ("PRODUCT_URL", "https://"),
        ("SECRET_KEY", "too short"),
    ],
)
def test_each_problem_says_where_it_is_and_how_to_fix_it(key: str, value: object) -> None:
    [problem] = problems(**{key: value})

    assert problem.startswith(f"PGWITNESS_{key}: ")
    assert "use " in problem or "set it to " in problem


@pytest.mark.parametrize("url", ["", "/crm", "https://crm.example", "http://crm.example:8080/a/"])
def test_the_product_is_at_an_address_or_a_path(url: str) -> None:
    assert settings(PRODUCT_URL=url).product_url == url.rstrip("/")


def test_all_problems_are_said_at_once() -> None:
    found = problems(DATABASE="", TIME_ZONE="x", RETENTION_DAYS=0, ADMIN_ROLES=[], BREADCRUMB=1)

    assert [line.partition(":")[0].removeprefix("PGWITNESS_") for line in found] == [
        "DATABASE",
        "TIME_ZONE",
        "RETENTION_DAYS",
        "ADMIN_ROLES",
        "BREADCRUMB",
    ]


def test_an_app_of_its_own_needs_a_key_and_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGWITNESS_DATABASE", raising=False)
    with pytest.raises(ConfigError) as refusal:
        create_app()

    keys = [line.partition(":")[0] for line in str(refusal.value).splitlines()]
    assert keys == ["PGWITNESS_DATABASE", "PGWITNESS_SECRET_KEY", "PGWITNESS_ACCOUNTS"]


def test_the_environment_configures_what_the_caller_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGWITNESS_DATABASE", "dbname=crm")
    monkeypatch.setenv("PGWITNESS_ACCOUNTS", str(accounts_file(tmp_path, GOOD)))
    monkeypatch.setenv("PGWITNESS_SECRET_KEY", "1234567890123456")
    monkeypatch.setenv("PGWITNESS_ADMIN_ROLES", '["owner"]')

    app = create_app({"SECRET_KEY": "another key of the caller"})

    assert app.config["ADMIN_ROLES"] == ["owner"]
    assert app.config["SECRET_KEY"] == "another key of the caller"


def test_a_key_of_digits_alone_is_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGWITNESS_SECRET_KEY", "1234567890123456")

    app = create_app({"DATABASE": "dbname=crm", "ACCOUNTS": accounts_file(tmp_path, GOOD)})

    assert app.secret_key == "1234567890123456"


def test_an_account_is_found_whatever_the_case_of_its_address(tmp_path: Path) -> None:
    accounts = read_accounts(accounts_file(tmp_path, GOOD))

    account = accounts.find(" PRIYA@kestrel.EXAMPLE ")

    assert account is not None
    assert accounts.check("priya@kestrel.example", "right") == account
    assert accounts.check("priya@kestrel.example", "wrong") is None
    assert accounts.check("nobody@kestrel.example", "right") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no [[account]]"),
        ("account = 5", "has no [[account]]"),
        ('account = "x"', "has no [[account]]"),
        (GOOD.replace("[[account]]", "[account]"), "has no [[account]]"),
        ("account = [5]", "account 1: is no table"),
        ("[[account]", "is not TOML"),
        ("[[account]]\nemail = 5", "account 1: has no email"),
        (GOOD.replace("sha256:1$", "sha256:many$"), "account 1: password_hash is none"),
        (GOOD.replace("pbkdf2:sha256:1$", "pbkdf2:sha7:1$"), "account 1: password_hash is none"),
        (GOOD.replace(HASH, "right"), "account 1: password_hash is none"),
        (GOOD.replace(HASH, "scrypt:rubbish"), "account 1: password_hash is none"),
        (GOOD.replace(HASH, "scrypt:2:1:1$salt$00"), "account 1: password_hash is none"),
        (GOOD + GOOD.replace("Priya@", "priya@"), "account 2: email"),
    ],
)
def test_a_wrong_account_says_which_and_why(tmp_path: Path, text: str, problem: str) -> None:
    assert account_problems(tmp_path, text)[0].startswith(problem)


def test_all_wrong_accounts_are_said_at_once(tmp_path: Path) -> None:
    found = account_problems(
        tmp_path, GOOD + "[[account]]\nname = 'x'\n" + "[[account]]\nrole = ''"
    )

    assert [line.split(" – ")[0] for line in found] == [
        "account 2: has no email",
        "account 2: has no role",
        "account 2: has no password_hash",
        "account 3: has no email",
        "account 3: has no name",
        "account 3: has no role",
        "account 3: has no password_hash",
    ]


def test_both_kinds_of_hashes_are_taken(tmp_path: Path) -> None:
    assert read_accounts(accounts_file(tmp_path, GOOD.replace(HASH, SCRYPT))).decoy


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PGWITNESS_ACCOUNTS has to name a file"):
        read_accounts(tmp_path / "none.toml")


def test_an_unknown_address_is_checked_against_a_hash_as_slow_as_the_others(
    tmp_path: Path,
) -> None:
    accounts = read_accounts(accounts_file(tmp_path, GOOD))

    assert accounts.decoy.partition("$")[0] == HASH.partition("$")[0]
