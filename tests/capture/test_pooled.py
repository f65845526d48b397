"""Connections that several clients share, as PgBouncer's transaction pooling has them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.account import choose_account
from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.shop import APP, Connection, Log, insert

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
if PROGRAM is None:
    pytest.skip("there is no PgBouncer: sudo apt-get install pgbouncer", allow_module_level=True)

# One connection to the server, which a client has for a transaction.
SETTINGS = """
[databases]
shop = host={host} port={server} user={user}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
log_connections = 0
log_disconnections = 0
log_stats = 0
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_up(process: subprocess.Popen[str]) -> None:
    said = []
    for line in process.stderr or ():
        said.append(line)
        if "process up" in line:
            return
    pytest.fail("".join(said))


@contextmanager
def running(settings: Path) -> Iterator[None]:
    """Run PgBouncer until the end of the block; it refuses root, as PostgreSQL does."""
    account = choose_account(settings)
    command = [str(PROGRAM), str(settings)]
    with subprocess.Popen(
        command,
        user=account.uid if account.drop else None,
        group=account.gid if account.drop else None,
        extra_groups=[] if account.drop else None,
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until_up(process)
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def pooled(cluster: Cluster, data_folder: Path) -> Iterator[str]:
    """Return how clients connect to the shop through PgBouncer."""
    port = free_port()
    settings = data_folder / "pgbouncer.ini"
    text = SETTINGS.format(host=LOOPBACK, server=cluster.port, port=port, user=APP)
    settings.write_text(text, encoding="utf-8")
    with running(settings):
        yield f"host={LOOPBACK} port={port} dbname=shop user={APP}"


@pytest.fixture
def ana(pooled: str, app: Connection) -> Iterator[Connection]:
    """A client of the pool."""
    with client(pooled) as connection:
        yield connection


@pytest.fixture
def jonas(pooled: str, app: Connection) -> Iterator[Connection]:
    """Another client of the pool."""
    with client(pooled) as connection:
        yield connection


@contextmanager
def client(pooled: str) -> Iterator[Connection]:
    # What a statement was prepared on may be another's connection by then.
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as connection:
        yield connection
        connection.execute("DISCARD ALL")


def said(log: Log) -> list[tuple[str | None, bool | None]]:
    return [(entry.actor, entry.actor_bound) for entry in log()]


def test_clients_take_turns_on_one_connection(ana: Connection, jonas: Connection) -> None:
    one, two = (c.execute("SELECT pg_backend_pid()").fetchone() for c in (ana, jonas))

    assert one == two


def test_an_actor_set_for_a_session_is_taken_for_the_next_client_s_and_marked(
    ana: Connection, jonas: Connection, log: Log
) -> None:
    ana.execute("SET audit.actor = 'ana'; SET audit.ip = '203.0.113.24'")
    insert(jonas, "variant")

    assert said(log) == [("ana", False)]


def test_a_leak_outlives_the_client_that_it_came_from(
    pooled: str, jonas: Connection, log: Log
) -> None:
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as gone:
        gone.execute("SET audit.actor = 'ana'")
    insert(jonas, "variant", id=1)
    with client(pooled) as late:
        insert(late, "variant", id=2)

    assert said(log) == [("ana", False)] * 2


@pytest.mark.parametrize(
    ("statement", "is_bound"),
    [("SET LOCAL audit.actor = 'ana'", False), ("SELECT audit.set_context('ana')", True)],
)
def test_an_actor_set_for_a_transaction_does_not_leak(
    ana: Connection, jonas: Connection, log: Log, statement: str, is_bound: bool
) -> None:
    with ana.transaction():
        ana.execute(statement.encode())
        insert(ana, "variant", id=1)
    insert(jonas, "variant", id=2)
    with jonas.transaction():
        insert(jonas, "variant", id=3)
    insert(ana, "variant", id=4)

    assert said(log) == [("ana", is_bound), (None, None), (None, None), (None, None)]


@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK"])
def test_an_actor_does_not_outlive_a_transaction_however_it_ends(
    ana: Connection, jonas: Connection, log: Log, ending: str
) -> None:
    ana.execute("BEGIN")
    ana.execute("SELECT audit.set_context('ana', '203.0.113.24', 'Ana Diaz', '{}')")
    ana.execute(ending.encode())
    insert(jonas, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_name, entry.ip, entry.context) == (None,) * 4


def test_who_names_an_actor_is_not_mistaken_for_one_that_leaked(
    ana: Connection, jonas: Connection, log: Log
) -> None:
    ana.execute("SET audit.actor = 'ana'; SET audit.ip = '203.0.113.24'")
    with jonas.transaction():
        jonas.execute("SELECT audit.set_context('jonas')")
        insert(jonas, "variant")

    [entry] = log()
    assert (entry.actor, entry.ip, entry.actor_bound) == ("jonas", None, True)


def test_an_actor_that_was_bound_and_leaked_is_not_bound_for_the_next_client(
    ana: Connection, jonas: Connection, log: Log
) -> None:
    with ana.transaction():
        ana.execute("SELECT audit.set_context('ana')")
        for setting in ("audit.actor", "audit.bound_to"):
            ana.execute("SELECT set_config(%s, current_setting(%s), false)", [setting] * 2)
    insert(jonas, "variant")

    assert said(log) == [("ana", False)]


def test_clients_that_write_by_turns_are_each_named_in_their_own_entries(
    ana: Connection, jonas: Connection, log: Log
) -> None:
    for number in range(20):
        name, client = ("ana", ana) if number % 2 else ("jonas", jonas)
        with client.transaction():
            client.execute("SELECT audit.set_context(%s)", [name])
            insert(client, "variant", id=number)

    assert said(log) == [("jonas", True), ("ana", True)] * 10


def test_a_client_s_settings_that_leak_change_nothing_of_what_is_stored(
    ana: Connection, jonas: Connection, log: Log
) -> None:
    ana.execute("SET timezone = 'America/New_York'; SET bytea_output = 'escape'")
    ana.execute("SET search_path = pg_temp; CREATE TEMP TABLE entry (id int)")
    insert(jonas, "reading", at="2026-03-29 12:00:00+00", raw=b"\xff")

    [entry] = log()
    assert entry.new_row["at"] == "2026-03-29T12:00:00+00:00"
    assert entry.new_row["raw"] == "\\xff"


def test_the_database_sees_the_pooler_and_what_the_client_calls_itself(
    pooled: str, app: Connection, log: Log
) -> None:
    with psycopg.connect(pooled, autocommit=True, application_name="web") as web:
        insert(web, "variant")

    [entry] = log()
    assert (entry.db_user, entry.application_name) == (APP, "web")
    assert str(entry.client_addr) == LOOPBACK
