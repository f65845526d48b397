"""What became of the entries: all there that should be, and none that should not."""

from dataclasses import dataclass
from datetime import datetime

from generator.maintenance import Terms
from generator.seals.finding import Finding
from tests.lapse.traffic import Traffic
from tests.maintenance import Upkeep

ENTRIES = """
SELECT (row_key ->> 'id')::bigint AS key, occurred_at AS at
FROM audit.entry
WHERE table_schema = 'crm'
"""
DROPS = "SELECT number FROM audit.seal WHERE kind = 'drop'"


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


@dataclass(frozen=True)
class Sealed:
    """How many seals there are, how many of them are of drops, and what verify finds."""

    seals: int
    drops: int
    findings: list[Finding]
    unsealed: int


def judge_seals(upkeep: Upkeep) -> Sealed:
    """Verify the chain, in which days are dropped as early as they are short."""
    drops = {drop.number for drop in upkeep.as_owner(DROPS)}
    report = upkeep.verify()
    early = {f.seal for f in report.findings if f.state == "early"}
    # Of each drop, verify says that days of 24 hours are not over: that it sees all of them.
    assert early >= drops
    return Sealed(
        seals=report.seals,
        drops=len(drops),
        findings=[f for f in report.findings if not (f.state == "early" and f.seal in drops)],
        unsealed=report.unsealed.entries,
    )
