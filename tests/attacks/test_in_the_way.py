"""Sessions that keep a log from being maintained: writes go on, and check says what is undone."""

from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from generator.maintenance import Busy
from tests.attacks.outcomes import Attack
from tests.attacks.scene import MALLORY, check
from tests.crm import APP, VIEWER, Connection, Crm, create_role
from tests.maintenance import TERMS, Upkeep

WRITE = (
    "INSERT INTO crm.app_user (full_name, email) VALUES ('Ana', gen_random_uuid() || '@x.example')"
)
NEVER_MAINTAINED = """
UPDATE audit.tracked_table SET tracked_at = now() - interval '2 days' WHERE table_schema = 'audit'
"""


@pytest.fixture
def neglected(upkeep: Upkeep, attack: Attack) -> Upkeep:
    """A log that has to be maintained: its last partition is in use."""
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, APP, "crm_app")
        create_role(superuser, VIEWER, "audit_reader")
        create_role(superuser, MALLORY)
    upkeep.age(76, ahead=5)
    upkeep.add_entries(0)
    upkeep.as_owner(NEVER_MAINTAINED)
    return upkeep


def log_in(upkeep: Upkeep, role: str) -> Connection:
    return psycopg.connect(make_conninfo(upkeep.conninfo, user=role))


def last_gave_up(upkeep: Upkeep, attack: Attack, because: str) -> None:
    """Assert that a run gave up and said why, and that check tells it."""
    run = upkeep.maintain()
    assert because in "\n".join(run.given_up)
    attack.detected(check(Crm(upkeep.conninfo)), "missing", "table audit.maintenance_run")
    with log_in(upkeep, APP) as app:
        app.execute(WRITE.encode())


@pytest.mark.attacker("another role")
def test_somebody_holds_the_lock_of_who_maintains(attack: Attack, neglected: Upkeep) -> None:
    with log_in(neglected, MALLORY) as mallory:
        mallory.execute("SELECT pg_advisory_lock(x'7067776974'::bigint)")
        with pytest.raises(Busy, match=str(mallory.info.backend_pid)):
            neglected.maintain()

    attack.detected(check(Crm(neglected.conninfo)), "missing", "table audit.maintenance_run")


@pytest.mark.attacker("application")
def test_a_writer_never_ends_its_transaction(attack: Attack, neglected: Upkeep) -> None:
    with log_in(neglected, APP) as app:
        app.execute(WRITE.encode())
        last_gave_up(neglected, attack, f"pid {app.info.backend_pid}")


@pytest.mark.attacker("application")
def test_a_prepared_transaction_is_left_behind(attack: Attack, neglected: Upkeep) -> None:
    with log_in(neglected, APP) as app:
        app.tpc_begin(app.xid(1, "left behind", ""))
        app.execute(WRITE.encode())
        app.tpc_prepare()
        last_gave_up(neglected, attack, "prepared transaction '")
        app.tpc_rollback()


@pytest.mark.attacker("member of audit_owner")
def test_a_maintainer_keeps_less_than_was_agreed(attack: Attack, upkeep: Upkeep) -> None:
    upkeep.age(3)
    upkeep.maintain(replace(TERMS, retention=1))

    told = upkeep.as_owner("SELECT * FROM audit.entry WHERE table_schema = 'audit' ORDER BY id")
    said = [{"operation": "DELETE", "old_row": entry.old_row} for entry in told]
    attack.survived(told, *said)
    assert [entry.old_row["retention_days"] for entry in told] == [1, 1, 1]


@pytest.mark.attacker("reader of the log")
def test_a_reader_never_ends_its_transaction(attack: Attack, neglected: Upkeep) -> None:
    with log_in(neglected, VIEWER) as reader:
        reader.execute("SELECT count(*) FROM audit.entry")
        last_gave_up(neglected, attack, f"pid {reader.info.backend_pid}")


@pytest.mark.attacker("reader of the log")
def test_a_reader_locks_the_log_as_far_as_it_may(attack: Attack, neglected: Upkeep) -> None:
    with log_in(neglected, VIEWER) as reader:
        reader.execute("LOCK TABLE audit.entry IN ACCESS SHARE MODE")
        last_gave_up(neglected, attack, f"pid {reader.info.backend_pid}")
