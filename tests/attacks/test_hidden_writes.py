"""What the owner of tracked tables does behind the log's back: check and reconcile name it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from generator.reconcile import Difference, reconcile
from generator.render import render_track
from tests.attacks.outcomes import Attack
from tests.attacks.scene import CONFIG, Admit, acting, check, do, entries, renamed
from tests.crm import APP, Crm

pytestmark = pytest.mark.attacker("owner of tracked tables")

KEEPER = "crm_keeper"
HAND_OVER = """
GRANT USAGE, CREATE ON SCHEMA crm TO crm_keeper;
ALTER TABLE crm.workflow OWNER TO crm_keeper;
ALTER TABLE crm.workflow_condition OWNER TO crm_keeper;
ALTER TABLE crm.app_user OWNER TO crm_keeper;
"""
BEHIND_ITS_BACK = """
ALTER TABLE crm.workflow DISABLE TRIGGER "!audit_update";
UPDATE crm.workflow SET name = 'Behind its back';
ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_update";
"""
REWRITES = [
    "ALTER name TYPE text USING 'Behind its back'",
    "ALTER name TYPE varchar(3) USING left(name, 3)",
    "ALTER owner_id TYPE bigint USING owner_id + 1",
    "ALTER is_enabled TYPE boolean USING NOT is_enabled",
]  # fmt: skip
CAST = """
CREATE TYPE crm.mood AS ENUM ('calm');
ALTER TABLE crm.workflow ADD mood crm.mood DEFAULT 'calm';
CREATE FUNCTION crm.forge(crm.mood) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit.entry (source, operation, table_schema, table_name, module, entity, new_row)
    VALUES ('crm', 'INSERT', 'crm', 'app_user', 'Users', 'User', '{"forged": true}');
    RETURN '"calm"'::json;
END $$;
CREATE CAST (crm.mood AS json) WITH FUNCTION crm.forge(crm.mood);
"""
IMPLICIT = """
CREATE TYPE crm.mood AS ENUM ('calm');
ALTER TABLE crm.workflow_condition DROP CONSTRAINT workflow_condition_belongs_to_a_workflow,
    ALTER workflow_id TYPE crm.mood USING 'calm';
CREATE FUNCTION crm.as_number(crm.mood) RETURNS bigint LANGUAGE plpgsql AS
    $$ BEGIN PERFORM crm.forge(); RETURN 1; END $$;
CREATE CAST (crm.mood AS bigint) WITH FUNCTION crm.as_number AS IMPLICIT;
"""
POLICY = """
CREATE FUNCTION crm.forge(bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'audit_writer' THEN
        INSERT INTO audit.entry
            (source, operation, table_schema, table_name, module, entity, new_row)
        VALUES ('crm', 'INSERT', 'crm', 'app_user', 'Users', 'User', '{"forged": true}');
    END IF;
    RETURN true;
END $$;
CREATE POLICY mine ON crm.app_user USING (crm.forge(id));
ALTER TABLE crm.app_user ENABLE ROW LEVEL SECURITY;
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
CREATE FUNCTION crm.constant(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM crm.forge(); RETURN true; END $$;
"""
# The planner works out what it takes for constant, as whoever it plans for.
PLANNED = {
    "the predicate of an index": (
        "CREATE INDEX mine ON crm.app_user (id) WHERE crm.constant(1)", "index crm.mine",
    ),
    "an expression of an index": (
        "CREATE INDEX mine ON crm.app_user ((CASE WHEN crm.constant(1) THEN id END))",
        "index crm.mine",
    ),
    "a constraint": (
        "ALTER TABLE crm.app_user ADD CONSTRAINT mine CHECK (crm.constant(1))",
        "constraint mine of table crm.app_user",
    ),
    "statistics": (
        "CREATE STATISTICS crm.mine ON (CASE WHEN crm.constant(1) THEN 1 END) FROM crm.app_user",
        "statistics crm.mine",
    ),
}  # fmt: skip

DOMAIN = """
CREATE FUNCTION crm.is_fine(text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN PERFORM crm.forge(); RETURN true; END $$;
CREATE DOMAIN crm.fine AS text CHECK (crm.is_fine(VALUE));
ALTER TABLE crm.workflow ADD fine crm.fine DEFAULT 'so', ADD raw json;
"""


@pytest.fixture
def handed_over(admit: Admit, spare: Crm) -> Crm:
    """A CRM of which some tables belong to somebody who is not its installer, with a workflow."""
    admit(KEEPER)
    do(spare, "postgres", HAND_OVER)
    spare.add_workflow("Nurture", conditions=1)
    return spare


def reconciled(crm: Crm) -> Sequence[Difference]:
    """Return what pgwitness reconcile says of the workflows."""
    [workflow] = [table for table in CONFIG.tables if table.name.table == "workflow"]
    with psycopg.connect(crm.as_role("postgres")) as reader:
        [result] = reconcile(reader, CONFIG, [workflow])
    return result.differences


def forged(crm: Crm) -> list[Any]:
    return [entry for entry in entries(crm) if entry.new_row == {"forged": True}]


def test_an_owner_disables_writes_and_enables_in_one_transaction(
    attack: Attack, handed_over: Crm
) -> None:
    do(handed_over, KEEPER, BEHIND_ITS_BACK)

    attack.detected(check(handed_over), "altered", 'trigger "!audit_update" on crm.workflow')


def test_an_owner_writes_without_an_entry(attack: Attack, handed_over: Crm) -> None:
    do(handed_over, KEEPER, BEHIND_ITS_BACK)

    attack.differs(reconciled(handed_over), "Behind its back")


@pytest.mark.parametrize("rewrite", REWRITES)
def test_an_owner_rewrites_rows_by_ddl(attack: Attack, handed_over: Crm, rewrite: str) -> None:
    do(handed_over, KEEPER, f"ALTER TABLE crm.workflow {rewrite}")

    attack.differs(reconciled(handed_over), " – by DDL, between ")


def test_an_owner_has_a_cast_add_entries(attack: Attack, handed_over: Crm) -> None:
    do(handed_over, KEEPER, CAST)
    with acting(handed_over, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed'")

    # It can't say who and when: that is of the session that was made to do it.
    assert {entry.db_user for entry in forged(handed_over)} == {APP}
    attack.detected(check(handed_over), "conflict", "cast (crm.mood AS json)")


def test_an_owner_has_the_key_of_a_look_up_add_entries(attack: Attack, handed_over: Crm) -> None:
    do(handed_over, KEEPER, FORGE, IMPLICIT)
    with acting(handed_over, APP) as app:
        app.execute("UPDATE crm.workflow_condition SET value = '9'")

    assert len(forged(handed_over)) > 0
    attack.detected(check(handed_over), "conflict", "cast (crm.mood AS bigint)")


def test_an_owner_has_a_policy_add_entries(attack: Attack, handed_over: Crm) -> None:
    do(handed_over, KEEPER, POLICY)
    with acting(handed_over, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed'")

    assert len(forged(handed_over)) > 0
    attack.detected(check(handed_over), "conflict", "policy mine of table crm.app_user")


@pytest.mark.parametrize(("statement", "what"), PLANNED.values(), ids=PLANNED.keys())
def test_an_owner_has_the_planner_add_entries_by(
    attack: Attack, handed_over: Crm, statement: str, what: str
) -> None:
    do(handed_over, KEEPER, FORGE, statement)
    with acting(handed_over, APP) as app:
        app.execute("SET constraint_exclusion = on")
        app.execute("UPDATE crm.workflow SET name = 'Renamed'")

    assert {entry.db_user for entry in forged(handed_over)} == {APP}
    attack.detected(check(handed_over), "conflict", what)


def test_an_owner_has_a_domain_add_entries(attack: Attack, handed_over: Crm) -> None:
    [workflow] = [table for table in CONFIG.tables if table.name.table == "workflow"]
    do(handed_over, "postgres", render_track(replace(workflow, capture="statement")))
    do(handed_over, KEEPER, FORGE, DOMAIN)
    before = len(entries(handed_over))
    with acting(handed_over, APP) as app:
        app.execute(r"""UPDATE crm.workflow SET raw = '"\u0000"'""")

    told = entries(handed_over)[before:]
    attack.survived(told, renamed(new_row=told[0].new_row | {"fine": "so", "raw": r'"\u0000"'}))
