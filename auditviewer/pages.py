"""The list of changes, and the blueprint of all pages of the log.

Knows requests and templates. Nobody but an admin gets through the gate that stands before every
route of this blueprint.
"""

from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from auditviewer import times
from auditviewer.change.english import count, plural
from auditviewer.change.performers import performers
from auditviewer.change.records import Tables
from auditviewer.change.verbatim import reveal
from auditviewer.choices import (
    chips,
    offer_entities,
    offer_modules,
    offer_periods,
    offer_persons,
)
from auditviewer.coverage import coverage, find_faults
from auditviewer.history import history
from auditviewer.listing import history_in_words, list_changes
from auditviewer.log.coverage import read_upkeep
from auditviewer.log.database import Reading
from auditviewer.log.filters import KINDS, Filter, of_scope, read_filter
from auditviewer.log.known import find_persons, read_tables
from auditviewer.log.past import has_entries
from auditviewer.one_change import change
from auditviewer.problems import register_problems
from auditviewer.seals import find_seal_faults, seals
from auditviewer.shown import is_address
from auditviewer.site import Site, bind, secure

PUBLIC = frozenset({"static"})
"""Routes without a gate: the stylesheet, which the sign-in page needs too."""


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
        bind(change, site),
    )
    audit.add_url_rule("/history/<entity>/<key>", "history", bind(history, site))
    audit.add_url_rule("/coverage", "coverage", bind(coverage, site))
    audit.add_url_rule("/seals", "seals", bind(seals, site))
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
        "count": count,
        "is_address": is_address,
        "history_in_words": history_in_words,
        "plural": plural,
        "reveal": reveal,
        "times": times,
    }


def _changes(site: Site) -> str | AnyResponse:
    asked = read_filter(request.args, site.settings.time_zone)
    before = request.args.get("before", "")
    arguments = asked.arguments() | ({"before": before} if before else {})
    if not _is_same(arguments):
        return redirect(url_for(".changes", **arguments))
    with site.database.reading() as reading:
        since = site.since(reading)
        tables = read_tables(reading)
        persons = find_persons(reading, since)
        listing = list_changes(site, reading, asked, tables)
        is_recorded = bool(listing.count) or has_entries(reading, asked, tables, since)
        faults = _faults(site, reading, asked, tables)
    today = times.day_of(reading.now, asked.zone)
    mine = asked.arguments()
    return render_template(
        "audit/changes.html",
        asked=asked,
        now=reading.now,
        today=today,
        oldest=times.day_of(since, asked.zone),
        listing=listing,
        performer=performers(tables),
        faults=faults,
        coverage_url=url_for(".coverage", **asked.zone_argument),
        seals_url=url_for(".seals", **asked.zone_argument),
        is_recorded=is_recorded,
        chips=list(chips(asked, persons, today)),
        periods=offer_periods(site.settings.retention.days),
        persons=offer_persons(persons, asked),
        modules=offer_modules(tables, asked),
        entities=offer_entities(tables, asked),
        kinds=(("", "Any"), *((kind, kind.capitalize()) for kind in KINDS)),
        tracked_in_words=_tracked_in_words(tables, today, asked),
        **_scope(tables, today, asked),
        clear_url=url_for(".changes", **asked.zone_argument),
        newest_url=url_for(".changes", **mine),
        older_url=listing.older and url_for(".changes", **mine, before=listing.older),
    )


def _faults(site: Site, reading: Reading, asked: Filter, tables: Tables) -> dict[str, list[str]]:
    """Return what is wrong with the log, by the page that says more about it."""
    clock = times.Clock(asked.zone, reading.now)
    upkeep = find_faults(read_upkeep(reading), tables, clock, site.settings.retention)
    return {"coverage": list(upkeep), "seals": list(find_seal_faults(reading, clock))}


def _is_same(arguments: dict[str, str]) -> bool:
    return arguments == request.args.to_dict() and len(arguments) == len(request.args)


def _scope(tables: Tables, today: date, asked: Filter) -> dict[str, object]:
    """Return "Workflow in Workflows", the module alone or nothing; and what is tracked of it."""
    in_scope = of_scope(tables, asked)
    return {
        "scope": " in ".join(filter(None, (asked.entity, asked.module))),
        "is_tracked": bool(in_scope),
        "scope_in_words": _tracked_in_words(in_scope, today, asked),
    }


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


STYLESHEET = sha256((Path(__file__).parent / "static" / "audit.css").read_bytes()).hexdigest()[:12]
"""Changes with the stylesheet, which browsers may then keep for good."""
