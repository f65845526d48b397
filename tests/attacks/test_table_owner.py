"""Who owns tracked tables and nothing else: nothing stops them, and check names what they did."""

from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import SUPERUSER, Undone, acting, check, do, entries, renamed
from tests.crm import APP

pytestmark = pytest.mark.attacker("owner of tracked tables")

KEEPER = "crm_keeper"
HAND_OVER = """
GRANT USAGE, CREATE ON SCHEMA crm TO crm_keeper;
DO $$
DECLARE v_table regclass;
BEGIN
    FOR v_table IN SELECT oid FROM pg_class
                   WHERE relnamespace = 'crm'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO crm_keeper', v_table);
    END LOOP;
END $$;
CREATE SCHEMA other AUTHORIZATION crm_keeper;
"""
DETECTED = {
    "disables a trigger": (
        'ALTER TABLE crm.workflow DISABLE TRIGGER "!audit_update"',
        "disabled", 'trigger "!audit_update" on crm.workflow',
    ),
    "disables all triggers of theirs": (
        "ALTER TABLE crm.workflow DISABLE TRIGGER USER",
        "disabled", 'trigger "!audit_truncate" on crm.workflow',
    ),
    "enables a trigger for ordinary sessions alone": (
        'ALTER TABLE crm.workflow ENABLE TRIGGER "!audit_delete"',
        "disabled", 'trigger "!audit_delete" on crm.workflow',
    ),
    "enables a trigger for replication alone": (
        'ALTER TABLE crm.workflow ENABLE REPLICA TRIGGER "!audit_insert"',
        "disabled", 'trigger "!audit_insert" on crm.workflow',
    ),
    "drops a trigger": (
        'DROP TRIGGER "!audit_update" ON crm.workflow',
        "missing", 'trigger "!audit_update" on crm.workflow',
    ),
    "renames a trigger, so that it fires last": (
        'ALTER TRIGGER "!audit_update" ON crm.workflow RENAME TO zzz',
        "orphan", "trigger zzz on crm.workflow",
    ),
    "puts a trigger of theirs before ours": (
        "CREATE FUNCTION crm.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        'CREATE TRIGGER "!a" AFTER UPDATE ON crm.workflow FOR EACH ROW EXECUTE FUNCTION crm.f()',
        "conflict", 'trigger "!a" on crm.workflow',
    ),
    "lets another table inherit": (
        "CREATE TABLE crm.other () INHERITS (crm.workflow)",
        "conflict", "table crm.workflow",
    ),
    "lets another table inherit later": (
        "CREATE TABLE crm.other (LIKE crm.workflow INCLUDING ALL);"
        "ALTER TABLE crm.other INHERIT crm.workflow",
        "conflict", "table crm.workflow",
    ),
    "lets a tracked table inherit": (
        "CREATE TABLE crm.other (name text NOT NULL);"
        "ALTER TABLE crm.workflow INHERIT crm.other",
        "conflict", "table crm.workflow",
    ),
    "makes a table UNLOGGED": (
        "ALTER TABLE crm.workflow_condition SET UNLOGGED",
        "conflict", "table crm.workflow_condition",
    ),
    "drops a table": ("DROP TABLE crm.workflow_action", "conflict", "table crm.workflow_action"),
    "renames a table and puts another there": (
        "ALTER TABLE crm.workflow_action RENAME TO other;"
        "CREATE TABLE crm.workflow_action (LIKE crm.other INCLUDING ALL)",
        "missing", 'trigger "!audit_insert" on crm.workflow_action',
    ),
    "moves a table to another schema": (
        "ALTER TABLE crm.workflow_action SET SCHEMA other", "orphan",
        'trigger "!audit_insert" on other.workflow_action',
    ),
    "replaces a table that names are read from by a view": (
        "ALTER TABLE crm.app_user RENAME TO other;"
        "CREATE VIEW crm.app_user AS SELECT * FROM crm.other;"
        "GRANT SELECT ON crm.app_user TO audit_writer",
        "conflict", "table crm.app_user",
    ),
    "renames a redacted column, so that it is stored": (
        "ALTER TABLE crm.account_setting RENAME webhook_secret TO hook",
        "conflict", "table crm.account_setting",
    ),
    "adds a column of secrets": (
        "ALTER TABLE crm.workflow ADD api_key text", "conflict", "table crm.workflow",
    ),
    "makes the key of a table no key": (
        "ALTER TABLE crm.workflow DROP CONSTRAINT workflow_pkey CASCADE",
        "conflict", "table crm.workflow",
    ),
    "hides names from the writer by row security": (
        "ALTER TABLE crm.app_user ENABLE ROW LEVEL SECURITY", "missing", "table crm.app_user",
    ),
    "hides names from the writer by a grant taken back": (
        "REVOKE SELECT (full_name) ON crm.app_user FROM audit_writer",
        "missing", "table crm.app_user",
    ),
    "lets the writer read all": (
        "GRANT SELECT ON crm.workflow_action TO audit_writer",
        "changed", "table crm.workflow_action",
    ),
    "lets the writer write": (
        "GRANT UPDATE ON crm.workflow TO audit_writer", "changed", "table crm.workflow",
    ),
}  # fmt: skip
REFUSED = {
    "puts a condition into a trigger": 'CREATE OR REPLACE TRIGGER "!audit_update" AFTER UPDATE'
    " ON crm.workflow FOR EACH ROW WHEN (false) EXECUTE FUNCTION audit.capture_crm_workflow()",
    "has a table of theirs captured as another": "CREATE TABLE crm.other (id bigint, name text);"
    "CREATE TRIGGER forge AFTER INSERT ON crm.other FOR EACH ROW"
    " EXECUTE FUNCTION audit.capture_crm_workflow()",
    "forges TRUNCATE of another table": "CREATE TRIGGER forge AFTER TRUNCATE ON crm.workflow"
    " EXECUTE FUNCTION audit._capture_truncate('crm', 'crm', 'app_user', 'Users', 'User')",
    "replaces the function of a trigger":
        "CREATE OR REPLACE FUNCTION audit.capture_crm_workflow() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "takes over the function of a trigger":
        "ALTER FUNCTION audit.capture_crm_workflow OWNER TO crm_keeper",
}  # fmt: skip
TRICKS = {
    "turns updates into nothing by a rule": (
        "CREATE RULE nothing AS ON UPDATE TO crm.workflow DO INSTEAD NOTHING", [],
    ),
    "lets a BEFORE trigger suppress updates": (
        "CREATE FUNCTION crm.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER f BEFORE UPDATE ON crm.workflow FOR EACH ROW EXECUTE FUNCTION crm.f()", [],
    ),
    "lets a BEFORE trigger store something else": (
        "CREATE FUNCTION crm.f() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN NEW.name := ''Forged''; RETURN NEW; END';"
        "CREATE TRIGGER f BEFORE UPDATE ON crm.workflow FOR EACH ROW EXECUTE FUNCTION crm.f()",
        [renamed(entity_label="Forged")],
    ),
    "lets an AFTER trigger write it back": (
        "CREATE FUNCTION crm.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.name <> OLD.name"
        " AND pg_trigger_depth() = 1 THEN UPDATE crm.workflow SET name = OLD.name"
        " WHERE id = OLD.id; END IF; RETURN NULL; END';"
        "CREATE TRIGGER f AFTER UPDATE ON crm.workflow FOR EACH ROW EXECUTE FUNCTION crm.f()",
        [renamed(entity_label="Renamed"), renamed(entity_label="Nurture")],
    ),
    "lets writes go by a view that does them instead": (
        "ALTER TABLE crm.workflow RENAME TO other; CREATE VIEW crm.workflow AS"
        " SELECT * FROM crm.other; GRANT ALL ON crm.workflow TO crm_app",
        [renamed(entity_label="Renamed")],
    ),
    "adds a column, and another of the same name as ours": (
        "ALTER TABLE crm.workflow ADD v_old text DEFAULT 'x', ADD v_row jsonb, ADD operation text",
        [renamed(entity_label="Renamed")],
    ),
}  # fmt: skip


@pytest.fixture
def handed_over(victim: Undone) -> Undone:
    """A CRM whose tables belong to somebody who is not its installer."""
    victim.admit(KEEPER)
    do(victim, SUPERUSER, HAND_OVER)
    return victim


@pytest.mark.parametrize(("script", "state", "what"), DETECTED.values(), ids=DETECTED.keys())
def test_an_owner(attack: Attack, handed_over: Undone, script: str, state: str, what: str) -> None:
    do(handed_over, KEEPER, script)

    attack.detected(check(handed_over), state, what)


@pytest.mark.parametrize("script", REFUSED.values(), ids=REFUSED.keys())
def test_an_owner_wants_what_is_the_logs(attack: Attack, handed_over: Undone, script: str) -> None:
    with acting(handed_over, KEEPER) as keeper:
        attack.refused(keeper, script)


@pytest.mark.parametrize(("script", "expected"), TRICKS.values(), ids=TRICKS.keys())
def test_an_owner_tricks_writers(
    attack: Attack, handed_over: Undone, script: str, expected: list[dict[str, Any]]
) -> None:
    workflow = handed_over.add_workflow("Nurture")
    before = len(entries(handed_over))
    with acting(handed_over, KEEPER) as keeper:
        keeper.execute(script.encode())
    with acting(handed_over, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])
        [(name,)] = app.execute("SELECT name FROM crm.workflow").fetchall()

    told = entries(handed_over)[before:]
    attack.survived(told, *expected)
    assert name == (told[-1].new_row["name"] if told else "Nurture")


def test_an_owner_empties_tables(attack: Attack, handed_over: Undone) -> None:
    do(handed_over, KEEPER, "TRUNCATE crm.workflow CASCADE")

    told = [entry for entry in entries(handed_over) if entry.operation == "TRUNCATE"]
    tables = ["workflow", "workflow_condition", "workflow_action"]
    attack.survived(told, *({"table_name": table, "db_user": KEEPER} for table in tables))
