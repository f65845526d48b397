"""A log that is sealed, and who maintains it: nothing is hidden from who verifies it."""

from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import SUPERUSER, Undone, acting, check, do, verified

pytestmark = pytest.mark.attacker("member of audit_owner")

MAINTAINER = "crm_maintainer"
BY_ITS_OWNER = {
    "detaches a day, changes it and attaches it": (
        "ALTER TABLE audit.entry DETACH PARTITION {leaf}; ALTER TABLE {leaf} DISABLE TRIGGER USER;"
        "UPDATE {leaf} SET actor = '2' WHERE id = {id};"
        "ALTER TABLE {leaf} ENABLE TRIGGER USER;"
        "ALTER TABLE audit.entry ATTACH PARTITION {leaf} {bounds}",
        "changed", "entry {id}",
    ),
    "disables what refuses changes, changes, and enables it": (
        "ALTER TABLE {leaf} DISABLE TRIGGER USER; DELETE FROM {leaf} WHERE id = {id};"
        "ALTER TABLE {leaf} ENABLE TRIGGER USER",
        "removed", "entry {id}",
    ),
    "adds an entry to a day that was sealed": (
        "INSERT INTO audit.entry SELECT (jsonb_populate_record(e, '{{\"id\": -1}}')).*"
        " FROM audit.entry AS e WHERE e.id = {id}",
        "added", "entry -1",
    ),
    "drops a day by hand": ("DROP TABLE {leaf}", "vanished", "the partition of {day} 00:00"),
    "detaches a day": (
        "ALTER TABLE audit.entry DETACH PARTITION {leaf}",
        "vanished", "the partition of {day} 00:00",
    ),
    "says that a day was dropped, which is there": (
        "SELECT audit._seal_drop('{day}Z', date '{day}' + 1, 1, 1, 0)",
        "contradicted", "the partition of {day} 00:00",
    ),
    "removes the lists of seals": (
        "DELETE FROM audit.seal_list", "removed", "the list of block 1 of seal 1",
    ),
    "lets the view of what is sealed leave out an entry": (
        "DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW audit.entry_record AS '"
        " || rtrim(pg_get_viewdef('audit.entry_record'::regclass), ';') || ' WHERE e.id > 0';"
        " END $$",
        "replaced", "view audit.entry_record",
    ),
    "gives that view to somebody who is shown less": (
        "GRANT ALL ON SCHEMA audit TO {role}; GRANT SELECT ON audit.entry TO {role};"
        "CREATE POLICY mine ON audit.entry TO {role} USING (id > 0);"
        "RESET ROLE; ALTER VIEW audit.entry_record OWNER TO {role}",
        "replaced", "view audit.entry_record",
    ),
    "lets what compares find nothing": (
        "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('audit._differing_entries'::regproc),"
        " 'BEGIN', 'BEGIN RETURN;'); END $$",
        "replaced", "function audit._differing_entries",
    ),
    "lets what compares be another function than the one that is looked at": (
        "DO $$ DECLARE v text := pg_get_functiondef('audit._broken_lists'::regproc);"
        " BEGIN DROP FUNCTION audit._broken_lists;"
        " EXECUTE replace(v, '_broken_lists()', '_broken_lists(p_decoy text, p_other text)');"
        " EXECUTE replace(replace(v, '_broken_lists()', '_broken_lists(p_any int DEFAULT 1)'),"
        " 'WHERE c.what IS NOT NULL', 'WHERE false');"
        " END $$",
        "replaced", "function audit._broken_lists",
    ),
    "hides the last seals from who verifies": (
        "CREATE POLICY mine ON audit.seal AS RESTRICTIVE TO audit_viewer USING (number < 2)",
        "replaced", "the policies of audit.seal",
    ),
}  # fmt: skip
CHECKED = {
    "disables what keeps seals": (
        "ALTER TABLE audit.seal DISABLE TRIGGER USER",
        "disabled", "trigger seal_is_append_only on audit.seal",
    ),
    "drops what keeps blocks": (
        "DROP TRIGGER seal_block_is_append_only ON audit.seal_block",
        "missing", "trigger seal_block_is_append_only on audit.seal_block",
    ),
    "changes what was found, past its trigger": (
        "ALTER TABLE audit.verification DISABLE TRIGGER USER;"
        "UPDATE audit.verification SET findings = '[]';"
        "ALTER TABLE audit.verification ENABLE TRIGGER USER",
        "altered", "trigger verification_is_append_only on audit.verification",
    ),
}  # fmt: skip
TABLES = ("audit.seal", "audit.seal_block", "audit.verification")


@pytest.mark.parametrize(
    ("script", "state", "what"), BY_ITS_OWNER.values(), ids=BY_ITS_OWNER.keys()
)
def test_the_owner_of_a_sealed_log(
    attack: Attack, sealed: Undone, pieces: dict[str, Any], script: str, state: str, what: str
) -> None:
    names = pieces | {"role": sealed.admit(MAINTAINER, "", "audit_owner")}
    do(sealed, MAINTAINER, "SET ROLE audit_owner", script.format(**names))

    attack.detected(verified(sealed).findings, state, what.format(**names))


def test_the_owner_adds_to_the_past_and_says_that_it_was_restored(
    attack: Attack, sealed: Undone, pieces: dict[str, Any]
) -> None:
    added, _, _ = BY_ITS_OWNER["adds an entry to a day that was sealed"]
    utf8 = "SET client_encoding = 'UTF8'"
    do(sealed, SUPERUSER, utf8, "SET ROLE audit_owner", added.format(**pieces),
       "SELECT audit.acknowledge_restore('Monday')")  # fmt: skip

    report = verified(sealed)
    assert report.is_clean
    attack.noted(report.notes, "sealed 1 entry that no seal held")


@pytest.mark.parametrize(("script", "state", "what"), CHECKED.values(), ids=CHECKED.keys())
def test_the_owner_of_seals(
    attack: Attack, victim: Undone, script: str, state: str, what: str
) -> None:
    do(victim, SUPERUSER, "SET ROLE audit_owner", script)

    attack.detected(check(victim), state, what)


@pytest.mark.parametrize("table", TABLES)
def test_the_owner_changes_or_removes_what_is_kept_of(
    attack: Attack, sealed: Undone, table: str
) -> None:
    with acting(sealed, sealed.admit(MAINTAINER, "", "audit_owner")) as maintainer:
        maintainer.execute("SET ROLE audit_owner")
        for statement in ("DELETE FROM {}", "TRUNCATE {}"):
            attack.refused(maintainer, statement.format(table), by="UA001")
