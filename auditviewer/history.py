"""The pages of one entity: its changes, what it was at a moment, and two moments compared.

Knows requests and templates; the blueprint and its gate are in `pages`.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auditviewer import times
from auditviewer.addresses import from_path, moment_in_field, moment_in_url, read_moment
from auditviewer.change.changes import Change, fold
from auditviewer.change.english import lowered, plural
from auditviewer.change.performers import performers
from auditviewer.change.records import Entry, Tables
from auditviewer.listing import about, links_of, list_changes
from auditviewer.log.database import Reading
from auditviewer.log.entries import read_entries
from auditviewer.log.fates import Fate, find_fates
from auditviewer.log.filters import Filter, read_filter
from auditviewer.log.former import with_former_names
from auditviewer.log.known import read_tables
from auditviewer.log.past import MOST_ENTRIES, read_past
from auditviewer.log.stands import MARGIN, find_stands, span_of
from auditviewer.moments import find_moment, lay_out_state
from auditviewer.one_change import MOST_LINES
from auditviewer.shown import Shown, show
from auditviewer.site import Site

JUST_AFTER = timedelta(microseconds=1)


def history(site: Site, entity: str, key: str) -> ResponseReturnValue:
    """Answer for one entity: with its changes, or as `at`, or `from` and `to`, ask for."""
    asked = _read_subject(site, entity, key)
    moments = {name: _read_moment(name, asked) for name in ("at", "from", "to")}
    with site.database.reading() as reading:
        tables = read_tables(reading)
        if moments["at"]:
            return _show_moment(site, reading, asked, tables, min(moments["at"], reading.now))
        if moments["from"] or moments["to"]:
            between = moments["from"] or site.since(reading), moments["to"] or reading.now
            first, last = sorted(min(moment, reading.now) for moment in between)
            return _compare(site, reading, asked, tables, first, last)
        return _list(site, reading, asked, tables)


def _read_subject(site: Site, entity: str, key: str) -> Filter:
    known = {name: request.args[name] for name in ("zone", "module") if name in request.args}
    asked = read_filter(known, site.settings.time_zone)
    try:
        return replace(asked, entity=from_path(entity), entity_id=from_path(key))
    except ValueError:
        abort(404)


def _read_moment(name: str, asked: Filter) -> datetime | None:
    text = request.args.get(name, "")
    try:
        return read_moment(text, asked.zone) if text else None
    except ValueError:
        abort(400, f"“{name}=” in this address is no moment, such as 2026-11-20T09:00.")


def _list(site: Site, reading: Reading, asked: Filter, tables: Tables) -> str:
    listing = list_changes(site, reading, asked, tables)
    if not listing.count:
        _refuse(site, asked)
    newest = listing.days[0][1][0].one
    return render_template(
        "audit/history.html",
        **_frame(reading, asked, newest, tables) | {"is_named_now": True},
        listing=listing,
        older_url=listing.older and _address(asked, tables, before=str(listing.older)),
    )


def _refuse(site: Site, asked: Filter) -> NoReturn:
    abort(
        404,
        f"The log has no change of a {asked.entity} with this key, or no longer: it goes back "
        f"{site.settings.retention.days} days.",
    )


def _address(asked: Filter, tables: Tables, **more: str) -> str:
    of: dict[str, Any] = about(asked.module, asked.entity, asked.entity_id or "", tables)
    return url_for(".history", **of | asked.zone_argument | more)


def _frame(reading: Reading, asked: Filter, one: Shown, tables: Tables) -> dict[str, object]:
    """Return what the three pages have in common; *one* names the entity."""
    return {
        "asked": asked,
        "performer": performers(tables),
        "now": reading.now,
        "today": times.day_of(reading.now, asked.zone),
        "one": one,
        "history_url": _address(asked, tables),
        "history_path": _address(asked, tables).partition("?")[0],
        "kept_arguments": asked.zone_argument | ({"module": asked.module} if asked.module else {}),
        "is_named_now": False,
        "at": "",
        "first": "",
        "second": moment_in_field(reading.now, asked.zone),
    }


def _show_moment(site: Site, reading: Reading, asked: Filter, tables: Tables, at: datetime) -> str:
    since, until = site.since(reading), at + JUST_AFTER
    before = read_past(reading, asked, (since, until), tables, newest=True)
    after = read_past(reading, asked, (max(since, until), reading.now + MARGIN), tables)
    every = (*before.entries, *after.entries)
    if not any(entry.entity_id is not None for entry in every):
        _refuse(site, asked)
    moment = find_moment(before, after, tables, asked.zone)
    one = _show(site, reading, moment.state or fold(every, tables, asked.zone), tables)
    field = moment_in_field(at, asked.zone)
    return render_template(
        "audit/moment.html",
        **_frame(reading, asked, one, tables) | {"at": field, "first": field},
        moment=moment,
        moment_at=at,
        since=since,
        sections=lay_out_state(moment.state, MOST_LINES) if moment.state else (),
        parts_of_it=" and ".join(_parts(asked, tables)),
        tracked_at=_tracked_at(asked, tables),
        most=MOST_ENTRIES,
        last_url=moment.last and links_of(moment.last, tables, asked).page,
        next_url=moment.next and links_of(moment.next, tables, asked).page,
    )


def _compare(
    site: Site, reading: Reading, asked: Filter, tables: Tables, first: datetime, last: datetime
) -> str:
    since = site.since(reading)
    span = max(since, first + JUST_AFTER), last + JUST_AFTER
    past = read_past(reading, asked, span, tables)
    [entries] = with_former_names(reading, [past.entries], tables, since)
    named = [entry for entry in entries if entry.entity_id is not None]
    if named:
        change = fold(entries, tables, asked.zone, more=0 if past.is_cut else None)
    else:
        change = fold([_any_entry(site, reading, asked, tables)], tables, asked.zone)
    return render_template(
        "audit/compare.html",
        **_frame(reading, asked, _show(site, reading, change, tables), tables)
        | {
            "first": moment_in_field(first, asked.zone),
            "second": moment_in_field(last, asked.zone),
        },
        differs=bool(named),
        first_at=first,
        last_at=last,
        since=since,
        first_url=_address(asked, tables, at=moment_in_url(first, asked.zone)),
        last_url=_address(asked, tables, at=moment_in_url(last, asked.zone)),
        saves=len({(entry.transaction_id, entry.actor) for entry in named}),
        actors=sorted({str(performer) for performer in map(performers(tables), named)}),
        most=MOST_ENTRIES,
    )


def _any_entry(site: Site, reading: Reading, asked: Filter, tables: Tables) -> Entry:
    """Return the newest entry of the entity, which says what it is called."""
    stands = find_stands(reading, asked, span_of(reading, asked, site.since(reading)), 1)
    if not stands:
        _refuse(site, asked)
    [newest] = read_entries(reading, stands, tables, 1)
    return newest.entries[0]


def _show(site: Site, reading: Reading, change: Change, tables: Tables) -> Shown:
    last = change.last
    entity = last.module, last.entity, last.entity_id
    fate = find_fates(reading, {entity: last.transaction_at}).get(entity, Fate())
    return show(change, fate, tables, site.settings.product_url, MOST_LINES)


def _parts(asked: Filter, tables: Tables) -> list[str]:
    """Return "conditions" and "actions": what the entity is made of beside its own row."""
    return sorted(
        {
            lowered(plural(table.part))
            for table in tables.values()
            if table.entity == asked.entity and table.part
        }
    )


def _tracked_at(asked: Filter, tables: Tables) -> datetime | None:
    """Return since when all that belongs to the entity is recorded."""
    since = [
        table.tracked_at
        for table in tables.values()
        if table.entity == asked.entity and table.tracked_at
    ]
    return max(since, default=None)
