"""The page of one change, some hundred entries at a time.

Knows requests and templates; the blueprint and its gate are in `pages`.
"""

from flask import abort, render_template, request, url_for

from auditviewer.change.english import count
from auditviewer.change.performers import ON_BEHALF_OF, performers, principal
from auditviewer.change.records import Entry, Json, Tables
from auditviewer.listing import FORMER, MOST_ENTRIES, links_of, show_changes
from auditviewer.log.database import Reading
from auditviewer.log.entries import count_entries, find_anchor
from auditviewer.log.filters import Filter, read_filter
from auditviewer.log.known import read_tables
from auditviewer.log.stands import LARGEST_ID, Stand
from auditviewer.seals import sealed
from auditviewer.shown import Shown, context_in_words
from auditviewer.site import Site
from auditviewer.times import Clock

MOST_LINES = 1000
MOST_COUNTED = 100_000


def change(site: Site, transaction: int, entry: int) -> str:
    """Return the page of the change that an entry belongs to; of many parts, those *after* one."""
    asked = read_filter(request.args, site.settings.time_zone)
    is_former = request.args.get("of") == FORMER
    with site.database.reading() as reading:
        since = site.since(reading)
        anchor = find_anchor(reading, transaction, entry, since, is_former=is_former)
        tables = read_tables(reading)
        one = _show(site, reading, anchor, tables, asked) if anchor else None
        if anchor is None or one is None:
            abort(
                404,
                "The log has no such change, or no longer: it goes back "
                f"{site.settings.retention.days} days.",
            )
        others = _others(site, reading, anchor, tables, asked) if one.change.is_partial else None
        number = _number(reading, anchor, one)
        seal = sealed(reading, one.change.last, Clock(asked.zone, reading.now))
    last, shown = one.change.last, others or one
    address = {"transaction": transaction, "entry": entry} | asked.zone_argument
    address |= {"of": FORMER} if is_former else {}
    return render_template(
        "audit/change.html",
        asked=asked,
        now=reading.now,
        one=one,
        shown=shown,
        performer=performers(tables),
        links=links_of(last, tables, asked),
        sealed=seal,
        context=context_in_words(_left_to_say(last), asked.zone),
        entries_in_words=number,
        most_entries=MOST_ENTRIES,
        first_url=others and url_for(".change", **address),
        more_url=shown.change.is_partial and url_for(".change", **address, after=shown.change.more),
    )


def _left_to_say(entry: Entry) -> dict[str, Json]:
    """Return what the application said that stands nowhere else on the page."""
    told = {"reason"} if isinstance(entry.context.get("reason"), str) else set()
    told |= {ON_BEHALF_OF} if principal(entry) else set()
    return {key: value for key, value in entry.context.items() if key not in told}


def _show(
    site: Site,
    reading: Reading,
    anchor: Stand,
    tables: Tables,
    asked: Filter,
    after: int | None = None,
) -> Shown | None:
    [one] = show_changes(site, reading, [anchor], tables, asked, MOST_LINES, after)
    return one


def _others(
    site: Site, reading: Reading, anchor: Stand, tables: Tables, asked: Filter
) -> Shown | None:
    """Return what is behind the entry that the address names; None for the beginning."""
    after = request.args.get("after", type=int)
    if after is None or not 0 <= after <= LARGEST_ID:
        return None
    return _show(site, reading, anchor, tables, asked, after)


def _number(reading: Reading, anchor: Stand, one: Shown) -> str:
    """Return "3 entries", or "at least 5,001 entries" where not all were read."""
    if not one.change.is_partial:
        return count(one.change.entries, "entry")
    number = max(count_entries(reading, anchor, MOST_COUNTED), one.change.entries)
    return f"at least {count(number, 'entry')}"
