"""Who may read the log, in SQL: wants to write it, or to read what is hidden in it."""

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import FORGERY, acting
from tests.crm import VIEWER, Crm

pytestmark = pytest.mark.attacker("reader of the log")

ON_THE_LOG = {
    "adds an entry": FORGERY,
    "changes an entry": "UPDATE {table} SET actor = 'somebody else'",
    "removes an entry": "DELETE FROM {table}",
    "empties the log": "TRUNCATE {table}",
    "keeps entries from maintenance": "SELECT FROM {table} FOR SHARE",
    "locks the log": "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE",
    "puts a trigger on the log": "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "disables row security": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "reads without row security": "SET LOCAL row_security = off; SELECT FROM {table}",
    "comments on the log": "COMMENT ON TABLE {table} IS 'mine'",
}
BESIDE_THE_LOG = {
    "reads the key of fingerprints": "SELECT secret FROM audit.fingerprint_key",
    "asks for the fingerprint of a guess": "SELECT audit._redact('{\"a\": 1}', '{a}')",
    "changes the words of a table": "UPDATE audit.tracked_table SET link = 'javascript:alert(1)'",
    "adds a person": "INSERT INTO audit.person (actor, acted_on) VALUES ('1', '2026-01-01')",
    "says that the log was maintained":
        "INSERT INTO audit.maintenance_run (retention_days) VALUES (90)",
    "binds an actor": "SELECT audit.set_context('1')",
    "has a day indexed": "SELECT audit.index_day('2026-01-01')",
    "takes numbers of the log": "SELECT nextval('audit.entry_id_seq')",
    "becomes the owner": "SET ROLE audit_owner",
    "becomes the writer": "SET ROLE audit_writer",
    "lets others read": "GRANT audit_reader TO mallory",
    "lets others read the log": "CREATE TABLE audit.copy AS SELECT * FROM audit.entry",
    "reads a tracked table": "SELECT FROM crm.workflow",
}  # fmt: skip


@pytest.mark.parametrize("statement", ON_THE_LOG.values(), ids=ON_THE_LOG.keys())
def test_a_reader_attacks_the_log(attack: Attack, crm: Crm, day: str, statement: str) -> None:
    # In a partition of it, a reader has no rights at all.
    with acting(crm, VIEWER) as reader:
        for table in ("audit.entry", day):
            attack.refused(reader, statement.format(table=table))


@pytest.mark.parametrize("statement", BESIDE_THE_LOG.values(), ids=BESIDE_THE_LOG.keys())
def test_a_reader_attacks_what_is_beside_the_log(
    attack: Attack, crm: Crm, mallory: object, statement: str
) -> None:
    with acting(crm, VIEWER) as reader:
        attack.refused(reader, statement)
