"""pgwitness seal: heads on stdout, exit 1 where that is refused or a head could not be taken."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from generator.anchors.places import Places
from generator.cli import main
from generator.config import ConfigError
from generator.parse import read_config
from tests.maintenance import Upkeep

TABLE = '[table."crm.workflow"]\nmodule = "Workflows"\nentity = "Workflow"\n'
AS_ANOTHER = """
SET session_replication_role = replica;
UPDATE audit.seal SET identity = '1/1/1';
"""
ANEW = """
SET session_replication_role = replica;
TRUNCATE audit.seal, audit.seal_block, audit.seal_list;
SELECT audit.seal_entries();
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return configured(tmp_path, "")


def configured(folder: Path, anchor: str) -> Path:
    path = folder / "audit.toml"
    path.write_text(f'source = "crm"\n{anchor}\n{TABLE}', encoding="utf-8")
    return path


def run(upkeep: Upkeep, config: Path, *arguments: str | Path) -> Result:
    command = ["seal", "--config", config, "--database", upkeep.keeper, *arguments]
    return CliRunner().invoke(main, list(map(str, command)))


def heads(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def second_seal(upkeep: Upkeep) -> dict[str, Any]:
    (seal,) = upkeep.as_owner("SELECT detail FROM audit.seal WHERE number = 2")
    return dict(seal.detail)


def test_each_new_head_is_a_line(upkeep: Upkeep, config: Path) -> None:
    upkeep.add_entries(0, 3)
    result = run(upkeep, config)
    (head,) = heads(result)
    (seal,) = upkeep.as_owner("SELECT *, encode(head, 'hex') AS hex FROM audit.seal")
    assert (result.exit_code, result.stderr) == (0, "ok: 3 entries sealed\n")
    assert (head["number"], head["kind"], head["entries"]) == (1, "entries", 3)
    assert (head["head"], head["identity"], head["source"]) == (seal.hex, seal.identity, "crm")
    again = run(upkeep, config)
    assert (heads(again), again.stderr) == ([], "ok: nothing new\n")


def test_what_an_open_transaction_holds_back_is_told(upkeep: Upkeep, config: Path) -> None:
    with psycopg.connect(upkeep.conninfo) as other:
        other.execute("SELECT pg_current_xact_id()")
        upkeep.add_entries(0, 2)
        held = run(upkeep, config)
    assert (held.exit_code, heads(held)) == (0, [])
    assert held.stderr.startswith("ok: nothing new; 2 entries held back by a transaction that")


def test_another_database_is_sealed_only_with_a_reason(upkeep: Upkeep, config: Path) -> None:
    upkeep.add_entries(0)
    run(upkeep, config)
    upkeep.as_owner(AS_ANOTHER, role="postgres")
    upkeep.add_entries(0, 2)
    refused = run(upkeep, config)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "pgwitness seal --acknowledge" in refused.stderr
    done = run(upkeep, config, "--acknowledge", "a test")
    assert (done.exit_code, [head["kind"] for head in heads(done)]) == (0, ["restore"])
    assert second_seal(upkeep)["reason"] == "a test"


def test_heads_that_are_known_and_not_here_are_refused_and_then_lost(
    upkeep: Upkeep, config: Path, tmp_path: Path
) -> None:
    upkeep.add_entries(0)
    (head,) = heads(run(upkeep, config))
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps(head | {"number": 2, "head": "ab" * 32}))
    assert run(upkeep, config, "--anchors", known).exit_code == 1
    assert run(upkeep, config, "--anchors", known, "--acknowledge", "a test").exit_code == 0
    assert second_seal(upkeep)["lost"] == [{"number": 2, "head": "ab" * 32}]
    assert run(upkeep, config, "--anchors", known).exit_code == 0


@pytest.mark.parametrize("place", ["file = 'kept.jsonl'", "url = 'file://{folder}/kept'"])
def test_a_chain_that_was_written_anew_is_refused_each_time(
    upkeep: Upkeep, tmp_path: Path, place: str
) -> None:
    config = configured(tmp_path, f"[anchor]\n{place.format(folder=tmp_path)}")
    upkeep.add_entries(0)
    assert run(upkeep, config).exit_code == 0
    upkeep.as_owner(ANEW, role="postgres")
    for _ in range(3):
        upkeep.add_entries(0)
        assert run(upkeep, config).exit_code == 1
    assert run(upkeep, config, "--acknowledge", "a test").exit_code == 0
    assert run(upkeep, config).exit_code == 0


def test_a_head_that_no_place_took_is_taken_there_by_the_next_run(
    upkeep: Upkeep, tmp_path: Path
) -> None:
    config = configured(tmp_path, '[anchor]\nfile = "kept/anchors.jsonl"')
    upkeep.add_entries(0)
    missed = run(upkeep, config)
    assert (missed.exit_code, len(heads(missed))) == (1, 1)
    (tmp_path / "kept").mkdir()
    assert (run(upkeep, config).exit_code, run(upkeep, config).exit_code) == (0, 0)
    assert (tmp_path / "kept" / "anchors.jsonl").read_text() == missed.stdout


def test_an_empty_reason_is_none(upkeep: Upkeep, config: Path) -> None:
    assert run(upkeep, config, "--acknowledge", " ").exit_code == 2


def test_who_may_not_own_the_log_may_not_seal(upkeep: Upkeep, config: Path) -> None:
    command = ["seal", "--config", config, "--database", f"{upkeep.conninfo} user=crm_app"]
    assert CliRunner().invoke(main, list(map(str, command))).exit_code == 2


def test_the_places_of_heads_are_configured(tmp_path: Path) -> None:
    path = configured(
        tmp_path,
        '[anchor]\nfile = "heads.jsonl"\nurl = "s3://bucket/heads"\ncommand = ["logger", "-s"]',
    )
    expected = Places(tmp_path / "heads.jsonl", "s3://bucket/heads", ("logger", "-s"))
    assert read_config(path).anchors == expected
    assert read_config(configured(tmp_path, "")).anchors == Places()


@pytest.mark.parametrize(
    ("anchor", "finding"),
    [
        ("", "anchor: names no place – add one of: file, url, command"),
        ('path = "x"', 'anchor: unknown key "path" (known: file, url, command)'),
        ("file = 1", 'anchor: "file" must be a text, such as file = "/var/lib/pgwitness'),
        ('url = "bucket"', 'anchor: "url" must begin with a scheme, such as s3:// – or name'),
        ('command = "logger"', 'anchor: "command" must be a program and its arguments, such as'),
        ("command = []", 'anchor: "command" must be a program and its arguments, such as'),
    ],
)
def test_a_place_that_is_none_is_explained(tmp_path: Path, anchor: str, finding: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(configured(tmp_path, f"[anchor]\n{anchor}"))
    (found,) = caught.value.findings
    assert found.startswith(f"audit.toml: {finding}")


def test_status_says_how_far_the_log_is_sealed_and_verified(upkeep: Upkeep, config: Path) -> None:
    assert sealed(upkeep) is None
    upkeep.add_entries(0)
    run(upkeep, config)
    assert (sealed(upkeep)["number"], sealed(upkeep)["verified_at"]) == (1, None)
    CliRunner().invoke(main, ["verify", "--database", upkeep.keeper])
    assert (sealed(upkeep)["verified_up_to"], sealed(upkeep)["found"]) == (1, 0)


def sealed(upkeep: Upkeep) -> Any:
    """Return what status says of seals to a machine."""
    said = CliRunner().invoke(main, ["status", "--json", "--database", upkeep.keeper])
    return json.loads(said.stdout)["sealed"]


def test_on_a_standby_it_says_where_to_seal(upkeep: Upkeep, config: Path) -> None:
    reading = make_conninfo(upkeep.keeper, options="-c default_transaction_read_only=on")
    result = run(upkeep, config, "--database", reading)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "connect to the primary" in result.stderr
