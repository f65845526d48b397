"""The objects of the audit log in one shape, whether SQL declares them or a catalogue has them.

Knows how they are named; where they were read, and what to make of a difference, others know.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.names import TableName
from generator.quoting import identifier

AUDIT = "audit"
ENTRY = TableName(AUDIT, "entry")


@dataclass(frozen=True)
class Routine:
    """A function or procedure of schema audit.

    ``header`` says line by line what it takes and returns, and how it runs: language, volatility,
    whose rights, its settings.
    """

    object: str
    header: tuple[str, ...]
    body: str


@dataclass(frozen=True)
class Piece:
    """A column, constraint, index, policy or rule of an audit table, a view or a sequence."""

    kind: str
    name: str
    table: str
    definition: str

    @property
    def object(self) -> str:
        """What a finding calls it."""
        if self.kind == "view":
            return named("view", self.name)
        if self.kind == "sequence":
            return f"options of {self.table}"
        return f"{self.kind} {written(self.name)} of {self.table}"


@dataclass(frozen=True)
class Trigger:
    """A trigger. ``fires`` is pg_trigger.tgenabled; ``root`` is the table that is partitioned.

    ``is_clone``: a partition has it because its root does. ``is_early``: it fires after a write,
    and before ours of the same level would, of which there are two: row and statement.
    """

    table: TableName
    name: str
    definition: str
    fires: str
    root: TableName
    is_clone: bool = False
    is_early: bool = False
    level: str = "row"

    @property
    def object(self) -> str:
        """What a finding calls it."""
        return f"trigger {written(self.name)} on {self.table}"


@dataclass(frozen=True, order=True)
class Grant:
    """A privilege on an object of schema audit that somebody other than its owner has.

    ``version`` is the xmin of the catalogue row that it stands in.
    """

    object: str
    privilege: str
    grantee: str
    version: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Objects:
    """Objects, each kind by what a finding calls it. ``secured`` tables have row security on.

    ``versions`` are the xmin of their rows in the catalogue, where they were read from one.
    """

    owners: Mapping[str, str]
    routines: tuple[Routine, ...]
    pieces: Mapping[str, Piece]
    triggers: Mapping[str, Trigger]
    grants: frozenset[Grant]
    secured: frozenset[str]
    versions: Mapping[str, int] = field(default_factory=dict)


def named(kind: str, name: str | None) -> str:
    """Return what a finding calls an object of schema audit, or the schema."""
    return f"{kind} {AUDIT}.{written(name)}" if name else f"{kind} {AUDIT}"


def in_sql(name: str) -> str:
    """Return what a finding calls "table audit.entry" as a statement does: TABLE audit.entry."""
    kind, _, identifier_ = name.partition(" ")
    return f"{kind.upper()} {identifier_}"


def written(name: str) -> str:
    """Return an identifier as SQL needs it: quoted only where it must be."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else str(identifier(name))
