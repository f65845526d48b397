"""Somebody else who may log in: what she does by herself, and what she lays out for others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import MALLORY, acting, renamed
from tests.crm import APP, Connection, Crm, Person

pytestmark = pytest.mark.attacker("another role")
Log = Callable[[], list[Any]]

REFUSED = {
    "lets a table of hers inherit the log": "CREATE TABLE mallory.mine () INHERITS ({leaf})",
    "refers to the log from a table of hers": "CREATE TABLE mallory.mine (at timestamptz,"
    " id bigint, FOREIGN KEY (at, id) REFERENCES audit.entry)",
    "attaches a table of hers to the log": "ALTER TABLE audit.entry ATTACH PARTITION"
    " mallory.prepared FOR VALUES FROM ('2000-01-01Z') TO ('2000-01-02Z')",
    "refers to a tracked table": "CREATE TABLE mallory.mine"
    " (id bigint REFERENCES crm.workflow ON DELETE CASCADE)",
    "publishes the log": "CREATE PUBLICATION p FOR TABLE audit.entry",
    "reads the log by statistics of hers":
        "CREATE STATISTICS mallory.s ON actor, ip FROM audit.entry",
    "reads the log by a view": "CREATE VIEW mallory.v AS SELECT * FROM audit.entry",
    "binds an actor to her transaction": "SELECT audit.set_context('1')",
    "puts capture on a table of hers": "CREATE TRIGGER forge AFTER INSERT ON mallory.prepared"
    " FOR EACH ROW EXECUTE FUNCTION audit.capture_crm_workflow()",
    "casts texts to JSON by a function of hers":
        "CREATE CAST (text AS json) WITH FUNCTION mallory.forged",
    "creates an operator in pg_catalog": "CREATE OPERATOR pg_catalog.*<>"
    " (LEFTARG = text, RIGHTARG = text, FUNCTION = mallory.never)",
    "creates an event trigger": "CREATE EVENT TRIGGER e ON ddl_command_end"
    " EXECUTE FUNCTION mallory.never()",
    "writes a rule for the writer": "ALTER ROLE audit_writer SET search_path = mallory",
    "opens what the owner will create":
        "ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT ALL ON TABLES TO mallory",
    "takes what the owner owns": "REASSIGN OWNED BY audit_owner TO mallory",
    "drops what the writer owns": "DROP OWNED BY audit_writer CASCADE",
    "ends the session of a superuser": "SELECT pg_terminate_backend({pid})",
}  # fmt: skip
HERS = """
CREATE TABLE IF NOT EXISTS mallory.prepared (id bigint, name text, owner_id bigint);
CREATE OR REPLACE FUNCTION mallory.never(text, text) RETURNS boolean LANGUAGE sql
    AS 'SELECT false';
CREATE OR REPLACE FUNCTION mallory.forged(text) RETURNS json LANGUAGE sql
    AS 'SELECT ''{"name": "forged"}''::json';
"""
SHADOWS = [
    "TABLE entry (LIKE crm.workflow)",
    "TABLE workflow (id int)",
    "TABLE app_user (id int, full_name text)",
    "TABLE tracked_table (LIKE crm.workflow)",
    "TABLE fingerprint_key (is_only boolean, secret text)",
    "TABLE jsonb (v text)",
    "VIEW entry AS SELECT 1 AS id",
    "SEQUENCE entry_id_seq",
]
SHADOWING_TYPES = [
    "text AS pg_catalog.text CHECK (VALUE = 'never')",
    "jsonb AS pg_catalog.jsonb CHECK (VALUE IS NULL)",
    "timestamptz AS pg_catalog.timestamptz CHECK (VALUE < '1999-01-01')",
    "int8 AS pg_catalog.int8 CHECK (VALUE < 0)",
]
FUNCTIONS = {
    "to_jsonb": "to_jsonb(crm.workflow) RETURNS jsonb LANGUAGE sql AS 'SELECT ''{{}}''::jsonb'",
    "to_jsonb of anything":
        "to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS 'SELECT ''{{}}''::jsonb'",
    "nextval": "nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "clock_timestamp":
        "clock_timestamp() RETURNS timestamptz LANGUAGE sql"
        " AS 'SELECT ''1999-01-01Z''::timestamptz'",
    "current_setting":
        "current_setting(text, boolean) RETURNS text LANGUAGE sql AS 'SELECT ''forged'''",
    "left": '"left"(text, integer) RETURNS text LANGUAGE sql AS \'SELECT \'\'forged\'\'\'',
    "jsonb_build_object":
        "jsonb_build_object(text, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT ''{{}}''::jsonb'",
    "an operator": "same(crm.workflow, crm.workflow) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
    " CREATE OPERATOR {s}.*= (FUNCTION = {s}.same, LEFTARG = crm.workflow,"
    " RIGHTARG = crm.workflow)",
    "an operator of JSON": "none(jsonb, text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';"
    " CREATE OPERATOR {s}.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = {s}.none)",
}  # fmt: skip
BIND = """
SELECT set_config('audit.bound_to', extract(epoch FROM transaction_timestamp())::text || ' 1', true)
"""
CHILD = """
CREATE TABLE mallory.child (id bigint REFERENCES crm.workflow ON DELETE CASCADE);
CREATE FUNCTION mallory.keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN SET LOCAL session_replication_role = replica; RETURN NULL; END $$;
CREATE TRIGGER keep AFTER DELETE ON mallory.child
    FOR EACH ROW EXECUTE FUNCTION mallory.keep();
"""


@contextmanager
def granted(crm: Crm, *rights: str) -> Iterator[None]:
    """Grant her something, and take it back."""
    with crm.as_superuser() as superuser:
        for right in rights:
            superuser.execute(f"GRANT {right} TO {MALLORY}".encode())
        yield
        for right in rights:
            superuser.execute(f"REVOKE {right} FROM {MALLORY}".encode())


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
def test_mallory(attack: Attack, crm: Crm, mallory: Connection, day: str, statement: str) -> None:
    mallory.execute(HERS.encode())
    with crm.as_superuser() as other:
        pid = other.info.backend_pid
        attack.refused(mallory, statement.format(leaf=day, pid=pid))


@pytest.mark.parametrize(
    "thing", [*SHADOWS, *(f"DOMAIN pg_temp.{name}" for name in SHADOWING_TYPES)]
)
def test_something_temporary_is_called_as_what_capture_uses(
    attack: Attack, app: Connection, workflow: int, log: Log, thing: str
) -> None:
    kind, definition = thing.split(" ", 1)
    app.execute(f"CREATE {'' if kind == 'DOMAIN' else 'TEMP '}{kind} {definition}".encode())
    app.execute("SET search_path = pg_temp, audit, crm")
    app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed(labels={"owner_id": {"1": "Priya Nair"}}))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_a_function_of_hers_is_called_as_what_capture_uses(
    attack: Attack, crm: Crm, workflow: int, mallory: Connection, log: Log, function: str
) -> None:
    script = f"CREATE FUNCTION mallory.{function.format(s='mallory')}"
    with granted(crm, "USAGE ON SCHEMA crm"):
        for statement in [*script.split("; "), "GRANT USAGE ON SCHEMA mallory TO PUBLIC"]:
            mallory.execute(statement.encode())
    with acting(crm, APP) as app:
        app.execute("SET search_path = mallory, pg_catalog, crm")
        app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed(labels={"owner_id": {"1": "Priya Nair"}}, actor_bound=None))
    assert log()[0].new_row["name"] == "Renamed"


def test_mallory_acts_as_somebody_else(
    attack: Attack, crm: Crm, workflow: int, mallory: Connection, log: Log
) -> None:
    rights = ("USAGE ON SCHEMA crm", "SELECT, UPDATE ON crm.workflow")
    with granted(crm, *rights), mallory.transaction():
        mallory.execute("SET LOCAL audit.actor = '1'")
        mallory.execute("SET LOCAL application_name = 'crm-web'")
        mallory.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed("1", db_user=MALLORY, db_role=None, actor_bound=False))


def test_mallory_binds_what_she_claims_by_hand(
    attack: Attack, crm: Crm, workflow: int, mallory: Connection, log: Log
) -> None:
    rights = ("USAGE ON SCHEMA crm", "SELECT, UPDATE ON crm.workflow")
    with granted(crm, *rights), mallory.transaction():
        mallory.execute("SET LOCAL audit.actor = '1'")
        mallory.execute(BIND)
        mallory.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    # It tells a setting that was left behind from one that was meant, not a lie from the truth.
    attack.survived(log(), renamed("1", actor_bound=True, db_user=MALLORY, db_role=None))


def test_mallory_leaves_her_name_in_the_session_of_others(
    attack: Attack, crm: Crm, workflow: int, app: Connection, log: Log, ana: Person
) -> None:
    app.execute("SET audit.actor = 'mallory'")
    app.execute("UPDATE crm.workflow SET name = 'By Mallory' WHERE id = %s", [workflow])
    with app.transaction():
        app.execute("SELECT audit.set_context(%s)", [ana.key])
        app.execute("UPDATE crm.workflow SET name = 'By Ana' WHERE id = %s", [workflow])
    app.execute("UPDATE crm.workflow SET name = 'By nobody' WHERE id = %s", [workflow])

    leaked = renamed(MALLORY, actor_bound=False)
    attack.survived(log(), leaked, renamed(ana.key, actor_bound=True), leaked)


def test_mallory_suppresses_what_a_tracked_table_cascades_to(
    attack: Attack, crm: Crm, workflow: int, mallory: Connection, log: Log
) -> None:
    with granted(crm, "USAGE ON SCHEMA crm", "SELECT, REFERENCES ON crm.workflow"):
        mallory.execute(CHILD.encode())
    mallory.execute("INSERT INTO mallory.child VALUES (%s)", [workflow])
    with acting(crm, APP) as app:
        # What she asks for is refused, and with it the application's write: she hid nothing.
        attack.refused(app, f"DELETE FROM crm.workflow WHERE id = {workflow}")
    mallory.execute("DROP TABLE mallory.child")
    assert log() == []
