"""Roles that were given more than an application needs: what they can make of it."""

import pytest

from auditviewer.demo.cluster import Cluster
from generator.drift import Finding
from tests.attacks.outcomes import Attack
from tests.attacks.scene import (
    FORGERY,
    SUPERUSER,
    Admit,
    Undone,
    acting,
    check,
    do,
    entries,
    leaf,
    renamed,
)
from tests.crm import APP, Crm
from tests.databases import new_database

POWER = "crm_power"
RULES = (
    "audit.tracked_table", "audit.maintenance_run", "audit.person", "audit.fingerprint_key",
    "audit.actor_key", "audit.object_version",
    "audit.seal_list",
)  # fmt: skip
INSERTS = {
    "says that the log was maintained":
        "INSERT INTO audit.maintenance_run (retention_days) VALUES (90)",
    "adds a person": "INSERT INTO audit.person (actor, acted_on) VALUES ('1', '2026-01-01')",
    "adds a key of fingerprints": "INSERT INTO audit.fingerprint_key (is_only) VALUES (true)",
    "adds the words of a table":
        "INSERT INTO audit.tracked_table SELECT (jsonb_populate_record(NULL::audit.tracked_table,"
        """ '{"table_schema": "a", "table_name": "b", "module": "m", "entity": "e","""
        """ "key_columns": [], "say": {}, "columns": {}, "ignored": [], "excluded": [],"""
        """ "redacted": [], "on_truncate": "log", "tracked_at": "2026-01-01"}')).*""",
}  # fmt: skip


@pytest.fixture
def workflow(victim: Undone) -> int:
    """A workflow, and so entries in the log."""
    return victim.add_workflow("Nurture")


@pytest.fixture
def writer(victim: Undone, workflow: int) -> str:
    """Somebody who may read and write every table."""
    return victim.admit(POWER, "", "pg_write_all_data", "pg_read_all_data")


def rename(crm: Crm, workflow: int) -> None:
    """Write to a tracked table."""
    with acting(crm, APP) as connection:
        connection.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("where", ["the log", "a partition of it"])
def test_a_writer_of_all_data_adds_an_entry_to(
    attack: Attack, victim: Undone, writer: str, where: str
) -> None:
    table = "audit.entry" if where == "the log" else leaf(victim)
    with acting(victim, writer) as connection:
        attack.refused(connection, FORGERY.format(table=table))
        attack.refused(connection, f"COPY {table} FROM STDIN", by="0A000")


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET actor = '1'", "DELETE FROM {table}", "SELECT FROM {table} FOR UPDATE"],
    ids=["changes", "removes", "locks"],
)
def test_a_writer_of_all_data_changes_entries(
    attack: Attack, victim: Undone, writer: str, statement: str
) -> None:
    tables = ("audit.entry", leaf(victim))
    with acting(victim, writer) as connection:
        for table in tables:
            attack.in_vain(connection, statement.format(table=table))


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("table", RULES)
def test_a_writer_of_all_data_changes(
    attack: Attack, victim: Undone, writer: str, table: str
) -> None:
    with acting(victim, writer) as connection:
        attack.in_vain(connection, f"DELETE FROM {table}")
        attack.in_vain(connection, f"SELECT FROM {table}")


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("table", ["audit.seal", "audit.seal_block", "audit.verification"])
def test_a_writer_of_all_data_changes_the_chain(
    attack: Attack, victim: Undone, writer: str, table: str
) -> None:
    with acting(victim, writer) as connection:
        attack.refused(connection, f"DELETE FROM {table}", by="UA001")
        attack.refused(connection, f"INSERT INTO {table} SELECT")
        attack.in_vain(connection, f"SELECT FROM {table}")


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("statement", INSERTS.values(), ids=INSERTS.keys())
def test_a_writer_of_all_data(attack: Attack, victim: Undone, writer: str, statement: str) -> None:
    with acting(victim, writer) as connection:
        attack.refused(connection, statement)


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("number", [1, 2**63 - 1], ids=["back", "to the end"])
def test_a_writer_of_all_data_sets_the_numbers_of_the_log(
    attack: Attack, spare: Crm, admit: Admit, number: int
) -> None:
    workflow = spare.add_workflow("Nurture")
    known = {entry.occurred_at for entry in entries(spare)}
    with acting(spare, admit(POWER, "", "pg_write_all_data", "pg_read_all_data")) as writer:
        writer.execute("SELECT setval('audit.entry_id_seq', %s)", [number])
    rename(spare, workflow)

    attack.survived([e for e in entries(spare) if e.occurred_at not in known], renamed())


@pytest.mark.attacker("holder of pg_write_all_data")
def test_a_writer_of_all_data_writes_what_is_tracked_as_somebody_else(
    attack: Attack, victim: Undone, writer: str, workflow: int
) -> None:
    with acting(victim, writer) as connection:
        connection.execute("SET audit.actor = '1'")
        connection.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(entries(victim)[-1:], renamed("1", db_user=POWER, actor_bound=False))


@pytest.mark.attacker("holder of BYPASSRLS")
@pytest.mark.parametrize(
    "statement",
    [FORGERY, "UPDATE {table} SET actor = '1'", "DELETE FROM {table}", "SELECT FROM {table}"],
    ids=["adds an entry", "changes entries", "removes entries", "reads entries"],
)
def test_one_whom_row_security_does_not_hold(
    attack: Attack, victim: Undone, workflow: int, statement: str
) -> None:
    tables = ("audit.entry", leaf(victim))
    with acting(victim, victim.admit(POWER, "BYPASSRLS")) as power:
        for table in tables:
            attack.refused(power, statement.format(table=table))


@pytest.mark.attacker("holder of BYPASSRLS and pg_write_all_data")
@pytest.mark.parametrize("statement", ["UPDATE {table} SET actor = '1'", "DELETE FROM {table}"])
def test_one_whom_neither_rights_nor_row_security_hold(
    attack: Attack, victim: Undone, workflow: int, statement: str
) -> None:
    tables = ("audit.entry", leaf(victim))
    role = victim.admit(POWER, "BYPASSRLS", "pg_write_all_data", "pg_read_all_data")
    with acting(victim, role) as power:
        for table in tables:
            attack.refused(power, statement.format(table=table), by="UA001")
        attack.refused(power, "TRUNCATE audit.entry")


@pytest.mark.attacker("holder of BYPASSRLS and pg_write_all_data")
def test_one_whom_neither_rights_nor_row_security_hold_adds_an_entry(
    attack: Attack, victim: Undone
) -> None:
    with acting(victim, victim.admit(POWER, "BYPASSRLS", "pg_write_all_data")) as power:
        power.execute(FORGERY.format(table="audit.entry").encode())

    attack.detected(check(victim), "conflict", f"role {POWER}")


@pytest.mark.attacker("owner of another database")
def test_one_who_installed_the_log_elsewhere_can_act_as_the_owner_of_this_one(
    attack: Attack, cluster: Cluster, crm: Crm, known: list[Finding], admit: Admit
) -> None:
    attack.known = known
    with new_database(cluster, "elsewhere", admit(POWER, "", "audit_owner")):
        attack.detected(check(crm), "changed", "role audit_owner")


@pytest.mark.attacker("holder of CREATEROLE")
def test_one_who_may_create_roles_is_seen_before_they_do(attack: Attack, victim: Undone) -> None:
    with acting(victim, victim.admit(POWER, "CREATEROLE")) as power:
        if power.info.server_version >= 160000:
            attack.refused(power, f"GRANT audit_owner TO {POWER}")
            return
    attack.detected(check(victim), "conflict", f"role {POWER}")


@pytest.mark.attacker("holder of CREATEROLE")
@pytest.mark.parametrize("role", ["audit_owner", "audit_writer"])
def test_one_who_may_create_roles_becomes(attack: Attack, victim: Undone, role: str) -> None:
    with acting(victim, victim.admit(POWER, "CREATEROLE")) as power:
        if power.info.server_version >= 160000:
            attack.refused(power, f"GRANT {role} TO {POWER}")
            return
        # Up to PostgreSQL 15, who may create roles may grant any but superusers'.
        power.execute(f"GRANT {role} TO {POWER}".encode())
    attack.detected(check(victim), "changed", f"role {role}")


@pytest.mark.attacker("holder of CREATEROLE")
@pytest.mark.parametrize("option", ["LOGIN", "BYPASSRLS", "SUPERUSER", "CREATEROLE"])
def test_one_who_may_create_roles_gives_the_writer(
    attack: Attack, victim: Undone, option: str
) -> None:
    with acting(victim, victim.admit(POWER, "CREATEROLE")) as power:
        if power.info.server_version >= 160000 or option in ("BYPASSRLS", "SUPERUSER"):
            attack.refused(power, f"ALTER ROLE audit_writer {option}")
            return
        power.execute(f"ALTER ROLE audit_writer {option}".encode())
    attack.detected(check(victim), "changed", "role audit_writer")


@pytest.mark.attacker("who may act as replication")
def test_one_who_may_set_session_replication_role_writes(
    attack: Attack, victim: Undone, workflow: int
) -> None:
    power, setting = victim.admit(POWER, "", "crm_app"), "session_replication_role"
    if victim.connection.info.server_version < 150000:
        with acting(victim, power) as connection:
            attack.refused(connection, f"SET {setting} = replica")
        return
    do(victim, SUPERUSER, f"GRANT SET ON PARAMETER {setting} TO {power}")
    with acting(victim, power) as connection:
        connection.execute(f"SET {setting} = replica".encode())
        connection.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(entries(victim)[-1:], renamed(db_user=power))


@pytest.mark.attacker("member of the application's role")
def test_one_of_many_takes_the_role_of_all(attack: Attack, victim: Undone, workflow: int) -> None:
    power = victim.admit(POWER, "", "crm_app")
    do(
        victim,
        power,
        "SET ROLE crm_app",
        f"UPDATE crm.workflow SET name = 'Renamed' WHERE id = {workflow}",
    )

    attack.survived(entries(victim)[-1:], renamed(db_user=power, db_role="crm_app"))


@pytest.mark.attacker("owner of the database")
@pytest.mark.parametrize(
    "setting",
    ["row_security = off", "search_path = public", "timezone = 'Asia/Tokyo'", "datestyle = 'SQL'"],
)
def test_the_owner_of_the_database_sets_for_every_session(
    attack: Attack, spare: Crm, setting: str
) -> None:
    workflow = spare.add_workflow("Nurture")
    with acting(spare, "crm_owner") as owner:
        owner.execute(f"ALTER DATABASE victim SET {setting}".encode())
    stored = entries(spare)[0].new_row["created_at"]
    rename(spare, workflow)

    told = entries(spare)[-1:]
    attack.survived(told, renamed(labels={"owner_id": {"1": "Priya Nair"}}))
    assert told[0].new_row["created_at"][-6:] == stored[-6:] == "+00:00"
    assert check(spare) == attack.known
