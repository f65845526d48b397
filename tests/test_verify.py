"""pgwitness verify: what it says of a log, of its days, and of anchors from outside of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import Cluster
from generator.cli import main
from generator.seals.anchor_files import Anchor
from generator.seals.verifying import verify
from tests.crm import VIEWER, create_role
from tests.mutations import entry, sealed
from tests.mutations_of_seals import remove_from, rewrite
from tests.sealed import SealedLog, sealed_log

DAY = "(current_date + {n})::timestamp AT TIME ZONE 'UTC'"
DETACH = "ALTER TABLE audit.entry DETACH PARTITION audit.{name}"
ATTACH = "SELECT audit._attach_partition('{name}', {start}, {end})"


@pytest.fixture(scope="module")
def log(cluster: Cluster, reference_template: Any) -> Iterator[SealedLog]:
    with sealed_log(cluster, reference_template) as log:
        create_role(log.superuser, VIEWER, "audit_reader")
        yield log


def run(log: SealedLog, *arguments: str | Path, user: str = VIEWER) -> Result:
    database = make_conninfo(log.superuser.info.dsn, user=user)
    return CliRunner().invoke(main, ["verify", "--database", database, *map(str, arguments)])


def day(log: SealedLog, n: int) -> tuple[str, str]:
    """Return the name and the title of the partition of so many days from today."""
    [row] = log.rows(
        "SELECT 'entry_' || to_char(current_date + %s, 'YYYYMMDD') AS name,"
        " to_char(current_date + %s, 'YYYY-MM-DD 00:00') AS title",
        n,
        n,
    )
    return row.name, f"the partition of {row.title}"


def anchors(log: SealedLog) -> list[Anchor]:
    found = log.rows("SELECT number, encode(head, 'hex') AS head FROM audit.seal ORDER BY 1")
    return [Anchor("crm", "sealed_log", row.number, row.head, "here") for row in found]


def drop_seal(n: int, entries: int, retention: int, differing: str = "0") -> str:
    start, end = DAY.format(n=n), DAY.format(n=n + 1)
    return f"SELECT audit._seal_drop({start}, {end}, {entries}, {retention}, {differing})"


def notes(log: SealedLog, *statements: str) -> str:
    with log.tampered(*statements):
        return "\n".join(verify(log.superuser).notes)


def test_a_reader_is_told_that_all_is_as_it_was_sealed(log: SealedLog) -> None:
    result = run(log)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "ok: 57 entries in 7 seals as they were sealed; 3 not sealed yet" in result.stderr
    assert "without --anchors" in result.stderr


def test_the_result_is_written_down_by_who_may_act_as_the_owner_alone(log: SealedLog) -> None:
    count = "SELECT count(*) FROM audit.verification"
    before = log.one(count)
    assert run(log).exit_code == 0
    assert log.one(count) == before
    assert run(log, user="postgres").exit_code == 0
    assert log.one(count) == before + 1


def test_json_is_one_document(log: SealedLog) -> None:
    said = json.loads(run(log, "--json").stdout)
    assert (said["is_clean"], said["seals"], said["findings"]) == (True, 7, [])
    assert said["unsealed"]["entries"] == 3


def test_a_detached_partition_has_vanished(log: SealedLog) -> None:
    name, title = day(log, -2)
    assert log.found_after(DETACH.format(name=name)) == {("vanished", title)}
    assert log.found_after(f"DROP TABLE audit.{name}") == {("vanished", title)}


def test_a_partition_that_comes_back_is_compared_again(log: SealedLog) -> None:
    name, _ = day(log, -2)
    back = ATTACH.format(name=name, start=DAY.format(n=-2), end=DAY.format(n=-1))
    edit = f"UPDATE audit.{name} SET actor = 'x' WHERE id = 5"
    assert log.found_after(DETACH.format(name=name), back) == set()
    assert log.found_after(DETACH.format(name=name), edit, back) == {entry("changed", 5)}


def test_what_maintenance_takes_out_is_said_and_is_no_finding_once_it_is_due(
    log: SealedLog,
) -> None:
    name, title = day(log, -2)
    intend = (
        "INSERT INTO audit.maintenance_run (retention_days, detaching) VALUES ({days},"
        f" jsonb_build_object('name', '{name}', 'from', {DAY.format(n=-2)},"
        f" 'until', {DAY.format(n=-1)}))"
    )
    detach = DETACH.format(name=name)
    assert "just being taken out" in notes(log, intend.format(days=1), detach)
    assert log.found_after(intend.format(days=1), detach) == set()
    assert log.found_after(intend.format(days=30), detach) == {("early", title)}


def test_a_day_that_is_said_to_be_dropped_and_is_there_contradicts_its_seal(
    log: SealedLog,
) -> None:
    _, title = day(log, -1)
    forge = drop_seal(-1, 18, 1)
    assert log.found_after(forge) == {("contradicted", title)}
    edit = "UPDATE audit.entry SET actor = 'x' WHERE id = 14"
    broken = ("broken", "block 3 of seal 1")
    assert log.found_after(forge, edit) == {("contradicted", title), broken}


@pytest.mark.parametrize(
    ("entries", "retention", "differing", "state"),
    [(9, 30, "0", "early"), (8, 1, "0", "differing"), (9, 1, "1", "differing")],
)
def test_a_drop_that_was_not_as_it_should_be(
    log: SealedLog, entries: int, retention: int, differing: str, state: str
) -> None:
    name, title = day(log, -2)
    forged = drop_seal(-2, entries, retention, differing)
    assert log.found_after(forged, f"DROP TABLE audit.{name}") == {(state, title)}


def test_a_drop_by_the_retention_is_right_and_a_shorter_one_is_said(log: SealedLog) -> None:
    name, _ = day(log, -2)
    statements = drop_seal(-2, 9, 1), f"DROP TABLE audit.{name}"
    assert log.found_after(*statements) == set()
    assert "before it was 2" in notes(log, *statements)


def test_a_partition_that_is_none_of_the_log_is_foreign(log: SealedLog) -> None:
    attach = "CREATE TABLE public.{name} PARTITION OF audit.entry {bounds}"
    past = attach.format(name="past", bounds="FOR VALUES FROM ('2000-01-01') TO ('2001-01-01')")
    rest = "CREATE TABLE audit.rest PARTITION OF audit.entry DEFAULT"
    assert log.found_after(past) == {("foreign", "partition public.past")}
    assert log.found_after(rest) == {("foreign", "partition audit.rest")}


def test_another_database_than_the_one_that_was_sealed_is_found(log: SealedLog) -> None:
    other = "UPDATE audit.seal SET identity = '1/1/1' WHERE number >= 6"
    assert log.found_after(other, rewrite(6)) == {("restored", "this database")}


def test_functions_that_were_replaced_are_found(log: SealedLog) -> None:
    lie = (
        "CREATE OR REPLACE FUNCTION audit._broken_lists() RETURNS TABLE"
        " (seal bigint, block integer, what text) LANGUAGE sql STABLE SECURITY INVOKER"
        " SET search_path = pg_catalog, pg_temp AS 'SELECT 1::bigint, 1, '''' WHERE false'"
    )
    unpin = "ALTER FUNCTION audit._root_of_seal(bigint) SET search_path = public"
    assert log.found_after(lie) == {("replaced", "function audit._broken_lists")}
    assert log.found_after(unpin) == {("replaced", "function audit._root_of_seal")}


def test_a_view_that_shows_something_else_is_found(log: SealedLog) -> None:
    definition: str = log.one("SELECT pg_get_viewdef('audit.entry_record')")
    lie = definition.rstrip(";") + " WHERE e.id <> 5"
    found = log.found_after(f"CREATE OR REPLACE VIEW audit.entry_record AS {lie}")
    assert ("replaced", "view audit.entry_record") in found


def test_the_last_seals_are_missed_by_their_anchors_alone(log: SealedLog) -> None:
    kept = anchors(log)
    for number in (6, 7):
        assert log.found_after(*remove_from(number)) == set()
        found = log.found_after(*remove_from(number), anchors=kept)
        assert found == {("removed", f"seals after {number - 1}")}
    assert ("removed", "seals after 0") in log.found_after(*remove_from(1), anchors=kept)


def test_a_chain_that_was_written_anew_is_found_by_anchors_alone(log: SealedLog) -> None:
    kept = anchors(log)
    for number in range(1, 8):
        edit = f"UPDATE audit.seal SET sealed_at = now() WHERE number = {number}"
        assert log.found_after(edit, rewrite(number)) == set()
        found = log.found_after(edit, rewrite(number), anchors=kept)
        assert found == {("rewritten", f"seal {n}") for n in range(number, 8)}
        assert log.found_after(edit, rewrite(number), anchors=kept[: number - 1]) == set()


def test_anchors_prove_what_comes_before_them(log: SealedLog) -> None:
    with log.tampered():
        assert verify(log.superuser, anchors(log)[:5]).proven == 5
        assert verify(log.superuser, []).proven is None


def test_seals_that_were_acknowledged_to_be_lost_are_not_missed(log: SealedLog) -> None:
    kept = anchors(log)
    lost = json.dumps([{"number": a.number, "head": a.head} for a in kept[5:]])
    restore = f"SELECT audit.acknowledge_restore('taken back', '{lost}')"
    statements = (*remove_from(6), restore)
    assert log.found_after(*statements, anchors=kept) == set()
    other = Anchor("crm", "sealed_log", 9, "00" * 32, "here")
    found = log.found_after(*statements, anchors=[*kept, other])
    assert found == {("removed", "seals after 6")}


def test_anchors_are_read_from_files_and_folders(log: SealedLog, tmp_path: Path) -> None:
    lines = [
        json.dumps({"source": a.source, "database": a.database, "number": a.number, "head": a.head})
        for a in anchors(log)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines[:2]), "utf-8")
    (tmp_path / "b.jsonl").write_text("\n".join(lines[2:]) + "\n", "utf-8")
    result = run(log, "--anchors", tmp_path)
    assert result.exit_code == 0
    assert "7 anchors: all up to seal 7" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        '{"source": "crm", "database": "other", "number": 1, "head": "00"}',
        '{"source": "erp", "database": "sealed_log", "number": 1, "head": "00"}',
        '{"source": "crm", "database": "sealed_log", "number": 1}',
        "no JSON",
    ],
)
def test_an_anchor_of_another_log_or_none_is_an_error_of_usage(
    log: SealedLog, tmp_path: Path, line: str
) -> None:
    (tmp_path / "anchors.jsonl").write_text(line, "utf-8")
    result = run(log, "--anchors", tmp_path / "anchors.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "anchors.jsonl:1: " in result.stderr


def test_who_may_not_read_the_log_is_told_so(log: SealedLog) -> None:
    result = run(log, user="crm_web")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "member of audit_reader" in result.stderr


def test_findings_are_lines_and_exit_1(log: SealedLog) -> None:
    log.superuser.execute("SET session_replication_role = replica")
    e = sealed(log)[0]
    flip = "UPDATE audit.entry SET actor_bound = NOT coalesce(actor_bound, false) WHERE id = %s"
    log.superuser.execute(flip, [e.id])
    result = run(log)
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
    early = "UPDATE audit.entry SET occurred_at = occurred_at - interval '2 days' WHERE id > 61"
    assert "older than their transaction" in notes(log, early)
    assert log.found_after(early) == set()


def test_a_connection_in_another_encoding_is_no_obstacle(log: SealedLog) -> None:
    dsn = make_conninfo(log.superuser.info.dsn, client_encoding="LATIN1")
    with psycopg.connect(dsn) as connection:
        assert verify(connection).is_clean
