"""Whatever is changed in a bundle, the verifier says so; what proves nothing is no proof."""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from generator.evidence import verify_evidence
from generator.evidence.verify_evidence import BLOCK, COLUMNS, SEAL
from tests.crm import Crm
from tests.evidence import Vault, new_vault, verify, write

Bundle = dict[str, Any]
Path_ = tuple[Any, ...]
Run = Callable[..., tuple[int, str]]

CLAIMS = ("format", "readme", "database", "made_at", "asked", "anchors")
"""What a bundle says of itself, and nothing proves."""


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


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Yield each value in a bundle that is no list or object, and where it is."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key), inner


def others(value: Any) -> list[Any]:
    """Return what somebody could write instead of a value."""
    if isinstance(value, str) and len(value) > 20:
        at = {9, len(value) // 2, len(value) - 1}
        flipped = [value[:n] + ("1" if value[n] == "0" else "0") + value[n + 1 :] for n in at]
        return [*flipped, value[:-2], value + "00", ""]
    if isinstance(value, str):
        return [value + "0", None]
    return ["a text" if value is None or isinstance(value, bool) else value + 1, [value]]


def put(path: Path_, value: Any, bundle: Bundle) -> None:
    """Write a value into a bundle."""
    *way, last = path
    for key in way:
        bundle = bundle[key]
    bundle[last] = value


def remove(path: Path_, bundle: Any) -> None:
    """Remove something from a bundle."""
    *way, last = path
    for key in way:
        bundle = bundle[key]
    del bundle[last]


def swap(key: str, number: int, name: str, bundle: Bundle) -> None:
    """Exchange a field of an item for that of the one before."""
    one, other = bundle[key][number - 1 : number + 1]
    one[name], other[name] = other[name], one[name]


def mutations(bundle: Bundle) -> Iterator[partial[None]]:
    """Yield how each value can be changed, and how things can be removed and exchanged."""
    for path, value in leaves(bundle):
        if path[0] not in CLAIMS:
            yield from (partial(put, path, other) for other in others(value) if other != value)
    for key in ("entries", "blocks", "seals"):
        yield partial(remove, (key,))
        for number, item in enumerate(bundle[key]):
            yield partial(remove, (key, number))
            for name, value in item.items():
                yield partial(remove, (key, number, name))
                if number and bundle[key][number - 1][name] != value:
                    yield partial(swap, key, number, name)


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
    assert "no block in the bundle has it, though its transaction was sealed" in told


@pytest.mark.parametrize("part", [0, 1, 0.3, 0.6, 0.999])
def test_a_bundle_that_was_cut_off_can_not_be_read(
    bundle: Bundle, tmp_path: Path, part: float
) -> None:
    path, _ = write(tmp_path, bundle)
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
def test_anchors_that_are_none_can_not_be_read(bundle: Bundle, tmp_path: Path, text: str) -> None:
    path, anchors = write(tmp_path, bundle)
    anchors.write_text(text)
    assert verify(path, anchors)[0] == 2
    assert verify(path, tmp_path / "nowhere")[0] == 2
