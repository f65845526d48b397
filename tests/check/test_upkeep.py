"""pgwitness check: a log that is not maintained is found, and maintaining it mends that."""

from dataclasses import replace

import psycopg
import pytest

from generator.drift import find_drift
from generator.parse import read_config
from tests.databases import MIGRATIONS
from tests.maintenance import Upkeep

CONFIG = replace(read_config(MIGRATIONS / "audit.toml"), maintainer="audit_keeper")


def said(upkeep: Upkeep) -> list[str]:
    with psycopg.connect(upkeep.keeper) as keeper:
        return [f"{f.object} {f.what}" for f in find_drift(keeper, CONFIG)]


def name(upkeep: Upkeep, number: int) -> str:
    return f"table audit.{upkeep.partitions()[number].name}"


def install_at(upkeep: Upkeep, days_ago: int) -> None:
    upkeep.as_owner(
        "UPDATE audit.tracked_table SET tracked_at = now() - %s * interval '1 day'"
        " WHERE table_schema = 'audit'",
        days_ago,
    )


def test_a_new_log_needs_no_maintenance(upkeep: Upkeep) -> None:
    assert said(upkeep) == []


def test_a_log_that_was_never_maintained_is_found_after_a_day(upkeep: Upkeep) -> None:
    install_at(upkeep, 2)
    assert said(upkeep) == ["table audit.maintenance_run has no good run of maintenance yet"]


def test_a_run_that_gave_up_is_no_good_one_and_says_why(upkeep: Upkeep) -> None:
    install_at(upkeep, 2)
    upkeep.as_owner(
        "INSERT INTO audit.maintenance_run (retention_days, finished_at, given_up)"
        " VALUES (90, now(), 'blocked by somebody')"
    )
    (found,) = said(upkeep)
    assert found.endswith(
        "no good run of maintenance yet; the last one gave up: blocked by somebody"
    )


def test_fewer_than_14_days_ahead_are_found(upkeep: Upkeep) -> None:
    upkeep.age(3, ahead=15)
    assert said(upkeep) == ["table audit.entry has 12 days ahead, fewer than 14"]
    upkeep.maintain()
    assert said(upkeep) == []


def test_entries_in_the_open_ended_partition_are_found(upkeep: Upkeep) -> None:
    upkeep.age(50, ahead=5)
    upkeep.add_entries(0)
    assert said(upkeep)[1:] == [
        f"{name(upkeep, -1)} holds entries, and is open-ended: they would stay beyond the retention"
    ]
    upkeep.maintain()
    assert said(upkeep) == []


def test_days_past_the_retention_are_found(upkeep: Upkeep) -> None:
    upkeep.age(32 - 14 + 90, ahead=20)
    oldest = name(upkeep, 0)
    assert f"{oldest} is past the retention of 90 days (and 17 more)" in said(upkeep)
    upkeep.maintain()
    assert said(upkeep) == []


def test_a_partition_that_was_detached_by_hand_is_found(upkeep: Upkeep) -> None:
    upkeep.maintain()
    oldest = name(upkeep, 0)
    upkeep.as_owner(f"ALTER TABLE audit.entry DETACH PARTITION {oldest.removeprefix('table ')}")
    assert said(upkeep) == [f"{oldest} is no partition of the log: its entries are missing there"]


@pytest.mark.parametrize(("maintainer", "number"), [("audit_keeper", 0), (None, 1)])
def test_only_the_maintainer_of_the_config_may_act_as_the_owner(
    upkeep: Upkeep, maintainer: str | None, number: int
) -> None:
    with psycopg.connect(upkeep.keeper) as keeper:
        found = find_drift(keeper, replace(CONFIG, maintainer=maintainer))
    assert [f.object for f in found] == ["role audit_owner"] * number


def test_entries_that_no_seal_has_are_found_after_a_day(upkeep: Upkeep) -> None:
    upkeep.add_entries(0)
    assert said(upkeep) == []
    upkeep.age(5, ahead=20)
    upkeep.add_entries(-3)
    assert [line.split(" since ")[0] for line in said(upkeep)] == [
        "table audit.seal has no seal of entries"
    ]
    upkeep.maintain()
    assert said(upkeep) == []


def test_a_log_that_another_database_sealed_is_found(upkeep: Upkeep) -> None:
    upkeep.add_entries(0)
    upkeep.maintain()
    upkeep.as_owner(
        "SET session_replication_role = replica; UPDATE audit.seal SET identity = '1/1/1'",
        role="postgres",
    )
    (found,) = said(upkeep)
    assert found.startswith("table audit.seal was sealed by another database: 1/1/1, this is ")
