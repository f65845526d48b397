"""What became of the entries: all there that should be, and none that should not."""

from dataclasses import dataclass
from datetime import datetime

from generator.maintenance import Terms
from tests.lapse.traffic import Traffic
from tests.maintenance import Upkeep

ENTRIES = """
SELECT (row_key ->> 'id')::bigint AS key, occurred_at AS at
FROM audit.entry
WHERE table_schema = 'crm'
"""


@dataclass(frozen=True)
class Outcome:
    """How many entries there are, are missing, and should be gone by two days."""

    entries: int
    lost: int
    stale: int


def compare(upkeep: Upkeep, seen: Traffic, terms: Terms) -> Outcome:
    """Compare what was committed within the retention with the log."""
    (now,) = upkeep.as_owner("SELECT clock_timestamp() AS now")
    cutoff: datetime = now.now - terms.retention * terms.day
    kept = {key for key, at in seen.committed.items() if at > cutoff}
    entries = upkeep.as_owner(ENTRIES)
    return Outcome(
        entries=len(entries),
        lost=len(kept - {entry.key for entry in entries}),
        stale=sum(entry.at < cutoff - 2 * terms.day for entry in entries),
    )
