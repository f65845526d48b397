"""Whether a log tells what became of the rows of some tables: it is folded over the first ones.

Transactions are taken in the order in which their last entries came, which is right, because who
writes a row holds its lock until the end. Within one, a trigger of the application may write a row
again before the entry of the first write is there, and the ids say nothing then: entries are
chained instead, by what a key held before and after. Without such triggers ids are in order, too.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import groupby

from tests.replay.wal import Tally

Rows = dict[str, Counter[str]]
"""The rows of each table as JSON, and how often each is there."""

Key = tuple[object, ...]
NOWHERE: Key = ()


@cache
def _key(columns: tuple[str, ...], row: str) -> Key:
    values = json.loads(row, parse_float=Decimal)
    return tuple(values[column] for column in columns)


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
class Keys:
    """The columns of the key of each table that has one.

    Until the end of a transaction, two rows of one of the *deferred* tables may have the same key.
    """

    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deferred: frozenset[str] = frozenset()

    def of(self, table: str, row: str) -> Key:
        """Return the key of a row; of a table without one, all rows have the same."""
        return _key(self.columns.get(table, NOWHERE), row)

    def place(self, table: str, row: str) -> Key:
        """Return where a row is alone at each moment: at its key, or nowhere in particular."""
        return NOWHERE if table in self.deferred else self.of(table, row)

    def twice(self, table: str, rows: Counter[str]) -> list[str]:
        """Return the keys that more than one of the rows has."""
        if table not in self.columns:
            return []
        count = Counter(self.of(table, row) for row in rows.elements())
        return [f"{table} has {key} {n} times" for key, n in count.items() if n > 1]


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
    keys: Keys = field(default_factory=Keys)

    def differences(self, *, in_order: bool) -> list[str]:
        """Return what the log tells otherwise than the tables, or with *in_order* too early."""
        found = [*self._miscounted(), *self._misfolded()]
        return found + (too_early(self.before, self.entries, self.keys) if in_order else [])

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

    def _misfolded(self) -> list[str]:
        folded, found = fold(self.before, self.entries, self.keys)
        for table, after in self.after.items():
            gone, come = folded[table] - after, after - folded[table]
            found += [f"{table} has no {row}, as the log says" for row in gone.elements()]
            found += [f"{table} has {row}, and the log does not say so" for row in come.elements()]
        return found


def fold(before: Rows, entries: Sequence[Entry], keys: Keys) -> tuple[Rows, list[str]]:
    """Return the rows after all entries, and what no order of those of a transaction allows."""
    rows = {table: Counter(before[table]) for table in before}
    found: list[str] = []
    for run in _runs(entries):
        table = run[0].table
        found += loose_ends(rows[table], run, keys)
        for entry in run:
            _apply(rows[table], entry)
        found += [f"old row was never there: {row}" for row in (-rows[table]).elements()]
        if run[-1].operation == "TRUNCATE":
            rows[table].clear()
        found += keys.twice(table, +rows[table])
    return rows, found


def _runs(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield what each transaction did to each table, up to a TRUNCATE and after it."""
    last = {entry.transaction: entry.id for entry in entries}
    ordered = sorted(entries, key=lambda entry: last[entry.transaction])
    for _, transaction in groupby(ordered, key=lambda entry: entry.transaction):
        runs: dict[str, list[Entry]] = {}
        for entry in transaction:
            runs.setdefault(entry.table, []).append(entry)
            if entry.operation == "TRUNCATE":
                yield runs.pop(entry.table)
        yield from runs.values()


def loose_ends(rows: Counter[str], run: Sequence[Entry], keys: Keys) -> list[str]:
    """Return the entries of a run that don't hang together with what was there before it.

    An entry leads from what its key held to what it holds, a row or none. Where no row is taken out
    too often, there is an order for all entries that are linked to what their key held at first,
    by others or at once: Euler's theorem on trails.
    """
    links = [(entry, link) for entry in run for link in _links(entry, keys)]
    there = +rows
    taken = {keys.place(run[0].table, row) for row in there} - {NOWHERE}
    free = {end for _, link in links for end in link if isinstance(end, tuple)} - taken
    reached: set[str | Key] = {*there, *free}
    while joined := [each for each in links if reached.intersection(each[1])]:
        reached.update(end for _, link in joined for end in link)
        links = [each for each in links if each not in joined]
    return [f"its key held something else: {entry}" for entry, _ in links]


def _links(entry: Entry, keys: Keys) -> Iterator[tuple[str | Key, str | Key]]:
    old, new = entry.old, entry.new
    before = None if old is None else keys.place(entry.table, old)
    after = None if new is None else keys.place(entry.table, new)
    if old is not None and new is not None and before == after:
        yield old, new
        return
    if old is not None and before is not None:
        yield old, before
    if new is not None and after is not None:
        yield after, new


def _apply(rows: Counter[str], entry: Entry) -> None:
    if entry.old is not None:
        rows[entry.old] -= 1
    if entry.new is not None:
        rows[entry.new] += 1


def too_early(before: Rows, entries: Sequence[Entry], keys: Keys) -> list[str]:
    """Return the entries that ids order before what makes way for them."""
    rows = {table: Counter(before[table]) for table in before}
    found: list[str] = []
    for entry in entries:
        table = rows[entry.table]
        if entry.operation == "TRUNCATE":
            table.clear()
        if entry.old is not None and table[entry.old] < 1:
            found.append(f"old row was not there yet: {entry}")
        _apply(table, entry)
        if entry.table not in keys.deferred and keys.twice(entry.table, +table):
            found.append(f"another row was still there: {entry}")
    return found
