"""Code of who owns tables that runs as others: where check looks for it, and who never runs it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from generator.reconcile import reconcile
from tests.attacks.outcomes import Attack
from tests.attacks.scene import CONFIG, Admit, acting, check, do, entries
from tests.crm import APP, Connection, Crm

pytestmark = pytest.mark.attacker("owner of tracked tables")

KEEPER = "crm_keeper"
HAND_OVER = """
GRANT CREATE ON DATABASE victim TO crm_keeper;
GRANT USAGE, CREATE ON SCHEMA crm TO crm_keeper;
ALTER TABLE crm.workflow OWNER TO crm_keeper;
ALTER TABLE crm.app_user OWNER TO crm_keeper;
"""
FORGE = """
CREATE FUNCTION crm.forge() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_user = 'audit_writer' THEN
        INSERT INTO audit.entry
            (source, operation, table_schema, table_name, module, entity, new_row)
        VALUES ('crm', 'INSERT', 'crm', 'app_user', 'Users', 'User', '{"forged": true}');
    END IF;
END $$;
"""
IN_AN_EXTENSION = """
CREATE EXTENSION citext SCHEMA crm;
CREATE TYPE crm.mood AS ENUM ('calm');
ALTER TABLE crm.workflow ADD mood crm.mood DEFAULT 'calm';
CREATE FUNCTION crm.as_json(crm.mood) RETURNS json LANGUAGE plpgsql AS
    $$ BEGIN PERFORM crm.forge(); RETURN '"calm"'::json; END $$;
CREATE CAST (crm.mood AS json) WITH FUNCTION crm.as_json(crm.mood);
ALTER EXTENSION citext ADD CAST (crm.mood AS json);
ALTER EXTENSION citext ADD FUNCTION crm.as_json(crm.mood);
"""
IN_A_KEY = """
CREATE FUNCTION crm.constant(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM crm.forge(); RETURN true; END $$;
ALTER TABLE crm.app_user RENAME TO former;
CREATE TABLE crm.app_user (LIKE crm.former)
    PARTITION BY RANGE ((CASE WHEN crm.constant(1) THEN id END));
CREATE TABLE crm.app_user_1 PARTITION OF crm.app_user DEFAULT;
INSERT INTO crm.app_user SELECT * FROM crm.former;
GRANT SELECT ON crm.app_user TO audit_writer;
"""
# As soon as somebody waits for the table, it is a view.
SWAP = """
ALTER TABLE crm.workflow RENAME TO former;
CREATE FUNCTION crm.evil() RETURNS text LANGUAGE plpgsql AS
    'BEGIN PERFORM set_config(''crm.ran_as'', current_user, false); RETURN ''x''; END';
CREATE VIEW crm.workflow AS SELECT f.*, crm.evil() AS evil FROM crm.former AS f;
"""


@pytest.fixture
def keeper(admit: Admit, spare: Crm) -> Iterator[Connection]:
    """Somebody who owns some tables, and may create extensions that are trusted."""
    admit(KEEPER)
    do(spare, "postgres", HAND_OVER)
    spare.add_workflow("Nurture")
    with acting(spare, KEEPER) as connection:
        connection.execute(FORGE)
        yield connection


def rename(crm: Crm) -> None:
    with acting(crm, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed'")


def forged(crm: Crm) -> list[Any]:
    return [entry for entry in entries(crm) if entry.new_row == {"forged": True}]


def test_an_owner_puts_a_cast_into_an_extension(
    attack: Attack, spare: Crm, keeper: Connection
) -> None:
    keeper.execute(IN_AN_EXTENSION)
    rename(spare)

    assert {entry.db_user for entry in forged(spare)} == {APP}
    attack.detected(check(spare), "conflict", "cast (crm.mood AS json)")


def test_an_owner_has_the_key_of_partitions_add_entries(
    attack: Attack, spare: Crm, keeper: Connection
) -> None:
    keeper.execute(IN_A_KEY)
    rename(spare)

    assert {entry.db_user for entry in forged(spare)} == {APP}
    attack.detected(check(spare), "conflict", "partition key of table crm.app_user")


def test_an_owner_puts_a_view_before_who_reconciles(
    attack: Attack, spare: Crm, keeper: Connection
) -> None:
    [workflow] = [table for table in CONFIG.tables if table.name.table == "workflow"]
    with (
        psycopg.connect(spare.as_role("postgres")) as reader,
        ThreadPoolExecutor(max_workers=1) as pool,
    ):
        with keeper.transaction():
            keeper.execute("LOCK TABLE crm.workflow IN ACCESS EXCLUSIVE MODE")
            result = pool.submit(lambda: list(reconcile(reader, CONFIG, [workflow])))
            wait_for(keeper, reader.info.backend_pid)
            keeper.execute(SWAP)
        [compared] = result.result()
        [(ran_as,)] = reader.execute("SELECT current_setting('crm.ran_as', true)").fetchall()

    assert ran_as is None
    attack.shown(str(compared), "not compared: is no table in this database")


def wait_for(connection: Connection, pid: int) -> None:
    """Return once a session waits for a lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
    while connection.execute(waiting, [pid]).fetchone() == (0,):
        pass
