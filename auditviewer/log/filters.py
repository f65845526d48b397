"""Which changes to show, as a URL says it: period, text, person, and so on.

Knows no SQL; the pages read it from a query string, and `stands` turns it into conditions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from auditviewer.change.records import Tables
from auditviewer.times import day_of, short_day, start_of, zone_names

PRESETS = {"today": 1, "7": 7, "30": 30}
"""Periods by the number of days in them, the last of which is today."""
DATES = "dates"
KINDS = ("created", "updated", "deleted")
"""Types of change, of the entity as a whole."""
SYSTEM = "system"
TRANSACTION = re.compile(r"\d{1,19}", re.ASCII)
QUOTE = "="


@dataclass(frozen=True)
class Filter:
    """What was asked for; empty means everything. *by* is a person as the URL has it.

    *save* is the number of a transaction. *entity_id* is no filter of the list, but what the
    history of one entity is about.
    """

    zone: ZoneInfo
    default_zone: ZoneInfo
    period: str = ""
    first: date | None = None
    last: date | None = None
    text: str = ""
    by: str = ""
    kind: str = ""
    module: str = ""
    entity: str = ""
    save: str = ""
    entity_id: str | None = None

    @property
    def actor(self) -> str | None:
        """The person asked for, None for the product itself. Means nothing while *by* is empty."""
        return None if self.by == SYSTEM else self.by.removeprefix(QUOTE)

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return not (
            self.period or self.text or self.by or self.kind or self.is_somewhere or self.save
        )

    @property
    def is_somewhere(self) -> bool:
        """Whether it is about a module or a kind of entity."""
        return bool(self.module or self.entity)

    def arguments(self) -> dict[str, Any]:
        """Return the query string: nothing in it that goes without saying."""
        given = {
            "period": self.period,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "q": self.text,
            "by": self.by,
            "type": self.kind,
            "module": self.module,
            "entity": self.entity,
            "save": self.save,
        }
        return {name: value for name, value in given.items() if value} | self.zone_argument

    @property
    def zone_argument(self) -> dict[str, Any]:
        """Return the part of the query string that is about the zone."""
        return {} if self.zone == self.default_zone else {"zone": self.zone.key}

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return the first moment of the period and the first after it, where it has them."""
        if self.period in PRESETS:
            days = timedelta(days=PRESETS[self.period] - 1)
            return start_of(day_of(now, self.zone) - days, self.zone), None
        after = self.last + timedelta(days=1) if self.last and self.last < date.max else None
        return (
            start_of(self.first, self.zone) if self.first else None,
            start_of(after, self.zone) if after else None,
        )

    def without(self, name: str) -> "Filter":
        """Return the filter with one of its fields taken away."""
        if name == "period":
            return replace(self, period="", first=None, last=None)
        emptied: dict[str, Any] = {name: ""}
        return replace(self, **emptied)

    def period_in_words(self, today: date) -> str:
        """Return "Last 7 days" or "3 Nov – 9 Nov"."""
        if self.period in PRESETS:
            return "Today" if self.period == "today" else f"Last {self.period} days"
        if self.first and self.last:
            days = dict.fromkeys(short_day(day, today) for day in (self.first, self.last))
            return " – ".join(days)
        if self.first:
            return f"Since {short_day(self.first, today)}"
        return f"Until {short_day(self.last, today)}" if self.last else ""


def read_filter(arguments: Mapping[str, str], default_zone: ZoneInfo) -> Filter:
    """Read a query string; what makes no sense in it is left out."""
    period, first, last = _read_period(arguments)
    zone, by, kind = (_text(arguments, name) for name in ("zone", "by", "type"))
    save = arguments.get("save", "")
    return Filter(
        zone=ZoneInfo(zone) if zone in zone_names() else default_zone,
        default_zone=default_zone,
        period=period,
        first=first,
        last=last,
        text=" ".join(_text(arguments, "q").split()),
        by="" if by == QUOTE else by,
        kind=kind if kind in KINDS else "",
        module=_text(arguments, "module"),
        entity=_text(arguments, "entity"),
        save=save if TRANSACTION.fullmatch(save) else "",
    )


def _read_period(arguments: Mapping[str, str]) -> tuple[str, date | None, date | None]:
    period = arguments.get("period", DATES)
    if period != DATES:
        return (period if period in PRESETS else ""), None, None
    first, last = _read_day(arguments.get("from", "")), _read_day(arguments.get("to", ""))
    if first and last and first > last:
        first, last = last, first
    return (DATES if first or last else ""), first, last


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The years at either end have days without a moment in UTC.
    return day if 1 < day.year < 9999 else None


def _text(arguments: Mapping[str, str], name: str) -> str:
    # PostgreSQL's text holds no NUL, so nothing can match it.
    return arguments.get(name, "").replace("\0", "\N{REPLACEMENT CHARACTER}")


def person_in_url(actor: str | None) -> str:
    """Return how a URL names a person; None is the product itself."""
    if actor is None:
        return SYSTEM
    return QUOTE + actor if actor == SYSTEM or actor.startswith(QUOTE) else actor


def of_scope(tables: Tables, asked: Filter) -> Tables:
    """Return the tables that a module and an entity leave."""
    return {
        name: table
        for name, table in tables.items()
        if asked.module in ("", table.module) and asked.entity in ("", table.entity)
    }
