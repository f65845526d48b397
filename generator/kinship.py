"""Which tables are parts of which: what is deleted together belongs together.

Knows foreign keys and names; what such a part is shown as, others decide.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from generator.catalogue import CatalogueTable, ForeignKey, Tables
from generator.names import TableName
from generator.proposed_columns import is_nameable, propose_key
from generator.wording import singular, words

_MANY = 5
"""A table from which more tables than these cascade, none named after it, is what all of them
are owned by (a tenant, a user) rather than their parent."""


@dataclass(frozen=True)
class Kinship:
    """The parent of each table that has one, and the parents that it might have had instead.

    ``order`` holds all tables, each followed by its parts.
    """

    order: tuple[TableName, ...]
    parents: Mapping[TableName, ForeignKey]
    others: Mapping[TableName, tuple[TableName, ...]]

    def part(self, name: TableName) -> list[str]:
        """Return the words of a table's name, less those of its parent's, in the singular."""
        noun = singular(words(name.table))
        if name not in self.parents:
            return noun
        return noun[_overlap(name, self.parents[name].table) :]

    def comments(self, name: TableName) -> list[str]:
        """Say what there was to choose."""
        others = ", ".join(f'"{other}"' for other in self.others.get(name, ()))
        if not others:
            return []
        if name in self.parents:
            return [f"Its rows are deleted with those of {others} too: is that the parent?"]
        return [f"Its rows are deleted with those of {others}: is that the parent?"]


def find_kinship(tables: Tables) -> Kinship:
    """Give each table at most one parent: first those that it is named after, then the rest."""
    candidates = {name: _candidates(table, tables) for name, table in tables.items()}
    owned = Counter(
        target
        for name, foreign_keys in candidates.items()
        for target in {foreign_key.table for foreign_key in foreign_keys}
        if not _overlap(name, target)
    )
    parents: dict[TableName, ForeignKey] = {}
    for is_named_after in (True, False):
        for name, foreign_keys in candidates.items():
            for foreign_key in foreign_keys:
                target = foreign_key.table
                fits = bool(_overlap(name, target)) == is_named_after
                likely = is_named_after or owned[target] <= _MANY
                if fits and likely and name not in parents and name not in _line(target, parents):
                    parents[name] = foreign_key
    return Kinship(_order(tables, parents), parents, _others(candidates, parents))


def _candidates(table: CatalogueTable, tables: Tables) -> list[ForeignKey]:
    """Return the ways to a row without which this table's row would not be."""
    return [
        _in_order_of_key(foreign_key, propose_key(tables[foreign_key.table])[0])
        for foreign_key in table.foreign_keys
        if foreign_key.on_delete == "CASCADE"
        and foreign_key.table != table.name
        and foreign_key.table in tables
        and set(foreign_key.referenced) == set(propose_key(tables[foreign_key.table])[0])
        and all(is_nameable(column) for column in foreign_key.columns)
        and all(c.not_null for c in table.columns if c.name in foreign_key.columns)
    ]


def _in_order_of_key(foreign_key: ForeignKey, key: tuple[str, ...]) -> ForeignKey:
    column = dict(zip(foreign_key.referenced, foreign_key.columns, strict=True))
    columns = tuple(column[name] for name in key)
    return ForeignKey(columns, foreign_key.table, key, foreign_key.on_delete)


def _overlap(name: TableName, parent: TableName) -> int:
    """Return how many first words of a name are the last ones of the parent's, but not all."""
    child, other = words(name.table), singular(words(parent.table))
    for count in range(min(len(child) - 1, len(other)), 0, -1):
        if singular(child[:count]) == other[-count:]:
            return count
    return 0


def _line(name: TableName, parents: Mapping[TableName, ForeignKey]) -> list[TableName]:
    """Return a table with all its ancestors."""
    line = [name]
    while line[-1] in parents:
        line.append(parents[line[-1]].table)
    return line


def _others(
    candidates: Mapping[TableName, list[ForeignKey]], parents: Mapping[TableName, ForeignKey]
) -> dict[TableName, tuple[TableName, ...]]:
    others = {}
    for name, foreign_keys in candidates.items():
        chosen = parents[name].table if name in parents else None
        others[name] = tuple(dict.fromkeys(f.table for f in foreign_keys if f.table != chosen))
    return others


def _order(tables: Tables, parents: Mapping[TableName, ForeignKey]) -> tuple[TableName, ...]:
    def path(name: TableName) -> list[TableName]:
        return _line(name, parents)[::-1]

    return tuple(sorted(tables, key=path))
