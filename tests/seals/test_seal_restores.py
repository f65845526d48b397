"""A log that is restored elsewhere, or taken back, is sealed on only after somebody said why."""

import random
import subprocess
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest

from auditviewer.demo.cluster import start, stop
from generator.maintenance.waiting import Blocked
from generator.seals.sealing import Refused
from tests.chains import ADD, Chain
from tests.crash.server import Server, ended, server
from tests.crm import APP, create_role
from tests.databases import apply_migrations, yoyo_address
from tests.dumps import Tools
from tests.seal_commands import acknowledged, states

names = (f"crm_{number}" for number in count())

USE_TRANSACTIONS = """
CREATE TEMP TABLE used (n int);
DO $$ BEGIN
    FOR n IN 1..5000 LOOP
        BEGIN
            INSERT INTO used VALUES (n);
            RAISE no_data_found;
        EXCEPTION WHEN no_data_found THEN
        END;
    END LOOP;
END $$
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    """A server with the CRM and its log as a template, of which no entry is sealed."""
    with server() as running:
        conninfo = running.new_database("crm")
        apply_migrations(yoyo_address(running.owner_of("crm")))
        with psycopg.connect(conninfo) as superuser:
            create_role(superuser, APP, "crm_app")
        yield running


@pytest.fixture
def log(running: Server) -> Chain:
    """A log with 5 sealed entries and 3 that are not."""
    return written(Chain(running.new_database(next(names), "crm")))


def written(log: Chain) -> Chain:
    log.add(5)
    log.seal()
    log.add(3)
    return log


def copied(running: Server, log: Chain) -> Chain:
    """Return a copy of a log in another database of its cluster."""
    of = log.conninfo.split("dbname=")[1].split()[0]
    return Chain(running.new_database(next(names), of))


def restored(running: Server, log: Chain, another: Server) -> Chain:
    """Return a log that was dumped and restored in a new cluster."""
    of = log.conninfo.split("dbname=")[1].split()[0]
    folder = running.cluster.data / f"dump of {of}"
    folder.mkdir()
    running.cluster.programs.account.give(folder)
    tools = Tools(running.cluster, folder)
    roles = folder / "roles.sql"
    tools.run("pg_dumpall", "--roles-only", "-d", tools.conninfo("postgres"), "-f", roles)
    tools.run("psql", "-X", "-q", "-d", another.conninfo(), "-f", roles)
    chain = Chain(another.new_database("crm"))
    done = tools.run("pg_restore", "-d", chain.conninfo, tools.dump(of, "-Fc"))
    assert done.returncode == 0, done.stdout
    return chain


def test_a_promoted_standby_is_another_database_from_its_first_moment(
    running: Server, log: Chain
) -> None:
    with ended(running.copy_to(running.cluster.data.with_name("standby"))) as standby:
        copy = Chain(standby.conninfo(log.conninfo.split("dbname=")[1].split()[0]))
        assert states(copy.conninfo) == (0, [])
        Chain(standby.conninfo()).query("SELECT pg_promote()")
        copy.add()
        assert acknowledged(copy.conninfo) == 4
        copy.assert_whole()


def test_a_copy_in_the_same_cluster_is_sealed_once_that_is_acknowledged(
    running: Server, log: Chain
) -> None:
    copy = copied(running, log)
    copy.add(4)
    with pytest.raises(Refused):
        copy.seal()
    link = copy.acknowledge()
    copy.add(2)
    assert (link.kind, link.entries, [seal.entries for seal in copy.seal()]) == ("restore", 7, [2])
    copy.assert_whole()


def test_heads_of_a_copy_do_not_keep_the_original_from_being_sealed(
    running: Server, log: Chain
) -> None:
    copy = copied(running, log)
    copy.acknowledge()
    assert [seal.entries for seal in log.seal(known=copy.known())] == [3]


def test_a_new_cluster_seals_what_came_with_the_dump_whatever_its_transactions(
    running: Server,
) -> None:
    log = Chain(running.new_database(next(names), "crm"))
    log.query(USE_TRANSACTIONS)
    written(log)
    with server() as another:
        copy = restored(running, log, another)
        copy.add(4)
        (youngest,) = copy.query(
            "SELECT bool_or(transaction_id > pg_current_xact_id()) AS is_later FROM audit.entry"
        )
        assert youngest.is_later
        assert acknowledged(copy.conninfo) == 7
        copy.add(2)
        assert [seal.entries for seal in copy.seal()] == [2]
        assert states(copy.conninfo) == (0, [])
        copy.assert_whole()


def test_a_transaction_from_before_that_was_acknowledged_is_sealed_after_it(
    running: Server, log: Chain
) -> None:
    copy = copied(running, log)
    with copy.writing() as app:
        app.execute("SELECT pg_current_xact_id()")
        copy.acknowledge()
        app.execute(ADD, [2])
    copy.add()
    assert sum(seal.entries for seal in copy.seal()) == 3
    copy.assert_whole()


def test_a_writer_in_a_transaction_is_waited_for_and_named(running: Server, log: Chain) -> None:
    copy = copied(running, log)
    with copy.writing() as app:
        app.execute(ADD, [2])
        with pytest.raises(Blocked, match=APP):
            copy.acknowledge()
    assert copy.acknowledge().entries == 5
    copy.assert_whole()


def test_a_copy_without_the_sequence_goes_on_behind_the_ids_that_it_has(
    running: Server, log: Chain
) -> None:
    copy = copied(running, log)
    copy.query("SELECT setval('audit.entry_id_seq', 1, false)")
    copy.acknowledge()
    copy.add(2)
    assert [seal.entries for seal in copy.seal()] == [2]
    assert copy.query("SELECT count(DISTINCT id) = 10 AS are_apart FROM audit.entry")[0].are_apart
    copy.assert_whole()


def test_a_database_that_was_taken_back_is_known_by_heads_that_are_elsewhere() -> None:
    with server() as running:
        chain = Chain(running.new_database("crm"))
        apply_migrations(yoyo_address(running.owner_of("crm")))
        with psycopg.connect(chain.conninfo) as superuser:
            create_role(superuser, APP, "crm_app")
        written(chain)
        keep(running, "pgdata", "kept")
        chain.seal()
        known = chain.known()
        keep(running, "kept", "pgdata")
        chain.add(2)
        with pytest.raises(Refused, match="seal 2"):
            chain.seal(known)
        assert chain.acknowledge(known).entries == 5
        assert chain.seal(known) == []
        assert lost(chain) == {(one.number, one.head) for one in known - chain.known()}
        chain.assert_whole()


def keep(running: Server, source: str, target: str) -> None:
    """Copy a folder of a server that is down meanwhile."""
    data = running.cluster.data
    stop(running.cluster)
    subprocess.run(["rm", "-rf", data / target], check=True)
    subprocess.run(["cp", "-a", data / source, data / target], check=True)
    running.cluster = start(
        data, port=running.cluster.port, settings=running.settings, auth="trust"
    )


def lost(chain: Chain) -> set[tuple[int, str]]:
    (row,) = chain.query("SELECT detail -> 'lost' AS lost FROM audit.seal WHERE kind = 'restore'")
    return {(one["number"], one["head"]) for one in row.lost}


def test_after_any_history_every_entry_is_in_one_list(running: Server, log: Chain) -> None:
    chance = random.Random(7)
    for _ in range(4):
        log = copied(running, log)
        log.add(chance.randint(1, 3))
        with psycopg.connect(log.conninfo, user=APP) as open_one:
            open_one.execute("SELECT pg_current_xact_id()")
            log.acknowledge()
            for _ in range(chance.randint(0, 2)):
                log.add(chance.randint(1, 3))
                log.seal()
            open_one.execute(ADD, [chance.randint(1, 3)])
        log.add(chance.randint(1, 3))
        if chance.random() < 0.5:
            log.seal()
    log.seal()
    log.assert_whole()
