"""A page of the log, in which one save of many entities is one row with the others behind it.

Knows how many changes make a save too long for the list; where changes stand, `stands` knows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from psycopg import sql

from auditviewer.log.conditions import conditions_of
from auditviewer.log.database import Reading
from auditviewer.log.filters import Filter
from auditviewer.log.seen import AND, entries_as_seen
from auditviewer.log.stands import (
    FIRST_DAYS,
    FIRST_MINUTES,
    MARGIN,
    PAGE,
    Cursor,
    Span,
    Stand,
    find_newest,
    find_stands,
    span_of,
    times_of,
    windows,
)

MOST_IN_A_ROW = 5
"""Changes of one save that stand in the list one by one; of more, all but the first are folded."""
MOST_COUNTED = 1000
MOST_READ = 2000
"""Entries of a save that are read to count the changes in it."""

REST = sql.SQL("""
WITH e AS MATERIALIZED (
    SELECT * FROM ({seen}) AS e LIMIT %(most_read)s
)
SELECT (SELECT count(*) FROM (SELECT FROM e WHERE {dear} LIMIT %(most)s) AS s) AS number,
       (SELECT count(*) = %(most_read)s FROM e) AS is_cut,
       (SELECT count(DISTINCT coalesce('=' || e.actor, '')) = 1 FROM e) AS is_of_one""")


@dataclass(frozen=True)
class Rest:
    """The other changes of a save, as far as they were counted; *is_of_one* person or not.

    *about* is "more than " or "at least " where they were not all counted.
    """

    number: int
    about: str
    is_of_one: bool


@dataclass(frozen=True)
class Row:
    """A row of the list: a change, and the rest of its save where that is folded behind it."""

    stand: Stand
    rest: Rest | None = None


@dataclass(frozen=True)
class Page:
    """Rows of the list, newest first, and where the next page begins, if there is one."""

    rows: tuple[Row, ...]
    next: Cursor | None


def find_page(reading: Reading, asked: Filter, since: datetime, cursor: Cursor | None) -> Page:
    """Return a page of the list, with nothing in it that is older than *since*."""
    rows: list[Row] = []
    left_out = list(cursor.left_out if cursor else ())
    low, high = span = span_of(reading, asked, since)
    if cursor:
        span = low, min(high, cursor.occurred_at + timedelta(microseconds=1))
    for stands in _batches(reading, asked, span, cursor, rows, left_out):
        rows += [Row(stand) for stand in stands]
        if not asked.save:
            _fold(reading, asked, (low, high), rows, left_out)
    shown = tuple(rows[:PAGE])
    if len(rows) <= PAGE:
        return Page(shown, None)
    last = shown[-1].stand
    snapshot = cursor.snapshot if cursor else reading.snapshot
    going_on = _going_on(shown, cursor)
    return Page(shown, Cursor(last.occurred_at, last.id, snapshot, going_on, last.is_former))


def _going_on(rows: Sequence[Row], cursor: Cursor | None) -> tuple[str, ...]:
    """Return the folded saves of which there may be more below the last row."""
    last = rows[-1].stand.occurred_at
    folded = [row.stand for row in rows if row.rest and row.stand.transaction_at <= last]
    return (*(cursor.left_out if cursor else ()), *(stand.transaction_id for stand in folded))


def _batches(
    reading: Reading,
    asked: Filter,
    span: Span,
    cursor: Cursor | None,
    rows: Sequence[Row],
    left_out: Sequence[str],
) -> Iterator[list[Stand]]:
    """Yield changes until there are *rows* for a page and one more, or no more changes."""
    last = None
    # Today has no index of words: a frequent one is found in the minutes before the newest entry.
    until = find_newest(reading, span) if asked.text else None
    for window in windows(span, FIRST_MINUTES if asked.text else FIRST_DAYS, until):
        while missing := max(0, PAGE + 1 - len(rows)):
            stands = find_stands(reading, asked, window, missing, cursor, last, left_out)
            yield stands
            if len(stands) < missing:
                break
            last = stands[-1]


def _fold(
    reading: Reading, asked: Filter, span: Span, rows: list[Row], left_out: list[str]
) -> None:
    """Leave one row of each save that is too long for the list, and note which they are."""
    tally = Counter(row.stand.transaction_id for row in rows)
    for row in list(rows):
        save = row.stand.transaction_id
        # Of a save that goes on below the last row, a second one is enough to ask.
        is_last = save == rows[-1].stand.transaction_id and len(rows) > PAGE
        if save in left_out or tally[save] <= (1 if is_last else MOST_IN_A_ROW):
            continue
        rest = _count_rest(reading, asked, span, row.stand, tally[save] - 1)
        tally[save] = 0
        if rest.number < MOST_IN_A_ROW:
            continue
        place = rows.index(row)
        rows[place] = replace(row, rest=rest)
        rows[place + 1 :] = [
            each for each in rows[place + 1 :] if each.stand.transaction_id != save
        ]
        left_out.append(save)


def _count_rest(reading: Reading, asked: Filter, span: Span, stand: Stand, at_least: int) -> Rest:
    found = conditions_of(replace(asked, save=stand.transaction_id))
    low, high = span
    span = (
        max(low, stand.transaction_at - MARGIN),
        min(high, stand.occurred_at + MARGIN),
    )
    values = found.values | times_of(span) | {"most": MOST_COUNTED + 2, "most_read": MOST_READ}
    query = REST.format(seen=entries_as_seen(found, ordered=False), dear=AND.join(found.dear))
    [row] = reading.connection.execute(query, values)
    others = max(at_least, row["number"] - 1)
    if others > MOST_COUNTED:
        return Rest(MOST_COUNTED, "more than ", row["is_of_one"])
    return Rest(others, "at least " if row["is_cut"] else "", row["is_of_one"])
