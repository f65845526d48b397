"""Under which account PostgreSQL runs, and in which folder that account can work.

It never creates an account and never opens a folder of the caller's to others.
"""

import hashlib
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

NOTHING: Mapping[str, str] = MappingProxyType({})


class ClusterError(Exception):
    """The private cluster can't be had: where – what – how to fix."""


@dataclass(frozen=True)
class Account:
    """The account that PostgreSQL runs as; *drop* when that takes giving up root."""

    uid: int
    gid: int
    name: str
    drop: bool

    def give(self, folder: Path) -> None:
        """Make *folder*, which the caller just created, this account's own."""
        if self.drop:
            os.chown(folder, self.uid, self.gid)


def say(text: str) -> None:
    """Tell on stderr what was mended or moved."""
    print(f"pgwitness: {text}", file=sys.stderr, flush=True)


def choose_account(data: Path) -> Account:
    """Return who runs PostgreSQL: the caller, or for root an account that the machine has.

    PostgreSQL refuses root, and initdb refuses a uid that has no name. A cluster that exists in
    *data* is run by its owner.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), "you", drop=False)
    for entry in _unprivileged(data):
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, drop=True)
    raise ClusterError(
        "PostgreSQL: refuses to run as root, and there is no account postgres or nobody – "
        "run this as an ordinary user"
    )


def _unprivileged(data: Path) -> Iterator[pwd.struct_passwd]:
    entries = pwd.getpwall()
    if data.exists() and (owner := data.stat().st_uid) != 0:
        yield from (entry for entry in entries if entry.pw_uid == owner)
    for name in ("postgres", "nobody"):
        yield from (entry for entry in entries if entry.pw_name == name)


def run(
    account: Account, command: Sequence[str | Path], environment: Mapping[str, str] = NOTHING
) -> subprocess.CompletedProcess[str]:
    """Run *command* as *account*, with its output and errors together in stdout.

    Nothing of the caller's environment (PGDATA, PGOPTIONS, LC_ALL) reaches it. Raises
    PermissionError when the account can't execute it.
    """
    return subprocess.run(
        [str(part) for part in command],
        user=account.uid if account.drop else None,
        group=account.gid if account.drop else None,
        extra_groups=[] if account.drop else None,
        env={"PATH": os.defpath, "LC_ALL": "C", **environment},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Tell whether *account* gets into *folder* through all of its parents."""
    return run(account, ["/bin/sh", "-c", 'cd "$1" 2>/dev/null', "sh", folder]).returncode == 0


def make_home(data: Path) -> Path:
    """Return *data*, or a folder of its own where the account of PostgreSQL can't get there."""
    made = not data.exists()
    data.mkdir(parents=True, exist_ok=True)
    if made:
        data.chmod(0o755)
    account = choose_account(data / "pgdata")
    if can_enter(account, data):
        return data
    home = reachable_home(data)
    home.mkdir(exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        raise ClusterError(f"{home}: is not yours – remove it, or choose another data folder")
    home.chmod(0o755)
    if made:
        data.rmdir()
    say(f"{data}: {account.name} can't get there; the database is kept in {home}")
    return home


def reachable_home(data: Path) -> Path:
    """Return the folder that stands in for *data* where PostgreSQL's account can't get there."""
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path("/var/tmp") / f"pgwitness-{name}"  # noqa: S108 - its owner is checked
