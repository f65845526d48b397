"""What was found: where – what – how to go on.

Knows no database and no rule.
"""

from dataclasses import dataclass, field
from typing import Literal

State = Literal[
    "changed", "removed", "added", "swapped", "re-timed", "re-numbered",
    "forged", "edited", "rewritten", "broken",
    "vanished", "foreign", "early", "contradicted", "differing", "restored", "replaced",
]  # fmt: skip
"""Of an entry: what became of it; forged: it names a transaction that has not begun. Of a seal, a
block or a list: edited, removed, added; rewritten: with all that proves it. broken: entries of a
block differ, and which can't be said. vanished, foreign: a partition that is gone, or none of ours.
early, contradicted, differing: a drop. restored: the database. replaced: what verifies."""

ENTRIES = "compare with a backup that is restored beside it"
CHAIN = "compare with the anchors, and with a backup that is restored beside it"
COPY = "where it is a copy, leave out its anchors, which have that identity"
ACKNOWLEDGE = 'where that is meant, run: pgwitness seal --acknowledge "why"'
UNLESS_MEANT = f"{ENTRIES}; {ACKNOWLEDGE}"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed; *seal* is the one that proves it."""

    state: State
    object: str
    what: str
    fix: str
    seal: int | None = None
    id: int | None = None

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.state}: {self.object} – {self.what} – {self.fix}"


@dataclass(frozen=True)
class Unsealed:
    """Entries that no seal covers yet: how many, since when, and what keeps them from it."""

    entries: int = 0
    since: str | None = None
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What was compared and found. *more* findings were counted only.

    *anchors* is how many were compared, None where none were given; *proven* is the newest seal
    that one of them proves.
    """

    entries: int
    seals: int
    head: str
    unsealed: Unsealed
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    more: int = 0
    anchors: int | None = None
    proven: int | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings and not self.more


@dataclass
class Findings:
    """What is being found: at most so many, the others are counted."""

    most: int = 1000
    kept: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, *found: Finding) -> None:
        """Keep findings, or count them."""
        room = max(0, self.most - len(self.kept))
        self.kept.extend(found[:room])
        self.more += len(found[room:])

    def note(self, line: str) -> None:
        """Keep what is no finding, and should be known."""
        self.notes.append(line)
