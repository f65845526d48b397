"""Whether what is written is sealed, and by this database.

Knows the last seal and what came since; whether seals hold, pgwitness verify says.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from generator.database import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import named
from generator.seals.finding import ACKNOWLEDGE

LONGEST_UNSEALED = timedelta(days=1)


def find_unsealed(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Yield why nothing can be sealed, or else that something is unsealed for long."""
    (last,) = rows(connection, _LAST)
    if last.before is not None and last.before != last.own:
        what = f"was sealed by another database: {last.before}, this is {last.own}"
        yield Finding("conflict", named("table", "seal"), what, ACKNOWLEDGE)
        return
    if last.is_set_back:
        what = (
            f"was set back: entries with an id up to {last.after_id} count as a former database's"
        )
        fix = 'find out why, and run: pgwitness seal --acknowledge "why"'
        yield Finding("conflict", named("sequence", "entry_id_seq"), what, fix)
        return
    new = {"below": last.below, "after_id": last.after_id, "since": now - LONGEST_UNSEALED}
    (oldest,) = rows(connection, _UNSEALED, **new)
    if oldest.occurred_at is not None:
        since = f"{oldest.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        fix = "pgwitness seal --database …; or end the oldest transaction, of whatever database"
        what = f"has no seal of entries since {since}"
        yield Finding("missing", named("table", "seal"), what, fix)


_LAST: LiteralString = """
SELECT s.identity AS before, audit._identity() AS own, coalesce(s.below, '0')::text AS below,
       coalesce(s.after_id, -9223372036854775808) AS after_id,
       coalesce(audit._is_set_back(s.after_id), false) AS is_set_back
FROM (SELECT) AS one
     LEFT JOIN (
        SELECT l.identity, l.below, l.after_id
        FROM audit.seal AS l
        ORDER BY l.number DESC
        LIMIT 1
     ) AS s ON true
"""
# Along the index of transactions: by time, all that is sealed would be read first.
_UNSEALED: LiteralString = """
SELECT min(u.occurred_at) AS occurred_at
FROM (
    SELECT e.occurred_at
    FROM audit.entry AS e
    WHERE e.transaction_id >= %(below)s::text::xid8
      AND e.id > %(after_id)s
      AND e.occurred_at < %(since)s
    OFFSET 0
) AS u
"""
