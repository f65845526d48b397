"""pgwitness evidence: entries with what proves them, which an auditor verifies without us."""

import ast
import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.evidence import VERIFIER
from tests.crm import Crm
from tests.evidence.vault import Vault, new_vault, verify, write


@pytest.fixture(scope="module")
def vault(crm: Crm) -> Vault:
    return new_vault(crm)


def refused(vault: Vault, *options: object) -> str:
    """Ask for what can't be had, and return what is said about it."""
    result = vault.evidence(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def test_all_of_a_time_is_proven_to_whoever_has_the_anchors(vault: Vault, tmp_path: Path) -> None:
    bundle = vault.bundle("--from", "2020-01-01")
    code, told, problems = verify(*write(tmp_path, bundle, vault.anchors))
    number = vault.ask("SELECT count(*) FROM audit.entry")
    assert (code, problems) == (0, "")
    assert number > 1500
    assert told.splitlines()[-1] == f"{number} PROVEN"


def test_without_anchors_nothing_is_said_to_be_proven(vault: Vault, tmp_path: Path) -> None:
    anchored, _ = write(tmp_path, {**vault.entries(*vault.telling), "anchors": vault.anchors})
    code, told, _ = verify(anchored)
    assert (code, told.splitlines()[-1]) == (1, f"{len(vault.telling)} not anchored")


def test_an_anchor_proves_all_seals_before_it(vault: Vault, tmp_path: Path) -> None:
    files = write(tmp_path, vault.entries(*vault.telling), vault.anchors[2:3])
    code, told, _ = verify(*files)
    assert (code, told.splitlines()[-1]) == (1, "4 PROVEN, 2 not anchored")


def test_an_auditor_reads_who_did_what(vault: Vault, tmp_path: Path) -> None:
    _, told, _ = verify(*write(tmp_path, vault.bundle("--from", "2020-01-01"), vault.anchors))
    assert f'entity "Workflow", entity_id "{vault.workflow}", entity_label "Nurture ü"' in told
    assert 'actor "7", actor_name "Ana Díaz \N{ROCKET}", ip "2001:db8::7"' in told
    assert 'db_user "crm_web", client_addr "127.0.0.1", application_name "crm-web"' in told
    assert '    name: "Nurture new leads" -> "Nurture ü"\n    owner_id: 1 -> 2\n' in told
    assert '    name: - -> "Workflow 7"\n' in told


def test_what_an_entry_says_can_not_pass_for_what_the_verifier_says(
    vault: Vault, tmp_path: Path
) -> None:
    _, told, _ = verify(*write(tmp_path, vault.entries(vault.odd), vault.anchors))
    assert r'actor "1\n  PROVEN: by me", ip "not an address"' in told
    assert '    name: "\\u202e" -> "b"\n' in told
    assert '    n: 9007199254740993 -> "9007199254740993"\n' in told
    assert "    price: 1.10 -> 1.1\n" in told
    assert "same" not in told


def test_an_entry_that_no_seal_has_yet_is_there_and_not_proven(
    vault: Vault, tmp_path: Path
) -> None:
    vault.crm.save("UPDATE crm.workflow SET name = 'new' WHERE name = 'Workflow 9'")
    result = vault.evidence("--entry", vault.last_id(), "--entry", vault.odd)
    code, told, _ = verify(*write(tmp_path, json.loads(result.stdout), vault.anchors))
    assert "entries: 2, not sealed yet: 1" in result.stderr
    assert (code, told.splitlines()[-1]) == (1, "1 PROVEN, 1 not sealed")


def test_a_log_that_was_never_sealed_gives_entries_without_proof(
    crm: Crm, vault: Vault, tmp_path: Path
) -> None:
    bundle = {**vault.entries(vault.odd), "blocks": [], "seals": []}
    code, told, _ = verify(*write(tmp_path, bundle, vault.anchors))
    assert (code, told.splitlines()[-1]) == (1, "1 not sealed")


def test_a_bundle_may_be_of_one_thing(vault: Vault) -> None:
    options = ("--entity", "Workflow", "--entity-id", vault.workflow)
    entries = vault.bundle(*options)["entries"]
    assert {e["readable"]["table_name"] for e in entries} == {"workflow", "workflow_condition"}
    assert {e["readable"]["entity_id"] for e in entries} == {str(vault.workflow)}
    table = vault.bundle("--table", "crm.workflow_condition", *options)["entries"]
    assert {e["readable"]["table_name"] for e in table} == {"workflow_condition"}


def test_a_time_ends_before_its_end(vault: Vault) -> None:
    first, second = (e["occurred_at"] for e in vault.entries(*vault.telling[:2])["entries"])
    found = vault.bundle("--from", first, "--to", second)
    assert {e["occurred_at"] for e in found["entries"]} == {first}


def test_the_file_is_what_stdout_would_be_and_its_digest_is_told(
    vault: Vault, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.json"
    result = vault.evidence("--entry", vault.odd, "--output", path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"entries: 1, not sealed yet: 0, SHA-256: {digest}\n"
    assert f"SHA-256 of {path}: {digest}\n" in verify(path)[1]


def test_anchors_go_with_the_bundle(vault: Vault, tmp_path: Path) -> None:
    _, path = write(tmp_path, {}, vault.anchors)
    bundle = vault.bundle("--entry", vault.odd, "--anchors", path)
    assert [a["head"] for a in bundle["anchors"]] == [a["head"] for a in vault.anchors]


def test_the_verifier_is_printed_and_needs_no_database(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["evidence", "--verifier"])
    assert (result.exit_code, result.stdout) == (0, VERIFIER.read_text("utf-8"))


def test_the_verifier_is_of_python_3_8() -> None:
    assert ast.parse(VERIFIER.read_text("utf-8"), feature_version=(3, 8)).body


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "ask for entries by either --entry, or --from"),
        (("--entry", 1, "--from", "2026-11-26"), "ask for entries by either"),
        (("--entry", 99999999), "--entry 99999999: the log has none"),
        (("--entry", -(2**70)), "the log has none"),
        (("--from", "2020-01-01", "--to", "2020-01-02"), "the log has no such entries"),
        (("--from", "yesterday"), "write 2026-11-26 or 2026-11-26T14:00Z"),
        (("--entity-id", 7), "--entity-id: of what?"),
        (("--from", "2020-01-01", "--table", "workflow"), "write it as crm.workflow"),
        (("--entry", 1, "--anchors", __file__), "test_evidence.py:1: is no anchor"),
        (("--entry", 1, "--output", "/nowhere/bundle.json"), "/nowhere/bundle.json"),
    ],
)
def test_what_can_not_be_had_is_a_message(
    vault: Vault, options: tuple[object, ...], said: str
) -> None:
    assert said in refused(vault, *options)


def test_too_many_entries_are_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.evidence.reading.MOST_ENTRIES", 1000)
    assert "more than 1,000 entries" in refused(vault, "--from", "2020-01-01")


def test_too_long_lists_are_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.evidence.reading.MOST_LISTED", 1000)
    assert "more than 1,000 entries" in refused(vault, "--entry", vault.telling[2])


def test_without_a_database_there_is_only_the_verifier() -> None:
    result = CliRunner().invoke(main, ["evidence", "--entry", "1"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("--database is missing")


@pytest.mark.parametrize("part", [0, 1, 0.3, 0.6, 0.999])
def test_a_bundle_that_was_cut_off_can_not_be_read(
    vault: Vault, tmp_path: Path, part: float
) -> None:
    path, _ = write(tmp_path, vault.entries(vault.odd))
    text = path.read_text("utf-8")
    path.write_text(text[: part if isinstance(part, int) else int(len(text) * part)], "utf-8")
    code, told, problem = verify(path)
    assert (code, told) == (2, "")
    assert problem.startswith(f"{path} can't be read: ")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '"x"', "[" * 100_000, "\0", "<html>"])
def test_what_is_no_bundle_can_not_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(text)
    code, told, problem = verify(path)
    assert (code, told) == (2, "")
    assert "Traceback" not in problem


@pytest.mark.parametrize("text", ["not JSON", "[1]", "{}", '{"number": "x"}'])
def test_anchors_that_are_none_can_not_be_read(vault: Vault, tmp_path: Path, text: str) -> None:
    path, anchors = write(tmp_path, vault.entries(vault.odd))
    anchors.write_text(text)
    assert verify(path, anchors)[0] == 2


def test_the_file_that_can_not_be_read_is_named(vault: Vault, tmp_path: Path) -> None:
    path, anchors = write(tmp_path, vault.entries(vault.odd))
    anchors.write_text("no JSON")
    nowhere = tmp_path / "nowhere"
    assert verify(path, nowhere)[2].startswith(f"{nowhere} can't be read: ")
    assert verify(path, anchors)[2].startswith(f"{anchors} can't be read: ")


@pytest.mark.parametrize("cut", ["{", '{"source": "cr', '{"source": "crm", "number":'])
def test_a_line_of_anchors_that_was_cut_off_is_none(vault: Vault, tmp_path: Path, cut: str) -> None:
    path, anchors = write(tmp_path, vault.entries(vault.odd))
    whole = verify(path, anchors)
    anchors.write_text(f"{cut}\n{anchors.read_text('utf-8')}{cut}", "utf-8")
    assert verify(path, anchors) == whole
