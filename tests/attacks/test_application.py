"""The application's own role: it may write what is tracked, and turns against the log."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import FORGERY, renamed
from tests.crm import Connection

pytestmark = pytest.mark.attacker("application")
Log = Callable[[], list[Any]]

ON_THE_LOG = {
    "adds an entry": FORGERY,
    "adds entries by COPY": "COPY {table} FROM STDIN",
    "adds an entry unless it is there": FORGERY + "ON CONFLICT DO NOTHING",
    "changes an entry": "UPDATE {table} SET actor = 'somebody else'",
    "removes an entry": "DELETE FROM {table}",
    "removes an entry in a WITH": "WITH d AS (DELETE FROM {table} RETURNING 1) SELECT 1",
    "empties the log": "TRUNCATE {table}",
    "reads the log": "SELECT count(*) FROM {table}",
    "reads the log by COPY": "COPY {table} TO STDOUT",
    "reads how values are spread in the log": "ANALYZE {table}; SELECT 1 FROM {table}",
    "locks the log": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "puts a trigger on the log": "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "puts a rule on the log": "CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "disables the log's triggers": "ALTER TABLE {table} DISABLE TRIGGER USER",
    "disables the log's row security": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "adds a policy to the log": "CREATE POLICY mine ON {table} USING (true)",
    "changes a default of the log": "ALTER TABLE {table} ALTER db_user SET DEFAULT 'priya'",
    "moves the log away": "ALTER TABLE {table} SET SCHEMA public",
    "makes the log UNLOGGED": "ALTER TABLE {table} SET UNLOGGED",
}
MERGE = """
MERGE INTO {table} AS e USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE
"""
BESIDE_THE_LOG = {
    "takes numbers of the log": "SELECT nextval('audit.entry_id_seq')",
    "turns back the numbers of the log": "SELECT setval('audit.entry_id_seq', 1)",
    "reads the key of fingerprints": "SELECT secret FROM audit.fingerprint_key",
    "changes the words of a table": "UPDATE audit.tracked_table SET entity = 'Else'",
    "describes a table anew": "CALL audit._describe('crm', 'workflow', 'M', 'E')",
    "has a table forgotten": "CALL audit._forget('crm', 'workflow')",
    "writes down a removal that was none":
        "SELECT audit._log_removal('crm', '2026-01-01', 0, 90)",
    "writes down that the log is maintained":
        "INSERT INTO audit.maintenance_run (retention_days) VALUES (90)",
    "has a partition dropped": "SELECT audit._drop_detached(now(), 'x', now(), now(), 'crm')",
    "has a partition made": "SELECT audit._add_partition('2020-01-01', '2020-01-02')",
    "has the last partition bounded": "SELECT audit._bound_last(now())",
    "asks for the fingerprint of a guess": "SELECT audit._redact('{\"a\": 1}', '{a}')",
    "calls a capture function": "SELECT audit.capture_crm_workflow()",
    "creates a table in the schema audit": "CREATE TABLE audit.mine ()",
    "creates an overload in the schema audit":
        "CREATE FUNCTION audit._redact(text, text[]) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL'",
    "replaces a capture function":
        "CREATE OR REPLACE FUNCTION audit.capture_crm_workflow() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "takes a setting from a capture function":
        "ALTER FUNCTION audit.capture_crm_workflow RESET search_path",
    "drops a capture function": "DROP FUNCTION audit.capture_crm_workflow CASCADE",
    "drops the schema audit": "DROP SCHEMA audit CASCADE",
    "becomes the writer": "SET ROLE audit_writer",
    "becomes the owner of the log": "SET ROLE audit_owner",
    "becomes a superuser": "SET SESSION AUTHORIZATION postgres",
    "lets itself in": "GRANT audit_owner TO crm_web",
    "lets the writer log in": "ALTER ROLE audit_writer LOGIN",
}  # fmt: skip
OFF_SWITCHES = {
    "disables capture": "ALTER TABLE crm.workflow DISABLE TRIGGER ALL",
    "drops a capture trigger": 'DROP TRIGGER "!audit_update" ON crm.workflow',
    "renames a capture trigger": 'ALTER TRIGGER "!audit_update" ON crm.workflow RENAME TO "!"',
    "acts as replication": "SET session_replication_role = replica",
    "swallows its updates by a rule":
        "CREATE RULE mine AS ON UPDATE TO crm.workflow DO INSTEAD NOTHING",
    "puts a trigger before ours": "CREATE TRIGGER a AFTER UPDATE ON crm.workflow FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "empties a tracked table": "TRUNCATE crm.workflow CASCADE",
    "swaps a tracked table for another": "ALTER TABLE crm.workflow RENAME TO other",
    "writes by a table that inherits": "CREATE TEMP TABLE mine () INHERITS (crm.workflow)",
    "sets a switch for all sessions": "ALTER DATABASE {database} SET row_security = off",
}  # fmt: skip


@pytest.mark.parametrize("statement", ON_THE_LOG.values(), ids=ON_THE_LOG.keys())
def test_an_application_attacks_the_log(
    attack: Attack, app: Connection, day: str, statement: str
) -> None:
    for table in (day, "audit.entry"):
        attack.refused(app, statement.format(table=table))


def test_an_application_merges_entries_away(attack: Attack, app: Connection, day: str) -> None:
    by = "42501" if app.info.server_version >= 150000 else "42601"
    for table in (day, "audit.entry"):
        attack.refused(app, MERGE.format(table=table), by)


@pytest.mark.parametrize("statement", BESIDE_THE_LOG.values(), ids=BESIDE_THE_LOG.keys())
def test_an_application_attacks_what_the_log_is_made_of(
    attack: Attack, app: Connection, statement: str
) -> None:
    attack.refused(app, statement)


@pytest.mark.parametrize("statement", OFF_SWITCHES.values(), ids=OFF_SWITCHES.keys())
def test_an_application_looks_for_an_off_switch(
    attack: Attack, app: Connection, statement: str
) -> None:
    attack.refused(app, statement.format(database=app.info.dbname))


@pytest.mark.parametrize(
    "function", ["capture_crm_workflow", "_capture_truncate", "_refuse_change", "_refuse_truncate"]
)
def test_an_application_captures_a_table_of_its_own(
    attack: Attack, app: Connection, function: str
) -> None:
    app.execute("CREATE TEMP TABLE IF NOT EXISTS mine (id int, name text, owner_id int)")

    attack.refused(
        app,
        "CREATE TRIGGER forge AFTER INSERT ON mine FOR EACH ROW"
        f" EXECUTE FUNCTION audit.{function}('crm', 'crm', 'workflow', 'Workflows', 'Workflow')",
    )


@pytest.mark.parametrize(
    "setting",
    ["audit.enabled = off", "audit.disable = on", "audit.row_triggers = off", "audit.entry = ''"],
)
def test_an_application_sets_what_switches_other_logs_off(
    attack: Attack, app: Connection, workflow: int, log: Log, setting: str
) -> None:
    app.execute(f"SET {setting}".encode())
    app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed(db_user="crm_web"))


def test_an_application_takes_a_write_back_and_not_its_entry(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    with app.transaction():
        with app.transaction(force_rollback=True):
            app.execute("UPDATE crm.workflow SET name = 'Never' WHERE id = %s", [workflow])
        app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed(old_row=log()[0].old_row | {"name": "Nurture new leads"}))
