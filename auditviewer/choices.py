"""What the dialog of filters offers, and which filters are on.

Knows how a URL says a filter, not which changes it lets through.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for

from auditviewer.change.records import Tables
from auditviewer.change.verbatim import reveal
from auditviewer.log.filters import SYSTEM, Filter, person_in_url
from auditviewer.log.known import Person


@dataclass(frozen=True)
class Chip:
    """A filter that is on, and the address of the list without it."""

    name: str
    value: str
    without: str


def offer_periods(days: int) -> tuple[tuple[str, str], ...]:
    """Return the periods to choose from; *days* are those that the log keeps."""
    return (
        ("", f"All {days} days"),
        ("today", "Today"),
        ("7", "Last 7 days"),
        ("30", "Last 30 days"),
        ("dates", "Between dates"),
    )


def offer_persons(persons: Sequence[Person], asked: Filter) -> list[tuple[str, str]]:
    """Return whom to choose from, and who was asked for, who may have done nothing."""
    named = {person_in_url(person.actor): reveal(person.name) for person in persons}
    if asked.by and asked.actor is not None:
        named.setdefault(asked.by, reveal(asked.actor))
    return list(named.items())


def offer_modules(tables: Tables, asked: Filter) -> list[str]:
    """Return the modules to choose from, and the one that was asked for."""
    return sorted({table.module for table in tables.values()} | {asked.module} - {""})


def offer_entities(tables: Tables, asked: Filter) -> dict[str, list[str]]:
    """Return the kinds of entity by module; one of several modules stands under all their names."""
    modules: dict[str, set[str]] = {asked.entity: set()} if asked.entity else {}
    for table in tables.values():
        modules.setdefault(table.entity, set()).add(table.module)
    offered: dict[str, list[str]] = {}
    for entity, names in sorted(modules.items(), key=lambda each: (sorted(each[1]), each[0])):
        offered.setdefault(", ".join(sorted(names)) or "Not tracked", []).append(entity)
    return offered


def chips(asked: Filter, persons: Sequence[Person], today: date) -> Iterator[Chip]:
    """Yield the filters that are on."""
    names = {**dict(offer_persons(persons, asked)), SYSTEM: "System", "": ""}
    told = {
        "period": ("Period", asked.period_in_words(today)),
        "text": ("Text", asked.text),
        "by": ("By", names[asked.by]),
        "kind": ("Type", asked.kind.capitalize()),
        "module": ("Module", asked.module),
        "entity": ("Entity", asked.entity),
        "save": ("Save", asked.save and f"#{asked.save}"),
    }
    for name, (label, value) in told.items():
        if value:
            yield Chip(label, value, url_for(".changes", **asked.without(name).arguments()))
