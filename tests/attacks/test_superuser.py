"""A superuser: everything is allowed, and check names what is left of it."""

import pytest

from generator.render import render_track
from tests.attacks.outcomes import Attack
from tests.attacks.scene import CONFIG, SUPERUSER, Undone, acting, check, do, entries, renamed
from tests.crm import APP, Crm

pytestmark = pytest.mark.attacker("superuser")

PATCHED = """
UPDATE pg_proc SET prosrc = replace(prosrc, 'v_new := to_jsonb(NEW)', 'v_new := to_jsonb(OLD)')
WHERE oid = 'audit.capture_crm_workflow'::regproc
"""
DETECTED = {
    "patches a function in the catalogue": (
        PATCHED, "changed", "function audit.capture_crm_workflow",
    ),
    "lets a function run as who calls it": (
        "ALTER FUNCTION audit.capture_crm_workflow SECURITY INVOKER",
        "changed", "function audit.capture_crm_workflow",
    ),
    "takes a pinned setting from a function": (
        "ALTER FUNCTION audit.capture_crm_workflow RESET timezone",
        "changed", "function audit.capture_crm_workflow",
    ),
    "gives a function to the application": (
        "ALTER FUNCTION audit.capture_crm_workflow OWNER TO crm_web",
        "changed", "function audit.capture_crm_workflow",
    ),
    "opens a function to everybody": (
        "GRANT EXECUTE ON FUNCTION audit.capture_crm_workflow TO PUBLIC",
        "changed", "function audit.capture_crm_workflow",
    ),
    "drops a function with its triggers": (
        "DROP FUNCTION audit.capture_crm_workflow CASCADE",
        "missing", "function audit.capture_crm_workflow",
    ),
    "renames a function": (
        "ALTER FUNCTION audit.capture_crm_workflow RENAME TO capture_crm_other",
        "missing", "function audit.capture_crm_workflow",
    ),
    "puts a condition into a trigger": (
        'CREATE OR REPLACE TRIGGER "!audit_update" AFTER UPDATE ON crm.workflow FOR EACH ROW'
        " WHEN (NEW.owner_id <> 1) EXECUTE FUNCTION audit.capture_crm_workflow();"
        'ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_update"',
        "changed", 'trigger "!audit_update" on crm.workflow',
    ),
    "lets a trigger fire for some columns": (
        'CREATE OR REPLACE TRIGGER "!audit_update" AFTER UPDATE OF match ON crm.workflow'
        " FOR EACH ROW EXECUTE FUNCTION audit.capture_crm_workflow();"
        'ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_update"',
        "changed", 'trigger "!audit_update" on crm.workflow',
    ),
    "lets a trigger call another table's function": (
        'CREATE OR REPLACE TRIGGER "!audit_update" AFTER UPDATE ON crm.workflow FOR EACH ROW'
        " EXECUTE FUNCTION audit.capture_crm_app_user();"
        'ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_update"',
        "changed", 'trigger "!audit_update" on crm.workflow',
    ),
    "has a table that is not tracked captured": (
        "CREATE TABLE crm.other (LIKE crm.workflow); CREATE TRIGGER forge AFTER INSERT"
        " ON crm.other FOR EACH ROW EXECUTE FUNCTION audit.capture_crm_workflow()",
        "orphan", "trigger forge on crm.other",
    ),
    "disables triggers in the catalogue": (
        "UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'crm.workflow'::regclass",
        "disabled", 'trigger "!audit_update" on crm.workflow',
    ),
    "gives the log to the application": (
        "ALTER TABLE audit.entry OWNER TO crm_web", "changed", "table audit.entry",
    ),
    "gives the schema to the application": (
        "ALTER SCHEMA audit OWNER TO crm_web", "changed", "schema audit",
    ),
    "drops the schema": ("DROP SCHEMA audit CASCADE", "missing", "schema audit"),
    "moves a partition out of the schema": (
        "ALTER TABLE audit.entry_19990101 SET SCHEMA crm", "changed", "table crm.entry_19990101",
    ),
}  # fmt: skip
ROLES = {
    "lets the writer log in": "ALTER ROLE audit_writer LOGIN",
    "frees the owner from row security": "ALTER ROLE audit_owner BYPASSRLS",
    "makes the reader a superuser": "ALTER ROLE audit_reader SUPERUSER",
    "lets the application write the log": "GRANT audit_writer TO crm_app",
    "lets the readers own the log": "GRANT audit_owner TO audit_reader",
}
NAMES = ("audit_writer", "audit_owner", "audit_reader")


@pytest.mark.parametrize(("script", "state", "what"), DETECTED.values(), ids=DETECTED.keys())
def test_a_superuser(attack: Attack, victim: Undone, script: str, state: str, what: str) -> None:
    if "entry_19990101" in script:
        add = "SELECT audit._add_partition('1999-01-01', '1999-01-02')"
        do(victim, SUPERUSER, "SET ROLE audit_owner", add)
    do(victim, SUPERUSER, "SET allow_system_table_mods = on", script)

    attack.detected(check(victim), state, what)


@pytest.mark.parametrize("statement", ROLES.values(), ids=ROLES.keys())
def test_a_superuser_changes_roles(attack: Attack, victim: Undone, statement: str) -> None:
    [role] = [name for name in NAMES if name in statement.split(" TO ")[0]]
    do(victim, SUPERUSER, statement)

    attack.detected(check(victim), "changed", f"role {role}")


def test_a_superuser_patches_a_function_and_keeps_its_comment(
    attack: Attack, victim: Undone
) -> None:
    [workflow] = [table for table in CONFIG.tables if table.name.table == "workflow"]
    patched = render_track(workflow).replace("v_new := to_jsonb(NEW)", "v_new := to_jsonb(OLD)")
    do(victim, SUPERUSER, patched)

    attack.detected(check(victim), "changed", "function audit.capture_crm_workflow")


def test_a_superuser_alters_a_function_and_puts_it_back(attack: Attack, victim: Undone) -> None:
    function = "ALTER FUNCTION audit.capture_crm_workflow"
    do(victim, SUPERUSER, f"{function} SECURITY INVOKER", f"{function} SECURITY DEFINER")

    attack.detected(check(victim), "altered", "function audit.capture_crm_workflow")


def test_a_superuser_opens_all_functions_to_come(attack: Attack, victim: Undone) -> None:
    [workflow] = [table for table in CONFIG.tables if table.name.table == "workflow"]
    do(
        victim,
        SUPERUSER,
        "ALTER DEFAULT PRIVILEGES FOR ROLE audit_writer GRANT EXECUTE ON FUNCTIONS TO crm_app",
        "DROP FUNCTION audit.capture_crm_workflow CASCADE",
        render_track(workflow),
    )

    attack.detected(check(victim), "changed", "function audit.capture_crm_workflow")


def test_a_superuser_restores_data_with_triggers_disabled(attack: Attack, victim: Undone) -> None:
    # As pg_restore --data-only --disable-triggers does before and after the rows of each table.
    for state in ("DISABLE", "ENABLE"):
        do(victim, SUPERUSER, f"ALTER TABLE crm.workflow {state} TRIGGER ALL")

    attack.detected(check(victim), "disabled", 'trigger "!audit_insert" on crm.workflow')


@pytest.mark.parametrize("where", ["DATABASE victim", "ROLE crm_web IN DATABASE victim"])
def test_a_superuser_lets_all_sessions_act_as_replication(
    attack: Attack, spare: Crm, where: str
) -> None:
    workflow = spare.add_workflow("Nurture")
    do(spare, SUPERUSER, f"ALTER {where} SET session_replication_role = replica")
    with acting(spare, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(entries(spare)[-1:], renamed(db_user=APP))


@pytest.mark.parametrize("where", ["DATABASE victim", "ROLE crm_web IN DATABASE victim"])
def test_a_superuser_names_an_actor_for_all_sessions(
    attack: Attack, spare: Crm, where: str
) -> None:
    workflow = spare.add_workflow("Nurture")
    do(spare, SUPERUSER, f"ALTER {where} SET audit.actor = '1'")
    with acting(spare, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(entries(spare)[-1:], renamed("1", actor_bound=False, db_user=APP))


def test_a_superuser_writes_as_a_superuser(attack: Attack, victim: Undone) -> None:
    workflow = victim.add_workflow("Nurture")
    do(
        victim,
        SUPERUSER,
        "SET session_replication_role = replica",
        "SET LOCAL ROLE crm_app",
        f"UPDATE crm.workflow SET name = 'Renamed' WHERE id = {workflow}",
    )

    attack.survived(entries(victim)[-1:], renamed(db_user="postgres", db_role="crm_app"))
