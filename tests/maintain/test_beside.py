"""pgwitness maintain beside a backup, VACUUM and autovacuum: it gives way, and they go on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import Cluster
from generator.maintenance import Patience
from tests.crm import create_role
from tests.maintain.test_blocked import MARGIN, writing
from tests.maintenance import Upkeep

BRIEF = Patience(writers=100, others=50, long=250, pauses=(0.01,))
FOR_LONG = "AND a.xact_start < clock_timestamp() - '250ms'::interval"
VACUUMS = f"""
SELECT a.pid FROM pg_stat_progress_vacuum AS v JOIN pg_stat_activity AS a USING (pid)
WHERE v.relid = %s::regclass AND a.query LIKE %s {FOR_LONG}
"""
DUMPED = f"""
SELECT a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE a.application_name = 'pg_dump' AND l.relation = %s::regclass AND l.granted
  {FOR_LONG}
"""
BURN = """
CREATE TEMP TABLE burnt (n int);
DO $$
BEGIN
    FOR n IN 1..100000 LOOP
        BEGIN
            INSERT INTO burnt VALUES (n);
        EXCEPTION
            WHEN division_by_zero THEN NULL;
        END;
    END LOOP;
END
$$;
"""
"""A number for each of 100,000 subtransactions."""
OLD = "autovacuum_freeze_max_age = 100000"
SLOW = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"


@contextmanager
def dumping(cluster: Cluster, upkeep: Upkeep) -> Iterator[str]:
    """Leave pg_dump stuck in a pipe that nobody reads; in the end, read it and find it whole."""
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, "backup", "audit_owner", "pg_read_all_data")
    with subprocess.Popen(
        [cluster.binaries / "pg_dump", make_conninfo(upkeep.conninfo, user="backup")],
        stdout=subprocess.PIPE,
        env={"LD_LIBRARY_PATH": str(cluster.binaries.parent / "lib")},
    ) as dump:
        try:
            [dumps, *_] = upkeep.wait_for(DUMPED, f"audit.{upkeep.partitions()[-1].name}")
            yield f"pid {dumps.pid} (backup, pg_dump, "
        finally:
            output, _ = dump.communicate()
            with psycopg.connect(upkeep.conninfo) as superuser:
                superuser.execute("DROP ROLE backup")
    assert dump.returncode == 0
    assert b"-- PostgreSQL database dump complete" in output


@contextmanager
def vacuuming(upkeep: Upkeep, name: str) -> Iterator[str]:
    """Leave a VACUUM at work in a partition, which no lock that somebody waits for would end."""
    with psycopg.connect(upkeep.conninfo, autocommit=True, application_name="dba") as connection:
        connection.execute("SET vacuum_cost_delay = 100")
        connection.execute("SET vacuum_cost_limit = 1")
        thread = Thread(target=until_cancelled, args=[connection, f"VACUUM audit.{name}"])
        thread.start()
        [vacuum, *_] = upkeep.wait_for(VACUUMS, f"audit.{name}", "VACUUM%")
        try:
            yield f"pid {vacuum.pid} (postgres, dba, active for "
        finally:
            connection.cancel_safe()
            thread.join()


def until_cancelled(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(statement.encode())


@contextmanager
def autovacuuming(upkeep: Upkeep, name: str) -> Iterator[str]:
    """Make autovacuum freeze a partition, as it has to where transaction ids run out."""
    upkeep.as_owner(f"ALTER TABLE audit.{name} SET ({OLD}, {SLOW})")
    with psycopg.connect(upkeep.conninfo, autocommit=True) as superuser:
        superuser.execute(BURN)
        superuser.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            [vacuum] = upkeep.wait_for(VACUUMS, f"audit.{name}", "%(to prevent wraparound)")
            yield f"pid {vacuum.pid} (autovacuum worker, active for "
        finally:
            superuser.execute("ALTER SYSTEM RESET autovacuum_naptime")
            superuser.execute("SELECT pg_reload_conf()")


@pytest.fixture
def late(upkeep: Upkeep) -> Upkeep:
    """A log with days that are past the retention, and a last partition that is in use."""
    upkeep.age(93, ahead=20)
    upkeep.add_entries(-94, 1000)
    upkeep.add_entries(0, 1000)
    return upkeep


def assert_is_right(upkeep: Upkeep) -> None:
    assert upkeep.maintain().given_up == []
    assert upkeep.days() == [*range(-90, -71), *range(30, 47)]
    assert upkeep.removed() == {-94: 1000, -93: 0, -92: 0, -91: 0}


def test_a_backup_keeps_all_days_until_it_ends_and_is_whole(cluster: Cluster, late: Upkeep) -> None:
    before = late.days()
    with dumping(cluster, late) as dump, writing(late) as took:
        run = late.maintain(patience=BRIEF)
        assert late.days() == before
    assert [dump in given_up for given_up in run.given_up] == [True, True]
    assert max(took) < BRIEF.writers / 1000 + MARGIN
    assert_is_right(late)


def test_vacuum_of_an_old_day_keeps_it_until_it_ends(late: Upkeep) -> None:
    name = late.partitions()[0].name
    with vacuuming(late, name) as vacuum, writing(late) as took:
        run = late.maintain(patience=BRIEF)
    [given_up] = run.given_up
    assert given_up.startswith(f"{name} stays: blocked by {vacuum}")
    assert max(took) < BRIEF.writers / 1000 + MARGIN
    assert_is_right(late)


def test_vacuum_of_the_last_partition_keeps_it_open_until_it_ends(late: Upkeep) -> None:
    name = late.partitions()[-1].name
    with vacuuming(late, name) as vacuum, writing(late) as took:
        run = late.maintain(patience=BRIEF)
    assert f"{name} stays open-ended: blocked by {vacuum}" in run.given_up[0]
    assert max(took) < BRIEF.writers / 1000 + MARGIN
    assert_is_right(late)


@pytest.mark.parametrize("which", [0, -1])
def test_autovacuum_against_wraparound_is_given_way_to(late: Upkeep, which: int) -> None:
    name = late.partitions()[which].name
    with autovacuuming(late, name) as autovacuum, writing(late) as took:
        run = late.maintain(patience=BRIEF)
        worker = autovacuum.split()[1]
        late.as_owner("SELECT pg_terminate_backend(%s)", int(worker), role="postgres")
    [given_up] = run.given_up
    assert autovacuum in given_up
    assert max(took) < BRIEF.writers / 1000 + MARGIN


def test_a_vacuum_that_has_just_begun_delays_no_write_either(late: Upkeep) -> None:
    with vacuuming(late, late.partitions()[-1].name) as vacuum, writing(late) as took:
        run = late.maintain(patience=replace(BRIEF, long=60_000))
    assert vacuum in run.given_up[0]
    assert max(took) < BRIEF.writers / 1000 + MARGIN
    assert_is_right(late)
