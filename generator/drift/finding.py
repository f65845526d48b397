"""What a finding is: where – what – how to fix; and how two texts are shown to differ.

Knows no database and no rule.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from generator.names import as_printed

State = Literal[
    "missing", "changed", "disabled", "orphan", "conflict", "unread", "altered", "restored"
]
"""missing: declared, and not there. changed: there, but not as declared. disabled: there, but does
not act. orphan: there, and declared by nothing. conflict: audit.toml and the user's tables
contradict each other. unread: this role may not read it, so it was not compared. altered: as
declared, but changed and put back since the migrations left it. restored: nobody can tell that."""

PSQL = "psql -1 -v ON_ERROR_STOP=1 -f"
"""All of a script, or nothing."""


@dataclass(frozen=True)
class Finding:
    """One difference between what is declared and what is installed, and how to mend it.

    ``version`` is the xmin of the catalogue row that says so, and ``since`` when that was changed.
    """

    state: State
    object: str
    what: str
    fix: str
    diff: str = ""
    version: int | None = None
    since: str = ""

    def __str__(self) -> str:
        """Return it as a line, with the differences below it."""
        since = f" – changed {self.since}" if self.since else ""
        # Whoever names a thing might end the line, and go on as if it were another finding.
        line = as_printed(f"{self.state}: {self.object} – {self.what}{since} – {self.fix}")
        return f"{line}\n{self.diff}" if self.diff else line


def difference(declared: str, installed: str) -> str:
    """Return a unified diff: what was done to the database since stands in its + lines."""
    lines = difflib.unified_diff(
        declared.splitlines(), installed.splitlines(), "declared", "installed", lineterm=""
    )
    return "\n".join(lines)


def fold(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what is so of many objects alike, by the same change, once."""
    alike: dict[object, list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.state, finding.what, finding.version), []).append(finding)
    for first, *others in alike.values():
        more = f" (and {len(others)} more like it)" if others else ""
        yield replace(first, what=first.what + more)


def one_line(definition: str) -> str:
    """Return a definition as it is shown in a line: texts in it may have lost spaces."""
    return " ".join(definition.split())
