"""How the rows that one statement wrote become entries: which INSERTs that takes, and over what.

Knows how a TrackedTable becomes the values of sql/capture_statement.sql.j2; the SQL stands there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from generator.config import TrackedTable
from generator.expressions import (
    NULL,
    Images,
    changed_part,
    entity_id,
    entity_label,
    former_entity_id,
    row_key,
    stored,
    unrecorded,
)
from generator.lookups import (
    AncestorQuery,
    NamedReference,
    Written,
    ancestor_query,
    looked_up,
    named_references,
)
from generator.quoting import Sql, identifier, literal

_NAMING = {"UPDATE": "w.v_new", "TRUNCATE": "w.v_old"}


@dataclass(frozen=True)
class Insert:
    """An INSERT for one kind of statement, with names or without.

    ``columns`` are those that names are looked up by, with the aliases that ``old_columns`` and
    ``new_columns`` give them in an update.
    """

    condition: Sql
    operation: Sql
    is_update: bool
    is_truncate: bool
    is_careful: bool
    columns: Sql
    old_columns: Sql
    new_columns: Sql
    entity_id: Sql
    former_entity_id: Sql
    entity_label: Sql
    row_key: Sql
    old_row: Sql
    new_row: Sql
    references: list[NamedReference]
    ancestor: AncestorQuery | None
    unrecorded: Sql


def has_statements(tracked: TrackedTable) -> bool:
    """Say whether some statement is captured as a whole: each one, or just TRUNCATE."""
    return tracked.capture == "statement" or tracked.truncate == "rows"


def statement_values(tracked: TrackedTable) -> dict[str, object]:
    """Return the INSERTs, and how often they are tried: at last without names, if there are any."""
    has_names = bool(looked_up(tracked))
    return {
        "removes": tracked.truncate == "rows",
        "attempts": Sql("3" if has_names else "2"),
        "inserts": list(_inserts(tracked, has_names=has_names)),
    }


def _inserts(tracked: TrackedTable, *, has_names: bool) -> Iterator[Insert]:
    by_row = tracked.capture == "row"
    word = "IF"
    for kind in ("TRUNCATE",) if by_row else _kinds(tracked):
        for is_named in (True, False) if has_names else (True,):
            tests = [f"TG_OP = {literal(kind)}"] if kind and not by_row else []
            tests += ["v_attempt < 3"] if has_names and is_named else []
            condition = f"{word} {' AND '.join(tests)} THEN" if tests else "ELSE"
            alone = by_row and not has_names
            yield _insert(tracked, "" if alone else condition, kind, is_named=is_named)
            word = "ELSIF"


def _kinds(tracked: TrackedTable) -> tuple[str, ...]:
    """Return the kinds of statements that have INSERTs of their own, and all others."""
    return ("UPDATE", "TRUNCATE", "") if tracked.truncate == "rows" else ("UPDATE", "")


def _insert(tracked: TrackedTable, condition: str, kind: str, *, is_named: bool) -> Insert:
    columns = looked_up(tracked) if is_named else ()
    is_update = kind == "UPDATE"
    written = _in_update(columns) if is_update else _in_other(columns)
    row = _NAMING.get(kind, "coalesce(w.v_new, w.v_old)")
    new = "w.v_old" if kind == "TRUNCATE" else "w.v_new"
    images = Images("w.v_old", new, row, found="ancestor.")
    ancestor = ancestor_query(tracked, written) if is_named else None
    is_nameless = bool(tracked.ancestors) and not ancestor
    is_placeless = is_nameless and len(tracked.ancestors) > 1
    return Insert(
        condition=Sql(condition),
        operation=literal("DELETE") if kind == "TRUNCATE" else Sql("TG_OP"),
        is_update=is_update,
        is_truncate=kind == "TRUNCATE",
        is_careful=not is_named,
        columns=_listed(
            23,
            [f"old_{n}, new_{n}" for n in range(1, len(columns) + 1)]
            if is_update
            else _aliased("w", columns, "of"),
        ),
        old_columns=_listed(31, _aliased("o", columns, "old")),
        new_columns=_listed(31, _aliased("n", columns, "new")),
        entity_id=NULL if is_placeless else entity_id(tracked, images),
        former_entity_id=former_entity_id(tracked, images) if is_update else NULL,
        entity_label=NULL if is_nameless else entity_label(tracked, images),
        row_key=row_key(tracked, images),
        old_row=changed_part(tracked, images, indent=16)
        if is_update
        else stored(images.old, tracked),
        new_row=NULL if kind == "TRUNCATE" else stored(images.new, tracked),
        references=named_references(tracked, written) if is_named else [],
        ancestor=ancestor,
        unrecorded=unrecorded(tracked) if is_update else Sql(""),
    )


def _in_update(columns: tuple[str, ...]) -> Written:
    return Written(
        lambda column: f"w.old_{columns.index(column) + 1}",
        lambda column: f"w.new_{columns.index(column) + 1}",
    )


def _in_other(columns: tuple[str, ...]) -> Written:
    def only(column: str) -> str:
        return f"w.of_{columns.index(column) + 1}"

    return Written(only, only)


def _aliased(row: str, columns: tuple[str, ...], prefix: str) -> list[str]:
    return [
        f"{row}.{identifier(column)} AS {prefix}_{number}"
        for number, column in enumerate(columns, start=1)
    ]


def _listed(indent: int, items: list[str]) -> Sql:
    return Sql("".join(f",\n{' ' * indent}{item}" for item in items))
