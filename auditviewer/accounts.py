"""The viewer's own accounts: a TOML file of who may sign in, and whether a password is right.

Knows nothing of sessions and pages. A host application that knows its users needs none of it.
"""

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug.security import check_password_hash, generate_password_hash

from auditviewer.config import ConfigError

KEYS = ("email", "name", "role", "password_hash")
LONGEST_PASSWORD = 1024
PASSWORD_HASH = re.compile(r"((?:scrypt|pbkdf2):[^$]+)\$[^$]+\$[0-9a-f]+")


@dataclass(frozen=True)
class Account:
    """Who may sign in."""

    email: str
    name: str
    role: str
    password_hash: str

    def mark(self, secret: str) -> str:
        """Return what a session holds of the password: it ends where that changes."""
        return hmac.new(secret.encode(), self.password_hash.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Accounts:
    """All accounts by e-mail address, in lower case; *decoy* is a password that nobody has."""

    by_email: Mapping[str, Account]
    decoy: str

    def find(self, email: str) -> Account | None:
        """Return the account of an address, whatever its case."""
        return self.by_email.get(email.strip().casefold())

    def check(self, email: str, password: str) -> Account | None:
        """Return the account if the password is right.

        An unknown address costs as much time as a wrong password, so that none can be found out.
        """
        account = self.find(email)
        is_right = check_password_hash(
            account.password_hash if account else self.decoy, password[:LONGEST_PASSWORD]
        )
        return account if is_right else None


def read_accounts(path: Path) -> Accounts:
    """Read a file of [[account]] tables; raises ConfigError with all that is wrong in it."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror} – PGWITNESS_ACCOUNTS has to name a file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: is not TOML: {error} – see the accounts in the README"
        ) from error
    entries = told.get("account")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{path}: has no [[account]] – add at least one, in double brackets")
    problems = [
        f"{path}: account {number}: {problem}"
        for number, entry in enumerate(entries, start=1)
        for problem in _problems(entry, entries[: number - 1])
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    accounts = [Account(**{key: entry[key] for key in KEYS}) for entry in entries]
    method = accounts[0].password_hash.partition("$")[0]
    return Accounts(
        {account.email.strip().casefold(): account for account in accounts},
        generate_password_hash(secrets.token_hex(16), method=method),
    )


def _problems(entry: Any, earlier: Sequence[Any]) -> list[str]:
    if not isinstance(entry, dict):
        return ["is no table – write [[account]] above its lines"]
    missing = [key for key in KEYS if not isinstance(entry.get(key), str) or not entry[key]]
    problems = [f'has no {key} – write {key} = "…"' for key in missing]
    if "password_hash" not in missing and not _is_hash(entry["password_hash"]):
        problems.append(
            "password_hash is none – make one by python -c "
            "'from werkzeug.security import *; print(generate_password_hash(input()))'"
        )
    if "email" not in missing and _address(entry) in map(_address, earlier):
        problems.append(f"email {entry['email']!r} is another account's too – remove one of them")
    return problems


def _is_hash(text: str) -> bool:
    parts = PASSWORD_HASH.fullmatch(text)
    return parts is not None and _is_method(parts[1])


@cache
def _is_method(method: str) -> bool:
    # One that can't be computed would break the sign-in.
    try:
        generate_password_hash("", method=method)
    except ValueError:
        return False
    return True


def _address(entry: Any) -> object:
    email = entry.get("email") if isinstance(entry, dict) else None
    return email.strip().casefold() if isinstance(email, str) else None
