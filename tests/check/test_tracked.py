"""pgwitness check: what was done by hand to tracked tables, or left of others, is found."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.drift import find_drift
from generator.names import TableName
from generator.parse import read_config
from generator.render import render_track, render_untrack
from tests.databases import REFERENCE

CONFIG = read_config(Path(__file__).parents[2] / "migrations" / "audit.toml")
# What a superuser does, and the states and objects of what check says of it.
MENDED_BY_STATEMENT = {
    "ALTER FUNCTION audit.capture_crm_workflow OWNER TO crm_owner":
        "changed function audit.capture_crm_workflow",
    "GRANT EXECUTE ON FUNCTION audit.capture_crm_app_user TO PUBLIC":
        "changed function audit.capture_crm_app_user",
    'ALTER TABLE crm.workflow DISABLE TRIGGER "!audit_insert"':
        'disabled trigger "!audit_insert" on crm.workflow',
    'ALTER TABLE crm.workflow ENABLE TRIGGER "!audit_update"':
        'disabled trigger "!audit_update" on crm.workflow',
    'ALTER TABLE crm.workflow ENABLE REPLICA TRIGGER "!audit_truncate"':
        'disabled trigger "!audit_truncate" on crm.workflow',
    'CREATE TRIGGER "!audit_more" BEFORE TRUNCATE ON crm.workflow'
    " EXECUTE FUNCTION audit._refuse_change()":
        'orphan trigger "!audit_more" on crm.workflow',
    "CREATE TRIGGER twice AFTER INSERT ON crm.workflow"
    " FOR EACH ROW EXECUTE FUNCTION audit.capture_crm_workflow()":
        "orphan trigger twice on crm.workflow",
    "REVOKE USAGE ON SCHEMA crm FROM audit_writer": "missing schema crm",
    "ALTER TABLE crm.workflow ENABLE ROW LEVEL SECURITY": "missing table crm.workflow",
    "REVOKE SELECT (full_name) ON crm.app_user FROM audit_writer": "missing table crm.app_user",
}  # fmt: skip
MENDED_BY_RENDERING = {
    "ALTER FUNCTION audit.capture_crm_app_user SECURITY INVOKER":
        "changed function audit.capture_crm_app_user",
    "ALTER FUNCTION audit.capture_crm_workflow SET timezone = 'Europe/Oslo'":
        "changed function audit.capture_crm_workflow",
    'DROP TRIGGER "!audit_update" ON crm.app_user':
        'missing trigger "!audit_update" on crm.app_user',
    'DROP TRIGGER "!audit_delete" ON crm.workflow; CREATE TRIGGER "!audit_delete"'
    " AFTER DELETE OR INSERT"
    " ON crm.workflow FOR EACH ROW EXECUTE FUNCTION audit.capture_crm_workflow();"
    'ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_delete"':
        'changed trigger "!audit_delete" on crm.workflow',
    'DROP TRIGGER "!audit_update" ON crm.workflow; CREATE TRIGGER "!audit_update" AFTER UPDATE'
    " ON crm.workflow FOR EACH ROW WHEN (OLD.* OPERATOR(pg_catalog.*<>) NEW.* AND NEW.id > 9)"
    " EXECUTE FUNCTION audit.capture_crm_workflow();"
    'ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_update"':
        'changed trigger "!audit_update" on crm.workflow',
    'DROP TRIGGER "!audit_truncate" ON crm.workflow; CREATE TRIGGER "!audit_truncate"'
    " AFTER TRUNCATE ON crm.workflow EXECUTE FUNCTION"
    " audit._capture_truncate('crm', 'crm', 'workflow', 'Workflow', 'Workflows');"
    'ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_truncate"':
        'changed trigger "!audit_truncate" on crm.workflow',
    "UPDATE audit.tracked_table SET link = NULL WHERE table_name = 'workflow'":
        "changed words of crm.workflow",
    "UPDATE audit.tracked_table SET missing_actor = 'mark' WHERE table_name LIKE 'account%'":
        "changed words of crm.account_setting",
    "DELETE FROM audit.tracked_table WHERE table_name = 'app_user'":
        "missing words of crm.app_user",
    "CALL audit._forget('crm', 'workflow_action')": "missing words of crm.workflow_action",
}  # fmt: skip


VISIT = """
source = "crm"
[table."crm.visit"]
module = "Visits"
entity = "Visit"
"""
PARTITIONED = """
CREATE TABLE crm.visit (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE crm.visit_1 PARTITION OF crm.visit FOR VALUES FROM (1) TO (9);
"""
ODD_TABLE = r"""
CREATE SCHEMA "Odd; schema";
CREATE TABLE "Odd; schema"."o'dd -- ""execute"" "
    ("the Id" int PRIMARY KEY, "set" int, "a\b" int);
"""
ODD = r"""
source = "it's; $tag$"
[table."\"Odd; schema\".\"o'dd -- \"\"execute\"\" \""]
module = "Odd; CREATE TRIGGER \"x\" -- "
entity = "two  spaces, a back\\slash, and ''quotes''"
key = "the Id"
label = "set"
ignore = ["a\\b"]
link = "/a?b='{id}'"
"""


@pytest.fixture
def superuser(cluster: Cluster, reference: str) -> Iterator[psycopg.Connection]:
    conninfo = cluster.conninfo(REFERENCE, host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def said(conninfo: str, config: Config = CONFIG) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        return sorted(f"{f.state} {f.object}" for f in find_drift(connection, config))


def extended(folder: Path, toml: str) -> Config:
    (folder / "audit.toml").write_text(toml, encoding="utf-8")
    return replace(CONFIG, tables=CONFIG.tables + read_config(folder / "audit.toml").tables)


def without(name: str) -> Config:
    return replace(CONFIG, tables=tuple(t for t in CONFIG.tables if str(t.name) != name))


def test_each_thing_is_found_with_the_statement_that_mends_it(
    reference: str, superuser: psycopg.Connection
) -> None:
    for statement in MENDED_BY_STATEMENT:
        superuser.execute(statement.encode())
    with psycopg.connect(reference) as owner:
        found = find_drift(owner, CONFIG)
    assert sorted(f"{f.state} {f.object}" for f in found) == sorted(MENDED_BY_STATEMENT.values())
    for finding in found:
        superuser.execute(finding.fix.encode())
    with psycopg.connect(reference) as owner:
        altered = find_drift(owner, CONFIG)
    assert {finding.state for finding in altered} == {"altered"}
    for finding in altered:
        superuser.execute(finding.fix.encode())
    assert said(reference) == []


def test_what_rendering_again_mends_is_found(reference: str, superuser: psycopg.Connection) -> None:
    for statement in MENDED_BY_RENDERING:
        superuser.execute(statement.encode())
    assert said(reference) == sorted(MENDED_BY_RENDERING.values())
    with psycopg.connect(reference) as owner:
        for tracked in CONFIG.tables:
            owner.execute(render_track(tracked).encode())
    assert said(reference) == []


def test_a_dropped_capture_function_takes_its_triggers_with_it(
    reference: str, superuser: psycopg.Connection
) -> None:
    superuser.execute("DROP FUNCTION audit.capture_crm_workflow CASCADE")
    assert said(reference) == [
        "missing function audit.capture_crm_workflow",
        'missing trigger "!audit_delete" on crm.workflow',
        'missing trigger "!audit_insert" on crm.workflow',
        'missing trigger "!audit_update" on crm.workflow',
    ]


def test_the_order_of_the_columns_is_a_part_of_the_words(
    reference: str, superuser: psycopg.Connection
) -> None:
    superuser.execute(
        "UPDATE audit.tracked_table SET columns = (SELECT json_object_agg(key, value ORDER BY key)"
        " FROM json_each(columns)) WHERE table_name = 'workflow'"
    )
    assert said(reference) == ["changed words of crm.workflow"]


def test_a_table_that_is_not_tracked_yet_is_one_finding(
    reference: str, superuser: psycopg.Connection, tmp_path: Path
) -> None:
    superuser.execute(PARTITIONED.encode())
    assert said(reference, extended(tmp_path, VISIT)) == ["missing table crm.visit"]


def test_odd_names_and_words_are_no_difference(
    reference: str, superuser: psycopg.Connection, tmp_path: Path
) -> None:
    config = extended(tmp_path, ODD)
    superuser.execute((ODD_TABLE + render_track(config.tables[-1])).encode())
    assert said(reference, config) == []


def test_a_trigger_that_is_disabled_for_one_partition_is_found(
    reference: str, superuser: psycopg.Connection, tmp_path: Path
) -> None:
    config = extended(tmp_path, VISIT)
    superuser.execute((PARTITIONED + render_track(config.tables[-1])).encode())
    superuser.execute("CREATE TABLE crm.visit_2 PARTITION OF crm.visit DEFAULT")
    assert said(reference, config) == []
    superuser.execute('ALTER TABLE crm.visit_1 DISABLE TRIGGER "!audit_insert"')
    assert said(reference, config) == ['disabled trigger "!audit_insert" on crm.visit_1']


@pytest.mark.parametrize(
    ("name", "moment", "found"),
    [
        ("!a", "AFTER INSERT", ['conflict trigger "!a" on crm.workflow']),
        ("!a", "BEFORE INSERT", []),
        ("a", "AFTER UPDATE", []),
    ],
)
def test_a_trigger_that_fires_before_ours_is_found(
    reference: str, superuser: psycopg.Connection, name: str, moment: str, found: list[str]
) -> None:
    superuser.execute(
        "CREATE FUNCTION crm.nothing() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END';"
        f'CREATE TRIGGER "{name}" {moment} ON crm.workflow'
        " FOR EACH ROW EXECUTE FUNCTION crm.nothing()".encode()
    )
    assert said(reference) == found


def test_what_is_left_of_a_table_that_audit_toml_dropped_is_found(reference: str) -> None:
    config = without("crm.workflow_action")
    assert said(reference, config) == [
        "orphan function audit.capture_crm_workflow_action",
        'orphan trigger "!audit_delete" on crm.workflow_action',
        'orphan trigger "!audit_insert" on crm.workflow_action',
        'orphan trigger "!audit_truncate" on crm.workflow_action',
        'orphan trigger "!audit_update" on crm.workflow_action',
        "orphan words of crm.workflow_action",
    ]
    with psycopg.connect(reference) as owner:
        owner.execute(render_untrack(TableName("crm", "workflow_action")).encode())
    assert said(reference, config) == []
