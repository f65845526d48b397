"""A change as a page shows it: its sentence, its two sides, its name and where it leads.

Knows no Flask; the templates draw what is in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from auditviewer.change.changes import Change, Kind
from auditviewer.change.english import count, plural
from auditviewer.change.records import Column, Json, Table, TableName, Tables
from auditviewer.change.sentences import Sentence, say
from auditviewer.change.sides import Section, lay_out
from auditviewer.change.values import describe
from auditviewer.change.verbatim import reveal
from auditviewer.log.fates import Fate

SIGNS = {Kind.CREATED: "+", Kind.UPDATED: "~", Kind.DELETED: "−"}


@dataclass(frozen=True)
class Shown:
    """What a page says of one change."""

    change: Change
    sentence: Sentence
    sections: tuple[Section, ...]
    where: str
    name: str
    link: str | None
    is_deleted: bool
    now_called: str | None
    reason: str | None

    @property
    def sign(self) -> str:
        """The sign of its type: colour alone says nothing to some, and nothing in print."""
        return SIGNS[self.change.kind]

    @property
    def unchanged_in_words(self) -> str:
        """Return how many fields the two sides leave out."""
        number, is_update = self.change.unchanged, self.change.kind is Kind.UPDATED
        noun = "unchanged field" if is_update else "empty field"
        return f"{count(number, noun)} not shown"


def show(change: Change, fate: Fate, tables: Tables, product_url: str, most_lines: int) -> Shown:
    """Put a change into words; *fate* is what became of its entity since."""
    last = change.last
    is_deleted = fate.is_deleted or (change.kind is Kind.DELETED and fate.label is None)
    is_renamed = fate.label not in (None, change.label) and not is_deleted
    now_called = reveal(fate.label) if is_renamed and fate.label is not None else None
    reason = last.context.get("reason")
    return Shown(
        change=change,
        sentence=say(change),
        sections=lay_out(change, most_lines),
        where=_where(last.module, last.entity),
        name=_name(change),
        link=None
        if is_deleted or change.is_rekeyed
        else link_to(tables, last.table, last.entity_id, product_url),
        is_deleted=is_deleted,
        now_called=now_called,
        reason=reveal(reason) if isinstance(reason, str) else None,
    )


def _where(module: str, entity: str) -> str:
    """Return where an admin would look: the module, and the entity where that says more."""
    same = module.casefold() in (entity.casefold(), plural(entity).casefold())
    return module if same else f"{module} · {entity}"


def _name(change: Change) -> str:
    if change.label is not None:
        return reveal(change.label) or "(no name)"
    if change.last.entity_id is not None:
        return f"{change.last.entity} #{change.last.entity_id}"
    return f"All {plural(change.last.entity)}" if change.is_truncated else change.last.entity


def link_to(tables: Tables, name: TableName, entity_id: str | None, product_url: str) -> str | None:
    """Return where the entity is found in the product; None where that can't be told safely."""
    table = _root(tables, name)
    if table is None or not table.link or entity_id is None:
        return None
    path = table.link.replace("{id}", quote(entity_id, safe=""))
    url = path if urlsplit(path).scheme else product_url + path
    return url if is_safe_link(url) else None


def _root(tables: Tables, name: TableName) -> Table | None:
    table = tables.get(name)
    for _ in tables:
        if table is None or table.parent is None:
            return table
        table = tables.get(table.parent)
    return None


def is_safe_link(url: str) -> bool:
    """Tell whether a link leads to a page: by http or https, or to a path of this site."""
    if url.startswith(("http://", "https://")):
        return bool(urlsplit(url).netloc)
    return is_local_path(url)


def is_local_path(path: str) -> bool:
    """Tell whether a path stays on this site: browsers take "//" and "/\\" for another host."""
    return (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and not any(char < " " or char == "\x7f" for char in path)
    )


def is_address(ip: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ip_address(ip)
    except ValueError:
        return False
    return True


def context_in_words(context: Mapping[str, Json], zone: tzinfo) -> dict[str, str]:
    """Return what the application said beside the actor, as plain text."""
    return {
        reveal(key): describe(value, Column(key), {}, zone).text for key, value in context.items()
    }
