"""Heads of seals go to a file, a store and a command: none is changed there, none is left out."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.seals.anchors import AnchorProblem, Log, deliver, known_anchors, read_anchors
from generator.seals.places import Places
from generator.seals.sealing import Anchor, Seal

LOG = Log("crm", "kestrel")
AT = datetime(2026, 11, 26, 0, 14, 2, 123456, tzinfo=UTC)
CHAIN = [Seal(n, "entries", "1/1/5", 10 * n, AT, f"{n:064x}") for n in range(1, 6)]
NO_PROBLEM: list[str] = []


def known(places: Places) -> list[int]:
    """Return the numbers of the seals that places know."""
    anchors, problems = known_anchors(places, LOG)
    assert problems == NO_PROBLEM
    return sorted(anchor.number for anchor in anchors)


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
    assert deliver(places, LOG, CHAIN[:3], 3) == NO_PROBLEM
    assert known(places) == [3]


def test_a_place_gets_what_came_after_the_last_head_that_it_knows(places: Places) -> None:
    deliver(places, LOG, CHAIN[:1], 0)
    assert deliver(places, LOG, CHAIN[:4], 4) == NO_PROBLEM
    assert known(places) == [1, 2, 3, 4]
    assert deliver(places, LOG, CHAIN[:4], 4) == NO_PROBLEM
    assert known(places) == [1, 2, 3, 4]


def test_a_place_keeps_heads_that_were_lost_beside_those_that_came_instead(places: Places) -> None:
    deliver(places, LOG, CHAIN[:1], 0)
    deliver(places, LOG, CHAIN[:2], 0)
    other = Seal(2, "restore", "1/2/5", 0, AT, "f" * 64)
    assert deliver(places, LOG, [CHAIN[0], other], 0) == NO_PROBLEM
    anchors, _ = known_anchors(places, LOG)
    assert anchors == {CHAIN[0].anchor, CHAIN[1].anchor, other.anchor}


def test_a_place_may_hold_the_heads_of_several_logs(places: Places) -> None:
    deliver(places, Log("shop", "kestrel"), CHAIN[:4], 0)
    deliver(places, LOG, CHAIN[:2], 0)
    assert known(places) == [2]


def test_a_file_holds_the_line_that_is_called_an_anchor(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver(Places(file=file), LOG, CHAIN[:1], 0)
    assert file.read_text() == (
        '{"source": "crm", "database": "kestrel", "identity": "1/1/5", "number": 1,'
        ' "kind": "entries", "entries": 10, "sealed_at": "2026-11-26T00:14:02.123456+00:00",'
        f' "head": "{1:064x}"}}\n'
    )


def test_a_line_without_an_end_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver(Places(file=file), LOG, CHAIN[:1], 0)
    file.write_text(file.read_text().rstrip("\n"))
    deliver(Places(file=file), LOG, CHAIN[:2], 0)
    assert read_anchors(file) == {CHAIN[0].anchor, CHAIN[1].anchor}


def test_a_line_that_is_no_anchor_is_told_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    deliver(Places(file=file), LOG, CHAIN[:1], 0)
    with file.open("a") as opened:
        opened.write('{"number": 2, "he')
    with pytest.raises(AnchorProblem, match=r"anchors\.jsonl:2: "):
        read_anchors(file)
    assert len(deliver(Places(file=file), LOG, CHAIN[:2], 0)) == 1


def test_a_place_knows_which_database_made_a_head(places: Places) -> None:
    deliver(places, LOG, CHAIN[:1], 0)
    anchors, _ = known_anchors(places, LOG)
    assert [anchor.identity for anchor in anchors] == ["1/1/5"]


def test_an_object_of_a_store_is_named_by_database_number_and_head(tmp_path: Path) -> None:
    deliver(Places(url=f"file://{tmp_path}/heads/"), LOG, CHAIN[:1], 0)
    (written,) = (tmp_path / "heads" / "crm" / "kestrel" / "1/1/5").iterdir()
    assert written.name == f"000000000001-{1:064x}.json"
    assert read_anchors(written) == {Anchor(1, f"{1:064x}")}


def test_a_command_gets_each_new_head(command: Places, received: Path) -> None:
    assert deliver(command, LOG, CHAIN[:4], 2) == NO_PROBLEM
    assert [anchor.number for anchor in read_in_order(received)] == [3, 4]


def test_a_command_gets_the_last_head_again_where_there_is_no_new_one(
    command: Places, received: Path
) -> None:
    deliver(command, LOG, CHAIN[:4], 3)
    deliver(command, LOG, CHAIN[:4], 4)
    assert len(received.read_text().splitlines()) == 2
    assert read_anchors(received) == {CHAIN[3].anchor}


def read_in_order(file: Path) -> list[Anchor]:
    return sorted(read_anchors(file), key=lambda anchor: anchor.number)


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
    assert len(deliver(places, LOG, CHAIN, 0)) == 1
    found = read_anchors(places.file) if broken.file is None and places.file else {CHAIN[4].anchor}
    assert found == {CHAIN[4].anchor}
