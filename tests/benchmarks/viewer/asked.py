"""The pages that are measured, and how fast each should be."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg

from auditviewer.log.stands import Cursor
from tests.benchmarks.viewer.company import COMMON, EVERYWHERE, KINDS, RARE
from tests.benchmarks.viewer.fill import (
    BULK_AGE,
    BULK_PERSON,
    FORMER_PERSON,
    IMPORT_PERSON,
    Day,
)

GOAL, TEXT_GOAL = 100.0, 300.0
"""Milliseconds that 95 of 100 requests keep below."""
MOST_GROWTH = 1.5
"""How often the time of the same page over 10,000 entries a page may take."""

FREQUENT, RARE_KIND = KINDS[0], KINDS[-1]
TO_PAGE_200 = 40_000
"""Entries before page 200: a page of 50 changes has some 200."""


@dataclass(frozen=True)
class Asked:
    """One page; *grows* where it is compared with a log of 10,000 entries."""

    name: str
    path: str
    goal: float = GOAL
    grows: bool = True


def asked_pages(superuser: psycopg.Connection[Any], days: list[Day]) -> list[Asked]:
    """Return the pages to measure over one database."""
    bulk = next(each.day for each in days if each.age == BULK_AGE)
    quiet = {"period": "dates", "from": f"{bulk + timedelta(days=3)}"}
    quiet["to"] = quiet["from"]
    every = {"period": "30", "by": "3", "module": FREQUENT[0]}
    return [
        Asked("newest page", "/"),
        _list("period: today", period="today"),
        _list("period: last 30 days", period="30"),
        _list("period: one day of long ago", GOAL, **quiet),
        _list("person: busy", by="1"),
        _list("person: System", by="system"),
        _list("person: left 80 days ago", by=FORMER_PERSON),
        _list("person: did nothing", by="nobody"),
        _list("module: frequent", module=FREQUENT[0]),
        _list("module: rare", module=RARE_KIND[0]),
        _list("module: nothing in it", module="No such module"),
        _list("type: created", type="created"),
        _list("type: deleted", type="deleted"),
        _list("type: updated", type="updated"),
        _list("entity: frequent", entity=FREQUENT[1]),
        _list("entity: rare", entity=RARE_KIND[1]),
        _list("entity: none of it", entity="No such entity"),
        _list("all together", GOAL, **every),
        _list("all together and type", GOAL, type="updated", **every),
        _list("text: one entry has it", TEXT_GOAL, q=RARE),
        _list("text: 1 in 200 has it", TEXT_GOAL, q=COMMON),
        _list("text: every entry has it", TEXT_GOAL, q=EVERYWHERE),
        _list("text: none has it", TEXT_GOAL, q="zzzunheard"),
        _list("text: two words, begun", TEXT_GOAL, q="nurture onboard"),
        _list("text: and everything else", TEXT_GOAL, q=COMMON, **every),
        Asked("history: busy entity", f"/history/{FREQUENT[1]}/1"),
        Asked("history: quiet entity", f"/history/{FREQUENT[1]}/{_quiet_entity(superuser)}"),
        *_deep(superuser),
        *_of_extremes(superuser),
    ]


def _list(name: str, goal: float = GOAL, /, **arguments: str) -> Asked:
    return Asked(name, f"/?{urlencode(arguments)}", goal)


def _quiet_entity(superuser: psycopg.Connection[Any]) -> str:
    """Return the key of one that was changed long ago, and seldom."""
    [(key,)] = superuser.execute(
        "SELECT e.entity_id FROM audit.entry AS e WHERE e.entity = %s AND e.entity_id::int > 20000"
        " ORDER BY e.occurred_at LIMIT 1",
        [FREQUENT[1]],
    ).fetchall()
    return str(key)


def _deep(superuser: psycopg.Connection[Any]) -> list[Asked]:
    """Return pages by their cursors, computed instead of followed."""
    [(total,)] = superuser.execute("SELECT count(*) FROM audit.entry").fetchall()
    found = []
    depths = (("page 200", min(TO_PAGE_200, total // 2)), ("the last pages", total - total // 100))
    for name, depth in depths:
        [(moment, number, snapshot)] = superuser.execute(
            "SELECT e.occurred_at, e.id, pg_current_snapshot()::text FROM audit.entry AS e"
            " ORDER BY e.occurred_at DESC, e.id DESC OFFSET %s LIMIT 1",
            [depth],
        ).fetchall()
        found.append(_list(name, before=str(Cursor(moment, number, snapshot))))
    return found


def _of_extremes(superuser: psycopg.Connection[Any]) -> list[Asked]:
    query = (
        "SELECT e.transaction_id::text, e.id FROM audit.entry AS e WHERE e.actor = %s"
        " ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1"
    )
    found = [
        Asked(f"change: {name}", f"/changes/{row[0]}/{row[1]}")
        for name, actor in (("one of many", "1"), ("with 5,000 parts", IMPORT_PERSON))
        if (row := superuser.execute(query.encode(), [actor]).fetchone())
    ]
    if len(found) > 1:
        found.append(_list("list: 5,000 workflows at once", by=BULK_PERSON))
        found.append(_list("list: the change with 5,000 parts", by=IMPORT_PERSON))
    return found
