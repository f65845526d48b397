"""pgwitness verify: what it says, to whom, and what it can be fooled with."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import Cluster
from generator.render import render_audit_schema
from generator.seals.finding import State
from generator.seals.verifying import verify
from tests.crm import VIEWER, create_role
from tests.seals.mutations import LAST, change, copy, sealed, unsealed
from tests.seals.sealed import SealedLog, notes, run_verify, sealed_log

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
UNPIN = """
DO $$ BEGIN
    EXECUTE (SELECT format('ALTER FUNCTION %s RESET search_path', p.oid::regprocedure)
             FROM pg_proc AS p
             WHERE p.oid::regprocedure::text LIKE 'audit.{name}(%');
END $$
"""


def called_by_verify() -> list[str]:
    """Return the names of all functions of the log that verifying calls, directly or not."""
    calls, body = re.compile(r"audit\.(\w+)\("), r"FUNCTION audit\.(\w+)\((.*?)\$\1\$;"
    bodies = dict(re.findall(body, render_audit_schema(), re.DOTALL))
    modules = [p for p in (ROOT / "generator" / "seals").glob("*.py") if p.stem != "sealing"]
    found: set[str] = set()
    new = {name for path in modules for name in calls.findall(path.read_text("utf-8"))}
    while new := (new & bodies.keys()) - found:
        found |= new
        new = {name for caller in new for name in calls.findall(bodies[caller])}
    return sorted(found)


@pytest.fixture(scope="module")
def log(cluster: Cluster, reference_template: Any) -> Iterator[SealedLog]:
    with sealed_log(cluster, reference_template) as log:
        create_role(log.superuser, VIEWER, "audit_reader")
        yield log


def test_a_reader_is_told_that_all_is_as_it_was_sealed(log: SealedLog) -> None:
    result = run_verify(log)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "ok: 57 entries in 7 seals as they were sealed; 3 not sealed yet" in result.stderr
    assert "without --anchors" in result.stderr


def test_the_result_is_written_down_by_who_may_act_as_the_owner_alone(log: SealedLog) -> None:
    count = "SELECT count(*) FROM audit.verification"
    before = log.one(count)
    assert run_verify(log).exit_code == 0
    assert log.one(count) == before
    assert run_verify(log, user="postgres").exit_code == 0
    assert log.one(count) == before + 1


def test_the_readme_says_what_each_state_means() -> None:
    readme = README.read_text("utf-8")
    table = readme[readme.index("### Verifying") : readme.index('<a id="cost">')]
    assert [state for state in get_args(State) if f"`{state}`" not in table] == []


def test_json_is_one_document(log: SealedLog) -> None:
    said = json.loads(run_verify(log, "--json").stdout)
    assert (said["is_clean"], said["seals"], said["findings"]) == (True, 7, [])
    assert said["unsealed"]["entries"] == 3


@pytest.mark.parametrize("name", called_by_verify())
def test_each_function_that_verifying_calls_is_compared_first(log: SealedLog, name: str) -> None:
    assert ("replaced", f"function audit.{name}") in log.found_after(UNPIN.replace("{name}", name))


def test_functions_that_were_replaced_are_found(log: SealedLog) -> None:
    lie = (
        "CREATE OR REPLACE FUNCTION audit._broken_lists() RETURNS TABLE"
        " (seal bigint, block integer, what text) LANGUAGE sql STABLE SECURITY INVOKER"
        " SET search_path = pg_catalog, pg_temp AS 'SELECT 1::bigint, 1, '''' WHERE false'"
    )
    unpin = "ALTER FUNCTION audit._sums_of_seals(bigint[]) SET search_path = public"
    assert log.found_after(lie) == {("replaced", "function audit._broken_lists")}
    assert log.found_after(unpin) == {("replaced", "function audit._sums_of_seals")}


def test_a_function_of_the_same_body_that_is_called_in_another_way_is_found(log: SealedLog) -> None:
    create: str = log.one("SELECT pg_get_functiondef('audit._broken_lists'::regproc)")
    name = ("replaced", "function audit._broken_lists")
    for lie in (
        [create.replace("_broken_lists()", "_broken_lists(p_decoy text)")],
        ["DROP FUNCTION audit._broken_lists", create.replace("what text", "what varchar(1)")],
        ["ALTER FUNCTION audit._broken_lists SECURITY DEFINER"],
        ["ALTER FUNCTION audit._broken_lists SET role = audit_owner"],
    ):
        assert log.found_after(*lie) == {name}


def test_a_view_that_shows_something_else_is_found(log: SealedLog) -> None:
    definition: str = log.one("SELECT pg_get_viewdef('audit.entry_record')")
    lie = definition.rstrip(";") + " WHERE e.id <> 5"
    found = log.found_after(f"CREATE OR REPLACE VIEW audit.entry_record AS {lie}")
    assert ("replaced", "view audit.entry_record") in found


def test_what_hides_entries_from_those_who_verify_is_found(log: SealedLog) -> None:
    hide = (
        "ALTER TABLE audit.entry FORCE ROW LEVEL SECURITY",
        "CREATE POLICY hidden ON audit.entry TO audit_owner USING (id > 0)",
        copy(5, id=-1),
    )
    assert log.found_after(*hide) == {("replaced", "view audit.entry_record")}


def test_a_view_that_belongs_to_somebody_from_whom_entries_are_hidden_is_found(
    log: SealedLog,
) -> None:
    hide = (
        "GRANT ALL ON SCHEMA audit TO crm_app; GRANT SELECT ON audit.entry TO crm_app",
        "CREATE POLICY mine ON audit.entry TO crm_app USING (id > 0)",
        "ALTER VIEW audit.entry_record OWNER TO crm_app",
        copy(5, id=-1),
    )
    assert log.found_after(*hide) == {("replaced", "view audit.entry_record")}


@pytest.mark.parametrize("table", ["entry", "seal", "seal_block", "seal_list"])
def test_policies_that_hide_from_who_verifies_are_found(log: SealedLog, table: str) -> None:
    name = ("replaced", f"the policies of audit.{table}")
    restrict = f"CREATE POLICY mine ON audit.{table} AS RESTRICTIVE TO audit_viewer USING (false)"
    alter = f"ALTER POLICY {table}_is_read_by_readers ON audit.{table} USING (now() IS NULL)"
    more = f"CREATE POLICY mine ON audit.{table} FOR SELECT TO crm_app USING (false)"
    assert [log.found_after(way) for way in (restrict, alter, more)] == [{name}, {name}, set()]


def test_entries_that_are_there_twice_are_possible_without_a_key_alone(log: SealedLog) -> None:
    twice = "INSERT INTO audit.{table} SELECT * FROM audit.{table} LIMIT 1"
    for table in ("entry", "seal_list"):
        remove = f"ALTER TABLE audit.{table} DROP CONSTRAINT {table}_pkey"
        found = log.found_after(remove, twice.format(table=table))
        assert found == {("replaced", f"the key of audit.{table}")}


def test_findings_are_lines_and_exit_1(log: SealedLog) -> None:
    log.superuser.execute("SET session_replication_role = replica")
    e = sealed(log)[0]
    flip = "UPDATE audit.entry SET actor_bound = NOT coalesce(actor_bound, false) WHERE id = %s"
    log.superuser.execute(flip, [e.id])
    result = run_verify(log)
    back = "UPDATE audit.entry SET actor_bound = NOT actor_bound WHERE id = %s"
    log.superuser.execute(back, [e.id])
    log.superuser.execute("RESET session_replication_role")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"changed: entry {e.id} – was sealed in seal 1 at ")
    assert "1 found in 57 entries" in result.stderr


def test_findings_are_counted_where_there_are_too_many(log: SealedLog) -> None:
    add = (
        "INSERT INTO audit.entry SELECT (jsonb_populate_record(e, jsonb_build_object("
        "'id', -n))).* FROM audit.entry AS e, generate_series(1, 12000) AS n WHERE e.id = 5"
    )
    with log.tampered(add):
        report = verify(log.superuser)
    assert (len(report.findings), report.more) == (1000, 11_000)
    assert {finding.state for finding in report.findings} == {"added"}


def test_entries_that_are_older_than_their_transaction_are_said(log: SealedLog) -> None:
    early = "UPDATE audit.entry SET occurred_at = occurred_at - interval '2 days' WHERE id > 60"
    assert "older than their transaction" in notes(log, early)
    assert log.found_after(early) == set()


def test_what_a_restore_took_over_is_said(log: SealedLog) -> None:
    assert notes(log) == (
        "seal 6 acknowledged a restore, though the database is the one of before,"
        ' and sealed 1 entry that no seal held ("a test")'
    )


def test_a_transaction_that_keeps_old_entries_from_being_sealed_is_named(log: SealedLog) -> None:
    old = {"id": LAST, "occurred_at": "now() - interval '2 hours'"}
    with psycopg.connect(log.superuser.info.dsn, application_name="import") as other:
        pid = other.info.backend_pid
        other.execute("SELECT pg_current_xact_id()")
        with log.tampered(copy(5, **old, transaction_id="pg_current_xact_id()")):
            [holder, *_] = verify(log.superuser).unsealed.held_by
    assert holder.startswith(f"pid {pid} (sealed_log, postgres, import, idle in")


def test_where_nobody_seals_any_more_that_is_said(log: SealedLog) -> None:
    old = change(unsealed(log)[0].id, "occurred_at", "now() - interval '2 hours'")
    assert "nobody has sealed for more than an hour" in notes(log, old)


def test_a_connection_in_another_encoding_is_no_obstacle(log: SealedLog) -> None:
    dsn = make_conninfo(log.superuser.info.dsn, client_encoding="LATIN1")
    with psycopg.connect(dsn) as connection:
        assert verify(connection).is_clean
