"""What a superuser could do to seals and with them, and what each of it should be called."""

from collections.abc import Iterator

from tests.seals.mutations import Mutation, change, entry, sealed
from tests.seals.mutations_of_blocks import is_other, of_block, of_list
from tests.seals.sealed import Found, SealedLog

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
REWRITE = """
DO $rewrite$
DECLARE
    v_seal audit.seal;
BEGIN
    FOR v_seal IN
        SELECT * FROM audit.seal WHERE number BETWEEN {first} AND {last} ORDER BY number
    LOOP
        UPDATE audit.seal AS s
        SET root = (SELECT b.root FROM audit._sums_of_seals(ARRAY[s.number]) AS b),
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
    entries_with_their_lists,
    entries_beside_edited_seals,
]
