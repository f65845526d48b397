"""pgwitness verify --anchors: what was kept outside shows what nothing inside can."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditviewer.demo.cluster import Cluster
from generator.seals.anchor_files import Anchor
from generator.seals.verifying import verify
from tests.crm import VIEWER, create_role
from tests.mutations_of_seals import remove_from, rewrite
from tests.sealed import SealedLog, run_verify, sealed_log

OTHER = '{"source": "crm", "database": "other", "number": 1, "head": "00"}'


@pytest.fixture(scope="module")
def log(cluster: Cluster, reference_template: Any) -> Iterator[SealedLog]:
    with sealed_log(cluster, reference_template) as log:
        create_role(log.superuser, VIEWER, "audit_reader")
        yield log


def anchors(log: SealedLog) -> list[Anchor]:
    found = log.rows("SELECT number, encode(head, 'hex') AS head FROM audit.seal ORDER BY 1")
    return [Anchor("crm", "sealed_log", row.number, row.head, "here") for row in found]


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
    (tmp_path / "erp").mkdir()
    (tmp_path / "erp/1.json").write_text(OTHER, "utf-8")
    result = run_verify(log, "--anchors", tmp_path)
    assert result.exit_code == 0
    assert "7 anchors: the chain up to seal 7" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        OTHER,
        '{"source": "erp", "database": "sealed_log", "number": 1, "head": "00"}',
        '{"source": "crm", "database": "sealed_log", "number": 1}',
        "no JSON",
    ],
)
def test_an_anchor_of_another_log_or_none_is_an_error_of_usage(
    log: SealedLog, tmp_path: Path, line: str
) -> None:
    (tmp_path / "anchors.jsonl").write_text(line, "utf-8")
    result = run_verify(log, "--anchors", tmp_path / "anchors.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "anchors.jsonl:1: " in result.stderr


def test_no_anchors_prove_nothing(log: SealedLog, tmp_path: Path) -> None:
    (tmp_path / "anchors.jsonl").touch()
    result = run_verify(log, "--anchors", tmp_path / "anchors.jsonl")
    assert (result.exit_code, "0 anchors: nothing" in result.stderr) == (0, True)
