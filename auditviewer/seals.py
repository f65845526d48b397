"""The page of the chain of seals, and what the other pages say of it.

Knows requests, templates and words; what is read for it, `log.seals` knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask import render_template, request, url_for

from auditviewer.change.english import count
from auditviewer.change.quantities import number_in_words
from auditviewer.change.records import Entry
from auditviewer.change.verbatim import reveal
from auditviewer.log.database import Reading
from auditviewer.log.filters import read_filter
from auditviewer.log.seals import (
    MOST_COUNTED,
    PAGE,
    Seal,
    Unsealed,
    Verification,
    count_unsealed,
    is_among,
    is_sealing_late,
    read_seals,
    read_verification,
    seal_of,
)
from auditviewer.site import Site
from auditviewer.times import Clock

NEWEST = 2**63 - 1
LONGEST_UNSEALED = timedelta(days=1)
"""That an entry should wait for its seal: maintenance seals each hour, or each day."""


@dataclass(frozen=True)
class Sealed:
    """What the page of a change says of its seal. *is_broken*: a verification found it changed."""

    words: str
    is_broken: bool = False


def seals(site: Site) -> str:
    """Return the page that says how far the log is sealed, and what verified it last."""
    asked = read_filter(request.args, site.settings.time_zone)
    before = request.args.get("before", NEWEST, type=int)
    with site.database.reading() as reading:
        found = read_seals(reading, max(0, min(before, NEWEST)), PAGE + 1)
        unsealed, verified = count_unsealed(reading), read_verification(reading)
    clock, shown = Clock(asked.zone, reading.now), found[:PAGE]
    last = shown[0] if shown and before == NEWEST else None
    return render_template(
        "audit/seals.html",
        asked=asked,
        now=reading.now,
        clock=clock,
        faults=list(find_broken(verified, clock)),
        facts=dict(_facts(last, unsealed, verified, clock)),
        last=last,
        verified=verified,
        findings=[_finding(each) for each in verified.findings] if verified else [],
        seals=[(seal, _what(seal)) for seal in shown],
        seals_url=url_for(".seals", **asked.zone_argument),
        older_url=len(found) > PAGE
        and url_for(".seals", **asked.zone_argument, before=shown[-1].number),
        coverage_url=url_for(".coverage", **asked.zone_argument),
    )


def find_seal_faults(reading: Reading, clock: Clock) -> Iterator[str]:
    """Yield what is wrong with the chain, for the list to say; nothing, where it is in order."""
    yield from find_broken(read_verification(reading), clock)
    if is_sealing_late(reading, LONGEST_UNSEALED):
        yield "Entries of more than a day ago are not sealed yet."


def find_broken(verified: Verification | None, clock: Clock) -> Iterator[str]:
    """Yield that the last verification found the log changed, if it did."""
    if verified is not None and verified.found:
        places = count(verified.found, "finding")
        moment = clock.moment(verified.verified_at)
        yield f"The log is not what was sealed: {places} by the verification of {moment}."


def sealed(reading: Reading, entry: Entry, clock: Clock) -> Sealed:
    """Return what there is to say of the seal of a change, by its last entry."""
    seal, verified = seal_of(reading, entry), read_verification(reading)
    if seal is None:
        return Sealed("Not yet: the next run of maintenance seals it")
    words = f"On {clock.moment(seal.sealed_at)}, in seal {seal.number:,}"
    if verified is None or verified.up_to < seal.number:
        return Sealed(f"{words}; not verified since")
    ids = [int(each["id"]) for each in verified.findings if each.get("id") is not None]
    moment = clock.moment(verified.verified_at)
    if ids and is_among(reading, entry.transaction_id, ids):
        return Sealed(f"{words}. The verification of {moment} found it changed since", True)
    if verified.found:
        return Sealed(f"{words}. The verification of {moment} found the log changed elsewhere")
    return Sealed(f"{words}; verified on {moment}")


def _facts(
    last: Seal | None, unsealed: Unsealed, verified: Verification | None, clock: Clock
) -> Iterator[tuple[str, str]]:
    if last:
        yield "Last seal", f"{last.number:,}, on {clock.moment(last.sealed_at)}"
    yield "Not sealed yet", _unsealed(unsealed, clock)
    if verified is None:
        yield "Verified", "Not yet, as far as this database knows"
        return
    up_to = f"up to seal {verified.up_to:,}: {count(verified.entries, 'entry')}"
    yield "Verified", f"On {clock.moment(verified.verified_at)}, {up_to}"
    if verified.anchors is None:
        yield "Compared with anchors", "None were given"
    else:
        yield "Compared with anchors", number_in_words(verified.anchors)


def _unsealed(unsealed: Unsealed, clock: Clock) -> str:
    if unsealed.since is None:
        return "Nothing"
    number = "10,000 entries and more"
    if unsealed.entries < MOST_COUNTED:
        number = count(unsealed.entries, "entry")
    return f"{number}, the oldest of {clock.moment(unsealed.since)}"


def _what(seal: Seal) -> str:
    """Return what a seal is about, in words."""
    entries = count(seal.entries, "entry")
    if seal.kind == "drop":
        day, days = str(seal.detail.get("from", ""))[:10], seal.detail.get("retention_days")
        dropped = count(int(seal.detail.get("entries") or 0), "entry")
        return f"Dropped {day} with {dropped}, by the retention of {days} days"
    if seal.kind == "restore":
        reason = reveal(str(seal.detail.get("reason", "")))
        return f"Went on in another database: “{reason}”. {entries} found there"
    return entries


def _finding(found: object) -> str:
    """Return a finding in words: what it is about, and what is wrong with it."""
    said = found if isinstance(found, dict) else {}
    return reveal(" – ".join(str(said[key]) for key in ("object", "what") if said.get(key)))
