"""A cluster of its own whose server can be killed and started again on the same address.

Kills processes, not power: what the operating system was given to write is there afterwards, unless
`power` takes that away, too.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from auditviewer.demo.cluster import LOOPBACK, remove, start, stop
from tests.databases import OWNER, own
from tests.limits import limit

SETTINGS = {
    "fsync": "off",
    "max_connections": "40",
    "max_prepared_transactions": "20",
    "wal_level": "logical",
    "wal_retrieve_retry_interval": "50ms",  # until replication that broke off goes on
}

SEGMENT = 16 * 2**20
"""Bytes of a file of the write-ahead log."""


class Server:
    """A running server. Its roles are trusted; *settings* hold for the next start, too."""

    def __init__(self, data: Path, settings: Mapping[str, str]) -> None:
        self.settings = dict(settings)
        self.cluster = start(data, settings=self.settings, auth="trust")

    def conninfo(self, dbname: str = "postgres", user: str | None = None) -> str:
        """Return how a role connects: before and after a kill alike."""
        return self.cluster.conninfo(dbname, user, host=LOOPBACK)

    @property
    def is_running(self) -> bool:
        """Whether it has not stopped by itself."""
        return self._pid_file.exists()

    def kill(self) -> None:
        """End all of its processes at once, none of which has a say in it (SIGKILL)."""
        postmaster = self._postmaster()
        # Stopped first, so that it starts no other one meanwhile and tells nobody.
        os.kill(postmaster, signal.SIGSTOP)
        processes = [*_children(postmaster), postmaster]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        for process in processes:
            _wait_for_end_of(process)

    def kill_one(self, backend: int) -> None:
        """End one of its processes as the operating system would that runs out of memory.

        The server ends all others then, and recovers by itself.
        """
        os.kill(backend, signal.SIGKILL)
        _wait_for_end_of(backend)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline, "it doesn't recover"

    def fill_up(self) -> None:
        """Let none of its files become as large as a new one of the write-ahead log has to be.

        So it finds what it would on a volume that is full, until it is restarted.
        """
        postmaster = self._postmaster()
        for process in (postmaster, *_children(postmaster)):
            limit(self.cluster, process, "fsize", SEGMENT - 1)

    def restart(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Start it after a kill, so that it recovers from its write-ahead log."""
        os.close(self.cluster.lock)
        meanwhile()
        self.cluster = start(
            self.cluster.data, port=self.cluster.port, settings=self.settings, auth="trust"
        )

    def new_database(self, name: str, template: str = "template1") -> str:
        """Create a database, hand it to an ordinary role, and say how its superuser connects."""
        with psycopg.connect(self.conninfo(), autocommit=True) as superuser:
            superuser.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        with psycopg.connect(self.conninfo(name)) as superuser:
            own(superuser)
        return self.conninfo(name)

    def copy_to(self, data: Path) -> "Server":
        """Return a standby of this one, which follows it from now on."""
        programs = self.cluster.programs
        data.mkdir(mode=0o755)
        programs.account.give(data)
        copied = programs.run(
            "pg_basebackup",
            *("-D", data / "pgdata", "-d", self.conninfo("")),
            *("--write-recovery-conf", "--checkpoint=fast"),
        )
        assert copied.returncode == 0, copied.stdout
        return Server(data, self.settings)

    def owner_of(self, name: str) -> str:
        """Return how the owner of a database connects."""
        return self.conninfo(name, OWNER)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _postmaster(self) -> int:
        return int(self._pid_file.read_text().split()[0])

    @property
    def _pid_file(self) -> Path:
        return self.cluster.data / "pgdata" / "postmaster.pid"


@contextmanager
def server() -> Iterator[Server]:
    """Run a server in a folder of its own, of which nothing is left."""
    folder = Path(tempfile.mkdtemp(prefix="pgwitness-crash-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        with ended(Server(folder / "cluster", SETTINGS)) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@contextmanager
def ended(running: Server) -> Iterator[Server]:
    """Stop a server in the end, whatever became of it, and remove it."""
    try:
        yield running
    finally:
        stop(running.cluster)
        remove(running.cluster.data)


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of the program may hold anything: what follows its last parenthesis counts.
            _, of, *_ = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(of) == parent:
            found.append(int(status.parent.name))
    return found


def _wait_for_end_of(process: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}/cwd").exists():
        assert time.monotonic() < deadline, "it doesn't end"
        time.sleep(0.005)
