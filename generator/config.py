"""What audit.toml says, as frozen dataclasses: which tables are tracked, and in which words.

Reads the file only; whether the tables exist is for the catalogue to say.
"""

from dataclasses import dataclass, field
from pathlib import Path

from generator.anchors.places import Places
from generator.names import TableName


class ConfigError(Exception):
    """Everything that is wrong with an audit.toml, a line for each finding."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


@dataclass(frozen=True)
class Reference:
    """A column that holds the key of a row elsewhere, and the column that names that row."""

    table: TableName
    key: str
    label: str


@dataclass(frozen=True)
class Column:
    """Words for a column: its label, labels of its values by their text, and sentences.

    ``say`` has a sentence for some of the ways in which a value can change. ``currency`` makes it
    an amount of money: an ISO 4217 code, or the column of the row that holds one. ``item_key`` is
    what tells the objects of a list in it apart.
    """

    label: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    references: Reference | None = None
    currency: str | None = None
    item_key: str | None = None
    say: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parent:
    """The table whose entity a row belongs to, and this table's columns that hold its key."""

    table: TableName
    key: tuple[str, ...]


@dataclass(frozen=True)
class TrackedTable:
    """A table whose changes are captured.

    ``ancestors`` is empty for a table whose rows are entities themselves; otherwise it goes from
    the parent to the root, whose module and entity these rows share.
    """

    name: TableName
    source: str
    module: str
    entity: str
    part: str | None = None
    key: tuple[str, ...] = ("id",)
    label: str | None = None
    link: str | None = None
    parent: Parent | None = None
    ancestors: "tuple[TrackedTable, ...]" = ()
    columns: dict[str, Column] = field(default_factory=dict)
    say: dict[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    truncate: str = "log"
    capture: str = "row"
    rows: str = "full"
    missing_actor: str = "allow"

    @property
    def root(self) -> "TrackedTable":
        """The table whose rows are the entities."""
        return self.ancestors[-1] if self.ancestors else self

    @property
    def references(self) -> dict[str, Reference]:
        """The columns whose values are shown by name, in the order of audit.toml."""
        return {
            name: column.references
            for name, column in self.columns.items()
            if column.references is not None
        }


@dataclass(frozen=True)
class Config:
    """An audit.toml: the tracked tables in its order, and the folder of the migrations.

    ``maintainer`` is the role that runs maintenance, where that is not who owns the database;
    ``trusted`` are others who may do what would otherwise be reported;
    ``anchors`` is where the heads of seals go.
    """

    path: Path
    source: str
    migrations: Path
    tables: tuple[TrackedTable, ...]
    retention_days: int = 90
    maintainer: str | None = None
    trusted: tuple[str, ...] = ()
    anchors: Places = field(default_factory=Places)
