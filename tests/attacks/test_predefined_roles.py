"""Roles that PostgreSQL brings, and attributes: what they do to the log, and what status says."""

from collections.abc import Collection

import psycopg
import pytest

from generator.drift.notes import find_notes
from tests.attacks.outcomes import Attack
from tests.attacks.scene import (
    Admit,
    acting,
    check,
    do,
    entries,
    leaf,
    renamed,
    seal,
    verified,
)
from tests.crm import APP, VIEWER, Crm

POWER = "crm_power"
SIGNS = "read the log and its keys, and could sign for any actor"


def noted(crm: Crm) -> Collection[str]:
    """Return what status says of whom there is to trust."""
    with psycopg.connect(crm.as_role(VIEWER)) as reader:
        return [f"{note.what}: {', '.join(note.who)}" for note in find_notes(reader)]


def rename(crm: Crm) -> None:
    with acting(crm, APP) as app:
        app.execute("UPDATE crm.workflow SET name = 'Renamed'")


@pytest.mark.attacker("holder of BYPASSRLS and pg_read_all_data")
def test_one_whom_neither_rights_nor_row_security_hold_reads_the_keys(
    attack: Attack, spare: Crm, admit: Admit
) -> None:
    power = admit(POWER, "BYPASSRLS", "pg_read_all_data")
    with acting(spare, power) as connection:
        assert connection.execute("TABLE audit.fingerprint_key").rowcount == 1

    attack.noted([note for note in noted(spare) if power in note], SIGNS)


@pytest.mark.attacker("holder of REPLICATION")
def test_one_who_may_replicate_reads_what_is_written(
    attack: Attack, spare: Crm, admit: Admit
) -> None:
    power = admit(POWER, "REPLICATION")
    with acting(spare, power) as connection:
        attack.refused(connection, "TABLE audit.entry")

    attack.noted([note for note in noted(spare) if power in note], SIGNS)


@pytest.mark.attacker("holder of pg_write_all_data")
def test_a_writer_of_all_data_locks_the_log(attack: Attack, spare: Crm, admit: Admit) -> None:
    spare.add_workflow("Nurture")
    with (
        acting(spare, admit(POWER, "", "pg_write_all_data")) as power,
        acting(spare, APP) as app,
        power.transaction(),
    ):
        power.execute("LOCK TABLE audit.entry IN ACCESS EXCLUSIVE MODE")
        app.execute("SET lock_timeout = 1")
        # The write and its entry live or die together.
        attack.refused(app, "UPDATE crm.workflow SET name = 'Renamed'", by="55P03")
        assert app.execute("SELECT name FROM crm.workflow").fetchall() == [("Nurture",)]


@pytest.mark.attacker("holder of pg_write_all_data")
def test_a_writer_of_all_data_gives_new_entries_the_numbers_of_a_former_database(
    attack: Attack, spare: Crm, admit: Admit
) -> None:
    spare.add_workflow("Nurture", conditions=2)
    do(spare, "postgres", "SET ROLE audit_owner", "SELECT audit.acknowledge_restore('moved')")
    with acting(spare, admit(POWER, "", "pg_write_all_data")) as power:
        power.execute("SELECT setval('audit.entry_id_seq', 1)")
    rename(spare)
    with pytest.raises(psycopg.DatabaseError) as refused:
        seal(spare)

    assert refused.value.sqlstate == "UA011"
    attack.detected(verified(spare).findings, "restored", "the ids of entries")
    attack.detected(check(spare), "conflict", "sequence audit.entry_id_seq")


@pytest.mark.attacker("holder of pg_maintain")
def test_a_maintainer_of_all_tables(attack: Attack, spare: Crm, admit: Admit) -> None:
    admit(POWER)
    spare.add_workflow("Nurture")
    seal(spare)
    with spare.as_superuser() as superuser, acting(spare, POWER) as power:
        if superuser.info.server_version < 170000:
            attack.refused(superuser, f"GRANT pg_maintain TO {POWER}", by="42704")
            return
        superuser.execute(f"GRANT pg_maintain TO {POWER}".encode())
        attack.refused(power, "LOCK TABLE audit.entry")
        attack.refused(power, f"ANALYZE {leaf(spare)}")
        power.execute("REINDEX SCHEMA audit")
    rename(spare)

    assert verified(spare).is_clean
    attack.survived(entries(spare)[-1:], renamed())


@pytest.mark.attacker("holder of pg_signal_backend")
def test_who_may_end_sessions_ends_one_that_writes(
    attack: Attack, spare: Crm, admit: Admit
) -> None:
    spare.add_workflow("Nurture")
    before = len(entries(spare))
    with (
        acting(spare, admit(POWER, "", "pg_signal_backend")) as power,
        psycopg.connect(spare.as_role(APP)) as app,
    ):
        app.execute("UPDATE crm.workflow SET name = 'Renamed'")
        power.execute("SELECT pg_terminate_backend(%s, 5000)", [app.info.backend_pid])
        with pytest.raises(psycopg.errors.AdminShutdown):
            app.commit()

    attack.survived(entries(spare)[before:])
    with acting(spare, APP) as reader:
        assert reader.execute("SELECT name FROM crm.workflow").fetchall() == [("Nurture",)]
