"""The demo: the week that it plays, and the way that it starts and stops."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from auditviewer.demo.cluster import Cluster, remove, start, stop
from auditviewer.demo.database import application_conninfo, prepare
from auditviewer.demo.week import WEEK
from tests.databases import MIGRATIONS

DEMO = [sys.executable, "-m", "auditviewer.demo"]
SAVES_THAT_ONLY_COUNT_RUNS = 1


@contextmanager
def data_folder() -> Iterator[Path]:
    """Make a folder that the account of PostgreSQL can reach, where pytest's are private."""
    folder = Path(tempfile.mkdtemp(prefix="pgwitness-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        remove(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Start a cluster with the demo's database in it."""
    with data_folder() as data:
        running = start(data, settings={"fsync": "off"})
        try:
            prepare(running)
            yield running
        finally:
            stop(running)


def ask(cluster: Cluster, query: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(cluster.conninfo("crm")) as connection:
        return connection.execute(query).fetchall()


def entries(cluster: Cluster) -> int:
    count: int = ask(cluster, "SELECT count(*) FROM audit.entry")[0][0]
    return count


@pytest.mark.parametrize("hour", range(24))
def test_week_is_told_in_order_whenever_it_is_played(hour: int) -> None:
    now = datetime(2026, 3, 30, hour, 59, tzinfo=UTC)

    moments = [save.when.before(now) for save in WEEK]

    assert moments == sorted(moments)
    assert timedelta(days=6) < now - moments[0] < timedelta(days=8)


def test_week_is_written_by_ordinary_roles(cluster: Cluster) -> None:
    roles = ask(
        cluster,
        """
        SELECT DISTINCT db_user, rolsuper, rolcreaterole
        FROM audit.entry
        JOIN pg_roles ON rolname = db_user
        ORDER BY db_user
        """,
    )

    assert roles == [("crm_jobs", False, False), ("crm_web", False, False)]


def test_each_save_is_one_transaction(cluster: Cluster) -> None:
    transactions = ask(cluster, "SELECT count(DISTINCT transaction_id) FROM audit.entry")[0][0]

    assert transactions == len(WEEK) - SAVES_THAT_ONLY_COUNT_RUNS


def test_an_entry_without_actor_is_of_the_product_itself(cluster: Cluster) -> None:
    programs = ask(
        cluster,
        """
        SELECT application_name, bool_or(actor IS NULL), bool_or(actor IS NOT NULL),
               bool_and(num_nulls(actor, actor_name, ip, context) IN (0, 4))
        FROM audit.entry
        GROUP BY application_name
        ORDER BY application_name
        """,
    )

    assert programs == [
        ("crm-mobile", False, True, True),
        ("crm-signup", True, False, True),
        ("crm-web", False, True, True),
        ("lead-scoring", True, False, True),
        ("nightly-fx", True, False, True),
        ("workflow-runner", True, False, True),
    ]


def test_week_ends_now_and_keeps_its_order(cluster: Cluster) -> None:
    [(first, last, is_ordered)] = ask(
        cluster,
        """
        SELECT now() - min(occurred_at), now() - max(occurred_at),
               bool_and(occurred_at >= before)
        FROM (
            SELECT occurred_at, lag(occurred_at, 1, '-infinity') OVER (ORDER BY id) AS before
            FROM audit.entry
        ) AS entry
        """,
    )

    assert 6 <= first.days <= 7
    assert last.total_seconds() < 600
    assert is_ordered


def test_a_save_keeps_its_time_spread(cluster: Cluster) -> None:
    [(starts_first, is_short, is_spread)] = ask(
        cluster,
        """
        SELECT bool_and(first >= transaction_at), bool_and(last < transaction_at + '10 s'),
               bool_and(times = entries)
        FROM (
            SELECT transaction_at, min(occurred_at) AS first, max(occurred_at) AS last,
                   count(DISTINCT occurred_at) AS times, count(*) AS entries
            FROM audit.entry
            GROUP BY transaction_id, transaction_at
        ) AS save
        """,
    )

    assert (starts_first, is_short, is_spread) == (True, True, True)


def test_a_renamed_person_is_in_the_log_under_both_names(cluster: Cluster) -> None:
    names = ask(
        cluster,
        "SELECT DISTINCT actor_name FROM audit.entry WHERE actor_name LIKE 'Jonas%' ORDER BY 1",
    )

    assert names == [("Jonas Berg",), ("Jonas Lind",)]


def test_no_secret_is_in_the_log(cluster: Cluster) -> None:
    found = ask(
        cluster,
        r"SELECT id FROM audit.entry AS e WHERE e::text LIKE '%whsec\_%' OR e::text ~ 'scrypt'",
    )
    rotations = ask(
        cluster, "SELECT id FROM audit.entry WHERE new_row -> 'webhook_secret' ? 'redacted'"
    )

    assert found == []
    assert rotations


def test_an_address_that_is_none_is_kept_as_it_came(cluster: Cluster) -> None:
    assert ask(cluster, "SELECT count(*) FROM audit.entry WHERE ip = 'unknown'") == [(2,)]


def test_log_is_closed_again_after_the_week_was_moved(cluster: Cluster) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        ask(cluster, "UPDATE audit.entry SET actor = 'nobody' RETURNING id")

    assert refusal.value.sqlstate == "UA001"


def test_application_can_neither_read_nor_change_the_log(cluster: Cluster) -> None:
    with (
        psycopg.connect(application_conninfo(cluster, "crm_web")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM audit.entry")


def test_second_start_keeps_what_is_there(cluster: Cluster) -> None:
    with psycopg.connect(application_conninfo(cluster, "crm_web")) as connection:
        connection.execute("UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE id = 1")
    before = entries(cluster)

    prepare(cluster)

    assert entries(cluster) == before


def test_a_database_left_unfinished_is_made_again(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(cluster.conninfo("crm")) as superuser:
        superuser.execute("COMMENT ON DATABASE crm IS NULL")
        superuser.execute("DROP TABLE crm.workflow_action")

    prepare(cluster)

    assert "left unfinished" in capsys.readouterr().err
    assert ask(cluster, "SELECT count(*) > 0 FROM crm.workflow_action") == [(True,)]


def test_a_database_of_other_migrations_is_made_again(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    played = "The week was played after 7 migrations, 0123456789abcdef."
    with psycopg.connect(cluster.conninfo("crm")) as superuser:
        superuser.execute(f"COMMENT ON DATABASE crm IS '{played}'".encode())

    prepare(cluster)

    assert "its migrations were others" in capsys.readouterr().err
    assert ask(cluster, "SELECT count(*) > 0 FROM audit.entry") == [(True,)]


def test_migrations_that_came_later_are_applied_to_what_is_there(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "9999_later.sql").write_text("CREATE TABLE crm.later ()")
    monkeypatch.setattr("auditviewer.demo.database._migrations_folder", lambda: tmp_path)
    before = entries(cluster)

    prepare(cluster)

    assert ask(cluster, "SELECT to_regclass('crm.later') IS NOT NULL") == [(True,)]
    assert entries(cluster) == before


@contextmanager
def running_demo(port: int, data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the demo as a process of its own, from the moment when it says how to sign in."""
    command = [*DEMO, "--port", str(port), "--data", str(data)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        try:
            yield demo, said
        finally:
            demo.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_ctrl_c_stops_all_that_was_started() -> None:
    port = free_port()
    with data_folder() as data, running_demo(port, data) as (demo, said):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/crm/workflows/2") as page:
            assert "Hand hot leads to sales" in page.read().decode()
        database_port = int(re.findall(r"psql .*-p (\d+)", said)[0])

        demo.send_signal(signal.SIGINT)
        _, messages = demo.communicate(timeout=30)

    assert demo.returncode == 0
    assert "Traceback" not in messages
    assert "stopped" in messages.splitlines()[-1]
    for closed in (port, database_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", closed))


def test_port_in_use_is_said_before_anything_is_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        demo = subprocess.run(
            [*DEMO, "--port", str(port), "--data", str(data)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert demo.returncode == 2
    assert f"127.0.0.1:{port}: is in use" in demo.stderr
    assert "--port" in demo.stderr
    assert not data.exists()
