"""Queries of the log: which changes stand where, newest first, and which came since.

Knows SQL and the indexes that it walks; what entries mean together is `changes`' business.
A change is named by its key: transaction, module, entity, id of the entity, actor. It stands
where its newest entry stands; a part that moves is an entry of two.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import sql

from auditviewer.log.conditions import conditions_of
from auditviewer.log.database import Reading
from auditviewer.log.filters import Filter
from auditviewer.log.seen import AND, entries_as_seen

PAGE = 50
FIRST_DAYS = timedelta(days=2)
FIRST_MINUTES = timedelta(minutes=10)
"""Where words are looked for: today has no index of them, and a common one is soon found."""
WIDENING = 4
MARGIN = timedelta(days=1)
"""How far apart two entries of one change may be, and how wrong the server's clock."""
LARGEST_ID = 2**63 - 1
MOST_LEFT_OUT = 8
"""Saves that a cursor can name. Of one that it forgets, another change stands in the list."""

# Other entries are looked up only for those that are next in the order: the planner moves no
# subquery into one that is ordered. An ORDER BY outside would have it sort whole days first; what
# could mix up the order inside, parallel workers, our connections do without.
STANDS = sql.SQL("""
SELECT e.id, e.occurred_at, e.transaction_id::text, e.transaction_at,
       e.module, e.entity, e.entity_id, e.actor, e.is_former
FROM ({seen}) AS e
WHERE {dear}
LIMIT %(limit)s""")

# Of one entry, what the entity sees that its row left stands below.
IS_BELOW = sql.SQL("""(e.occurred_at, e.id, NOT e.is_former)
      < (%(lowest_at)s, %(lowest_id)s, %(is_lowest_own)s)""")

Span = tuple[datetime, datetime]
Entity = tuple[str, str, str | None]
"""Module, entity and id; None: of no one in particular."""


@dataclass(frozen=True)
class Stand:
    """The key of a change, and its newest entry; *is_former*: a row left the entity by it."""

    id: int
    occurred_at: datetime
    transaction_id: str
    transaction_at: datetime
    module: str
    entity: str
    entity_id: str | None
    actor: str | None
    is_former: bool = False

    @property
    def of(self) -> Entity:
        """The entity that was changed."""
        return self.module, self.entity, self.entity_id


@dataclass(frozen=True)
class Cursor:
    """Where a page ended, and what could be seen when the first one was read.

    *left_out* are the transactions of saves that stand further up, folded into one row.
    """

    occurred_at: datetime
    id: int
    snapshot: str
    left_out: tuple[str, ...] = ()
    is_former: bool = False

    def __str__(self) -> str:
        moment = f"{self.occurred_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"
        left_out = ",".join(self.left_out[-MOST_LEFT_OUT:])
        place = f"{self.id}{FORMER if self.is_former else ''}"
        return "_".join(filter(None, (moment, place, self.snapshot, left_out)))


FORMER = "f"
"""Behind the id of an entry: the page ended with the entity that its row left."""
CURSOR = re.compile(
    r"(\d{8}T\d{6}\.\d{6})Z_(\d{1,19})(f?)_(\d{1,19}:\d{1,19}:(?:\d{1,19}(?:,\d{1,19})*)?)"
    r"(?:_(\d{1,19}(?:,\d{1,19})*))?",
    re.ASCII,
)


def read_cursor(text: str) -> Cursor:
    """Read a cursor of a URL; raises ValueError for one that is none."""
    match = CURSOR.fullmatch(text)
    if match is None:
        raise ValueError(text)
    moment = datetime.strptime(match[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    if moment.year == datetime.max.year or int(match[2]) > LARGEST_ID:
        raise ValueError(text)
    left_out = tuple(match[5].split(",")) if match[5] else ()
    return Cursor(moment, int(match[2]), match[4], left_out[:MOST_LEFT_OUT], match[3] == FORMER)


def span_of(reading: Reading, asked: Filter, since: datetime) -> Span:
    """Return from when until when there is something to show, none of it older than *since*."""
    first, after = asked.span(reading.now)
    high = after or datetime.max.replace(tzinfo=UTC)
    return max(since, first or since), min(high, reading.now + MARGIN)


NEWEST = """
SELECT e.occurred_at
FROM audit.entry AS e
WHERE e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
ORDER BY e.occurred_at DESC
LIMIT 1"""


def find_newest(reading: Reading, span: Span) -> datetime | None:
    """Return when the newest entry of a span was written."""
    row = reading.connection.execute(NEWEST, {"low": span[0], "high": span[1]}).fetchone()
    return row["occurred_at"] if row else None


def windows(span: Span, newest: timedelta, until: datetime | None = None) -> Iterator[Span]:
    """Yield the newest time of a span, then ever more: few partitions have to be planned.

    The first window is so long before *until*; without it, before the span ends, less the margin.
    """
    low, high = span
    start = max(low, (until or high - MARGIN) - newest)
    while high > low:
        yield start, high
        newest *= WIDENING
        high, start = start, max(low, start - newest)


def find_stands(
    reading: Reading,
    asked: Filter,
    span: Span,
    limit: int,
    cursor: Cursor | None = None,
    above: Stand | None = None,
    left_out: Sequence[str] = (),
) -> list[Stand]:
    """Return so many changes of a span, newest first, that stand below *above*, or the cursor.

    What was not visible in the cursor's snapshot stays out, so that no page repeats a change; so
    do the transactions *left_out*.
    """
    found = conditions_of(asked)
    lowest = above or cursor
    if lowest:
        found.add(
            "(e.occurred_at, e.id) <= (%(lowest_at)s, %(lowest_id)s)",
            lowest_at=lowest.occurred_at,
            lowest_id=lowest.id,
            is_lowest_own=not lowest.is_former,
        )
        found.dear.append(IS_BELOW)
    if cursor:
        found.add(
            "pg_visible_in_snapshot(e.transaction_id, %(snapshot)s::pg_snapshot)",
            snapshot=cursor.snapshot,
        )
    if left_out:
        found.add("e.transaction_id <> ALL (%(left_out)s::text[]::xid8[])", left_out=list(left_out))
    seen = entries_as_seen(found, ordered=True)
    query = STANDS.format(seen=seen, dear=AND.join(found.dear))
    values = found.values | times_of(span) | {"limit": limit}
    return [Stand(**row) for row in reading.connection.execute(query, values)]


def times_of(span: Span) -> dict[str, datetime]:
    """Return the values of conditions that are times: of the entries, and of those around them."""
    low, high = span
    return {"low": low, "high": high, "before": low - 2 * MARGIN, "after": high + MARGIN}


def has_newer(reading: Reading, asked: Filter, cursor: Cursor) -> bool:
    """Tell whether changes came that the first page couldn't see, as far as two days tell."""
    found = conditions_of(asked)
    found.add("e.transaction_id >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)")
    found.add(
        "NOT pg_visible_in_snapshot(e.transaction_id, %(snapshot)s::pg_snapshot)",
        snapshot=cursor.snapshot,
    )
    query = sql.SQL("SELECT EXISTS (SELECT FROM ({seen}) AS e WHERE {dear}) AS newer").format(
        seen=entries_as_seen(found, ordered=False), dear=AND.join(found.dear)
    )
    span = reading.now - FIRST_DAYS, reading.now + MARGIN
    [row] = reading.connection.execute(query, found.values | times_of(span))
    return bool(row["newer"])
