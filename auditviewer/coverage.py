"""The page that says what the log covers, and what is wrong with its upkeep, for the list to say.

Knows requests, templates and words; what is read for it, `log.coverage` knows.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from flask import render_template, request, url_for

from auditviewer.change.english import count
from auditviewer.change.quantities import number_in_short, number_in_words, size_in_words
from auditviewer.change.records import Table, TableName, Tables
from auditviewer.growth import Amount, Day, Growth, sum_up
from auditviewer.log.coverage import (
    Upkeep,
    find_oldest,
    midnight,
    read_drops,
    read_log,
    read_periods,
    read_upkeep,
)
from auditviewer.log.filters import read_filter
from auditviewer.log.known import read_tables
from auditviewer.site import Site
from auditviewer.times import Clock

LOG = ("audit", "entry")
"""The log has words for what becomes of itself, since it was installed."""
LEAST_AHEAD = 14
"""Days, as `pgwitness check` wants them."""
LONGEST_WITHOUT = timedelta(days=1)
"""Between two good runs of maintenance, and of a day that is past the retention."""
MOST_TABLES = 15
"""That growth is told of one by one."""


def coverage(site: Site) -> str:
    """Return the page that says what is recorded, since when and for how long."""
    asked = read_filter(request.args, site.settings.time_zone)
    with site.database.reading() as reading:
        tables, upkeep = read_tables(reading), read_upkeep(reading)
        growth, periods = sum_up(read_log(reading)), read_periods(reading)
        oldest, drops = find_oldest(reading), read_drops(reading)
    clock = Clock(asked.zone, reading.now)
    kept = upkeep.retention_days or site.settings.retention.days
    return render_template(
        "audit/coverage.html",
        asked=asked,
        now=reading.now,
        clock=clock,
        faults=list(find_faults(upkeep, tables, clock, site.settings.retention)),
        facts=_facts(upkeep, growth.days, oldest, kept, clock),
        modules=_by_module(tables),
        periods=periods,
        growth=growth,
        kept=kept,
        by_table=list(_by_table(growth, tables)),
        drops=drops,
        seals_url=url_for(".seals", **asked.zone_argument),
        drops_url=url_for(".changes", module="Audit log", **asked.zone_argument),
        number=number_in_short,
        counted=_counted if growth.is_exact else number_in_short,
        size=size_in_words,
    )


def find_faults(
    upkeep: Upkeep, tables: Tables, clock: Clock, retention: timedelta
) -> Iterator[str]:
    """Yield what is wrong with the upkeep of the log; nothing, where it is in order."""
    now, itself = clock.now, tables.get(LOG)
    installed = itself.tracked_at if itself else None
    if now - (upkeep.ran_at or installed or now) > LONGEST_WITHOUT:
        since = f"since {clock.moment(upkeep.ran_at)}" if upkeep.ran_at else "yet"
        yield f"Maintenance has not run well {since}."
    kept = timedelta(days=upkeep.retention_days) if upkeep.retention_days else retention
    oldest, until = upkeep.oldest_day, upkeep.oldest_until
    if oldest and until and midnight(until) <= now - kept - LONGEST_WITHOUT:
        yield f"{clock.day(oldest)} is still in the log, which keeps {kept.days} days."
    ahead = upkeep.days_ahead(now)
    if ahead < LEAST_AHEAD:
        only = f"Only {count(ahead, 'day')}" if ahead else "No day"
        yield f"{only} ahead {'are' if ahead > 1 else 'is'} prepared."


def _tracked(tables: Tables) -> list[Table]:
    """Return the application's tables."""
    return [table for name, table in tables.items() if name != LOG]


def _facts(
    upkeep: Upkeep, days: Sequence[Day], oldest: datetime | None, kept: int, clock: Clock
) -> dict[str, str]:
    """Return what there is to say in a few words each."""
    ahead = upkeep.days_ahead(clock.now)
    until = upkeep.prepared_until
    last = until - timedelta(days=1) if until and ahead else None
    return {
        "Oldest entry": clock.moment(oldest) if oldest else "There is none yet",
        "Kept for": count(kept, "day"),
        "Prepared ahead": count(ahead, "day") + (f", until {clock.day(last)}" if last else ""),
        "Maintenance": f"Ran well on {clock.moment(upkeep.ran_at)}" if upkeep.ran_at else "Not yet",
        "Text search": _indexed(days, clock),
    }


def _indexed(days: Sequence[Day], clock: Clock) -> str:
    """Return "Indexed until 24 Nov, but for 2 days": the others are searched entry by entry."""
    indexed = [day for day in days if day.is_indexed]
    if not indexed:
        return "Not indexed yet"
    last = indexed[-1]
    left_out = sum(not day.is_indexed for day in days[days.index(indexed[0]) : days.index(last)])
    until = f"Indexed until {clock.day(last.day)}"
    return f"{until}, but for {count(left_out, 'day')}" if left_out else until


def _by_module(tables: Tables) -> list[tuple[str, list[Table]]]:
    modules: dict[str, list[Table]] = {}
    for table in sorted(_tracked(tables), key=lambda t: (t.module, t.entity, t.part or "")):
        modules.setdefault(table.module, []).append(table)
    return list(modules.items())


def _by_table(growth: Growth, tables: Tables) -> Iterator[tuple[str, Amount]]:
    """Yield how much of each table comes a day, and of those with the least together."""
    first, others = growth.a_day_by_table[:MOST_TABLES], growth.a_day_by_table[MOST_TABLES:]
    for name, amount in first:
        yield _in_words(name, tables), amount
    if others:
        entries = sum(amount.entries for _, amount in others)
        yield (
            count(len(others), "other table"),
            Amount(entries, sum(amount.bytes for _, amount in others)),
        )


def _in_words(name: TableName, tables: Tables) -> str:
    table = tables.get(name)
    if table is None:
        return ".".join(name)
    return f"{table.entity} · {table.part}" if table.part else table.entity


def _counted(number: float) -> str:
    return number_in_words(round(number))
