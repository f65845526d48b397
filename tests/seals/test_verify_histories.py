"""Nothing is found in a log that nobody tampered with, whatever happened to it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from auditviewer.demo.cluster import Cluster
from generator.seals.verifying import verify
from tests.crm import APP, Crm
from tests.seals.mutations import change, copy, entry, exchange
from tests.seals.mutations_of_blocks import of_block, of_list
from tests.seals.sealed import Connection, SealedLog, found, new_log

ADD = "INSERT INTO crm.workflow (name, record_type, owner_id) VALUES (%s, 'lead', 1)"
EDIT = "UPDATE crm.workflow SET description = description || '!' WHERE name = %s"
ADD_MANY = """
    INSERT INTO audit.entry (occurred_at, source, operation, table_schema, table_name,
                             module, entity)
    SELECT {day}::timestamp AT TIME ZONE 'UTC' + n * interval '1 s',
           'crm', 'TRUNCATE', 'crm', 'workflow', 'Workflows', 'Workflow'
    FROM generate_series(1, {number}) AS n
"""
DUE = """
    SELECT p.name, p.starts_at, p.ends_at
    FROM audit._partitions() AS p
    WHERE p.ends_at <= now() - interval '1 day'
    ORDER BY p.starts_at
    LIMIT 1
"""


@dataclass
class History:
    """A log that people use and maintain, each over a connection of their own."""

    crm: Crm
    superuser: Connection
    drawn: random.Random = field(default_factory=lambda: random.Random(11))
    writers: list[Connection] = field(default_factory=list)
    columns: int = 0

    def write(self) -> None:
        """Write over one of the connections, and mostly end its transaction."""
        writer = self.drawn.choice(self.writers)
        for _ in range(self.drawn.randint(1, 4)):
            with writer.transaction(force_rollback=self.drawn.random() < 0.2):
                name = f"{self.drawn.random()} of {writer.info.backend_pid}"
                for statement in (ADD, EDIT):
                    writer.execute(statement.encode(), [name])
        if self.drawn.random() < 0.7:
            (writer.commit if self.drawn.random() < 0.8 else writer.rollback)()

    def write_long_ago(self) -> None:
        """Write many entries at once, as if a clock had been set back."""
        oldest = "(SELECT min(starts_at)::date FROM audit._partitions())"
        day = f"greatest(current_date - {self.drawn.randint(0, 5)}, {oldest})"
        number = self.drawn.choice([1, 5, 60])
        self.as_owner(ADD_MANY.format(day=day, number=number), role="postgres")

    def seal(self) -> None:
        """Seal what is new, or as much of it."""
        self.as_owner(f"SELECT audit.seal_entries({self.drawn.choice([1, 3, 20, 1000])})")

    def drop(self) -> None:
        """Drop the oldest day, wholly sealed, by a retention of one day."""
        self.settle()
        for partition in self.superuser.execute(DUE.encode()).fetchall():
            name, *bounds = partition
            with self.superuser.transaction():
                self.superuser.execute("SET LOCAL ROLE audit_owner")
                [(run,)] = self.superuser.execute(
                    "INSERT INTO audit.maintenance_run (retention_days) VALUES (1)"
                    " RETURNING started_at"
                ).fetchall()
                self.superuser.execute(f"ALTER TABLE audit.entry DETACH PARTITION audit.{name}")
                self.superuser.execute(
                    "SELECT audit._drop_detached(%s, %s, %s, %s, 'crm')", [run, name, *bounds]
                )

    def split(self) -> None:
        """End the open-ended partition some days ahead."""
        self.settle()
        at = "(SELECT date_trunc('day', starts_at) + interval '3 days'"
        at += " FROM audit._partitions() WHERE ends_at = 'infinity')"
        self.as_owner(f"SELECT audit._bound_last(greatest({at}, current_date + interval '2 days'))")
        self.as_owner(f"SELECT audit._split_last(greatest({at}, current_date + interval '2 days'))")

    def index(self) -> None:
        """Make a day quick to read."""
        self.settle()
        [(name,)] = self.superuser.execute(
            "SELECT name FROM audit._partitions() ORDER BY is_indexed, starts_at LIMIT 1"
        ).fetchall()
        self.as_owner(f"SELECT audit._index_partition('{name}')")

    def add_column(self) -> None:
        """Add a column to the log, as a later version may."""
        self.settle()
        self.columns += 1
        self.as_owner(f"ALTER TABLE audit.entry ADD COLUMN more_{self.columns} text DEFAULT 'x'")

    def acknowledge(self) -> None:
        """Say that the database was restored."""
        for writer in self.writers:
            writer.commit()
        self.as_owner("SELECT audit.acknowledge_restore('a test')")

    def settle(self) -> None:
        """End all transactions, and seal what they wrote."""
        for writer in self.writers:
            writer.commit()
        self.as_owner("SELECT audit.seal_entries(1000000)")

    def as_owner(self, statement: str, role: str = "audit_owner") -> None:
        with self.superuser.transaction():
            self.superuser.execute(f"SET LOCAL ROLE {role}".encode())
            self.superuser.execute(statement.encode())

    def happen(self) -> Callable[[], None]:
        """Return what happens next: mostly writing and sealing."""
        common = [self.write] * 12 + [self.seal] * 7 + [self.write_long_ago] * 2
        rare = [self.index, self.drop, self.acknowledge]
        once = [self.split, self.add_column] if self.columns < 3 else []
        return self.drawn.choice(common + rare + (once if self.drawn.random() < 0.2 else []))


@pytest.fixture
def history(cluster: Cluster, reference_template: Any) -> Iterator[History]:
    with new_log(cluster, reference_template, "history") as (crm, superuser):
        crm.add_users()
        history = History(crm, superuser)
        history.writers = [psycopg.connect(crm.as_role(APP)) for _ in range(3)]
        yield history
        for writer in history.writers:
            writer.close()


def test_nothing_is_found_in_500_legal_histories(history: History) -> None:
    happened = []
    for _ in range(500):
        step = history.happen()
        step()
        happened.append(step.__name__)
        with history.superuser.transaction():
            assert found(verify(history.superuser)) == set(), happened[-5:]
    assert len(set(happened)) == 8


def test_entries_of_an_open_transaction_are_sealed_and_verified_later(history: History) -> None:
    early, late, _ = history.writers
    early.execute(ADD.encode(), ["early"])
    late.execute(ADD.encode(), ["late"])
    late.commit()
    history.seal()
    with history.superuser.transaction():
        report = verify(history.superuser)
    assert (report.is_clean, report.entries, report.unsealed.entries) == (True, 3, 1)
    history.settle()
    with history.superuser.transaction():
        report = verify(history.superuser)
    assert (report.is_clean, report.entries, report.unsealed.entries) == (True, 5, 0)


def test_a_log_without_seals_has_nothing_to_verify(history: History) -> None:
    with history.superuser.transaction():
        report = verify(history.superuser)
    assert (report.is_clean, report.seals, report.unsealed.entries) == (True, 0, 3)
    assert "nothing is sealed yet" in report.notes[0]


def test_entries_of_another_cluster_are_sealed_by_the_restore_whatever_transaction_they_name(
    history: History,
) -> None:
    with SealedLog(history.superuser).tampered():
        history.superuser.execute("UPDATE audit.entry SET transaction_id = '99999999' WHERE id = 2")
        history.superuser.execute("SELECT audit.acknowledge_restore('another cluster')")
        report = verify(history.superuser)
    assert (report.is_clean, report.entries) == (True, 3)


def test_entries_of_several_blocks_are_named_and_blocks_too(history: History) -> None:
    for day in (1, 0):
        many = ADD_MANY.format(day=f"(current_date - {day})", number=2500)
        history.as_owner(many, role="postgres")
    history.settle()
    log = SealedLog(history.superuser)
    ids = [row.ids for row in log.rows("SELECT ids FROM audit.seal_list ORDER BY seal, block")]
    assert [len(block) for block in ids] == [1024, 1024, 452, 1024, 1024, 455]
    a, b, c = ids[0][-1], ids[1][0], ids[4][500]
    remove = f"DELETE FROM audit.entry WHERE id IN ({a}, {b}, {c})"
    assert log.found_after(remove) == {entry("removed", id_) for id_ in (a, b, c)}
    assert log.found_after(exchange(a, c, ["id"])) == {entry("swapped", a, c)}
    assert log.found_after(copy(c, id=-1)) == {entry("added", -1)}
    gone = "DELETE FROM audit.{table} WHERE seal = 1 AND {column} = 5"
    block, lists = (
        gone.format(table="seal_block", column="number"),
        gone.format(table="seal_list", column="block"),
    )
    assert log.found_after(block) == {of_block("removed", 1, 5)}
    assert log.found_after(lists) == {of_list("removed", 1, 5)}
    both = {of_list("removed", 1, 5), of_block("broken", 1, 5)}
    assert log.found_after(lists, change(c, "actor", "'x'")) == both
    found_elsewhere = both - {of_block("broken", 1, 5)} | {entry("changed", a)}
    assert log.found_after(lists, change(a, "actor", "'x'")) == found_elsewhere
