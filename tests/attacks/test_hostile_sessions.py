"""What a session sets, or locks elsewhere, so that an entry would say less than it should."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import acting, entries, renamed
from tests.crm import APP, Connection, Crm

Log = Callable[[], list[Any]]

SETTINGS = [
    "plpgsql.extra_errors = 'all'",
    "plpgsql.check_asserts = on",
    "plpgsql.print_strict_params = on",
    "exit_on_error = on",
    "from_collapse_limit = 1",
    "default_transaction_deferrable = on",
    "audit.bound_to = 'for ever'",
    "audit.signature = '9999999999.'",
]
WAYS = {
    "a cursor": "DO $$ DECLARE c CURSOR FOR SELECT FROM crm.workflow FOR UPDATE; BEGIN OPEN c;"
    " MOVE c; UPDATE crm.workflow SET name = 'Renamed' WHERE CURRENT OF c; END $$",
    "rows that are locked by nobody": "UPDATE crm.workflow SET name = 'Renamed' WHERE id ="
    " (SELECT id FROM crm.workflow FOR UPDATE SKIP LOCKED LIMIT 1)",
    "a prepared statement": "PREPARE s AS UPDATE crm.workflow SET name = 'Renamed'; EXECUTE s",
    "constraints that are deferred": "BEGIN; SET CONSTRAINTS ALL DEFERRED;"
    " UPDATE crm.workflow SET name = 'Renamed'; COMMIT",
    "a table of its own of the same name": "CREATE TEMP TABLE workflow (LIKE crm.workflow);"
    " SET search_path = pg_temp, crm; UPDATE crm.workflow SET name = 'Renamed'",
}


@pytest.mark.attacker("session with hostile settings")
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_session_would_have_capture_say_less(
    attack: Attack, app: Connection, workflow: int, log: Log, setting: str
) -> None:
    app.execute(f"SET {setting}".encode())
    app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    label = {"owner_id": {"1": "Priya Nair"}}
    attack.survived(log(), renamed(labels=label, entity_label="Renamed"))


@pytest.mark.attacker("application")
@pytest.mark.parametrize("statement", WAYS.values(), ids=WAYS.keys())
def test_an_application_updates_by(attack: Attack, spare: Crm, statement: str) -> None:
    spare.add_workflow("Nurture")
    before = len(entries(spare))
    with acting(spare, APP) as app:
        app.execute(statement.encode())

    attack.survived(entries(spare)[before:], renamed(entity_label="Renamed"))


@pytest.mark.attacker("application")
def test_an_application_keeps_the_name_of_an_entity_from_its_entry(
    attack: Attack, spare: Crm
) -> None:
    workflow = spare.add_workflow("Nurture", conditions=1)
    before = len(entries(spare))
    with acting(spare, APP) as other, acting(spare, APP) as app, other.transaction():
        other.execute("LOCK TABLE crm.workflow IN ACCESS EXCLUSIVE MODE")
        app.execute("SET lock_timeout = 1")
        app.execute("UPDATE crm.workflow_condition SET value = '9'")

    # What entity it is says the row itself.
    told = {"table_name": "workflow_condition", "entity_id": str(workflow), "entity_label": None}
    attack.survived(entries(spare)[before:], told)
