"""What a superuser could do to seals, blocks and lists, and what each of it should be called."""

from collections.abc import Iterator
from typing import Any

from tests.mutations import Mutation, change, entry, sealed
from tests.sealed import Found, SealedLog

OF_A_SEAL = {
    "kind": ["'drop'", "'restore'", "'entries'"],
    "sealed_at": ["sealed_at + interval '1 us'", "'infinity'"],
    "identity": ["identity || ' '"],
    "after_id": ["after_id + 1", "1000"],
    "below": ["'1'", "(below::text::bigint + 1)::text::xid8", "'99999999'"],
    "entries": ["entries + 1", "-1"],
    "root": ["set_byte(root, 31, get_byte(root, 31) # 1)", "''"],
    "detail": ["detail || '{\"x\": 1}'", "'null'", "'[]'"],
    "previous": ["head", "previous || '\\x00'"],
    "head": ["set_byte(head, 0, get_byte(head, 0) # 128)", "''"],
}
OF_A_BLOCK = {
    "partition_from": ["partition_from + interval '1 us'", "partition_from - interval '9 days'",
                       "partition_from + interval '1 day'", "'-infinity'"],
    "entries": ["entries + 1", "-1"],
    "first_id": ["first_id - 1", "first_id + 1"],
    "last_id": ["last_id - 1", "9223372036854775807"],
    "root": ["set_byte(root, 0, get_byte(root, 0) # 1)", "sha256('x')"],
}  # fmt: skip
OF_A_LIST = {
    "ids": ["ids[2:] || ids[1]", "ids || 9999::bigint", "ids[2:]", "ids || NULL::bigint",
            "array_replace(ids, ids[1], -1::bigint)", "ARRAY[ids]", "'{}'"],
    "times": ["array_replace(times, times[1], times[1] + interval '1 us')", "times || now()",
              "('[3:3]=' || times[1:1]::text)::timestamptz[] || times[2:]", "ARRAY[times]"],
    "digests": ["array_replace(digests, digests[1], sha256('x'))", "digests || sha256('x')",
                "array_replace(digests, digests[1], digests[1] || '\\x00')"],
}  # fmt: skip
REWRITE = """
DO $rewrite$
DECLARE
    v_seal audit.seal;
BEGIN
    FOR v_seal IN
        SELECT * FROM audit.seal WHERE number BETWEEN {first} AND {last} ORDER BY number
    LOOP
        UPDATE audit.seal AS s
        SET root = audit._root_of_seal(s.number),
            previous = coalesce(
                (SELECT p.head FROM audit.seal AS p WHERE p.number = s.number - 1), '')
        WHERE s.number = v_seal.number;
        UPDATE audit.seal AS s SET head = audit._head_of_seal(s) WHERE s.number = v_seal.number;
    END LOOP;
END
$rewrite$
"""
REMOVE_WHOLE = (
    "DELETE FROM audit.seal WHERE number >= {n}",
    "DELETE FROM audit.seal_block WHERE seal >= {n}",
    "DELETE FROM audit.seal_list WHERE seal >= {n}",
)
DROP = 4
"""The seal that says that the oldest day was dropped."""


def rewrite(first: int, last: int = 99) -> str:
    """Return the statement that makes the heads of seals right again, as sealing would."""
    return REWRITE.format(first=first, last=last)


def remove_from(number: int) -> tuple[str, ...]:
    """Return the statements that remove a seal and all after it, with their blocks and lists."""
    return tuple(statement.format(n=number) for statement in REMOVE_WHOLE)


def oldest_day(log: SealedLog) -> str:
    query = "SELECT to_char(min(partition_from), 'YYYY-MM-DD HH24:MI') FROM audit.seal_block"
    return str(log.one(query))


def seals(log: SealedLog) -> list[int]:
    return [row.number for row in log.rows("SELECT number FROM audit.seal ORDER BY 1")]


def blocks(log: SealedLog) -> list[Any]:
    return log.rows(
        "SELECT b.seal, b.number, l.seal IS NOT NULL AS has_list, b.entries"
        " FROM audit.seal_block AS b"
        " LEFT JOIN audit.seal_list AS l ON (l.seal, l.block) = (b.seal, b.number) ORDER BY 1, 2"
    )


def of_block(state: str, seal: int, number: int) -> tuple[str, str]:
    return state, f"block {number} of seal {seal}"


def of_list(state: str, seal: int, number: int) -> tuple[str, str]:
    return state, f"the list of block {number} of seal {seal}"


def is_other(log: SealedLog, table: str, where: str, column: str, value: str) -> bool:
    query = f"SELECT ({value})::text IS DISTINCT FROM {column}::text FROM audit.{table} {where}"
    return log.rows(query) == [(True,)]


def changes_of_seals(log: SealedLog) -> Iterator[Mutation]:
    """Change each column of each seal."""
    for n in seals(log):
        for column, values in OF_A_SEAL.items():
            for value in values:
                if is_other(log, "seal", f"WHERE number = {n}", column, value):
                    edit = f"UPDATE audit.seal SET {column} = {value} WHERE number = {n}"
                    yield Mutation(f"{edit}", (edit,), {("edited", f"seal {n}")})
        for number in (-3, 0, 40):
            edit = f"UPDATE audit.seal SET number = {number} WHERE number = {n}"
            both = {("edited", f"seal {number}"), ("removed", f"seal {n}")}
            yield Mutation(edit, (edit,), both)


def removals_and_additions_of_seals(log: SealedLog) -> Iterator[Mutation]:
    """Remove seals, alone and with all that is theirs; add some; swap some."""
    last = seals(log)[-1]
    for n in seals(log):
        gone = {("removed", f"seal {n}")}
        yield Mutation(f"remove {n}", (f"DELETE FROM audit.seal WHERE number = {n}",), gone)
        whole = tuple(s.format(n=n).replace(">=", "=") for s in REMOVE_WHOLE)
        yield Mutation(f"remove {n} wholly", whole, gone if n != last else set())
        dropped: Found = {("vanished", f"the partition of {oldest_day(log)}")}
        is_unsaid = 1 < n <= DROP
        yield Mutation(f"remove from {n} on", remove_from(n), dropped if is_unsaid else set())
        for number in (0, last + 1, -7):
            add = (
                f"INSERT INTO audit.seal SELECT (jsonb_populate_record("
                f"s, '{{\"number\": {number}}}')).* FROM audit.seal AS s WHERE number = {n}"
            )
            yield Mutation(f"add {number} like {n}", (add,), {("edited", f"seal {number}")})
        if n not in (1, last):
            swapped = tuple(
                f"UPDATE audit.seal SET number = {to} WHERE number = {of}"
                for of, to in ((n, -99), (n - 1, n), (-99, n - 1))
            )
            both = {("edited", f"seal {n}"), ("edited", f"seal {n - 1}")}
            yield Mutation(f"swap {n} and {n - 1}", swapped, both)


def rewritten_chains(log: SealedLog) -> Iterator[Mutation]:
    """Make heads right again: what comes after gives it away, as far as there is anything."""
    last = seals(log)[-1]
    for n in seals(log):
        edit = f"UPDATE audit.seal SET detail = detail || '{{\"x\": 1}}' WHERE number = {n}"
        alone = {("rewritten", f"seal {n}")} if n != last else set()
        yield Mutation(f"rewrite {n} alone", (edit, rewrite(n, n)), alone)
        yield Mutation(f"rewrite from {n} on", (edit, rewrite(n)))


def changes_of_blocks(log: SealedLog) -> Iterator[Mutation]:
    """Change each column of each block, remove, add and swap blocks."""
    for block in blocks(log):
        s, n = block.seal, block.number
        where = f"WHERE seal = {s} AND number = {n}"
        unproven: Found = {("edited", f"the blocks of seal {s}")}
        named = {of_block("edited", s, n)} if block.has_list else unproven
        for column, values in OF_A_BLOCK.items():
            for value in values:
                if is_other(log, "seal_block", where, column, value):
                    edit = f"UPDATE audit.seal_block SET {column} = {value} {where}"
                    yield Mutation(edit, (edit,), named)
        gone = {of_block("removed", s, n)} if block.has_list else unproven
        remove = f"DELETE FROM audit.seal_block {where}"
        yield Mutation(remove, (remove,), gone)
        remove_list = f"DELETE FROM audit.seal_list WHERE seal = {s} AND block = {n}"
        yield Mutation(f"{remove} and its list", (remove, remove_list), unproven)
        add = copy_block(s, n, 50)
        yield Mutation(f"add like {s}.{n}", (add,), {of_block("added", s, 50)})
        add_list = copy_list(s, n, 50)
        yield Mutation(f"add both like {s}.{n}", (add, add_list), {of_block("added", s, 50)})
        move = f"UPDATE audit.seal_block SET number = 77 {where}"
        moved = {of_block("removed", s, n), of_block("added", s, 77)}
        yield Mutation(move, (move,), moved)
    both = {of_block("edited", 1, 2), of_block("edited", 1, 3)}
    yield Mutation("swap blocks", swap("seal_block"), both)
    yield Mutation("swap blocks and lists", swap("seal_block") + swap("seal_list"), both)


def swap(table: str) -> tuple[str, ...]:
    """Return the statements that swap the second and third row of the first seal."""
    column = "number" if table == "seal_block" else "block"
    return tuple(
        f"UPDATE audit.{table} SET {column} = {to} WHERE seal = 1 AND {column} = {of}"
        for of, to in ((2, 99), (3, 2), (99, 3))
    )


def copy_block(seal: int, number: int, to: int) -> str:
    return (
        "INSERT INTO audit.seal_block"
        f" SELECT seal, {to}, partition_from, entries, first_id, last_id, root"
        f" FROM audit.seal_block WHERE seal = {seal} AND number = {number}"
    )


def copy_list(seal: int, number: int, to: int, to_seal: int | None = None) -> str:
    return (
        f"INSERT INTO audit.seal_list SELECT {to_seal or seal}, {to}, ids, times, digests"
        f" FROM audit.seal_list WHERE seal = {seal} AND block = {number}"
    )


def changes_of_lists(log: SealedLog) -> Iterator[Mutation]:
    """Change each column of each list, remove, add and swap lists."""
    for block in (block for block in blocks(log) if block.has_list):
        s, n = block.seal, block.number
        where = f"WHERE seal = {s} AND block = {n}"
        for column, values in OF_A_LIST.items():
            for value in values:
                if is_other(log, "seal_list", where, column, value):
                    edit = f"UPDATE audit.seal_list SET {column} = {value} {where}"
                    yield Mutation(edit, (edit,), {of_list("edited", s, n)})
        remove = f"DELETE FROM audit.seal_list {where}"
        yield Mutation(remove, (remove,), {of_list("removed", s, n)})
        for seal, number in ((s, 99), (88, n)):
            add = copy_list(s, n, number, seal)
            named = {of_list("added", seal, number)}
            yield Mutation(f"copy list {s}.{n} to {seal}.{number}", (add,), named)
            both = named | {of_list("removed", s, n)}
            yield Mutation(f"move list {s}.{n} to {seal}.{number}", (add, remove), both)
    both = {of_list("edited", 1, 2), of_list("edited", 1, 3)}
    yield Mutation("swap lists", swap("seal_list"), both)


def entries_with_their_lists(log: SealedLog) -> Iterator[Mutation]:
    """Change an entry and, so that it fits, its list, the block too, or the seal too."""
    for e in sealed(log)[::6]:
        [where] = log.rows(
            "SELECT seal, block, array_position(ids, %s) AS at FROM audit.seal_list"
            " WHERE %s = ANY (ids)",
            e.id,
            e.id,
        )
        s, n = where.seal, where.block
        edit = change(e.id, "actor", "'x'")
        fit = (
            f"UPDATE audit.seal_list SET digests[{where.at}] = (SELECT sha256(r.record)"
            f" FROM audit.entry_record AS r WHERE r.id = {e.id}) WHERE (seal, block) = ({s}, {n})"
        )
        broken = {of_list("edited", s, n), of_block("broken", s, n)}
        yield Mutation(f"{e.id} and list", (edit, fit), broken)
        fit_block = (
            "UPDATE audit.seal_block AS b SET root = audit._root_of_list(ids, times, digests)"
            f" FROM audit.seal_list AS l WHERE (l.seal, l.block) = ({s}, {n})"
            f" AND (b.seal, b.number) = ({s}, {n})"
        )
        unproven = {("edited", f"the blocks of seal {s}")}
        yield Mutation(f"{e.id}, list and block", (edit, fit, fit_block), unproven)
        is_last = s == seals(log)[-1]
        alone: Found = set() if is_last else {("rewritten", f"seal {s}")}
        yield Mutation(f"{e.id} to seal", (edit, fit, fit_block, rewrite(s, s)), alone)
        yield Mutation(f"{e.id} to the end", (edit, fit, fit_block, rewrite(s)))
        gone = f"DELETE FROM audit.seal_list WHERE seal = {s} AND block = {n}"
        both = {of_list("removed", s, n), of_block("broken", s, n)}
        yield Mutation(f"{e.id}, no list", (edit, gone), both)


def entries_beside_edited_seals(log: SealedLog) -> Iterator[Mutation]:
    """Change an entry where something else of the chain was edited, too."""
    for e in sealed(log)[::9]:
        edit = change(e.id, "actor", "'x'")
        changed = {entry("changed", e.id)}
        seal = f"UPDATE audit.seal SET sealed_at = now() WHERE number = {e.seal}"
        yield Mutation(f"{e.id} and seal", (edit, seal), changed | {("edited", f"seal {e.seal}")})
        block = f"UPDATE audit.seal_block SET first_id = 0 WHERE seal = {e.seal} AND number = 3"
        found = {of_block("edited", 1, 3)} if e.seal == 1 else set()
        yield Mutation(f"{e.id} and block", (edit, block), changed | found)


OF_SEALS = [
    changes_of_seals,
    removals_and_additions_of_seals,
    rewritten_chains,
    changes_of_blocks,
    changes_of_lists,
    entries_with_their_lists,
    entries_beside_edited_seals,
]
