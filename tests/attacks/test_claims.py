"""Who says who acts: actors that are signed, and tables that want to know one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_track
from tests.attacks.outcomes import Attack
from tests.attacks.scene import SUPERUSER, Admit, Undone, acting, check, do, renamed
from tests.capture.test_signature import KEY, SIGN
from tests.crm import APP, VIEWER, Connection, Crm
from tests.databases import OWNER

Log = Callable[[], list[Any]]

REFUND = TrackedTable(
    TableName("crm", "refund"), "crm", "Refunds", "Refund", missing_actor="reject"
)
BULK = TrackedTable(
    TableName("crm", "bulk"), "crm", "Bulk", "Bulk", missing_actor="reject", capture="statement"
)
TABLES = f"""
CREATE TABLE crm.refund (id int PRIMARY KEY, note text);
CREATE TABLE crm.bulk (id int PRIMARY KEY REFERENCES crm.refund ON DELETE CASCADE, note text);
GRANT ALL ON crm.refund, crm.bulk TO {APP};
"""
NOBODY = {
    "nothing": "",
    "nobody": "SET LOCAL audit.actor = ''",
    "nobody, through the function": "SELECT audit.set_context('')",
    "somebody, and takes it back": "SET LOCAL audit.actor = '1'; SET LOCAL audit.actor TO DEFAULT",
    "somebody in a savepoint that is rolled back":
        "SAVEPOINT s; SET LOCAL audit.actor = '1'; ROLLBACK TO s",
    "nobody, with everything else": "SELECT audit.set_context(NULL, '203.0.113.24', 'Priya Nair')",
}  # fmt: skip
WRITES = [
    "INSERT INTO crm.refund VALUES (2)", "UPDATE crm.refund SET note = 'x'",
    "DELETE FROM crm.refund", "TRUNCATE crm.refund CASCADE",
    "INSERT INTO crm.bulk VALUES (1)", "WITH x AS (INSERT INTO crm.bulk VALUES (1)) SELECT",
]  # fmt: skip
FORGED = {
    "none": "",
    "by another key": SIGN(b"x" * 32, "1"),
    "by a key of zeros": SIGN(b"", "1"),
    "of another actor": SIGN(KEY, "2"),
    "of another name": SIGN(KEY, "1", "Priya Nair"),
    "of another address": SIGN(KEY, "1", "", "203.0.113.24"),
    "of yesterday": SIGN(KEY, "1", seconds=-86_400),
    "of a second ago": SIGN(KEY, "1", seconds=-2),
    "of yesterday, with another time": "9999999999." + SIGN(KEY, "1", seconds=-9).split(".")[1],
    "of an actor whose name holds the separator": SIGN(KEY, "1\x1f", ""),
    "of 10 kB": "9" * 10_000 + ".",
    "with a line behind it": SIGN(KEY, "1") + "\n",
}  # fmt: skip
ON_THE_KEY = [
    "SELECT inner_pad FROM audit.actor_key", "SELECT audit.set_actor_key('0123456789abcdef')",
    "INSERT INTO audit.actor_key (inner_pad, outer_pad) VALUES ('', '')",
    "DELETE FROM audit.actor_key", "TRUNCATE audit.actor_key", "SELECT audit._hmac_pad('x', 92)",
    "SELECT audit._is_signed()", "COPY audit.actor_key TO STDOUT",
]  # fmt: skip


@pytest.fixture(scope="module")
def refunds(crm: Crm) -> Crm:
    """A CRM with tables that want to know who acts, and with a key."""
    with acting(crm, OWNER) as owner:
        owner.execute(TABLES.encode())
        for table in (REFUND, BULK):
            with owner.transaction():
                owner.execute(render_track(table).encode())
        owner.execute("SET audit.actor = '1'; INSERT INTO crm.refund VALUES (1)")
        owner.execute("SET ROLE audit_owner")
        owner.execute("SELECT audit.set_actor_key(%s)", [KEY])
    return crm


@pytest.fixture
def app(refunds: Crm) -> Iterator[Connection]:
    with acting(refunds, APP) as connection:
        yield connection


def claim(app: Connection, workflow: int, actor: str, signature: str, **said: str) -> None:
    """Say who acts, with a signature, and rename a workflow."""
    with app.transaction():
        for name, value in {"actor": actor, "signature": signature, **said}.items():
            app.execute("SELECT set_config('audit.' || %s, %s, true)", [name, value])
        app.execute("UPDATE crm.workflow SET name = name || '!' WHERE id = %s", [workflow])


@pytest.mark.attacker("application")
@pytest.mark.parametrize("write", WRITES)
def test_an_application_says_nobody_where_somebody_must_be_named_and(
    attack: Attack, app: Connection, write: str
) -> None:
    attack.refused(app, write, by="UA008")


@pytest.mark.attacker("application")
@pytest.mark.parametrize("said", NOBODY.values(), ids=NOBODY.keys())
def test_where_somebody_must_be_named_an_application_says(
    attack: Attack, app: Connection, said: str
) -> None:
    attack.refused(app, f"{said}; INSERT INTO crm.refund VALUES (2)", by="UA008")


@pytest.mark.attacker("application")
def test_an_application_says_a_blank_where_somebody_must_be_named(
    attack: Attack, app: Connection, log: Log
) -> None:
    with app.transaction():
        app.execute("SET LOCAL audit.actor = ' '")
        app.execute("INSERT INTO crm.refund VALUES (3)")

    # A reminder for those who write, and no proof: the blank is in the log, and the role beside it.
    attack.survived(log(), {"operation": "INSERT", "actor": " ", "db_user": APP})


@pytest.mark.attacker("application")
def test_an_application_hides_behind_a_write_that_changes_nothing(
    attack: Attack, app: Connection, log: Log
) -> None:
    app.execute("UPDATE crm.refund SET note = note")
    attack.refused(app, "WITH u AS (UPDATE crm.refund SET note = note RETURNING 1)"
                   " UPDATE crm.refund SET note = 'x'", by="UA008")  # fmt: skip
    assert log() == []


@pytest.mark.attacker("application without the key")
@pytest.mark.parametrize("signature", FORGED.values(), ids=FORGED.keys())
def test_an_application_claims_to_be_priya_with_a_signature(
    attack: Attack, app: Connection, workflow: int, log: Log, signature: str
) -> None:
    claim(app, workflow, "1", signature)

    attack.survived(log(), renamed("1", actor_signed=False if signature else None))


@pytest.mark.attacker("application without the key")
def test_an_application_moves_words_from_one_field_to_another(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    signature = SIGN(KEY, "7", "1", "")
    claim(app, workflow, "7\x1f1", signature)
    claim(app, workflow, "7", signature, actor_name="1\x1f")
    claim(app, workflow, "7", signature, actor_name="", ip="1")

    assert {entry.actor_signed for entry in log()} == {False}
    attack.survived(log()[-1:], renamed("7", actor_signed=False))


@pytest.mark.attacker("application without the key")
def test_an_application_uses_a_signature_for_what_it_was_not_asked_for(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    signature = SIGN(KEY, "7")
    claim(app, workflow, "7", signature)
    claim(app, workflow, "8", signature)

    attack.survived(log(), renamed("7", actor_signed=True), renamed("8", actor_signed=False))


@pytest.mark.attacker("application without the key")
@pytest.mark.parametrize("statement", ON_THE_KEY)
@pytest.mark.parametrize("role", [APP, VIEWER])
def test_the_key_is_asked_for_by_an_application_or_a_reader(
    attack: Attack, refunds: Crm, role: str, statement: str
) -> None:
    with acting(refunds, role) as connection:
        attack.refused(connection, statement)


@pytest.mark.attacker("holder of pg_read_all_data")
def test_a_reader_of_all_data_reads_the_key(attack: Attack, refunds: Crm, admit: Admit) -> None:
    with acting(refunds, admit("crm_power", "", "pg_read_all_data")) as power:
        attack.in_vain(power, "SELECT inner_pad FROM audit.actor_key")


@pytest.mark.attacker("holder of BYPASSRLS")
def test_one_whom_row_security_does_not_hold_reads_the_key(
    attack: Attack, refunds: Crm, admit: Admit
) -> None:
    with acting(refunds, admit("crm_power", "BYPASSRLS")) as power:
        attack.refused(power, "SELECT inner_pad FROM audit.actor_key")


@pytest.mark.attacker("member of audit_owner")
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("GRANT ALL ON FUNCTION audit.set_actor_key TO crm_app", "function audit.set_actor_key"),
        ("GRANT SELECT ON audit.actor_key TO crm_app", "table audit.actor_key"),
        ("DO $$ BEGIN EXECUTE replace(pg_get_functiondef('audit._is_signed'::regproc),"
         " 'RETURN false', 'RETURN true'); END $$", "function audit._is_signed"),
        ("ALTER TABLE audit.entry ALTER actor_signed SET DEFAULT true",
         "column actor_signed of table audit.entry"),
    ],
    ids=["the setting of keys", "the key", "what verifies signatures", "what an entry says"],
)  # fmt: skip
def test_the_owner_opens(attack: Attack, victim: Undone, statement: str, what: str) -> None:
    do(victim, SUPERUSER, "SET ROLE audit_owner", statement)

    attack.detected(check(victim), "changed", what)
