"""A list of changes as a page draws it: day by day, with where its rows and its next page lead.

The list of the log and the history of one entity are both such lists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from flask import abort, request, url_for

from auditviewer import times
from auditviewer.addresses import in_path, moment_in_url
from auditviewer.change.changes import fold
from auditviewer.change.english import lowered, plural
from auditviewer.change.records import Entry, Tables
from auditviewer.log.database import Reading
from auditviewer.log.entries import read_entries
from auditviewer.log.fates import read_fates
from auditviewer.log.filters import Filter
from auditviewer.log.former import with_former_names
from auditviewer.log.renamed import read_referred, with_names_of_now
from auditviewer.log.saves import Rest, find_page
from auditviewer.log.stands import Cursor, Stand, has_newer, read_cursor
from auditviewer.shown import Shown, show
from auditviewer.site import Site

FORMER = "former"
"""In the address of a change: it is that of the entity which the row of the entry left."""
MOST_ENTRIES = 200
"""Of one change that are read for a page."""
MOST_LINES = 40
"""Of one section of a change that are shown in a list."""


@dataclass(frozen=True)
class Links:
    """Where the row of a change leads; *history* and *then* are None for what has no key."""

    page: str
    history: str | None
    then: str | None


@dataclass(frozen=True)
class Line:
    """A change in a list, and the others of its save where they are folded behind it."""

    one: Shown
    links: Links
    rest: Rest | None
    rest_url: str


@dataclass(frozen=True)
class Listing:
    """A page of changes; *older* is the cursor of the next one, *is_behind*: newer ones came."""

    days: list[tuple[date, list[Line]]]
    count: int
    has_rest: bool
    oldest_shown: datetime | None
    older: Cursor | None
    is_first: bool
    is_behind: bool


def list_changes(site: Site, reading: Reading, asked: Filter, tables: Tables) -> Listing:
    """Return the page that begins where the URL says; at the newest change, if it says nothing."""
    cursor = _read_cursor(request.args.get("before", ""))
    page = find_page(reading, asked, site.since(reading), cursor)
    stands = [row.stand for row in page.rows]
    shown = show_changes(site, reading, stands, tables, asked, MOST_LINES)
    lines = [
        Line(
            one,
            links_of(one.change.last, tables, asked),
            row.rest,
            url_for(".changes", **asked.arguments() | {"save": row.stand.transaction_id}),
        )
        for row, one in zip(page.rows, shown, strict=True)
        if one
    ]
    return Listing(
        days=list(_by_day(lines, asked)),
        count=len(lines),
        has_rest=any(line.rest for line in lines),
        oldest_shown=page.rows[-1].stand.occurred_at if page.rows else None,
        older=page.next,
        is_first=cursor is None,
        is_behind=cursor is not None and has_newer(reading, asked, cursor),
    )


def _read_cursor(text: str) -> Cursor | None:
    if not text:
        return None
    try:
        return read_cursor(text)
    except ValueError:
        abort(400, "The end of this address, after “before=”, is not whole.")


def show_changes(
    site: Site,
    reading: Reading,
    stands: Sequence[Stand],
    tables: Tables,
    asked: Filter,
    most_lines: int,
    after: int | None = None,
) -> list[Shown | None]:
    """Return what the pages say of changes; None where nothing of one is found.

    *after* an entry, only of parts behind it.
    """
    since = site.since(reading)
    found = read_entries(reading, stands, tables, MOST_ENTRIES, after)
    named = with_former_names(reading, [each.entries for each in found], tables, since)
    changes = [
        fold(entries, tables, asked.zone, more=each.more) if entries else None
        for each, entries in zip(found, named, strict=True)
    ]
    referred = read_referred(reading, [change for change in changes if change], tables)
    return [
        show(
            with_names_of_now(change, referred, tables),
            fate,
            tables,
            site.settings.product_url,
            most_lines,
        )
        if change
        else None
        for change, fate in zip(changes, read_fates(reading, stands), strict=True)
    ]


def links_of(last: Entry, tables: Tables, asked: Filter) -> Links:
    """Return where a change leads; *last* is its newest entry."""
    zone = asked.zone_argument
    of: dict[str, Any] = {"of": FORMER} if last.is_former else {}
    page = url_for(".change", transaction=last.transaction_id, entry=last.id, **of, **zone)
    if last.entity_id is None:
        return Links(page, None, None)
    entity = about(last.module, last.entity, last.entity_id, tables) | zone
    then = moment_in_url(last.occurred_at, asked.zone)
    return Links(page, url_for(".history", **entity), url_for(".history", **entity, at=then))


def about(module: str, entity: str, entity_id: str, tables: Tables) -> dict[str, str]:
    """Return how an address names an entity: with its module only where that tells it apart."""
    modules = {table.module for table in tables.values() if table.entity == entity}
    named = {"entity": in_path(entity), "key": in_path(entity_id)}
    return named | ({"module": module} if len(modules) > 1 else {})


def history_in_words(entity: str) -> str:
    """Return "History of this workflow", or "of these account settings"."""
    noun = lowered(entity)
    return f"History of {'these' if plural(noun) == noun else 'this'} {noun}"


def _by_day(lines: Sequence[Line], asked: Filter) -> Iterator[tuple[date, list[Line]]]:
    for day, on_day in groupby(
        lines, key=lambda line: times.day_of(line.one.change.last.occurred_at, asked.zone)
    ):
        yield day, list(on_day)
