"""pgwitness maintain as a job of pg_cron: a program that the server's own account runs.

Needs Debian's postgresql-15-cron, so it is run where .ci/run names it. A job of "@reboot" is like
any other, but for when it runs: nobody has to wait for the next minute.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from auditviewer.demo.account import choose_account, run
from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from tests.databases import MIGRATIONS, OWNER, apply_migrations, own, yoyo_address
from tests.maintain.test_blocked import WRITE
from tests.maintenance import KEEPER, Upkeep, admit_keeper

PASSWORD = "a password for the tests alone"
SETTINGS = {
    "shared_preload_libraries": "pg_cron",
    "cron.host": LOOPBACK,
    "max_prepared_transactions": "5",
}
PACKAGES = ("generator", "click", "jinja2", "markupsafe", "psycopg", "typing_extensions")
LONGEST = 60
"""Seconds that a job may take."""
ADD_OLD = "SELECT audit._add_partition(current_date - 92, current_date - 91)"
FINISHED = "SELECT status, return_message FROM cron.job_run_details WHERE end_time IS NOT NULL"


@dataclass
class Scheduled:
    """A server with pg_cron and a log in it; *folder* is one that its account can read."""

    folder: Path
    clusters: list[Cluster] = field(default_factory=list)

    @property
    def upkeep(self) -> Upkeep:
        """The log as a superuser sees it."""
        return Upkeep(self.clusters[-1].conninfo(host=LOOPBACK))

    def start(self) -> None:
        """Start the server, on the same port as before."""
        port = self.clusters[-1].port if self.clusters else None
        data = self.folder / "cluster"
        self.clusters.append(start(data, port=port, settings=SETTINGS, auth="trust"))

    def as_superuser(self, statement: str, *values: object) -> list[Any]:
        return self.upkeep.as_owner(statement, *values, role="postgres")

    def run_job(self, command: str) -> tuple[Any, Any]:
        """Let pg_cron run a command; return what it says of it, and the run of maintenance."""
        before = len(self.upkeep.runs())
        self.as_superuser("SELECT cron.unschedule(jobid) FROM cron.job")
        self.as_superuser("TRUNCATE cron.job_run_details")
        self.as_superuser("SELECT cron.schedule('@reboot', %s)", command)
        stop(self.clusters[-1])
        self.start()
        [job] = until(lambda: self.as_superuser(FINISHED))
        return job, until(lambda: [r for r in self.upkeep.runs()[before:] if r.finished_at])[0]

    def maintain(self, *, in_background: bool = True) -> str:
        """Return the statement of a job that maintains; it sends no row to the program."""
        account = choose_account(self.folder / "cluster/pgdata")
        python = run(account, ["/bin/sh", "-c", "command -v python3"]).stdout.strip()
        keeper = make_conninfo(self.upkeep.conninfo, user=KEEPER)
        program = (
            f"PGPASSFILE={self.folder}/pgpass PYTHONPATH={self.folder} {python}"
            ' -c "from generator.cli import main; main()"'
            f' maintain --config {self.folder}/audit.toml --database "{keeper}"'
            + (f" >{self.folder}/cluster/pgdata/maintain.log 2>&1 &" if in_background else "")
        )
        return f"COPY (SELECT WHERE false) TO PROGRAM $program${program}$program$"


def until(look: Callable[[], list[Any]]) -> list[Any]:
    """Return what there is to see, once there is."""
    give_up = time.monotonic() + LONGEST
    while not (found := look()):
        assert time.monotonic() < give_up
    return found


def copy_program(folder: Path) -> None:
    """Put pgwitness and what it needs where the server's account can read it."""
    for name in PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        if spec.submodule_search_locations:
            shutil.copytree(spec.submodule_search_locations[0], folder / name)
        else:
            shutil.copy(str(spec.origin), folder)
    shutil.copytree(MIGRATIONS.parent / "sql", folder / "sql")
    shutil.copy(MIGRATIONS / "audit.toml", folder)


def require_password(server: Scheduled) -> None:
    """Let who maintains log in by a password alone, which stands where libpq looks for it."""
    cluster = server.clusters[-1]
    hba, secret = cluster.data / "pgdata/pg_hba.conf", server.folder / "pgpass"
    hba.write_text(f"host all {KEEPER} {LOOPBACK}/32 scram-sha-256\n{hba.read_text()}")
    secret.write_text(f"{LOOPBACK}:{cluster.port}:*:{KEEPER}:{PASSWORD}\n")
    secret.chmod(0o600)
    choose_account(cluster.data / "pgdata").give(secret)
    server.as_superuser(f"ALTER ROLE {KEEPER} PASSWORD '{PASSWORD}'")


@pytest.fixture(scope="module")
def scheduled(data_folder: Path) -> Iterator[Scheduled]:
    folder = data_folder / "pg_cron"
    folder.mkdir(mode=0o755)
    copy_program(folder)
    server = Scheduled(folder)
    server.start()
    with psycopg.connect(server.upkeep.conninfo) as superuser:
        superuser.execute("CREATE EXTENSION pg_cron")
        own(superuser)
    apply_migrations(yoyo_address(server.clusters[-1].conninfo(user=OWNER, host=LOOPBACK)))
    with psycopg.connect(server.upkeep.conninfo) as superuser:
        admit_keeper(superuser)
    require_password(server)
    yield server
    stop(server.clusters[-1])
    remove(folder / "cluster")


def leave_prepared(upkeep: Upkeep) -> None:
    """Leave a transaction prepared: it outlives a restart, and interrupts the next detach."""
    connection = psycopg.connect(upkeep.conninfo)
    connection.tpc_begin(connection.xid(1, "forgotten", ""))
    connection.execute(WRITE.encode())
    connection.tpc_prepare()
    connection.close()


def test_a_job_starts_it_and_it_does_all_there_is(scheduled: Scheduled) -> None:
    scheduled.upkeep.as_owner(ADD_OLD)
    job, run = scheduled.run_job(scheduled.maintain())
    assert (job.status, job.return_message) == ("succeeded", "COPY 0")
    assert (len(run.dropped), run.given_up) == (1, None)


def test_a_job_that_waits_for_it_is_in_the_way_of_what_was_interrupted(
    scheduled: Scheduled,
) -> None:
    scheduled.upkeep.as_owner(ADD_OLD)
    leave_prepared(scheduled.upkeep)
    job, run = scheduled.run_job(scheduled.maintain(in_background=False))
    assert job.status == "failed"
    assert re.search(r"is half detached: blocked by pid \d+ \(postgres, pg_cron", run.given_up)

    job, run = scheduled.run_job(scheduled.maintain())
    assert (job.status, run.given_up) == ("succeeded", None)
    assert scheduled.upkeep.days()[0] == -1
