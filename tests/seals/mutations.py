"""What a superuser could do to a sealed log's entries, and what each of it should be called."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

from tests.seals.sealed import ENTRIES, Found, SealedLog

LAST = 2**63 - 1
FUTURE = 9_999_999_999
OTHERS = {
    "text": ["{c} || ' '", "left({c}, -1)", "''", "'x'", "translate({c}, 'eo', 'éö')", "NULL"],
    "xid8": ["'2'", "'9999999999'", "pg_current_xact_id()"],
    "timestamptz": ["{c} + interval '1 us'", "{c} - interval '1 us'", "'infinity'"],
    "bool": ["NOT {c}", "true", "NULL"],
    "inet": ["set_masklen({c}, 24)", "{c} + 1", "'::1'", "NULL"],
    "jsonb": [
        "'{{}}'",
        "'null'",
        "NULL",
        """{c} || '{{"x": 1}}'""",
        "regexp_replace({c}::text, '1.10', '1.1')::jsonb",
        r"""regexp_replace({c}::text, ': "([^"]+)"', ': "\1 "')::jsonb""",
        "replace({c}::text, 'null', 'false')::jsonb",
        "{c} - (SELECT min(k) FROM jsonb_object_keys({c}) AS k)",
    ],
}
COLUMNS = """
    SELECT a.attname AS name, t.typname AS type, a.attnotnull AS is_filled
    FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = 'audit.entry'::regclass AND a.attnum > 0
      AND a.attname NOT IN ('id', 'occurred_at')
"""


@dataclass(frozen=True)
class Mutation:
    """What is done, and what should be found."""

    name: str
    statements: tuple[str, ...]
    expected: Found = field(default_factory=set)


def entries(log: SealedLog) -> list[Any]:
    """Return the entries of a log, in the order of their ids."""
    return log.rows(ENTRIES)


def sealed(log: SealedLog) -> list[Any]:
    """Return the entries that a seal holds."""
    return [entry for entry in entries(log) if entry.seal is not None]


def unsealed(log: SealedLog) -> list[Any]:
    """Return the entries that no seal holds yet."""
    return [entry for entry in entries(log) if entry.seal is None]


def some(log: SealedLog) -> list[Any]:
    """Return sealed entries of each kind, seal and partition, some with everything and some not."""
    groups = {(entry.seal, entry.partition): entry for entry in reversed(sealed(log))}
    return [*groups.values(), sealed(log)[4]]


def entry(state: str, *ids: int) -> tuple[str, str]:
    """Return what a finding says of entries."""
    name = "entry" if len(ids) == 1 else "entries"
    return state, f"{name} {' and '.join(map(str, ids))}"


def change(id_: int, column: str, value: str) -> str:
    """Return the statement that changes a column."""
    return f"UPDATE audit.entry SET {column} = {value} WHERE id = {id_}"


def copy(id_: int, **columns: object) -> str:
    """Return the statement that adds a copy of an entry, with other values in some columns."""
    patch = ", ".join(f"'{column}', {value}" for column, value in columns.items())
    return (
        "INSERT INTO audit.entry SELECT (jsonb_populate_record(e, jsonb_build_object("
        f"{patch}))).* FROM audit.entry AS e WHERE e.id = {id_}"
    )


def changes_of_columns(log: SealedLog) -> Iterator[Mutation]:
    """Change each column of entries, also to null and from null, by as little as one bit."""
    rich = [e for e in sealed(log) if is_rich(log, e.id)]
    for column in log.rows(COLUMNS):
        for e, most in ((rich[0], 9), (sealed(log)[-1], 2)):
            for value in islice(values(log, e.id, column), most):
                found = {entry("changed", e.id)}
                yield Mutation(
                    f"{column.name} of {e.id}", (change(e.id, column.name, value),), found
                )


def is_rich(log: SealedLog, id_: int) -> bool:
    query = "SELECT EXISTS (SELECT FROM audit.entry WHERE former_entity_id <> '' AND id = %s)"
    return bool(log.one(query, id_))


def values(log: SealedLog, id_: int, column: Any) -> Iterator[str]:
    """Yield other values than the one that a column has."""
    for template in OTHERS[column.type]:
        value = template.format(c=column.name)
        if value == "NULL" and column.is_filled:
            continue
        query = f"SELECT ({value})::{column.type}::text IS DISTINCT FROM {column.name}::text"
        where = f" AND ({value}) IS NOT NULL" if value != "NULL" else ""
        if log.rows(f"{query} FROM audit.entry WHERE id = {id_}{where}") == [(True,)]:
            yield value


def changes_of_what_is_not_sealed(log: SealedLog) -> Iterator[Mutation]:
    """Change what no seal proves yet: nothing is found, and nothing else is blamed."""
    [first, *_] = unsealed(log)
    for column in log.rows(COLUMNS):
        for value in islice(values(log, first.id, column), 2):
            if column.type != "xid8":
                yield Mutation(f"unsealed {column.name}", (change(first.id, column.name, value),))
    for e in unsealed(log):
        remove = f"DELETE FROM audit.entry WHERE id = {e.id}"
        yield Mutation(f"remove unsealed {e.id}", (remove,))
        yield Mutation(f"copy unsealed {e.id}", (copy(e.id, id=LAST),))
        old = change(e.id, "transaction_id", "'2'")
        yield Mutation(f"unsealed {e.id} made older", (old,), {entry("added", e.id)})
        new = change(e.id, "transaction_id", f"'{FUTURE}'")
        yield Mutation(f"unsealed {e.id} made newer", (new,), {entry("forged", e.id)})


def removals(log: SealedLog) -> Iterator[Mutation]:
    """Remove each entry, and many together."""
    for e in sealed(log):
        remove = f"DELETE FROM audit.entry WHERE id = {e.id}"
        yield Mutation(f"remove {e.id}", (remove,), {entry("removed", e.id)})
    for partition in {e.partition for e in sealed(log)}:
        gone = {entry("removed", e.id) for e in sealed(log) if e.partition == partition}
        yield Mutation(f"empty {partition}", (f"DELETE FROM audit.{partition}",), gone)


def additions(log: SealedLog) -> Iterator[Mutation]:
    """Add copies to each partition, with ids and transactions at each bound."""
    known = sealed(log)
    days = list({e.partition: e.occurred_at for e in known}.values())
    for e in (known[-1],):
        transactions = [e.transaction, 3, FUTURE, "pg_current_xact_id()"]
        for id_ in (-LAST - 1, -1, 0, e.id, known[0].id, known[-1].id, known[-1].id + 77, LAST):
            for day in days:
                time = f"'{day}'::timestamptz + interval '7 us'"
                for transaction in transactions:
                    add = copy(e.id, id=id_, occurred_at=time, transaction_id=transaction)
                    is_old = id_ <= log.one("SELECT max(after_id) FROM audit.seal")
                    is_old |= transaction in (3, e.transaction)
                    found = {entry("added", id_)} if is_old else set()
                    if not is_old and transaction == FUTURE:
                        found = {entry("forged", id_)}
                    yield Mutation(f"add {id_} at {day} by {transaction}", (add,), found)


def swaps(log: SealedLog) -> Iterator[Mutation]:
    """Swap ids, contents, times and single columns of entries near and far from each other."""
    columns = [row.name for row in log.rows(COLUMNS)]
    chosen = [sealed(log)[n] for n in (0, 1, 9, 30, 45, -1)]
    for a, b in combinations([e.id for e in chosen], 2):
        both = {entry("swapped", a, b)}
        ids = f"UPDATE audit.entry SET id = {a + b} - id WHERE id IN ({a}, {b})"
        yield Mutation(f"ids of {a} and {b}", (ids,), both)
        yield Mutation(f"contents of {a} and {b}", (exchange(a, b, columns),), both)
        each = {entry("re-timed", a), entry("re-timed", b)}
        yield Mutation(f"times of {a} and {b}", (exchange(a, b, ["occurred_at"]),), each)
        each = {entry("changed", a), entry("changed", b)}
        yield Mutation(f"rows of {a} and {b}", (exchange(a, b, ["row_key", "new_row"]),), each)
    for a, b, c in ((e.id for e in chosen[:3]), (e.id for e in chosen[-3:])):
        ids = (
            f"UPDATE audit.entry SET id = CASE id WHEN {a} THEN {b} WHEN {b} THEN {c} ELSE {a} END"
        )
        rotate = f"{ids} WHERE id IN ({a}, {b}, {c})"
        yield Mutation(f"ids of {a}, {b}, {c}", (rotate,), {entry("swapped", a, c, b)})


def exchange(a: int, b: int, columns: list[str]) -> str:
    """Return the statement that exchanges columns of two entries."""
    taken = ", ".join(f"{column} = other.{column}" for column in columns)
    pairs = f"(({a}, {b}), ({b}, {a}))"
    return (
        f"UPDATE audit.entry AS e SET {taken} FROM audit.entry AS other"
        f" WHERE (e.id, other.id) IN {pairs}"
    )


def movements(log: SealedLog) -> Iterator[Mutation]:
    """Give entries another time, another id, or both, also in other partitions."""
    times = [
        "occurred_at + interval '1 us'",
        "occurred_at - interval '1 us'",
        *(f"'{e.occurred_at}'::timestamptz + interval '3 us'" for e in sealed(log)[::25]),
        "'infinity'",
    ]
    taken = sealed(log)[10].id
    for e in some(log):
        for time in times:
            move = change(e.id, "occurred_at", time)
            yield Mutation(f"time of {e.id}: {time}", (move,), {entry("re-timed", e.id)})
        for id_ in (-LAST - 1, -5, 0, e.id + 500, LAST, taken):
            if id_ != e.id:
                move = change(e.id, "id", str(id_))
                yield Mutation(f"id of {e.id}: {id_}", (move,), {entry("re-numbered", e.id)})
        both = change(e.id, "id", f"-7, occurred_at = {times[2]}")
        yield Mutation(f"id and time of {e.id}", (both,), {entry("re-numbered", e.id)})


DONE: list[Callable[[int], tuple[str, str]]] = [
    lambda id_: (f"DELETE FROM audit.entry WHERE id = {id_}", "removed"),
    lambda id_: (change(id_, "actor", "'x'"), "changed"),
    lambda id_: (change(id_, "occurred_at", "occurred_at + interval '2 us'"), "re-timed"),
    lambda id_: (change(id_, "id", str(id_ + 1000)), "re-numbered"),
]
"""What is done to an entry, and what that is called."""


def pairs(log: SealedLog) -> Iterator[Mutation]:
    """Do two different things to two entries."""
    drawn = random.Random(7)
    ids = [e.id for e in sealed(log)]
    for _ in range(40):
        a, b = drawn.sample(ids, 2)
        first, second = drawn.sample(DONE, 2)
        (one, was), (other, became) = first(a), second(b)
        yield Mutation(f"{was} {a}, {became} {b}", (one, other), {entry(was, a), entry(became, b)})


OF_ENTRIES = [
    changes_of_columns,
    changes_of_what_is_not_sealed,
    removals,
    additions,
    swaps,
    movements,
    pairs,
]
