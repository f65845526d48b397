"""Ids that are not in the order of time: taken in advance by sessions, set back, or at their end.

What is not in order is told in order all the same, nothing stays unsealed unseen, and check says
where the sequence is another than it should be.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from generator.anchors.anchor import Anchor, Log
from generator.cli import main
from generator.drift import find_drift
from generator.maintenance import Terms
from generator.parse import read_config
from generator.seals.sealing import Refused
from tests.chains import Chain
from tests.crm import APP, VIEWER, create_role
from tests.databases import MIGRATIONS
from tests.evidence.vault import verify, write
from tests.maintenance import Upkeep
from tests.seal_commands import CONFIG, pgwitness_verify, states

RENAME = "UPDATE crm.territory SET name = %s WHERE id = 1"
OUT_OF_ORDER = """
SELECT count(*) FILTER (WHERE o.is_same) AS within, count(*) FILTER (WHERE NOT o.is_same) AS between
FROM (SELECT e.id < lag(e.id) OVER w AS is_back,
             e.transaction_id = lag(e.transaction_id) OVER w AS is_same
      FROM audit.entry AS e
      WINDOW w AS (ORDER BY e.occurred_at)) AS o
WHERE o.is_back
"""
REWRITE = """
SET session_replication_role = replica;
UPDATE audit.entry SET new_row = '{}' WHERE occurred_at = (SELECT max(occurred_at) FROM audit.entry)
"""
UNSEEN = """
ALTER TABLE crm.territory DISABLE TRIGGER ALL;
UPDATE crm.territory SET name = 'unseen' WHERE id = 1
"""
AGAIN = "SELECT setval('audit.entry_id_seq', 1, false)"
IN_ADVANCE = "ALTER SEQUENCE audit.entry_id_seq CACHE 100"
NEWEST_ID = "SELECT id FROM audit.entry ORDER BY occurred_at DESC LIMIT 1"


@pytest.fixture
def log(upkeep: Upkeep) -> Chain:
    """The log of a CRM in which nothing was written yet."""
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, APP, "crm_app")
        create_role(superuser, VIEWER, "audit_reader")
    return Chain(upkeep.conninfo)


@pytest.fixture
def taken_over(log: Chain) -> Chain:
    """A log that a restore was acknowledged of, with 5 entries sealed before and 2 after."""
    log.add(5)
    log.acknowledge()
    log.add(2)
    log.seal()
    return log


def write_in_turns(log: Chain) -> None:
    """Rename a territory over two sessions in turns, twice in each transaction."""
    log.add()
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(psycopg.connect(log.conninfo, user=APP, autocommit=True))
            for _ in range(2)
        ]
        for number in range(6):
            with sessions[number % 2].transaction():
                for name in (f"{number}", f"{number} again"):
                    sessions[number % 2].execute(RENAME, [name])


def reconcile(log: Chain) -> list[str]:
    arguments = ["--config", CONFIG, "--database", log.conninfo, "--table", "crm.territory"]
    done = CliRunner().invoke(main, ["reconcile", *arguments])
    assert done.exit_code == bool(done.stdout), done.stderr
    return done.stdout.splitlines()


def check(log: Chain) -> Iterator[tuple[str, str]]:
    """Yield what check says of the sequence, and how to mend it."""
    with psycopg.connect(log.conninfo) as superuser:
        for finding in find_drift(superuser, read_config(MIGRATIONS / "audit.toml")):
            if "entry_id_seq" in finding.object:
                yield f"{finding.state} {finding.object}", finding.fix


def number_of_entries(log: Chain) -> int:
    return int(log.query("SELECT count(*) AS number FROM audit.entry")[0].number)


def test_ids_that_sessions_take_in_advance_are_in_order_within_each_transaction(log: Chain) -> None:
    log.query(IN_ADVANCE)
    write_in_turns(log)

    [found] = log.query(OUT_OF_ORDER)
    assert (found.within, found.between) == (0, 2)
    log.seal()
    log.assert_whole()
    assert states(log.conninfo) == (0, [])


@pytest.mark.parametrize("disorder", [IN_ADVANCE, AGAIN])
def test_reconcile_takes_no_disorder_of_ids_for_a_write_without_an_entry(
    log: Chain, disorder: str
) -> None:
    log.add(3)
    log.query(disorder)
    write_in_turns(log)
    assert reconcile(log) == []

    log.query(UNSEEN)
    assert len(reconcile(log)) == 1


@pytest.mark.parametrize("options", ["CACHE 100", "INCREMENT -1", "NO CYCLE", "MAXVALUE 1000"])
def test_check_names_a_sequence_of_ids_that_goes_another_way(log: Chain, options: str) -> None:
    log.query(f"ALTER SEQUENCE audit.entry_id_seq {options}")

    [(named, fix)] = check(log)

    assert named == "changed options of sequence audit.entry_id_seq"
    log.query(fix)
    assert list(check(log)) == []


def test_entries_that_share_their_id_with_others_are_sealed_and_verified(log: Chain) -> None:
    for _ in range(2):
        log.add(3)
        log.query(AGAIN)
        log.add(3)
        log.seal()

    [found] = log.query("SELECT count(DISTINCT id) AS ids, count(*) AS entries FROM audit.entry")
    assert (found.ids, found.entries) == (6, 12)
    log.assert_whole()
    assert states(log.conninfo) == (0, [])
    assert list(check(log)) == []


def test_of_entries_that_share_an_id_the_one_that_was_changed_is_named(log: Chain) -> None:
    log.add()
    log.seal()
    log.query(AGAIN)
    log.add()
    log.seal()
    log.query(REWRITE)

    [row] = log.query("SELECT id, max(occurred_at)::text AS newest FROM audit.entry GROUP BY id")
    _, said = pgwitness_verify(log.conninfo)
    [finding] = said["findings"]
    assert (finding["state"], finding["object"]) == ("changed", f"entry {row.id}")
    assert "was sealed in seal 2 " in finding["what"]
    assert row.newest in finding["what"]


def test_evidence_of_an_id_proves_each_entry_that_has_it(log: Chain, tmp_path: Path) -> None:
    log.add()
    log.query(AGAIN)
    log.add()
    anchors = [json.loads(Anchor(Log("crm", "crm"), seal).line()) for seal in log.seal()]

    database = make_conninfo(log.conninfo, user=VIEWER)
    done = CliRunner().invoke(main, ["evidence", "--database", database, "--entry", "1"])
    _, told, _ = verify(*write(tmp_path, json.loads(done.stdout), anchors))

    assert "entries: 2, not sealed yet: 0" in done.stderr
    assert told.splitlines()[-1] == "2 PROVEN"


def test_ids_that_were_set_back_to_those_of_a_former_database_are_not_passed_over(
    taken_over: Chain,
) -> None:
    taken_over.query(AGAIN)
    taken_over.add(2)

    with pytest.raises(Refused, match="set back"):
        taken_over.seal()
    [(named, _)] = check(taken_over)
    assert named == "conflict sequence audit.entry_id_seq"
    _, said = pgwitness_verify(taken_over.conninfo)
    found = [(finding["state"], finding["object"]) for finding in said["findings"]]
    assert found == [("added", "entry 1"), ("added", "entry 2"), ("restored", "the ids of entries")]


def test_once_that_is_acknowledged_they_go_on_behind_all_others(taken_over: Chain) -> None:
    taken_over.query(AGAIN)
    taken_over.add(2)
    assert taken_over.acknowledge().entries == 2
    taken_over.add(2)

    assert [seal.entries for seal in taken_over.seal()] == [2]
    assert taken_over.query(NEWEST_ID)[0].id == 9
    taken_over.assert_whole()
    assert (states(taken_over.conninfo), list(check(taken_over))) == ((0, []), [])


def test_a_day_with_entries_that_no_seal_would_take_is_not_dropped(
    upkeep: Upkeep, log: Chain
) -> None:
    upkeep.age(5)
    log.add(5)
    log.acknowledge()
    log.query(AGAIN)
    upkeep.add_entries(-3, 2)
    log.query("SELECT setval('audit.entry_id_seq', 100)")

    run = upkeep.maintain(Terms("crm", retention=1))

    assert [reason for reason in run.given_up if "not as it was sealed" in reason]
    assert -3 in {partition.first for partition in upkeep.partitions()}
    log.acknowledge()
    log.assert_whole()


def test_ids_at_the_end_of_all_numbers_begin_anew_and_are_sealed(taken_over: Chain) -> None:
    taken_over.query("SELECT setval('audit.entry_id_seq', 9223372036854775806)")
    taken_over.add(2)
    with pytest.raises(Refused):
        taken_over.seal()
    taken_over.acknowledge()
    taken_over.add()
    taken_over.seal()

    assert number_of_entries(taken_over) == 10
    assert states(taken_over.conninfo) == (0, [])
