"""Folding the log over the first rows gives the last ones, whatever is written and however.

Schemas and statements are drawn. PGWITNESS_REPLAY_EXAMPLES says how many sequences of statements to
try, and PGWITNESS_REPLAY_SEED asks for other schemas than usual.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.parse import read_config
from generator.reconcile import reconcile
from tests.databases import new_database
from tests.replay.fold import Entry, Evidence
from tests.replay.install import as_toml, install_worlds
from tests.replay.running import Database, replay, run
from tests.replay.schema import make_world
from tests.replay.statements import Step, steps
from tests.replay.wal import publish
from tests.shop import APP, AUDITOR, Connection

EXAMPLES = int(os.environ.get("PGWITNESS_REPLAY_EXAMPLES", "500"))
SEED = os.environ.get("PGWITNESS_REPLAY_SEED", "")
WORLDS = {world.schema: world for world in (make_world(number, SEED) for number in range(15))}
QUIET = WORLDS["replay_0"]
HOSTILE = """
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
SET search_path = '';
"""
CLIENTS = (
    (IsolationLevel.READ_COMMITTED, ""),
    (IsolationLevel.REPEATABLE_READ, ""),
    (IsolationLevel.SERIALIZABLE, HOSTILE),
)
"""How each connection of the application isolates its transactions, and its settings."""

Entries = tuple[Entry, ...]


@pytest.fixture(scope="module")
def database(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The worlds in a database, and the connections to it."""
    with new_database(cluster, "replay") as owner, ExitStack() as stack:
        with psycopg.connect(owner) as connection:
            install_worlds(connection, tmp_path_factory.mktemp("replay"), [*WORLDS.values()])

        def connect(user: str | None, *, autocommit: bool = True) -> Connection:
            address = cluster.conninfo("replay", user, host=LOOPBACK)
            connection = psycopg.connect(address, autocommit=autocommit)
            # What no commit waited for may not be in the write-ahead log yet when that is read.
            connection.execute("SET synchronous_commit = on")
            connection.commit()
            return stack.enter_context(connection)

        def client(isolation: IsolationLevel, settings: str) -> Connection:
            connection = connect(APP, autocommit=False)
            connection.execute(f"SET lock_timeout = '2ms'; {settings}".encode())
            connection.commit()
            connection.isolation_level = isolation
            return connection

        applications = [client(*each) for each in CLIENTS]
        superuser, auditor = connect(None), connect(AUDITOR)
        auditor.execute("SET timezone = 'UTC'")
        publish(superuser, [*WORLDS.values()])
        yield Database(applications, auditor, superuser)
        superuser.execute("SELECT pg_drop_replication_slot('replay')")


def written(database: Database, *statements: str) -> Evidence:
    """Run statements in a world whose triggers write to no other rows."""
    drawn = [Step(0, statement) for statement in statements]
    return replay(database, QUIET, lambda: run(database, drawn))


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_the_log_tells_what_became_of_each_row(database: Database, data: st.DataObject) -> None:
    world = WORLDS[data.draw(st.sampled_from([*WORLDS]))]
    version = database.superuser.info.server_version
    drawn = data.draw(st.lists(steps(world, version), min_size=6, max_size=20))

    evidence = replay(database, world, lambda: run(database, drawn))

    in_order = not world.nests and not any(step.replaces_rows for step in drawn)
    assert evidence.differences(in_order=in_order) == []


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("reconcile") / "audit.toml"
    path.write_text(as_toml([*WORLDS.values()]), encoding="utf-8")
    return read_config(path)


@settings(max_examples=max(EXAMPLES // 10, 1))
@given(data=st.data())
def test_each_row_is_as_its_newest_entry_says(
    database: Database, config: Config, data: st.DataObject
) -> None:
    world = WORLDS[data.draw(st.sampled_from([*WORLDS]))]
    version = database.superuser.info.server_version
    drawn = data.draw(st.lists(steps(world, version), min_size=6, max_size=20))

    replay(database, world, lambda: run(database, drawn))

    tables = [table for table in config.tables if table.name.schema == world.schema]
    results = list(reconcile(database.auditor, config, tables))
    assert [found for result in results for found in result.differences] == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda entries: entries[1:],
        lambda entries: (*entries, entries[-1]),
        lambda entries: (entries[1], entries[0], *entries[2:]),
        lambda entries: (*entries[:-1], replace(entries[-1], new=entries[-1].old)),
        lambda entries: (*entries[:-1], replace(entries[-1], transaction=0)),
        lambda entries: (*entries[:-1], replace(entries[-1], operation="DELETE", new=None)),
    ],
)
def test_a_log_that_tells_otherwise_is_found(
    database: Database, forge: Callable[[Entries], Entries]
) -> None:
    evidence = written(
        database,
        "UPDATE replay_0.node SET n = 7 WHERE id = (SELECT min(id) FROM replay_0.node)",
        "UPDATE replay_0.node SET n = 8 WHERE n = 7",
    )
    assert evidence.differences(in_order=True) == []

    forged = replace(evidence, entries=forge(evidence.entries))
    assert forged.differences(in_order=True) != []


def test_a_row_that_was_written_past_the_triggers_is_found(database: Database) -> None:
    def write_unseen() -> None:
        database.superuser.execute(
            """
            ALTER TABLE replay_0.leaf DISABLE TRIGGER "!audit_delete";
            DELETE FROM replay_0.leaf WHERE id = (SELECT min(id) FROM replay_0.leaf);
            ALTER TABLE replay_0.leaf ENABLE ALWAYS TRIGGER "!audit_delete";
            """
        )

    evidence = replay(database, QUIET, write_unseen)

    missing, stands = evidence.differences(in_order=True)
    assert missing.startswith("not in the log")
    assert stands.startswith("leaf has no")


def test_entries_of_what_a_query_cut_short_are_joined_by_key(database: Database) -> None:
    rewritten = written(
        database,
        """
        WITH gone AS (DELETE FROM replay_0.leaf RETURNING *)
        INSERT INTO replay_0.leaf (id, n) SELECT id, 9 FROM gone LIMIT 1
        """,
    )
    assert [entry.operation for entry in rewritten.entries] == ["INSERT", *["DELETE"] * 3]
    assert rewritten.differences(in_order=False) == []

    [early] = rewritten.differences(in_order=True)
    assert early.startswith("another row was still there")
