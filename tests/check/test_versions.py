"""pgwitness check: what was altered and put back is found, and since when it was so."""

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from generator.config import Config
from generator.drift import Finding, find_drift
from generator.drift.dating import tell_moment
from generator.drift.notes import find_notes
from generator.parse import read_config
from generator.render import render_audit_schema, render_track
from tests.databases import REFERENCE, new_database

CONFIG = read_config(Path(__file__).parents[2] / "migrations" / "audit.toml")
# As who owns a table does it, who needs no right on the log for it.
TRICK = """
BEGIN;
ALTER TABLE {table} DISABLE TRIGGER "!audit_delete";
DELETE FROM {table};
ALTER TABLE {table} ENABLE ALWAYS TRIGGER "!audit_delete";
"""
USER = "INSERT INTO crm.app_user (full_name, email) VALUES ('Eve', 'eve@crm.example')"
SALE = """
source = "shop"
[table."public.sale"]
module = "Sales"
entity = "Sale"
"""
PLAIN = "CREATE TABLE sale (id int PRIMARY KEY, price int)"
PARTITIONED = """
CREATE TABLE sale (id int PRIMARY KEY, price int) PARTITION BY RANGE (id);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM (1) TO (10);
"""


@pytest.fixture
def owner(reference: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(reference, autocommit=True) as connection:
        yield connection


@pytest.fixture
def sale(tmp_path: Path) -> Config:
    (tmp_path / "audit.toml").write_text(SALE, encoding="utf-8")
    return read_config(tmp_path / "audit.toml")


def install(connection: psycopg.Connection, config: Config, table: str) -> None:
    connection.execute(render_audit_schema().encode())
    track(connection, config, table)


def track(connection: psycopg.Connection, config: Config, table: str) -> None:
    connection.execute(table.encode())
    connection.execute(render_track(config.tables[0]).encode())


def play(connection: psycopg.Connection, table: str) -> int:
    """Write to a table behind the log's back, and return the id of that transaction."""
    connection.execute(TRICK.format(table=table).encode())
    [(id_,)] = connection.execute("SELECT pg_current_xact_id()::text::bigint")
    connection.execute("COMMIT")
    return int(id_)


def found(connection: psycopg.Connection, config: Config = CONFIG) -> list[Finding]:
    return find_drift(connection, config)


def said(connection: psycopg.Connection, config: Config = CONFIG) -> list[str]:
    return [f"{f.state} {f.object}" for f in found(connection, config)]


def test_a_trigger_that_was_off_for_one_transaction_is_found(owner: psycopg.Connection) -> None:
    play(owner, "crm.app_user")
    assert said(owner) == ['altered trigger "!audit_delete" on crm.app_user']


def test_the_log_says_between_which_entries_that_was(owner: psycopg.Connection) -> None:
    began = datetime.now(UTC)
    owner.execute(USER.encode())
    id_ = play(owner, "crm.workflow")
    owner.execute(USER.replace("eve@", "eva@").encode())
    [finding] = found(owner)
    after, before = map(moment, re.findall(r"\S+ \S+ UTC", finding.since))
    query = "SELECT occurred_at FROM audit.entry ORDER BY id"
    first, second = (row[0] for row in owner.execute(query))
    assert began - timedelta(seconds=1) < after <= first < before + timedelta(seconds=1)
    assert before <= second
    assert finding.since.endswith(f"by transaction {id_}")


def test_what_installed_the_log_has_a_moment_too(owner: psycopg.Connection) -> None:
    [(first,)] = owner.execute(
        "SELECT min(transaction_id::text::bigint) FROM audit.object_version"
    ).fetchall()
    assert tell_moment(owner, first).startswith("between ")


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %Z").replace(tzinfo=UTC)


def test_what_else_that_transaction_wrote_says_who_it_was(owner: psycopg.Connection) -> None:
    with owner.transaction():
        owner.execute('ALTER TABLE crm.workflow DISABLE TRIGGER "!audit_insert"')
        owner.execute(USER.encode())
    [finding] = found(owner)
    assert (finding.state, finding.object) == (
        "disabled",
        'trigger "!audit_insert" on crm.workflow',
    )
    assert finding.since.endswith(" of crm_owner")


def test_a_function_that_was_another_for_a_while_is_found(owner: psycopg.Connection) -> None:
    with owner.transaction():
        owner.execute("SET LOCAL ROLE audit_writer")
        owner.execute("ALTER FUNCTION audit.capture_crm_workflow() SECURITY INVOKER")
        owner.execute("ALTER FUNCTION audit.capture_crm_workflow() SECURITY DEFINER")
    assert said(owner) == ["altered function audit.capture_crm_workflow"]


def test_where_a_guard_of_entries_was_off_verify_tells_what_was_done(
    owner: psycopg.Connection,
) -> None:
    off_and_on = "{0} DISABLE TRIGGER entry_is_append_only; {0} ENABLE TRIGGER entry_is_append_only"
    owner.execute(f"SET ROLE audit_owner; {off_and_on.format('ALTER TABLE audit.entry')}".encode())
    owner.execute("RESET ROLE")
    [finding] = found(owner)
    assert "find out why (pgwitness verify)" in finding.what


def test_a_trigger_that_was_dropped_and_made_again_alike_is_found(
    owner: psycopg.Connection,
) -> None:
    query = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = '!audit_delete'"
    [(definition,)] = owner.execute(f"{query} AND tgrelid = 'crm.workflow'::regclass".encode())
    owner.execute(
        'DROP TRIGGER "!audit_delete" ON crm.workflow; SET ROLE audit_writer;'
        "GRANT EXECUTE ON FUNCTION audit.capture_crm_workflow TO crm_owner; RESET ROLE;"
        f'{definition}; ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_delete"'.encode()
    )
    assert 'altered trigger "!audit_delete" on crm.workflow' in said(owner)


def test_ordinary_changes_of_a_table_alter_nothing(
    cluster: Cluster, owner: psycopg.Connection
) -> None:
    owner.execute(
        "ALTER TABLE crm.workflow ADD shade int; CREATE INDEX ON crm.workflow (shade);"
        "ALTER TABLE crm.workflow ALTER shade TYPE bigint; ANALYZE crm.workflow;"
        "ALTER TABLE crm.workflow RENAME shade TO tint; ALTER TABLE crm.workflow DROP tint;"
        "CREATE TABLE crm.note (workflow_id bigint REFERENCES crm.workflow)"
    )
    conninfo = cluster.conninfo(REFERENCE, host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True) as superuser:
        for catalogue in ("pg_trigger", "pg_proc", "pg_policy"):
            superuser.execute(f"VACUUM (FULL, FREEZE) {catalogue}".encode())
    assert said(owner) == []


def test_tracking_a_table_again_says_that_all_is_right(owner: psycopg.Connection) -> None:
    play(owner, "crm.workflow")
    tracked = next(table for table in CONFIG.tables if str(table.name) == "crm.workflow")
    with owner.transaction():
        owner.execute(render_track(tracked).encode())
    assert said(owner) == []


def test_partitions_that_come_later_alter_nothing_and_tricks_on_them_are_found(
    empty_log: str, sale: Config
) -> None:
    with psycopg.connect(empty_log, autocommit=True) as owner:
        track(owner, sale, PARTITIONED)
        owner.execute(
            "CREATE TABLE sale_2 PARTITION OF sale FOR VALUES FROM (10) TO (20);"
            "CREATE TABLE sale_3 (LIKE sale);"
            "ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES FROM (20) TO (30)"
        )
        assert said(owner, sale) == []
        play(owner, "sale_1")
        play(owner, "sale_2")
        assert said(owner, sale) == [
            f'altered trigger "!audit_delete" on public.sale_{n}' for n in (1, 2)
        ]


def test_partitions_that_left_or_were_tables_before_are_a_note(
    empty_log: str, sale: Config
) -> None:
    with psycopg.connect(empty_log, autocommit=True) as owner:
        track(owner, sale, PARTITIONED)
        owner.execute(
            "CREATE TABLE sale_2 PARTITION OF sale FOR VALUES FROM (10) TO (20);"
            "CREATE TABLE sale_3 (LIKE sale); INSERT INTO sale_3 VALUES (20);"
        )
        owner.execute("ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES FROM (20) TO (30)")
        owner.execute("ALTER TABLE sale DETACH PARTITION sale_1")
        notes = {note.what.partition(":")[0]: note.who for note in find_notes(owner)}
    assert notes["partitions that are gone since their table was tracked"] == ("public.sale_1",)
    assert notes["partitions that were tables of their own before"] == ("public.sale_3",)


def test_a_restored_database_is_one_finding(cluster: Cluster, reference: str) -> None:
    with new_database(cluster, "restored") as target:
        restore(cluster, REFERENCE, "restored")
        with psycopg.connect(target, autocommit=True) as owner:
            [finding] = found(owner)
            owner.execute(finding.fix.encode())
            assert finding.state == "restored"
            assert said(owner) == []


def restore(cluster: Cluster, source: str, target: str) -> None:
    """Copy a database by pg_dump and psql, as a superuser."""
    programs = cluster.binaries
    dump = [str(programs / "pg_dump"), cluster.conninfo(source, host=LOOPBACK)]
    sql = subprocess.run(dump, check=True, capture_output=True).stdout
    psql = [str(programs / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", cluster.conninfo(target)]
    subprocess.run(psql, input=sql, check=True, capture_output=True)


def test_with_commit_timestamps_the_moment_is_exact(data_folder: Path, sale: Config) -> None:
    settings = {"track_commit_timestamp": "on", "fsync": "off"}
    running = start(data_folder / "clocked", settings=settings, auth="trust")
    try:
        with psycopg.connect(running.conninfo(host=LOOPBACK), autocommit=True) as owner:
            install(owner, sale, PLAIN)
            id_ = play(owner, "sale")
            [finding] = [f for f in found(owner, sale) if f.state == "altered"]
            query = "SELECT pg_xact_commit_timestamp(%s::text::xid)"
            [(committed,)] = owner.execute(query, [id_])
    finally:
        stop(running)
        remove(data_folder / "clocked")
    at = committed.astimezone(UTC)
    assert finding.since == f"{at:%Y-%m-%d %H:%M:%S} UTC, by transaction {id_}"


def test_a_server_whose_triggers_do_not_fire_is_found(data_folder: Path, sale: Config) -> None:
    settings = {"session_replication_role": "replica", "fsync": "off"}
    running = start(data_folder / "replica", settings=settings, auth="trust")
    try:
        with psycopg.connect(running.conninfo(host=LOOPBACK), autocommit=True) as owner:
            install(owner, sale, PLAIN)
            assert "changed parameter session_replication_role" in said(owner, sale)
    finally:
        stop(running)
        remove(data_folder / "replica")


def test_what_was_written_down_is_never_changed(owner: psycopg.Connection) -> None:
    owner.execute("SET ROLE audit_owner")
    for statement in ("DELETE FROM", "TRUNCATE"):
        with pytest.raises(psycopg.Error) as refused:
            owner.execute(f"{statement} audit.object_version".encode())
        assert refused.value.sqlstate == "UA001"
