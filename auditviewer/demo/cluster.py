"""A private PostgreSQL cluster in one folder: made, healed, started, stopped and removed.

It knows nothing of what is in the databases, and changes nothing outside of its folder.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psycopg.conninfo import make_conninfo

from auditviewer.demo.account import (
    NOTHING,
    ClusterError,
    choose_account,
    make_home,
    reachable_home,
    say,
)
from auditviewer.demo.binaries import Programs, find_binaries, runnable_programs

__all__ = ["Cluster", "ClusterError", "find_binaries", "remove", "start", "stop"]

LOOPBACK = "127.0.0.1"
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    *data* is the folder that holds everything of it, which may be another than the wanted one.
    Over *socket_dir*, which only its owner and root can enter, every role is trusted; over TCP on
    127.0.0.1 what `start` was told holds.
    """

    data: Path
    port: int
    socket_dir: Path
    programs: Programs
    superuser: str
    lock: int

    @property
    def binaries(self) -> Path:
        """The folder of psql, pg_dump and the others."""
        return self.programs.folder

    def conninfo(self, dbname: str = "postgres", user: str | None = None, *, host: str = "") -> str:
        """Return a libpq connection string, over the private socket unless *host* is given."""
        return make_conninfo(
            host=host or str(self.socket_dir),
            port=self.port,
            dbname=dbname,
            user=user or self.superuser,
        )


def start(
    data: Path,
    *,
    port: int | None = None,
    settings: Mapping[str, str] = NOTHING,
    auth: Literal["trust", "scram"] = "scram",
) -> Cluster:
    """Start the cluster kept in *data*, made when there is none yet, and return it.

    *port* is a free one unless given; *settings* are server settings (`postgres -c`); *auth* says
    how roles log in over TCP, and counts when the cluster is made. What an interrupted run left
    behind is mended, with a line on stderr. Raises ClusterError.
    """
    home = make_home(data.absolute())
    lock = _lock(home)
    try:
        pgdata = home / "pgdata"
        programs = runnable_programs(choose_account(pgdata), home)
        if pgdata.exists():
            _end_leftover(programs, pgdata)
        else:
            _initdb(programs, pgdata, auth)
        chosen = port or _free_port()
        socket_dir = _launch(programs, pgdata, {**settings, "port": str(chosen)})
    except BaseException:
        os.close(lock)
        raise
    return Cluster(home, chosen, socket_dir, programs, SUPERUSER, lock)


def stop(cluster: Cluster) -> None:
    """Stop the cluster, cutting its connections; no harm when it is not running any more."""
    _end_leftover(cluster.programs, cluster.data / "pgdata", expected=True)
    _remove_socket_dir(cluster.socket_dir)
    os.close(cluster.lock)


def remove(data: Path) -> None:
    """Delete the cluster kept in *data*, and stop the server that a dead process left running.

    Raises ClusterError while a living process uses it.
    """
    elsewhere = reachable_home(data.absolute())
    for home in (data.absolute(), elsewhere):
        if home.exists():
            _remove_home(home)
    shutil.rmtree(elsewhere, ignore_errors=True)


def _remove_home(home: Path) -> None:
    lock = _lock(home)
    pgdata = home / "pgdata"
    if (pgdata / "postmaster.pid").exists():
        _end_leftover(runnable_programs(choose_account(pgdata), home), pgdata)
    for name in ("pgdata", "pgdata.new", "binaries"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "lock").unlink()
    os.close(lock)
    if not any(home.iterdir()):
        home.rmdir()


def _lock(home: Path) -> int:
    """Claim *home* for this process until the returned descriptor is closed, or it dies."""
    try:
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError as error:
        raise ClusterError(
            f"{error.filename}: belongs to another account – remove {home}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 20).decode() or "unknown"
        os.close(lock)
        raise ClusterError(
            f"{home}: is in use by process {owner} – stop that one first (Ctrl-C where it runs)"
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _initdb(programs: Programs, pgdata: Path, auth: str) -> None:
    # A cluster gets its name only when it is complete: the unfinished one is never mistaken.
    unfinished = pgdata.with_suffix(".new")
    if unfinished.exists():
        say(f"{unfinished}: left unfinished by an interrupted start; making it again")
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    programs.account.give(unfinished)
    method = {"trust": "trust", "scram": "scram-sha-256"}[auth]
    options = ["-U", SUPERUSER, "--auth-local=trust", f"--auth-host={method}", "--no-sync"]
    made = programs.run("initdb", "-D", unfinished, *options, *_encoding(programs))
    if made.returncode != 0:
        raise ClusterError(f"{unfinished}: initdb failed:\n{made.stdout}")
    unfinished.rename(pgdata)


def _encoding(programs: Programs) -> list[str]:
    # Locales other than C are missing from slim images; the built-in provider came with 17.
    options = ["-E", "UTF8", "--locale=C"]
    if programs.major_version() >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options


def _end_leftover(programs: Programs, pgdata: Path, *, expected: bool = False) -> None:
    """Stop the server that runs on *pgdata*, or remove the trace of one that died."""
    pid_file = pgdata / "postmaster.pid"
    if not pid_file.exists():
        return
    port, socket_dir = [*pid_file.read_text().splitlines(), *[""] * 5][3:5]
    if _answers(Path(socket_dir) / f".s.PGSQL.{port}"):
        if not expected:
            say(f"{pgdata}: stopping the server that an earlier run left behind")
        ended = programs.run("pg_ctl", "stop", "-D", pgdata, "-m", "fast", "-w")
        if ended.returncode != 0:
            raise ClusterError(f"{pgdata}: the server doesn't stop:\n{ended.stdout}")
    else:
        # Its process number may belong to another process by now, which PostgreSQL can't tell.
        say(f"{pid_file}: left by a server that died; removed")
        pid_file.unlink()
    if socket_dir:
        _remove_socket_dir(Path(socket_dir))


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _remove_socket_dir(folder: Path) -> None:
    # Only what PostgreSQL puts there: the name may come from a file that root doesn't own.
    for name in folder.glob(".s.PGSQL.*"):
        name.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _launch(programs: Programs, pgdata: Path, settings: Mapping[str, str]) -> Path:
    """Start the server and return the folder of its socket."""
    # Not in pgdata or $TMPDIR: 107 bytes limit the path of a socket, and every account gets there.
    socket_dir = Path(tempfile.mkdtemp(prefix="pgw-", dir="/tmp"))
    programs.account.give(socket_dir)
    places = {"listen_addresses": LOOPBACK, "unix_socket_directories": str(socket_dir)}
    options = [
        part for key, value in {**settings, **places}.items() for part in ("-c", f"{key}={value}")
    ]
    log = pgdata / "server.log"
    log.unlink(missing_ok=True)
    # With -l, for a postmaster that inherited our pipe would never let us read its end.
    started = programs.run(
        "pg_ctl", "start", "-D", pgdata, "-w", "-t", "120", "-l", log, "-o", shlex.join(options)
    )
    if started.returncode != 0:
        _remove_socket_dir(socket_dir)
        said = log.read_text(errors="replace") if log.exists() else started.stdout
        raise ClusterError(
            f"{pgdata}: PostgreSQL doesn't start – mend what its log ends with, or remove the "
            "folder:\n" + "\n".join(said.splitlines()[-8:])
        )
    return socket_dir
