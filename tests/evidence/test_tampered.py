"""Whatever is changed in a bundle, the verifier says so; what proves nothing is no proof."""

import copy
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from generator.evidence import verify_evidence
from generator.evidence.verify_evidence import BLOCK, COLUMNS, SEAL
from tests.crm import Crm
from tests.evidence.mutations import Bundle, mutations
from tests.evidence.vault import Vault, new_vault, write

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def vault(crm: Crm) -> Vault:
    return new_vault(crm)


@pytest.fixture
def bundle(vault: Vault) -> Bundle:
    return vault.entries(*vault.telling)


@pytest.fixture
def run(
    vault: Vault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return what verifies a bundle in this process, as many of them are verified."""

    def run(bundle: Any, anchors: Any = vault.anchors) -> tuple[int, str]:
        paths = write(tmp_path, bundle, anchors)
        monkeypatch.setattr("sys.argv", ["verify", str(paths[0]), "--anchors", str(paths[1])])
        code = verify_evidence.main()
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def forged(bundle: Bundle, depth: int) -> Bundle:
    """Return a bundle with an entry of the first seal that was changed, and all that follows from
    it down to its list (1), the header (2), the seal (3), its head (4) and the chain (5).
    """
    entry, block = bundle["entries"][0], bundle["blocks"][0]
    before = sha256(bytes.fromhex(entry["record"])).hexdigest()
    change(entry, b"Nurture new leads".hex(), b"Nurture old leads".hex(), COLUMNS)
    if depth > 0:
        after = sha256(bytes.fromhex(entry["record"])).hexdigest()
        block["list"] = block["list"].replace(before, after)
    if depth > 1:
        root = sha256(b"pgwitness block 1" + bytes.fromhex(block["list"])).hexdigest()
        change(block, block["readable"]["root"], root, BLOCK)
    seal = bundle["seals"][0]
    if depth > 2:
        root = sha256(b"pgwitness blocks 1" + bytes.fromhex(block["record"])).hexdigest()
        change(seal, seal["readable"]["root"], root, SEAL)
    for number, seal in enumerate(bundle["seals"][: {4: 1, 5: None}.get(depth, 0)]):
        if number:
            change(seal, seal["readable"]["previous"], bundle["seals"][number - 1]["head"], SEAL)
        seal["head"] = sha256(bytes.fromhex(seal["record"])).hexdigest()
    return bundle


def change(item: Any, old: str, new: str, names: Sequence[str]) -> None:
    """Exchange bytes of a record for others, and show it accordingly."""
    assert old in item["record"]
    item["record"] = item["record"].replace(old, new)
    values = verify_evidence.decode(bytes.fromhex(item["record"]))
    item["readable"] = dict(zip(names, values, strict=True))


def test_a_bundle_that_nobody_touched_is_proven(bundle: Bundle, run: Run) -> None:
    code, told = run(bundle)
    assert (code, told.splitlines()[-1]) == (0, "6 PROVEN")


def test_whatever_is_changed_removed_or_exchanged_is_seen(vault: Vault, run: Run) -> None:
    first, _, _, many, _, last = vault.telling
    bundle = vault.entries(first, many, last)
    tried, survived = 0, []
    for mutation in mutations(bundle):
        mutated = copy.deepcopy(bundle)
        mutation(mutated)
        tried += 1
        if run(mutated)[0] == 0:
            survived.append(mutation)
    assert survived == []
    assert tried > 500


@pytest.mark.parametrize("depth", range(6))
def test_a_forgery_however_deep_is_seen_by_who_has_an_anchor(
    bundle: Bundle, vault: Vault, run: Run, depth: int
) -> None:
    code, told = run(forged(bundle, depth), vault.anchors[-1:])
    assert code == 1
    assert "BROKEN" in told
    assert ("it is not what was anchored at 20" in told) == (depth == 5)


def test_a_forgery_of_all_is_not_proven_without_an_anchor(bundle: Bundle, run: Run) -> None:
    code, told = run(forged(bundle, 5), [])
    assert (code, told.splitlines()[-1]) == (1, "6 not anchored")


def test_a_forged_seal_can_not_stand_beside_the_true_one(
    bundle: Bundle, vault: Vault, run: Run
) -> None:
    lie = forged(copy.deepcopy(bundle), 4)
    lie["seals"] = [*bundle["seals"], lie["seals"][0]]
    assert run(lie)[0] == 1
    lie["seals"] = [*lie["seals"][-1:], *bundle["seals"]]
    assert run(lie)[0] == 1


def test_a_forged_block_can_not_be_of_a_seal_with_another_spelling(
    bundle: Bundle, run: Run
) -> None:
    lie = forged(copy.deepcopy(bundle), 3)
    lie["blocks"] = [*bundle["blocks"], {**lie["blocks"][0], "seal": "01"}]
    assert run({**lie, "seals": bundle["seals"]})[0] == 1


def test_an_anchor_of_another_database_proves_nothing_and_contradicts_nothing(
    bundle: Bundle, vault: Vault, run: Run
) -> None:
    others = [{**anchor, "identity": "1/1/1", "head": "00" * 32} for anchor in vault.anchors]
    assert run(bundle, others)[1].splitlines()[-1] == "6 not anchored"
    assert run(bundle, [*others, *vault.anchors])[0] == 0


@pytest.mark.parametrize("name", ["number", "identity", "head"])
def test_an_anchor_that_was_changed_proves_nothing(
    bundle: Bundle, vault: Vault, run: Run, name: str
) -> None:
    *_, last = vault.anchors
    code, told = run(bundle, [{**last, name: {"number": 4, "head": "ab"}.get(name, "1/2/3")}])
    assert code == 1
    assert " PROVEN" not in told.splitlines()[-1]


def test_anchors_in_the_bundle_that_contradict_it_are_seen(
    bundle: Bundle, vault: Vault, run: Run
) -> None:
    code, told = run({**bundle, "anchors": [{**vault.anchors[1], "head": "00"}]})
    assert code == 1
    assert "BROKEN: seal 2: it is not what was anchored" in told


def test_an_entry_that_was_removed_from_the_log_is_missed(
    bundle: Bundle, vault: Vault, run: Run
) -> None:
    whole = vault.bundle("--from", "2020-01-01")
    gone = whole["entries"].pop(700)
    code, told = run(whole)
    assert code == 1
    assert f"entry {gone['id']} of {gone['occurred_at']}: it was sealed and asked for" in told


def test_an_entry_that_was_added_to_the_log_afterwards_is_seen(bundle: Bundle, run: Run) -> None:
    bundle["entries"].append({**bundle["entries"][0], "id": "999999"})
    code, told = run(bundle)
    assert code == 1
    assert "BROKEN: no block has it, though that was sealed" in told


def test_a_bundle_of_nothing_proves_nothing(bundle: Bundle, run: Run) -> None:
    assert run({**bundle, "entries": [], "blocks": []})[0] == 1
