"""The application writes in every way there is, in the hope of one that leaves no entry."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import renamed
from tests.crm import Connection, Crm, Person

pytestmark = pytest.mark.attacker("application")
Log = Callable[[], list[Any]]

UPDATES = {
    "in a WITH": "WITH u AS (UPDATE crm.workflow SET name = 'Renamed' WHERE id = {id} RETURNING id)"
    " SELECT 1",
    "from a DO block": "DO $$ BEGIN UPDATE crm.workflow SET name = 'Renamed' WHERE id = {id};"
    " END $$",
    "by the place of a cursor": "BEGIN; DECLARE c CURSOR FOR SELECT * FROM crm.workflow"
    " WHERE id = {id} FOR UPDATE; FETCH c;"
    " UPDATE crm.workflow SET name = 'Renamed' WHERE CURRENT OF c; COMMIT",
    "on a conflict": "INSERT INTO crm.workflow (id, name, record_type, owner_id)"
    " OVERRIDING SYSTEM VALUE VALUES ({id}, 'Renamed', 'lead', 1)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "by EXECUTE of a prepared statement": "PREPARE p AS UPDATE crm.workflow SET name = $1"
    " WHERE id = {id}; EXECUTE p('Renamed'); DEALLOCATE p",
    "through a temporary view": "CREATE TEMP VIEW v AS SELECT * FROM crm.workflow;"
    " UPDATE v SET name = 'Renamed' WHERE id = {id}; DROP VIEW v",
    "by a function of its own that runs as its owner":
        "CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SECURITY DEFINER"
        " SET search_path = '' AS $$ UPDATE crm.workflow SET name = 'Renamed' WHERE id = {id} $$;"
        " SELECT pg_temp.f(); DROP FUNCTION pg_temp.f()",
    "by a trigger of a temporary table": "CREATE TEMP TABLE t (id int);"
    " CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " UPDATE crm.workflow SET name = 'Renamed' WHERE id = NEW.id; RETURN NULL; END $$;"
    " CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.f();"
    " INSERT INTO t VALUES ({id}); DROP TABLE t; DROP FUNCTION pg_temp.f()",
    "under SERIALIZABLE": "BEGIN ISOLATION LEVEL SERIALIZABLE;"
    " UPDATE crm.workflow SET name = 'Renamed' WHERE id = {id}; COMMIT",
    "with constraints deferred": "BEGIN; SET CONSTRAINTS ALL DEFERRED;"
    " UPDATE crm.workflow SET name = 'Renamed' WHERE id = {id}; COMMIT",
}  # fmt: skip
MERGE = """
MERGE INTO crm.workflow AS w USING (SELECT {id} AS id) AS s ON w.id = s.id
WHEN MATCHED THEN UPDATE SET name = 'Renamed'
"""


@pytest.mark.parametrize("script", UPDATES.values(), ids=UPDATES.keys())
def test_an_application_updates(
    attack: Attack, app: Connection, workflow: int, log: Log, script: str
) -> None:
    app.execute(script.format(id=workflow).encode())

    attack.survived(log(), renamed(new_row=log()[0].new_row | {"name": "Renamed"}))
    assert log()[0].old_row["name"] == "Nurture new leads"


def test_an_application_updates_by_merge(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    if app.info.server_version >= 150000:
        app.execute(MERGE.format(id=workflow).encode())
        attack.survived(log(), renamed())
    else:
        attack.refused(app, MERGE.format(id=workflow), by="42601")


def test_an_application_prepares_the_transaction_first(
    attack: Attack, crm: Crm, workflow: int, log: Log, ana: Person
) -> None:
    with crm.saving(ana) as connection:
        connection.rollback()
        connection.tpc_begin(connection.xid(1, "left open", ""))
        connection.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])
        connection.tpc_prepare()
        assert log() == []
        connection.tpc_commit()

    attack.survived(log(), renamed(db_user="crm_web"))


def test_an_application_copies_rows_in(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    with app.cursor().copy(
        "COPY crm.workflow_action (workflow_id, position, kind) FROM STDIN"
    ) as copy:
        copy.write_row((workflow, 1, "add_tag"))

    attack.survived(log(), {"operation": "INSERT", "table_name": "workflow_action"})


def test_an_application_lets_a_foreign_key_delete(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    app.execute("DELETE FROM crm.workflow WHERE id = %s", [workflow])

    attack.survived(
        log(),
        {"operation": "DELETE", "table_name": "workflow"},
        {"operation": "DELETE", "table_name": "workflow_condition"},
        {"operation": "DELETE", "table_name": "workflow_condition"},
    )


def test_an_application_changes_a_value_and_back_in_one_transaction(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    with app.transaction():
        for name in ("Renamed", "Nurture new leads"):
            app.execute("UPDATE crm.workflow SET name = %s WHERE id = %s", [name, workflow])

    there, back = log()
    attack.survived(log(), renamed(new_row=back.old_row), renamed(new_row=there.old_row))


def test_an_application_hides_a_change_behind_an_ignored_column(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    app.execute("UPDATE crm.workflow SET updated_at = '1999-01-01' WHERE id = %s", [workflow])
    app.execute(
        "UPDATE crm.workflow SET updated_at = now(), name = 'Renamed' WHERE id = %s", [workflow]
    )

    attack.survived(log(), renamed(entity_label="Renamed"))


def test_an_application_disconnects_before_it_is_answered(
    attack: Attack, crm: Crm, workflow: int, log: Log, ana: Person
) -> None:
    with crm.saving(ana) as connection:
        connection.pgconn.send_query(
            f"UPDATE crm.workflow SET name = 'Renamed' WHERE id = {workflow}; COMMIT".encode()
        )
        connection.close()
    crm.save("LOCK TABLE crm.workflow IN SHARE MODE")

    attack.survived(log(), renamed(ana.key))
