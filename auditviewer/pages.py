"""The pages of the log: the list of changes, and one change by itself.

Knows requests and templates. Nobody but an admin gets through the gate that stands before every
route of this blueprint.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from auditviewer import times
from auditviewer.changes import fold
from auditviewer.choices import chips, offer_modules, offer_periods, offer_persons
from auditviewer.database import Reading
from auditviewer.entries import find_anchor, read_entries, read_fates
from auditviewer.filters import Filter, read_filter
from auditviewer.known import find_persons, read_tables
from auditviewer.log import PAGE, Cursor, Stand, find_stands, has_newer, read_cursor
from auditviewer.problems import register_problems
from auditviewer.records import Tables
from auditviewer.sentences import count
from auditviewer.shown import Shown, context_in_words, is_address, show
from auditviewer.site import Site, bind, secure

PUBLIC = frozenset({"static"})
"""Routes without a gate: the stylesheet, which the sign-in page needs too."""


@dataclass(frozen=True)
class Most:
    """How much of one change is read, and how many lines of a section are shown."""

    entries: int
    lines: int


IN_LIST, BY_ITSELF = Most(200, 40), Most(5000, 1000)


def build_blueprint(site: Site) -> Blueprint:
    """Return the pages of the log, to be registered at any path of a Flask app."""
    audit = Blueprint(
        "audit",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )
    audit.before_request(partial(_gate, site))
    audit.after_request(secure)
    audit.context_processor(partial(page_context, site, "."))
    audit.record(lambda state: state.app.extensions.setdefault("audit", site.database))
    audit.add_url_rule("/", "changes", bind(_changes, site))
    audit.add_url_rule(
        "/changes/<int(max=9223372036854775807):transaction>/<int(max=9223372036854775807):entry>",
        "change",
        bind(_change, site),
    )
    register_problems(audit)
    return audit


def _gate(site: Site) -> AnyResponse | None:
    if request.endpoint and request.endpoint.rpartition(".")[2] in PUBLIC:
        return None
    viewer = site.identify()
    if viewer is None:
        if site.sign_in_url is None:
            abort(401)
        query = f"?{request.query_string.decode(errors='replace')}" if request.query_string else ""
        return redirect(site.sign_in_url(request.script_root + request.path + query))
    if not site.admits(viewer):
        abort(403)
    return None


def page_context(site: Site, prefix: str = "audit.") -> dict[str, object]:
    """Return what every template needs; *prefix* is that of the endpoints of this blueprint."""
    return {
        "viewer": site.identify(),
        "settings": site.settings,
        "home_url": url_for(prefix + "changes"),
        "sign_out_url": site.sign_out_url and site.sign_out_url(),
        "icon_url": url_for(prefix + "static", filename="icon.svg"),
        "stylesheet_url": url_for(prefix + "static", filename="audit.css", v=STYLESHEET),
        "is_address": is_address,
        "times": times,
    }


def _changes(site: Site) -> str | AnyResponse:
    asked = read_filter(request.args, site.settings.time_zone)
    before = request.args.get("before", "")
    arguments = asked.arguments() | ({"before": before} if before else {})
    if not _is_same(arguments):
        return redirect(url_for(".changes", **arguments))
    cursor = _read_cursor(before)
    with site.database.reading() as reading:
        since = reading.now - site.settings.retention
        tables = read_tables(reading)
        persons = find_persons(reading, since)
        stands = find_stands(reading, asked, since, cursor)
        shown = _show(site, reading, stands[:PAGE], tables, asked, IN_LIST)
        is_behind = cursor is not None and has_newer(reading, asked, cursor)
    today = times.day_of(reading.now, asked.zone)
    older = _older(stands, cursor or Cursor(reading.now, 0, reading.snapshot))
    mine = asked.arguments()
    return render_template(
        "audit/changes.html",
        asked=asked,
        now=reading.now,
        today=today,
        oldest=times.day_of(since, asked.zone),
        days=list(_by_day(shown, asked)),
        shown_count=len(shown),
        oldest_shown=stands[min(len(stands), PAGE) - 1].occurred_at if stands else None,
        chips=list(chips(asked, persons, today)),
        periods=offer_periods(site.settings.retention.days),
        persons=offer_persons(persons, asked),
        modules=offer_modules(tables, asked),
        tracked_in_words=_tracked_in_words(tables, today, asked),
        clear_url=url_for(".changes", **asked.zone_argument),
        newest_url=url_for(".changes", **mine),
        older_url=older and url_for(".changes", **mine, before=older),
        zone_argument=asked.zone_argument,
        is_first=cursor is None,
        is_behind=is_behind,
    )


def _is_same(arguments: dict[str, str]) -> bool:
    return arguments == request.args.to_dict() and len(arguments) == len(request.args)


def _read_cursor(text: str) -> Cursor | None:
    if not text:
        return None
    try:
        return read_cursor(text)
    except ValueError:
        abort(400, "The end of this address, after “before=”, is not whole.")


def _older(stands: Sequence[Stand], first: Cursor) -> Cursor | None:
    if len(stands) <= PAGE:
        return None
    last = stands[PAGE - 1]
    return Cursor(last.occurred_at, last.id, first.snapshot)


def _show(
    site: Site,
    reading: Reading,
    stands: Sequence[Stand],
    tables: Tables,
    asked: Filter,
    most: Most,
) -> list[Shown]:
    entries = read_entries(reading, stands, tables, most.entries + 1)
    fates = read_fates(reading, stands)
    return [
        show(
            fold(each, tables, asked.zone, is_partial=len(each) > most.entries),
            fate,
            tables,
            site.settings.product_url,
            most.lines,
        )
        for each, fate in zip(entries, fates, strict=True)
        if each
    ]


def _by_day(shown: Sequence[Shown], asked: Filter) -> Iterator[tuple[object, list[Shown]]]:
    for day, changes in groupby(
        shown, key=lambda one: times.day_of(one.change.last.occurred_at, asked.zone)
    ):
        yield day, list(changes)


def _tracked_in_words(tables: Tables, today: date, asked: Filter) -> str:
    """Return "4 tables tracked since 17 Nov", or since when the first and the last are."""
    since = [
        table.tracked_at for table in tables.values() if table.tracked_at and not table.untracked_at
    ]
    if not since:
        return "No table is tracked"
    days = dict.fromkeys(
        times.short_day(times.day_of(moment, asked.zone), today)
        for moment in (min(since), max(since))
    )
    return f"{count(len(since), 'table')} tracked since {', the last since '.join(days)}"


def _change(site: Site, transaction: int, entry: int) -> str:
    asked = read_filter(request.args, site.settings.time_zone)
    with site.database.reading() as reading:
        since = reading.now - site.settings.retention
        anchor = find_anchor(reading, transaction, entry, since)
        if anchor is None:
            abort(
                404,
                "The log has no such change, or no longer: it goes back "
                f"{site.settings.retention.days} days.",
            )
        tables = read_tables(reading)
        [one] = _show(site, reading, [anchor], tables, asked, BY_ITSELF)
    change = one.change
    return render_template(
        "audit/change.html",
        asked=asked,
        now=reading.now,
        one=one,
        context=context_in_words(change.last.context, asked.zone),
        entry_count=f"over {BY_ITSELF.entries}" if change.is_partial else change.entries,
    )


STYLESHEET = sha256((Path(__file__).parent / "static" / "audit.css").read_bytes()).hexdigest()[:12]
"""Changes with the stylesheet, which browsers may then keep for good."""
