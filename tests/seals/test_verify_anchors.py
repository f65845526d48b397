"""pgwitness verify --anchors: what was kept outside shows what nothing inside can."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditviewer.demo.cluster import Cluster
from generator.anchors.anchor import Anchor, Log
from generator.seals.finding import ACKNOWLEDGE, ENTRIES
from generator.seals.sealing import Seals
from generator.seals.text import summary
from generator.seals.verifying import verify
from tests.crm import VIEWER, create_role
from tests.seals.mutations_of_seals import remove_from, rewrite
from tests.seals.sealed import SealedLog, run_verify, sealed_log

LOG = Log("crm", "sealed_log")


@pytest.fixture(scope="module")
def log(cluster: Cluster, reference_template: Any) -> Iterator[SealedLog]:
    with sealed_log(cluster, reference_template) as log:
        create_role(log.superuser, VIEWER, "audit_reader")
        yield log


def anchors(log: SealedLog) -> list[Anchor]:
    return [Anchor(LOG, seal, "here") for seal in Seals(log.superuser).after(0)]


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
    lost = json.dumps([{"number": a.seal.number, "head": a.seal.head} for a in kept[5:]])
    restore = f"SELECT audit.acknowledge_restore('taken back', '{lost}')"
    statements = (*remove_from(6), restore)
    assert log.found_after(*statements, anchors=kept) == set()
    other = replace(kept[6].seal, number=9, head="00" * 32)
    found = log.found_after(*statements, anchors=[*kept, Anchor(LOG, other)])
    assert found == {("removed", "seals after 6")}


def test_a_head_that_is_proven_is_no_excuse_for_what_was_found(log: SealedLog) -> None:
    with log.tampered("UPDATE audit.seal SET entries = entries + 1 WHERE number = 2"):
        edited = list(summary(verify(log.superuser, anchors(log))))
    with log.tampered():
        clean = list(summary(verify(log.superuser, anchors(log))))
    assert "7 anchors: the chain up to seal 7 is what it was then" in clean
    assert "7 anchors: the chain up to seal 7 is what it was then, but for what was found" in edited


def test_a_chain_that_was_written_anew_is_to_be_looked_into_first(log: SealedLog) -> None:
    kept = anchors(log)
    edit = "UPDATE audit.seal SET sealed_at = now() WHERE number = 7"
    with log.tampered(edit, rewrite(7)):
        (found,) = verify(log.superuser, kept).findings
    assert found.fix == f"{ENTRIES}; {ACKNOWLEDGE}"


def test_anchors_are_read_from_files_and_folders(log: SealedLog, tmp_path: Path) -> None:
    lines = [anchor.line() for anchor in anchors(log)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines[:2]), "utf-8")
    (tmp_path / "b.jsonl").write_text("\n".join(lines[2:]) + "\n", "utf-8")
    (tmp_path / "erp").mkdir()
    (tmp_path / "erp/1.json").write_text(line_of(log, Log("crm", "other")), "utf-8")
    result = run_verify(log, "--anchors", tmp_path)
    assert result.exit_code == 0
    assert "7 anchors: the chain up to seal 7" in result.stderr


@pytest.mark.parametrize("of", [Log("crm", "other"), Log("erp", "sealed_log")], ids=str)
def test_anchors_of_another_log_alone_are_an_error_of_usage(
    log: SealedLog, tmp_path: Path, of: Log
) -> None:
    (tmp_path / "anchors.jsonl").write_text(line_of(log, of), "utf-8")
    result = run_verify(log, "--anchors", tmp_path / "anchors.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "anchors.jsonl:1: " in result.stderr


def test_a_line_that_was_cut_off_is_told_and_left_out(log: SealedLog, tmp_path: Path) -> None:
    lines = [anchor.line() for anchor in anchors(log)]
    (tmp_path / "anchors.jsonl").write_text("\n".join([lines[0], lines[1][:50], *lines[1:]]))
    result = run_verify(log, "--anchors", tmp_path)
    assert (result.exit_code, "anchors.jsonl:2: is no anchor" in result.stderr) == (0, True)
    assert "7 anchors: the chain up to seal 7" in result.stderr


def test_anchors_of_another_database_with_this_log_are_told_apart(log: SealedLog) -> None:
    kept = anchors(log)
    copies = [Anchor(LOG, replace(a.seal, identity="1/1/1", head="00" * 32)) for a in kept[5:]]
    found = log.found_after(anchors=[*kept, *copies])
    assert found == {("rewritten", "the seals of database 1/1/1")}


def test_a_chain_that_was_made_anew_in_another_database_is_found(log: SealedLog) -> None:
    kept = [Anchor(LOG, replace(a.seal, identity="1/1/1")) for a in anchors(log)]
    assert log.found_after(anchors=kept) == set()
    edit = "UPDATE audit.seal SET sealed_at = now()"
    found = log.found_after(edit, *(rewrite(n) for n in range(1, 2)), anchors=kept)
    assert found == {("rewritten", "the seals of database 1/1/1")}


def line_of(log: SealedLog, of: Log) -> str:
    """Return the anchor of the first seal, as if it were another log's."""
    return replace(anchors(log)[0], log=of).line()


def test_no_anchors_prove_nothing(log: SealedLog, tmp_path: Path) -> None:
    (tmp_path / "anchors.jsonl").touch()
    result = run_verify(log, "--anchors", tmp_path / "anchors.jsonl")
    assert (result.exit_code, "0 anchors: nothing" in result.stderr) == (0, True)
