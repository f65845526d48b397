"""Whether what was written is sealed, and by this database.

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
    """Yield that another database sealed last, or that something can't be sealed, or long isn't."""
    (row,) = rows(connection, _LAST, since=now - LONGEST_UNSEALED)
    if row.before is not None and row.before != row.own:
        what = f"was sealed by another database: {row.before}, this is {row.own}"
        yield Finding("conflict", named("table", "seal"), what, ACKNOWLEDGE)
    elif row.is_set_back:
        what = "was set back: what is written since has numbers of a former database, and no seal"
        fix = 'pgwitness seal --acknowledge "numbers were set back"'
        yield Finding("changed", named("sequence", "entry_id_seq"), what, fix)
    elif row.unsealed_since is not None:
        since = f"{row.unsealed_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        fix = "pgwitness seal --database …; or end the oldest transaction, of whatever database"
        what = f"has no seal of entries since {since}"
        yield Finding("missing", named("table", "seal"), what, fix)


_LAST: LiteralString = """
SELECT s.identity AS before, audit._identity() AS own,
       (SELECT min(e.occurred_at)
        FROM audit.entry AS e
        WHERE e.occurred_at < %(since)s
          AND e.transaction_id >= coalesce(s.below, '0')
          AND e.id > coalesce(s.after_id, -9223372036854775808)) AS unsealed_since,
       EXISTS (
           SELECT
           FROM audit.entry AS e
           WHERE e.occurred_at > greatest(%(since)s, (
                     SELECT max(r.sealed_at) FROM audit.seal AS r WHERE r.kind = 'restore'))
             AND e.id <= s.after_id) AS is_set_back
FROM (SELECT) AS one
     LEFT JOIN (
        SELECT l.identity, l.below, l.after_id
        FROM audit.seal AS l
        ORDER BY l.number DESC
        LIMIT 1
     ) AS s ON true
"""
