"""Heads of seals go to a file, a store and a command: none is changed there, none is left out."""

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.anchors.anchor import Anchor, AnchorProblem, Known, Log, Seal
from generator.anchors.delivery import all_known, deliver, later_known, readable
from generator.anchors.files import read_all
from generator.anchors.places import Places
from generator.config import ConfigError

LOG = Log("crm", "kestrel")
AT = datetime(2026, 11, 26, 0, 14, 2, 123456, tzinfo=UTC)
NO_PROBLEM: list[str] = []


@dataclass
class Chain:
    """Seals that are in no database; *looked_up* counts how many were asked for."""

    seals: Sequence[Seal]
    is_acknowledged: bool = False
    looked_up: int = 0

    def after(self, number: int) -> list[Seal]:
        return [seal for seal in self.seals if seal.number > number]

    def last_number(self) -> int:
        return max((seal.number for seal in self.seals), default=0)

    def lacking(self, known: Sequence[Known]) -> Collection[Known]:
        self.looked_up += len(known)
        return set(known) - {seal.known for seal in self.seals}

    def gone(self, known: Collection[Known]) -> Collection[Known]:
        return [] if self.is_acknowledged else known


def chain(*numbers: int) -> Chain:
    return Chain([Seal(n, "entries", "1/1/5", 10 * n, AT, f"{n:064x}") for n in numbers])


def deliver_to(places: Places, seals: Chain, since: int = 0, log: Log = LOG) -> list[str]:
    return list(deliver(places, log, seals, since))


def known(places: Places) -> list[int]:
    """Return the numbers of the seals that places know."""
    return sorted(known.number for known in all_known(readable(places), LOG))


def read(file: Path) -> list[Anchor]:
    return read_all([file], lambda line: None)


@pytest.fixture(params=["file", "url"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    if request.param == "file":
        return Places(file=tmp_path / "anchors.jsonl")
    return Places(url=f"file://{tmp_path}/anchors")


@pytest.fixture
def received(tmp_path: Path) -> Path:
    return tmp_path / "received"


@pytest.fixture
def command(received: Path) -> Places:
    program = f"import sys; open({str(received)!r}, 'a').write(sys.stdin.read())"
    return Places(command=(sys.executable, "-c", program))


def test_a_new_place_gets_the_last_head_which_proves_all_before(places: Places) -> None:
    assert deliver_to(places, chain(1, 2, 3)) == NO_PROBLEM
    assert known(places) == [3]


def test_where_nothing_is_sealed_there_is_nothing_to_keep(places: Places, command: Places) -> None:
    assert deliver_to(places, chain()) == deliver_to(command, chain()) == NO_PROBLEM
    assert known(places) == []


def test_a_place_gets_what_came_after_the_last_head_that_it_knows(places: Places) -> None:
    deliver_to(places, chain(1))
    assert deliver_to(places, chain(1, 2, 3, 4)) == NO_PROBLEM
    assert known(places) == [1, 2, 3, 4]
    assert deliver_to(places, chain(1, 2, 3, 4)) == NO_PROBLEM
    assert known(places) == [1, 2, 3, 4]


def test_a_place_keeps_heads_that_were_lost_beside_those_that_came_instead(places: Places) -> None:
    deliver_to(places, chain(1))
    deliver_to(places, chain(1, 2))
    other = Seal(2, "restore", "1/2/5", 0, AT, "f" * 64)
    taken_back = Chain([*chain(1).seals, other], is_acknowledged=True)
    assert {seal.number for seal in later_known(readable(places), LOG, taken_back)} == {2}
    assert deliver_to(places, taken_back) == NO_PROBLEM
    expected = {seal.known for seal in [*chain(1, 2).seals, other]}
    assert all_known(readable(places), LOG) == expected
    assert later_known(readable(places), LOG, taken_back) == set()


def test_a_place_that_knows_what_is_gone_gets_nothing_that_hides_it(places: Places) -> None:
    deliver_to(places, chain(1, 2))
    rewritten = Chain([Seal(number, "entries", "1/1/5", 9, AT, "f" * 64) for number in (1, 2, 3)])
    assert deliver_to(places, rewritten) == NO_PROBLEM
    assert known(places) == [2]
    assert {seal.number for seal in later_known(readable(places), LOG, rewritten)} == {2}


def test_a_place_may_hold_the_heads_of_several_logs(places: Places) -> None:
    deliver_to(places, chain(1, 2, 3, 4), log=Log("shop", "kestrel"))
    deliver_to(places, chain(1, 2))
    assert known(places) == [2]


def test_however_long_a_place_is_its_end_is_enough(places: Places) -> None:
    deliver_to(places, chain(1))
    deliver_to(places, chain(*range(1, 2502)))
    long = chain(*range(1, 2502))
    assert deliver_to(places, long) == NO_PROBLEM
    assert long.looked_up == 1
    taken_back = chain(1)
    assert len(later_known(readable(places), LOG, taken_back)) == 2500


def test_a_file_holds_the_line_that_is_called_an_anchor(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver_to(Places(file=file), chain(1))
    assert file.read_text() == (
        '{"source": "crm", "database": "kestrel", "identity": "1/1/5", "number": 1,'
        ' "kind": "entries", "entries": 10, "sealed_at": "2026-11-26T00:14:02.123456+00:00",'
        f' "head": "{1:064x}"}}\n'
    )
    assert read(file) == [Anchor(LOG, chain(1).seals[0], f"{file}:1")]


def test_a_line_without_an_end_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver_to(Places(file=file), chain(1))
    file.write_text(file.read_text().rstrip("\n"))
    deliver_to(Places(file=file), chain(1, 2))
    assert [anchor.seal.number for anchor in read(file)] == [1, 2]


def test_a_line_that_was_cut_off_comes_again(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver_to(Places(file=file), chain(1))
    with file.open("a") as opened:
        opened.write('{"number": 2, "he')
    assert deliver_to(Places(file=file), chain(1, 2)) == NO_PROBLEM
    told: list[str] = []
    assert [anchor.seal.number for anchor in read_all([file], told.append)] == [1, 2]
    assert told == [f"{file}:2: is no anchor, such as pgwitness seal prints: left out"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"head": "xy"},
        {"head": "a"},
        {"head": None},
        {"number": "one"},
        {"number": None},
        {"source": 1},
        {"sealed_at": "today"},
    ],
    ids=str,
)
def test_a_file_of_lines_that_are_no_anchors_is_refused(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver_to(Places(file=file), chain(1))
    (right,) = (json.loads(line) for line in file.read_text().splitlines())
    file.write_text(json.dumps(right | wrong))
    with pytest.raises(ConfigError, match=r"anchors\.jsonl:1: is no anchor"):
        read(file)


def test_a_place_knows_which_database_made_a_head(places: Places) -> None:
    deliver_to(places, chain(1))
    assert {one.identity for one in all_known(readable(places), LOG)} == {"1/1/5"}


def test_an_object_of_a_store_is_named_by_number_database_and_head(tmp_path: Path) -> None:
    deliver_to(Places(url=f"file://{tmp_path}/heads/"), chain(1))
    (written,) = (tmp_path / "heads" / "crm" / "kestrel" / "000000000").iterdir()
    assert written.name == f"000000000001-1-1-5-{1:064x}.json"
    assert read(written) == [Anchor(LOG, chain(1).seals[0], f"{written}:1")]


def test_a_command_gets_each_new_head(command: Places, received: Path) -> None:
    assert deliver_to(command, chain(1, 2, 3, 4), since=2) == NO_PROBLEM
    assert [anchor.seal.number for anchor in read(received)] == [3, 4]


def test_a_command_gets_the_last_head_again_where_there_is_no_new_one(
    command: Places, received: Path
) -> None:
    deliver_to(command, chain(1, 2, 3, 4), since=3)
    deliver_to(command, chain(1, 2, 3, 4), since=4)
    assert [anchor.seal.number for anchor in read(received)] == [4, 4]


@pytest.mark.parametrize(
    "broken",
    [
        Places(command=("false",)),
        Places(command=("no-such-program",)),
        Places(file=Path("/nowhere/anchors.jsonl")),
        Places(url="file:///proc/anchors"),
        Places(url="nowhere://anchors"),
    ],
    ids=str,
)
def test_a_place_that_is_out_of_order_is_named_and_the_others_get_theirs(
    broken: Places, tmp_path: Path
) -> None:
    places = Places(
        file=broken.file or tmp_path / "anchors.jsonl",
        url=broken.url or f"file://{tmp_path}/store",
        command=broken.command or ("true",),
    )
    assert len(deliver_to(places, chain(1, 2, 3))) == 1
    whole = replace(places, url=None) if broken.url else replace(places, file=None)
    assert known(whole) == [3]


def test_what_keeps_a_head_from_a_place_is_told() -> None:
    (missing,) = deliver_to(Places(file=Path("/nowhere/anchors.jsonl")), chain(1))
    assert missing == "/nowhere/anchors.jsonl: has no folder yet – make it"
    (failed,) = deliver_to(Places(command=("false",)), chain(1))
    assert failed == "false: ended with exit code 1"


def test_what_is_known_in_vain_is_told_where_a_restore_is_acknowledged() -> None:
    with pytest.raises(AnchorProblem, match="nowhere"):
        all_known(readable(Places(url="nowhere://anchors")), LOG)
