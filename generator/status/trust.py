"""Whether a log can be believed, as far as the catalogue tells: what is to mend, and to know.

Knows how that is printed; what is looked for, generator.drift knows.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from generator.drift.notes import Note

_WIDTH = 100


@dataclass(frozen=True)
class Trust:
    """How many findings check has, None where it was not asked; and what remains possible."""

    findings: int | None
    notes: tuple[Note, ...]

    @property
    def lines(self) -> Iterator[str]:
        """The section of a status, for the eye."""
        yield "trust"
        if self.findings is None:
            yield "  not compared with audit.toml: give --config, or run pgwitness check"
        elif self.findings:
            yield f"  {self.findings} to mend: run pgwitness check"
        else:
            yield "  all is as declared"
        for note in self.notes:
            text = f"{note.what}: {note.in_short}"
            yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
