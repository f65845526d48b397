"""Roles that were given more than an application needs: what they can make of it."""

from collections.abc import Iterator

import pytest

from auditviewer.demo.cluster import Cluster
from tests.attacks.outcomes import Attack
from tests.attacks.scene import FORGERY, Admit, acting, check, do, entries, leaf, renamed
from tests.crm import APP, Connection, Crm
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
def workflow(victim: Crm) -> int:
    """A workflow in the CRM of this test, and so entries in its log."""
    return victim.add_workflow("Nurture")


@pytest.fixture
def writer(admit: Admit, victim: Crm, workflow: int) -> Iterator[Connection]:
    """Somebody who may read and write every table."""
    with acting(victim, admit(POWER, "", "pg_write_all_data", "pg_read_all_data")) as connection:
        yield connection


def rename(crm: Crm, workflow: int, by: str = APP) -> None:
    """Write to a tracked table."""
    with acting(crm, by) as connection:
        connection.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("where", ["the log", "a partition of it"])
def test_a_writer_of_all_data_adds_an_entry_to(
    attack: Attack, victim: Crm, writer: Connection, where: str
) -> None:
    table = "audit.entry" if where == "the log" else leaf(victim)
    attack.refused(writer, FORGERY.format(table=table))
    attack.refused(writer, f"COPY {table} FROM STDIN", by="0A000")


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET actor = '1'", "DELETE FROM {table}", "SELECT FROM {table} FOR UPDATE"],
    ids=["changes", "removes", "locks"],
)
def test_a_writer_of_all_data_changes_entries(
    attack: Attack, victim: Crm, writer: Connection, statement: str
) -> None:
    for table in ("audit.entry", leaf(victim)):
        attack.in_vain(writer, statement.format(table=table))


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("table", RULES)
def test_a_writer_of_all_data_changes(attack: Attack, writer: Connection, table: str) -> None:
    attack.in_vain(writer, f"DELETE FROM {table}")
    attack.in_vain(writer, f"SELECT FROM {table}")


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("table", ["audit.seal", "audit.seal_block", "audit.verification"])
def test_a_writer_of_all_data_changes_the_chain(
    attack: Attack, writer: Connection, table: str
) -> None:
    for statement in ("DELETE FROM {}", "INSERT INTO {} SELECT"):
        attack.refused(
            writer, statement.format(table), by="UA001" if "DEL" in statement else "42501"
        )
    attack.in_vain(writer, f"SELECT FROM {table}")


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("statement", INSERTS.values(), ids=INSERTS.keys())
def test_a_writer_of_all_data(attack: Attack, writer: Connection, statement: str) -> None:
    attack.refused(writer, statement)


@pytest.mark.attacker("holder of pg_write_all_data")
@pytest.mark.parametrize("number", [1, 2**63 - 1], ids=["back", "to the end"])
def test_a_writer_of_all_data_sets_the_numbers_of_the_log(
    attack: Attack, victim: Crm, writer: Connection, workflow: int, number: int
) -> None:
    known = {entry.occurred_at for entry in entries(victim)}
    writer.execute("SELECT setval('audit.entry_id_seq', %s)", [number])
    rename(victim, workflow)

    attack.survived([e for e in entries(victim) if e.occurred_at not in known], renamed())


@pytest.mark.attacker("holder of pg_write_all_data")
def test_a_writer_of_all_data_writes_what_is_tracked_as_somebody_else(
    attack: Attack, victim: Crm, writer: Connection, workflow: int
) -> None:
    writer.execute("SET audit.actor = '1'")
    writer.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(entries(victim)[-1:], renamed("1", db_user=POWER, actor_bound=False))


@pytest.mark.attacker("holder of BYPASSRLS")
@pytest.mark.parametrize(
    "statement",
    [FORGERY, "UPDATE {table} SET actor = '1'", "DELETE FROM {table}", "SELECT FROM {table}"],
    ids=["adds an entry", "changes entries", "removes entries", "reads entries"],
)
def test_one_whom_row_security_does_not_hold(
    attack: Attack, victim: Crm, workflow: int, admit: Admit, statement: str
) -> None:
    with acting(victim, admit(POWER, "BYPASSRLS")) as power:
        for table in ("audit.entry", leaf(victim)):
            attack.refused(power, statement.format(table=table))


@pytest.mark.attacker("holder of BYPASSRLS and pg_write_all_data")
@pytest.mark.parametrize("statement", ["UPDATE {table} SET actor = '1'", "DELETE FROM {table}"])
def test_one_whom_neither_rights_nor_row_security_hold(
    attack: Attack, victim: Crm, workflow: int, admit: Admit, statement: str
) -> None:
    role = admit(POWER, "BYPASSRLS", "pg_write_all_data", "pg_read_all_data")
    with acting(victim, role) as power:
        for table in ("audit.entry", leaf(victim)):
            attack.refused(power, statement.format(table=table), by="UA001")
        attack.refused(power, "TRUNCATE audit.entry")


@pytest.mark.attacker("holder of BYPASSRLS and pg_write_all_data")
def test_one_whom_neither_rights_nor_row_security_hold_adds_an_entry(
    attack: Attack, victim: Crm, admit: Admit
) -> None:
    with acting(victim, admit(POWER, "BYPASSRLS", "pg_write_all_data")) as power:
        power.execute(FORGERY.format(table="audit.entry").encode())

    attack.detected(check(victim), "conflict", f"role {POWER}")


@pytest.mark.attacker("owner of another database")
def test_one_who_installed_the_log_elsewhere_can_act_as_the_owner_of_this_one(
    attack: Attack, cluster: Cluster, victim: Crm, admit: Admit
) -> None:
    with new_database(cluster, "elsewhere", admit(POWER, "", "audit_owner")):
        attack.detected(check(victim), "changed", "role audit_owner")


@pytest.mark.attacker("holder of CREATEROLE")
def test_one_who_may_create_roles_is_seen_before_they_do(
    attack: Attack, victim: Crm, admit: Admit
) -> None:
    with acting(victim, admit(POWER, "CREATEROLE")) as power:
        if power.info.server_version >= 160000:
            attack.refused(power, f"GRANT audit_owner TO {POWER}")
        else:
            attack.detected(check(victim), "conflict", f"role {POWER}")


@pytest.mark.attacker("holder of CREATEROLE")
@pytest.mark.parametrize("role", ["audit_owner", "audit_writer"])
def test_one_who_may_create_roles_becomes(
    attack: Attack, victim: Crm, admit: Admit, role: str
) -> None:
    with acting(victim, admit(POWER, "CREATEROLE")) as power:
        if power.info.server_version >= 160000:
            attack.refused(power, f"GRANT {role} TO {POWER}")
            return
        # Up to PostgreSQL 15, who may create roles may grant any but superusers'.
        power.execute(f"GRANT {role} TO {POWER}".encode())
        attack.detected(check(victim), "changed", f"role {role}")


@pytest.mark.attacker("holder of CREATEROLE")
@pytest.mark.parametrize("option", ["LOGIN", "BYPASSRLS", "SUPERUSER", "CREATEROLE"])
def test_one_who_may_create_roles_gives_the_writer(
    attack: Attack, victim: Crm, admit: Admit, option: str
) -> None:
    with acting(victim, admit(POWER, "CREATEROLE")) as power:
        if power.info.server_version >= 160000 or option in ("BYPASSRLS", "SUPERUSER"):
            attack.refused(power, f"ALTER ROLE audit_writer {option}")
            return
        power.execute(f"ALTER ROLE audit_writer {option}".encode())
        try:
            attack.detected(check(victim), "changed", "role audit_writer")
        finally:
            power.execute(f"ALTER ROLE audit_writer NO{option}".encode())


@pytest.mark.attacker("who may act as replication")
def test_one_who_may_set_session_replication_role_writes(
    attack: Attack, victim: Crm, workflow: int, admit: Admit
) -> None:
    power = admit(POWER, "", "crm_app")
    with victim.as_superuser() as superuser, acting(victim, power) as connection:
        if superuser.info.server_version < 150000:
            attack.refused(connection, "SET session_replication_role = replica")
            return
        superuser.execute(f"GRANT SET ON PARAMETER session_replication_role TO {power}".encode())
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])
        superuser.execute(f"REVOKE ALL ON PARAMETER session_replication_role FROM {power}".encode())

    attack.survived(entries(victim)[-1:], renamed(db_user=power))


@pytest.mark.attacker("member of the application's role")
def test_one_of_many_takes_the_role_of_all(
    attack: Attack, victim: Crm, workflow: int, admit: Admit
) -> None:
    power = admit(POWER, "", "crm_app")
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
    attack: Attack, victim: Crm, workflow: int, setting: str
) -> None:
    with acting(victim, "crm_owner") as owner:
        owner.execute(f"ALTER DATABASE victim SET {setting}".encode())
    stored = entries(victim)[0].new_row["created_at"]
    rename(victim, workflow)

    told = entries(victim)[-1:]
    attack.survived(told, renamed(labels={"owner_id": {"1": "Priya Nair"}}))
    assert told[0].new_row["created_at"][-6:] == stored[-6:] == "+00:00"
    assert check(victim) == attack.known
