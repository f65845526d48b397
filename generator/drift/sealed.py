"""Whether what is written is sealed, and by this database.

Knows the last seal and what came since; whether seals hold, pgwitness verify says.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from generator.catalogue import Connection, rows
from generator.drift.finding import Finding
from generator.drift.objects import named
from generator.seals.finding import ACKNOWLEDGE

LONGEST_UNSEALED = timedelta(days=1)


def find_unsealed(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Yield why nothing can be sealed, or else that something is unsealed for long."""
    (row,) = rows(connection, _LAST, since=now - LONGEST_UNSEALED)
    if row.before is not None and row.before != row.own:
        what = f"was sealed by another database: {row.before}, this is {row.own}"
        yield Finding("conflict", named("table", "seal"), what, ACKNOWLEDGE)
    elif row.is_set_back:
        what = f"was set back: entries with an id up to {row.after_id} count as a former database's"
        fix = 'find out why, and run: pgwitness seal --acknowledge "why"'
        yield Finding("conflict", named("sequence", "entry_id_seq"), what, fix)
    elif row.unsealed_since is not None:
        since = f"{row.unsealed_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        fix = "pgwitness seal --database …; or end the oldest transaction, of whatever database"
        what = f"has no seal of entries since {since}"
        yield Finding("missing", named("table", "seal"), what, fix)


_LAST: LiteralString = """
SELECT s.identity AS before, audit._identity() AS own,
       s.after_id, coalesce(audit._is_set_back(s.after_id), false) AS is_set_back,
       (SELECT min(e.occurred_at)
        FROM audit.entry AS e
        WHERE e.occurred_at < %(since)s
          AND e.transaction_id >= coalesce(s.below, '0')
          AND e.id > coalesce(s.after_id, -9223372036854775808)) AS unsealed_since
FROM (SELECT) AS one
     LEFT JOIN (
        SELECT l.identity, l.below, l.after_id
        FROM audit.seal AS l
        ORDER BY l.number DESC
        LIMIT 1
     ) AS s ON true
"""
