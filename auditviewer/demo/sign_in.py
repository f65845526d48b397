"""How the people of the demo sign in to the viewer: accounts.toml, and the key of its sessions.

Both are made in the data folder, for nobody else to read; the passwords are no secrets.
"""

import json
import os
import secrets
from pathlib import Path

from werkzeug.security import generate_password_hash

from auditviewer.demo.week.people import AIKO, PRIYA, TOMAS, Person

ACCOUNTS = (PRIYA, TOMAS, AIKO)
"""Who can sign in to the viewer: an account admin, an admin, and one whom it must refuse."""


def password_of(person: Person) -> str:
    """Return the password: a demo on this machine alone has nothing to hide."""
    return person.email.split("@")[0] + "-demo"


def write_accounts(folder: Path) -> Path:
    """Write the accounts.toml of the viewer, readable by its owner alone, and return its path."""
    entries = [
        "\n".join(
            [
                "[[account]]",
                *(f"{key} = {json.dumps(value)}" for key, value in _account(person).items()),
            ]
        )
        for person in ACCOUNTS
    ]
    path = folder / "accounts.toml"
    _write_private(path, "\n\n".join(entries) + "\n")
    return path


def read_secret_key(folder: Path) -> str:
    """Return what signs the viewer's sessions, made once: who is signed in stays so."""
    path = folder / "secret_key"
    if not path.exists():
        _write_private(path, secrets.token_hex(32))
    return path.read_text(encoding="ascii")


def _account(person: Person) -> dict[str, str]:
    return {
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "password_hash": generate_password_hash(password_of(person), method="pbkdf2:sha256:50000"),
    }


def _write_private(path: Path, text: str) -> None:
    # Created under another name: the file is never there half-written, nor open to others.
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)
