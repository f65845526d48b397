"""Whether a log tells what became of the rows of some tables: it is folded over the first ones.

Entries are taken in the order of their ids. An INSERT puts its new row into the table, a
DELETE takes its old one out, an UPDATE does both, a TRUNCATE takes all out; rows are compared whole
and counted, so that it needs no key. Between transactions the order of ids is right, because who
writes a row holds its lock until the end. Within one, a trigger of the application may write a row
again before the entry of the first write is there: there a row may be taken out before it was put
in, as long as no row is owed at the end of the transaction. Without such triggers none ever is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.replay_wal import Tally

Rows = dict[str, Counter[str]]
"""The rows of each table as JSON, and how often each is there."""


@dataclass(frozen=True)
class Entry:
    """An entry of the log, its rows as JSON."""

    id: int
    transaction: int
    operation: str
    table: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Evidence:
    """What the tables held before and after, the entries between, and what was written in truth.

    The tables in *spelled_out* have an entry for each row that a TRUNCATE removed.
    """

    before: Rows
    after: Rows
    entries: tuple[Entry, ...]
    written: Tally
    spelled_out: frozenset[str] = frozenset()

    def differences(self, *, in_order: bool) -> list[str]:
        """Return what the log tells otherwise than the tables, or with *in_order* too early."""
        return [*self._miscounted(), *self._misfolded(in_order)]

    def _miscounted(self) -> list[str]:
        written = self.written.copy()
        logged = Counter((e.transaction, e.table, e.operation) for e in self.entries)
        for transaction, table, operation in self.written:
            if operation == "TRUNCATE" and table in self.spelled_out:
                # How many rows there were is nowhere but in the tables.
                for either in ("TRUNCATE", "DELETE"):
                    del written[transaction, table, either], logged[transaction, table, either]
        missing, surplus = written - logged, logged - written
        return [
            *(f"not in the log: {each}" for each in missing.elements()),
            *(f"only in the log: {each}" for each in surplus.elements()),
        ]

    def _misfolded(self, in_order: bool) -> list[str]:
        folded, early, owed = fold(self.before, self.entries)
        found = [f"old row was not there yet: {entry}" for entry in early if in_order]
        found += [f"old row was never there: {row}" for row in owed]
        for table, after in self.after.items():
            gone, come = folded[table] - after, after - folded[table]
            found += [f"{table} has no {row}, as the log says" for row in gone.elements()]
            found += [f"{table} has {row}, and the log does not say so" for row in come.elements()]
        return found


def fold(before: Rows, entries: Sequence[Entry]) -> tuple[Rows, list[Entry], list[str]]:
    """Return the rows after all entries, the entries whose old row was not there, and what is owed.

    That is each row that had been taken out more often than put in when a transaction ended.
    """
    rows = {table: Counter(before[table]) for table in before}
    last = {entry.transaction: entry for entry in entries}
    early: list[Entry] = []
    owed: list[str] = []
    for entry in entries:
        table = rows[entry.table]
        if entry.operation == "TRUNCATE":
            owed += (-table).elements()
            table.clear()
        if entry.old is not None:
            early += [entry] if table[entry.old] < 1 else []
            table[entry.old] -= 1
        if entry.new is not None:
            table[entry.new] += 1
        if entry is last[entry.transaction]:
            owed += (row for each in rows.values() for row in (-each).elements())
    return rows, early, owed
