"""pgwitness check: what was done by hand to the audit schema and its partitions is found."""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.drift import Finding, find_drift
from generator.parse import read_config
from generator.render import render_audit_schema
from tests.databases import REFERENCE

CONFIG = read_config(Path(__file__).parents[2] / "migrations" / "audit.toml")
Do = Callable[..., None]
KIND_IN_LOWER_CASE = re.compile("[A-Z] (schema|sequence|table|function|procedure|role|column) ")

# What a superuser does, and the state and object of what check says of it.
RIGHTS = {
    "ALTER SCHEMA audit OWNER TO crm_owner": "changed schema audit",
    "GRANT CREATE ON SCHEMA audit TO crm_app": "changed schema audit",
    "GRANT USAGE ON SCHEMA audit TO PUBLIC": "changed schema audit",
    "REVOKE USAGE ON SCHEMA audit FROM audit_reader": "missing schema audit",
    "GRANT UPDATE ON audit.entry_id_seq TO crm_app": "changed sequence audit.entry_id_seq",
    "GRANT SELECT (secret) ON audit.fingerprint_key TO crm_app":
        "changed table audit.fingerprint_key",
    "ALTER TABLE audit.tracked_table OWNER TO crm_owner": "changed table audit.tracked_table",
    "GRANT INSERT, TRUNCATE ON audit.entry TO crm_app": "changed table audit.entry",
    "REVOKE INSERT ON audit.entry FROM audit_writer": "missing table audit.entry",
    "ALTER FUNCTION audit._context OWNER TO crm_owner": "changed function audit._context",
    "ALTER PROCEDURE audit._forget OWNER TO crm_owner": "changed procedure audit._forget",
    "GRANT EXECUTE ON FUNCTION audit.set_context TO PUBLIC": "changed function audit.set_context",
    "GRANT EXECUTE ON FUNCTION audit._redact TO crm_app": "changed function audit._redact",
    "REVOKE EXECUTE ON FUNCTION audit._redact FROM audit_writer": "missing function audit._redact",
    "GRANT audit_writer TO crm_app": "changed role audit_writer",
    "ALTER ROLE audit_owner BYPASSRLS": "changed role audit_owner",
    "ALTER ROLE audit_reader LOGIN": "changed role audit_reader",
    "GRANT SELECT (email), UPDATE (role) ON crm.app_user TO audit_writer":
        "changed table crm.app_user",
    "GRANT SELECT ON crm.workflow TO audit_writer": "changed table crm.workflow",
}  # fmt: skip
TABLE = {
    "ALTER TABLE audit.tracked_table DROP COLUMN untracked_at":
        "missing column untracked_at of table audit.tracked_table",
    "ALTER TABLE audit.entry DISABLE ROW LEVEL SECURITY": "disabled table audit.entry",
    "ALTER TABLE audit.fingerprint_key DROP CONSTRAINT fingerprint_key_is_one":
        "missing constraint fingerprint_key_is_one of table audit.fingerprint_key",
    "ALTER TABLE audit.entry ADD CONSTRAINT no_eve CHECK (actor <> 'eve')":
        "orphan constraint no_eve of table audit.entry",
    "CREATE POLICY all_see ON audit.entry FOR SELECT USING (true)":
        "orphan policy all_see of table audit.entry",
    "CREATE RULE swallow AS ON INSERT TO audit.entry DO INSTEAD NOTHING":
        "orphan rule swallow of table audit.entry",
    "CREATE TRIGGER swallow BEFORE INSERT ON audit.entry"
    " FOR EACH ROW EXECUTE FUNCTION audit._refuse_change()":
        "orphan trigger swallow on audit.entry",
    "ALTER TABLE audit.entry DISABLE TRIGGER entry_is_append_only":
        "disabled trigger entry_is_append_only on audit.entry",
    "ALTER TABLE audit.entry ENABLE REPLICA TRIGGER entry_is_not_truncated":
        "disabled trigger entry_is_not_truncated on audit.entry",
}  # fmt: skip
PARTITIONS = {
    "ALTER TABLE {day} OWNER TO crm_owner": "changed table {day}",
    "GRANT SELECT ON {day} TO crm_app": "changed table {day}",
    "ALTER TABLE {day} DISABLE ROW LEVEL SECURITY": "disabled table {day}",
    "ALTER TABLE {day} SET UNLOGGED": "changed table {day}",
    "ALTER TABLE {day} DISABLE TRIGGER entry_is_append_only":
        "disabled trigger entry_is_append_only on {day}",
    "CREATE TRIGGER swallow BEFORE INSERT ON {day}"
    " FOR EACH ROW EXECUTE FUNCTION audit._refuse_change()":
        "orphan trigger swallow on {day}",
    "DROP TABLE {another}": "missing table audit.entry",
    "DROP TABLE {last}": "missing table audit.entry",
}  # fmt: skip
# Says of each entry that it left what it found.
LYING_VIEW = """
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit.entry_record AS '
            || replace(pg_get_viewdef('audit.entry_record'::regclass), 'new_row', 'old_row');
END $$
"""
RUN_AGAIN = {
    "DELETE FROM audit.fingerprint_key": "missing table audit.fingerprint_key",
    "DROP FUNCTION audit.set_context": "missing function audit.set_context",
    "ALTER FUNCTION audit._redact SECURITY INVOKER": "changed function audit._redact",
    "ALTER FUNCTION audit._context RESET search_path": "changed function audit._context",
    "ALTER FUNCTION audit._salvage SET work_mem = '1MB'": "changed function audit._salvage",
    "ALTER FUNCTION audit._capture_truncate STABLE": "changed function audit._capture_truncate",
    "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('audit.set_actor_key'::regproc),"
    " '00:00:00', '10 years'); END $$": "changed function audit.set_actor_key",
    "CREATE OR REPLACE PROCEDURE audit._forget(p_table_schema text, p_table_name text)"
    " LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT 1'":
        "changed procedure audit._forget",
    "DROP INDEX audit.entry_by_actor": "missing index entry_by_actor of table audit.entry",
    "DROP POLICY entry_is_read_by_readers ON audit.entry":
        "missing policy entry_is_read_by_readers of table audit.entry",
    "ALTER POLICY entry_is_written_by_capture ON audit.entry TO PUBLIC":
        "changed policy entry_is_written_by_capture of table audit.entry",
    "DROP TRIGGER entry_is_not_truncated ON audit.entry":
        "missing trigger entry_is_not_truncated on audit.entry",
    "CREATE OR REPLACE TRIGGER entry_is_append_only BEFORE DELETE ON audit.entry"
    " FOR EACH ROW EXECUTE FUNCTION audit._refuse_change()":
        "changed trigger entry_is_append_only on audit.entry",
}  # fmt: skip
BY_HAND = {
    "DROP TABLE audit.tracked_table": "missing table audit.tracked_table",
    "ALTER TABLE audit.entry ALTER ip DROP DEFAULT": "changed column ip of table audit.entry",
    "ALTER TABLE audit.entry ALTER actor SET DEFAULT 'nobody'":
        "changed column actor of table audit.entry",
    "ALTER TABLE audit.entry ALTER source DROP NOT NULL":
        "changed column source of table audit.entry",
    "ALTER TABLE audit.fingerprint_key DROP CONSTRAINT fingerprint_key_is_one,"
    " ADD CONSTRAINT fingerprint_key_is_one"
    " CHECK (is_only) NOT VALID":
        "changed constraint fingerprint_key_is_one of table audit.fingerprint_key",
    "DROP INDEX audit.entry_by_actor;"
    "CREATE INDEX entry_by_actor ON audit.entry (actor, occurred_at) WHERE actor <> ''":
        "changed index entry_by_actor of table audit.entry",
    "DROP TRIGGER entry_is_not_truncated ON {day}":
        "missing trigger entry_is_not_truncated on {day}",
    "CREATE TABLE audit.entry_rest (LIKE audit.entry INCLUDING ALL);"
    "ALTER TABLE audit.entry_rest ENABLE ROW LEVEL SECURITY, OWNER TO audit_owner;"
    "CREATE TRIGGER entry_is_not_truncated BEFORE TRUNCATE ON audit.entry_rest"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit._refuse_change();"
    "ALTER TABLE audit.entry ATTACH PARTITION audit.entry_rest DEFAULT":
        "changed table audit.entry_rest",
}  # fmt: skip


@pytest.fixture
def days(reference: str) -> dict[str, str]:
    """Return some partitions by what the statements call them."""
    query = "SELECT relname FROM pg_class WHERE relname ~ '^entry_[0-9]+(_on)?$' ORDER BY 1"
    with psycopg.connect(reference) as owner:
        names = [f"audit.{name}" for (name,) in owner.execute(query)]
    return {"{day}": names[3], "{another}": names[5], "{last}": names[-1]}


@pytest.fixture
def do(cluster: Cluster, days: dict[str, str]) -> Do:
    """Return what runs SQL as a superuser, whom nothing stops."""

    def execute(*statements: str) -> None:
        with psycopg.connect(cluster.conninfo(REFERENCE, host=LOOPBACK)) as superuser:
            for statement in statements:
                for word, name in days.items():
                    statement = statement.replace(word, name)
                superuser.execute(statement.encode())
                superuser.execute("RESET ROLE")

    return execute


def findings(reference: str) -> list[Finding]:
    with psycopg.connect(reference) as owner:
        return find_drift(owner, CONFIG)


def said(found: list[Finding], days: dict[str, str]) -> list[str]:
    return sorted(f"{f.state} {f.object}".replace(days["{day}"], "{day}") for f in found)


def test_a_missing_audit_schema_is_one_finding(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    do("DROP SCHEMA audit CASCADE")
    assert said(findings(reference), days) == ["missing schema audit"]


def test_a_missing_log_is_found_with_the_view_of_it(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    do("DROP TABLE audit.entry CASCADE")
    missing = ["missing table audit.entry", "missing table audit.entry_record"]
    assert said(findings(reference), days) == missing


def test_a_missing_column_is_found_with_the_statement_that_adds_it(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    do("ALTER TABLE audit.entry DROP COLUMN context CASCADE")
    found = {f"{finding.state} {finding.object}": finding for finding in findings(reference)}
    do(found.pop("missing column context of table audit.entry").fix)
    assert list(found) == ["missing table audit.entry_record"]
    assert said(findings(reference), days) == list(found)


def test_a_view_that_says_something_else_is_found(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    do(LYING_VIEW)
    assert said(findings(reference), days) == ["changed view audit.entry_record"]


@pytest.mark.parametrize(
    "broken", [RIGHTS, TABLE, PARTITIONS], ids=["rights", "table", "partitions"]
)
def test_each_thing_is_found_with_the_statement_that_mends_it(
    reference: str, do: Do, days: dict[str, str], broken: dict[str, str]
) -> None:
    do(*broken)
    found = findings(reference)
    assert said(found, days) == sorted(broken.values())
    assert [f.fix for f in found if KIND_IN_LOWER_CASE.search(f.fix)] == []
    do(*(finding.fix for finding in found))
    altered = findings(reference)
    assert {finding.state for finding in altered} <= {"altered"}
    do(*(finding.fix for finding in altered))
    assert findings(reference) == []


def test_what_running_the_schema_again_mends_is_found(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    do(*RUN_AGAIN)
    assert said(findings(reference), days) == sorted(RUN_AGAIN.values())
    with psycopg.connect(reference) as owner:
        owner.execute(render_audit_schema().encode())
    assert findings(reference) == []


def test_what_is_to_be_mended_by_hand_is_found(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    do(*BY_HAND)
    assert said(findings(reference), days) == sorted(BY_HAND.values())


def test_a_partition_whose_detaching_was_interrupted_is_found(
    reference: str, do: Do, days: dict[str, str]
) -> None:
    detach = f"ALTER TABLE audit.entry DETACH PARTITION {days['{day}']} CONCURRENTLY"
    with (
        psycopg.connect(reference) as reader,
        psycopg.connect(reference, autocommit=True) as maintainer,
    ):
        reader.execute("LOCK TABLE audit.entry IN ACCESS SHARE MODE")
        maintainer.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            maintainer.execute(detach.encode())
    found = said(findings(reference), days)
    assert found == ["changed table {day}", "missing table audit.entry"]


def test_a_partition_outside_of_the_audit_schema_is_found(reference: str, do: Do) -> None:
    do("ALTER TABLE {day} SET SCHEMA crm")
    (finding,) = findings(reference)
    assert finding.object.startswith("table crm.entry_")
    do(finding.fix)
    assert findings(reference) == []


def test_a_log_without_partitions_is_found(reference: str, do: Do) -> None:
    do("DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent"
       " = 'audit.entry'::regclass LOOP EXECUTE 'DROP TABLE ' || p; END LOOP; END $$")  # fmt: skip
    (finding,) = findings(reference)
    assert finding.object == "table audit.entry"
    do(finding.fix)
    assert [f.what for f in findings(reference)] == ["has 0 days ahead, fewer than 14"]


def test_what_is_wrong_with_many_partitions_alike_is_one_finding(reference: str, do: Do) -> None:
    do("DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent"
       " = 'audit.entry'::regclass AND inhrelid::regclass::text NOT LIKE '%_on' LOOP EXECUTE"
       " 'GRANT SELECT, UPDATE ON ' || p || ' TO crm_app'; END LOOP; END $$")  # fmt: skip
    (finding,) = findings(reference)
    assert finding.what == "crm_app has SELECT, UPDATE (and 46 more like it)"
