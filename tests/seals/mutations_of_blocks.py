"""What a superuser could do to blocks and their lists, and what each of it should be called."""

from collections.abc import Iterator
from typing import Any

from tests.seals.mutations import Mutation
from tests.seals.sealed import Found, SealedLog

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


OF_BLOCKS = [changes_of_blocks, changes_of_lists]
