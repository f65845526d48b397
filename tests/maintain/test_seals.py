"""No day leaves the log that is not sealed, or not as it was sealed; what goes is in the chain."""

from dataclasses import replace

import psycopg
import pytest

from generator.maintenance import begin
from generator.maintenance.leaving import detach
from generator.maintenance.partitions import read_partitions
from tests.maintenance import BRIEF, TERMS, Upkeep

FORGE = """
SET session_replication_role = replica;
UPDATE audit.entry SET actor = 'nobody' WHERE id = (SELECT min(id) FROM audit.entry);
"""
LISTS_OF_ANOTHER = """
SET session_replication_role = replica;
UPDATE audit.seal_list SET digests = ARRAY(SELECT sha256(d) FROM unnest(digests) AS d);
"""
AS_ANOTHER = """
SET session_replication_role = replica;
UPDATE audit.seal SET identity = '1/1/1';
"""
SEALS = "SELECT * FROM audit.seal ORDER BY number"


@pytest.fixture
def old(upkeep: Upkeep) -> Upkeep:
    """A log of 93 days, with entries in those that are past the retention."""
    upkeep.age(92, ahead=5)
    for day in (-92, -91):
        upkeep.add_entries(day, 2)
    return upkeep


def kinds(upkeep: Upkeep) -> list[str]:
    return [seal.kind for seal in upkeep.as_owner(SEALS)]


def gave_up(upkeep: Upkeep) -> str:
    return "\n".join(upkeep.maintain().given_up)


def test_what_is_new_is_sealed_before_days_are_dropped(old: Upkeep) -> None:
    assert old.maintain().given_up == []
    seals = old.as_owner(SEALS)
    drops = [seal.detail for seal in seals if seal.kind == "drop"]
    assert (seals[0].kind, seals[0].entries) == ("entries", 4)
    assert [(drop["entries"], drop["differing"]) for drop in drops] == [(0, 0), (2, 0), (2, 0)]


def test_a_day_stays_as_long_as_a_transaction_keeps_it_from_being_sealed(old: Upkeep) -> None:
    with psycopg.connect(old.conninfo) as writer:
        writer.execute("SELECT pg_current_xact_id()")
        old.add_entries(-92)
        assert "entry_" in gave_up(old)
        assert old.days()[0] == -92
    assert old.maintain().given_up == []
    assert old.days()[0] == -90


@pytest.mark.parametrize("tampering", [FORGE, LISTS_OF_ANOTHER], ids=["entry", "list"])
def test_a_day_that_is_not_as_it_was_sealed_stays_and_others_go(
    old: Upkeep, tampering: str
) -> None:
    old.maintain(replace(TERMS, retention=95))
    old.as_owner(tampering, role="postgres")
    assert "pgwitness verify" in gave_up(old)
    assert -92 in [partition.first for partition in old.partitions()]
    assert -93 not in [partition.first for partition in old.partitions()]
    assert old.maintain(replace(TERMS, drop_differing=True)).given_up == []
    assert old.days()[0] == -90
    differing = [seal.detail["differing"] for seal in old.as_owner(SEALS) if seal.kind == "drop"]
    assert max(differing) > 0


def test_nothing_is_dropped_in_a_database_that_is_not_acknowledged(old: Upkeep) -> None:
    old.maintain(replace(TERMS, retention=95))
    old.as_owner(AS_ANOTHER, role="postgres")
    assert "pgwitness seal --acknowledge" in gave_up(old)
    assert (old.days()[0], kinds(old)) == (-93, ["entries"])


def test_what_was_detached_unsealed_is_put_back_and_sealed(old: Upkeep) -> None:
    with old.session() as session:
        run = begin(session, TERMS, BRIEF)
        partition = read_partitions(session.worker)[1]
        run.intend(partition)
        list(detach(run, partition))
        with pytest.raises(psycopg.Error) as refused:
            session.worker.execute(
                "SELECT audit._drop_detached(%s, %s, %s, %s, 'crm')",
                [run.started_at, partition.name, partition.starts_at, partition.until],
            )
    assert refused.value.sqlstate == "UA012"
    assert old.maintain().given_up == []
    assert sum(seal.entries for seal in old.as_owner(SEALS)) == 4
