"""When something fails: the write and its entry live or die together, and PostgreSQL says why."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg import errors

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.databases import new_database
from tests.shop import APP, SCHEMA, TRACKED, Connection, Log, acting_as, admit, insert, install
from tests.shop import written as written_by
from tests.tracking import entries, make, operations

WAITING = "SELECT pid FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
TODAY = """
SELECT pg_relation_filepath('audit.entry_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD'))
"""
LOCKS = "SELECT count(DISTINCT relation) FROM pg_locks WHERE pid = pg_backend_pid()"


@pytest.fixture
def superuser(cluster: Cluster, app: Connection) -> Iterator[Connection]:
    """A superuser in the shop, in no transaction."""
    conninfo = cluster.conninfo("shop", host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True) as superuser:
        yield superuser


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """Let every write to a file of the server find that there is no space left."""
    kept = file.with_name(f"{file.name}.kept")
    file.rename(kept)
    file.symlink_to("/dev/full")
    try:
        yield
    finally:
        file.unlink()
        kept.rename(file)


@contextmanager
def capture_that_waits(shop: str, app: Connection) -> Iterator[Thread]:
    """Rename a product whose seller is locked: its capture waits for the seller's name."""
    insert(app, "product", name="Lamp", seller_id=1)
    with psycopg.connect(shop) as migration:
        migration.execute("LOCK TABLE shop.seller IN ACCESS EXCLUSIVE MODE")
        writing = Thread(target=fail_to_rename, args=[app])
        writing.start()
        yield writing
        writing.join()


def fail_to_rename(app: Connection) -> None:
    with pytest.raises((errors.QueryCanceled, errors.AdminShutdown)):
        app.execute("UPDATE shop.product SET name = 'Lantern'")


def wait_for_lock(superuser: Connection, backend: int) -> None:
    while not superuser.execute(WAITING, [backend]).fetchall():
        pass


def test_a_full_disk_refuses_the_write_and_nothing_else(cluster: Cluster, tmp_path: Path) -> None:
    with new_database(cluster, "faults") as conninfo, psycopg.connect(conninfo) as owner:
        install(owner, tmp_path, SCHEMA, TRACKED)
        admit(owner, "shop")
        [(file,)] = owner.execute(TODAY).fetchall()
        owner.commit()
        with (
            full_disk(cluster.data / "pgdata" / file),
            psycopg.connect(conninfo, user=APP) as app,
        ):
            with pytest.raises(errors.DiskFull), app.transaction():
                insert(app, "variant", id=1)
            insert(app, "seller")
        with psycopg.connect(conninfo, user=APP) as app:
            insert(app, "variant", id=2)

        assert owner.execute("SELECT count(*) FROM shop.seller").fetchone() == (1,)
        assert owner.execute("SELECT id FROM shop.variant").fetchall() == [(2,)]
        assert [entry.row_key["id"] for entry in entries(owner)] == [2]


def test_a_statement_with_more_rows_than_temporary_files_may_hold_is_refused(
    superuser: Connection, log: Log
) -> None:
    with superuser.transaction(force_rollback=True):
        make(superuser, "load", "(id int, body text)", capture="statement")
        superuser.execute("SET LOCAL work_mem = '64kB'; SET LOCAL temp_file_limit = '256kB'")
        fill = "INSERT INTO shop.load SELECT n, repeat('x', 500) FROM generate_series(1, {}) AS n"
        with pytest.raises(errors.ConfigurationLimitExceeded), acting_as(superuser, APP):
            superuser.execute(fill.format(5000).encode())
        with acting_as(superuser, APP):
            superuser.execute(fill.format(5).encode())

        assert superuser.execute("SELECT count(*) FROM shop.load").fetchone() == (5,)
        assert len(written_by(superuser)) == 5


def test_a_write_that_is_cancelled_while_it_is_captured_leaves_nothing(
    shop: str, app: Connection, superuser: Connection, log: Log
) -> None:
    with capture_that_waits(shop, app):
        wait_for_lock(superuser, app.info.backend_pid)
        superuser.execute("SELECT pg_cancel_backend(%s)", [app.info.backend_pid])
    insert(app, "variant")

    assert superuser.execute("SELECT name FROM shop.product").fetchall() == [("Lamp",)]
    assert operations(log()) == [("INSERT", "product"), ("INSERT", "variant")]


def test_a_session_that_is_ended_while_it_is_captured_leaves_nothing(
    shop: str, superuser: Connection, log: Log
) -> None:
    with (
        psycopg.connect(shop, user=APP, autocommit=True) as another,
        capture_that_waits(shop, another),
    ):
        wait_for_lock(superuser, another.info.backend_pid)
        superuser.execute("SELECT pg_terminate_backend(%s)", [another.info.backend_pid])

    assert superuser.execute("SELECT name FROM shop.product").fetchall() == [("Lamp",)]
    assert operations(log()) == [("INSERT", "product")]


def test_a_deadlock_over_a_name_costs_the_name_and_not_the_write(
    shop: str, cluster: Cluster, superuser: Connection, log: Log
) -> None:
    """Only a superuser may say after which time somebody looks for a deadlock."""
    insert(superuser, "variant")
    insert(superuser, "product", seller_id=1)
    with (
        psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as writer,
        psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as migration,
    ):
        writer.execute(f"SET deadlock_timeout = '10ms'; SET SESSION AUTHORIZATION {APP}".encode())
        writer.execute("UPDATE shop.variant SET size = 'M'")
        migration.execute("SET deadlock_timeout = '1min'")
        migration.execute("LOCK TABLE shop.seller IN ACCESS EXCLUSIVE MODE")
        waiting = Thread(target=migration.execute, args=["UPDATE shop.variant SET size = 'L'"])
        waiting.start()
        wait_for_lock(superuser, migration.info.backend_pid)
        writer.execute("UPDATE shop.product SET name = 'Lamp'")
        writer.commit()
        waiting.join()
        migration.commit()

    named, nameless = (entry for entry in log() if entry.table_name == "product")
    assert (named.labels, nameless.labels) == ({"seller_id": {"1": "Ana Diaz"}}, None)
    assert nameless.new_row["name"] == "Lamp"
    assert [entry.new_row["size"] for entry in log() if entry.part] == [None, "M", "L"]


def test_a_sequence_of_entries_that_is_at_its_end_starts_over(owner: Connection) -> None:
    with acting_as(owner, APP):
        insert(owner, "variant", id=1)
    owner.execute("SET ROLE audit_owner")
    owner.execute(
        "DO $$ BEGIN EXECUTE format('ALTER SEQUENCE audit.entry_id_seq MAXVALUE %s',"
        " (SELECT last_value FROM audit.entry_id_seq)); END $$"
    )
    owner.execute("RESET ROLE")
    with acting_as(owner, APP):
        insert(owner, "variant", id=2)

    assert {entry.row_key["id"]: entry.id == 1 for entry in written_by(owner)} == {
        1: False,
        2: True,
    }


def test_a_write_locks_no_more_however_many_days_are_kept(app: Connection) -> None:
    with app.transaction():
        app.execute("INSERT INTO shop.note VALUES ('a')")
        [(locked,)] = app.execute(LOCKS).fetchall()

    # The table, the log, its sequence, the partition of today and its indexes, what is asked here.
    assert locked < 20, "max_locks_per_transaction would have to grow with the days"
