"""pgwitness verify knows which days should be there, and which database it is."""

from collections.abc import Iterator
from typing import Any

import pytest

from auditviewer.demo.cluster import Cluster
from tests.crm import VIEWER, create_role
from tests.seals.mutations import copy, entry
from tests.seals.mutations_of_seals import rewrite
from tests.seals.sealed import SealedLog, notes, sealed_log

DAY = "(current_date + {n})::timestamp AT TIME ZONE 'UTC'"
DETACH = "ALTER TABLE audit.entry DETACH PARTITION audit.{name}"
OTHER = "UPDATE audit.seal SET identity = '1/1/1' WHERE number >= 6"
ATTACH = "SELECT audit._attach_partition('{name}', {start}, {end})"


@pytest.fixture(scope="module")
def log(cluster: Cluster, reference_template: Any) -> Iterator[SealedLog]:
    with sealed_log(cluster, reference_template) as log:
        create_role(log.superuser, VIEWER, "audit_reader")
        yield log


def day(log: SealedLog, n: int) -> tuple[str, str]:
    """Return the name and the title of the partition of so many days from today."""
    [row] = log.rows(
        "SELECT 'entry_' || to_char(current_date + %s, 'YYYYMMDD') AS name,"
        " to_char(current_date + %s, 'YYYY-MM-DD 00:00') AS title",
        n,
        n,
    )
    return row.name, f"the partition of {row.title}"


def drop_seal(n: int, entries: int, retention: int, differing: str = "0") -> str:
    start, end = DAY.format(n=n), DAY.format(n=n + 1)
    return f"SELECT audit._seal_drop({start}, {end}, {entries}, {retention}, {differing})"


def test_a_detached_partition_has_vanished(log: SealedLog) -> None:
    name, title = day(log, -2)
    assert log.found_after(DETACH.format(name=name)) == {("vanished", title)}
    assert log.found_after(f"DROP TABLE audit.{name}") == {("vanished", title)}


def test_a_partition_that_comes_back_is_compared_again(log: SealedLog) -> None:
    name, _ = day(log, -2)
    back = ATTACH.format(name=name, start=DAY.format(n=-2), end=DAY.format(n=-1))
    edit = f"UPDATE audit.{name} SET actor = 'x' WHERE id = 5"
    assert log.found_after(DETACH.format(name=name), back) == set()
    assert log.found_after(DETACH.format(name=name), edit, back) == {entry("changed", 5)}


def test_what_maintenance_takes_out_is_said_and_is_no_finding_once_it_is_due(
    log: SealedLog,
) -> None:
    name, title = day(log, -2)
    intend = (
        "INSERT INTO audit.maintenance_run (retention_days, detaching) VALUES ({days},"
        f" jsonb_build_object('name', '{name}', 'from', {DAY.format(n=-2)},"
        f" 'until', {DAY.format(n=-1)}))"
    )
    detach = DETACH.format(name=name)
    assert "is being taken out" in notes(log, intend.format(days=1), detach)
    assert log.found_after(intend.format(days=1), detach) == set()
    assert log.found_after(intend.format(days=30), detach) == {("early", title)}


def test_a_day_that_is_said_to_be_dropped_and_is_there_contradicts_its_seal(
    log: SealedLog,
) -> None:
    _, title = day(log, -1)
    forge = drop_seal(-1, 18, 1)
    assert log.found_after(forge) == {("contradicted", title)}
    edit = "UPDATE audit.entry SET actor = 'x' WHERE id = 14"
    broken = ("broken", "block 3 of seal 1")
    assert log.found_after(forge, edit) == {("contradicted", title), broken}


@pytest.mark.parametrize(
    ("entries", "retention", "differing", "state"),
    [(9, 30, "0", "early"), (8, 1, "0", "differing"), (9, 1, "1", "differing")],
)
def test_a_drop_that_was_not_as_it_should_be(
    log: SealedLog, entries: int, retention: int, differing: str, state: str
) -> None:
    name, title = day(log, -2)
    forged = drop_seal(-2, entries, retention, differing)
    assert log.found_after(forged, f"DROP TABLE audit.{name}") == {(state, title)}


def test_a_drop_by_the_retention_is_right_and_a_shorter_one_is_said(log: SealedLog) -> None:
    name, _ = day(log, -2)
    statements = drop_seal(-2, 9, 1), f"DROP TABLE audit.{name}"
    assert log.found_after(*statements) == set()
    assert "before it was 2" in notes(log, *statements)


def test_a_partition_that_is_none_of_the_log_is_foreign(log: SealedLog) -> None:
    attach = "CREATE TABLE public.{name} PARTITION OF audit.entry {bounds}"
    past = attach.format(name="past", bounds="FOR VALUES FROM ('2000-01-01') TO ('2001-01-01')")
    rest = "CREATE TABLE audit.rest PARTITION OF audit.entry DEFAULT"
    assert log.found_after(past) == {("foreign", "partition public.past")}
    assert log.found_after(rest) == {("foreign", "partition audit.rest")}


def test_another_database_than_the_one_that_was_sealed_is_found(log: SealedLog) -> None:
    assert log.found_after(OTHER, rewrite(6)) == {("restored", "this database")}


def test_transactions_of_another_database_do_not_accuse_entries_that_came_since(
    log: SealedLog,
) -> None:
    restored = ("restored", "this database")
    came = copy(5, id=10_000, transaction_id="'3'")
    assert log.found_after(came) == {entry("added", 10_000)}
    assert log.found_after(OTHER, rewrite(6), came) == {restored}
    assert "1 entry may be of this database" in notes(log, OTHER, rewrite(6), came)
    earlier = copy(5, id=-1, transaction_id="'3'")
    assert log.found_after(OTHER, rewrite(6), earlier) == {restored, entry("added", -1)}


def test_a_partition_whose_detach_is_pending_is_not_there(log: SealedLog) -> None:
    name, title = day(log, -2)
    pending = "UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'audit.{}'::regclass"
    assert log.found_after(pending.format(name)) == {("early", title)}
