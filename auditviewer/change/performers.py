"""Who performed a change, in words: a person, for another perhaps, the System, or nobody known.

Knows what an application may say of itself; not how a page draws it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from auditviewer.change.records import Entry, Json, Tables
from auditviewer.change.verbatim import reveal

ON_BEHALF_OF = "on_behalf_of"
"""The key of entry.context that names for whom somebody acted: a key, or {"id", "name"}."""
SYSTEM = "System"
NOBODY = "Nobody said who"
LONGEST_NAME = 256


@dataclass(frozen=True)
class Performer:
    """Who a page says it was. *is_unsaid*: the table wants an actor, and the application gave none.

    *is_system*: no actor was said, and none had to be. *on_behalf_of*: for whom, None for oneself.
    """

    name: str
    is_system: bool = False
    is_unsaid: bool = False
    on_behalf_of: str | None = None

    def __str__(self) -> str:
        """Return "Priya Nair on behalf of Ana Diaz"."""
        return f"{self.name} on behalf of {self.on_behalf_of}" if self.on_behalf_of else self.name


def performers(tables: Tables) -> Callable[[Entry], Performer]:
    """Return what says who performed the change of an entry, by the words of its table."""

    def performer(entry: Entry) -> Performer:
        behalf = principal(entry)
        if entry.actor is not None:
            return Performer(reveal(entry.actor_name or entry.actor), on_behalf_of=behalf)
        table = tables.get(entry.table)
        if table is not None and table.wants_actor:
            return Performer(NOBODY, is_unsaid=True, on_behalf_of=behalf)
        return Performer(SYSTEM, is_system=True, on_behalf_of=behalf)

    return performer


def principal(entry: Entry) -> str | None:
    """Return for whom the actor acted, if the application said so in a form that is understood."""
    said = entry.context.get(ON_BEHALF_OF)
    if isinstance(said, dict):
        said = _text(said.get("name")) or _text(said.get("id"))
    text = _text(said)
    return reveal(text[:LONGEST_NAME]) if text else None


def _text(said: Json) -> str | None:
    if isinstance(said, bool) or not isinstance(said, str | int):
        return None
    return str(said).strip() or None
