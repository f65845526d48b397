"""How the result of verifying is printed: a line for each finding, a summary, and JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from generator.seals.finding import Report
from generator.wording import count

WITHOUT_ANCHORS = (
    "without --anchors, nobody can tell whether the last seals were removed, or all of them were"
    " written anew, by somebody who may write everything"
)


def as_lines(report: Report) -> Iterator[str]:
    """Yield a line for each finding."""
    yield from map(str, report.findings)
    if report.more:
        yield f"and {report.more:,} more that are not named"


def summary(report: Report) -> Iterator[str]:
    """Yield what was compared, what could not be, and what one should know."""
    number = len(report.findings) + report.more
    compared = f"{count(report.entries, 'entry')} in {count(report.seals, 'seal')}"
    as_sealed = f"ok: {compared} as they were sealed"
    yield f"{as_sealed if report.is_clean else f'{number:,} found in {compared}'}; {_rest(report)}"
    if report.anchors is None:
        yield WITHOUT_ANCHORS
    else:
        proven = "nothing of this log is proven by that"
        if report.proven:
            proven = f"the chain up to seal {report.proven:,} is what it was then"
            if not report.is_clean:
                proven += ", but for what was found"
        yield f"{count(report.anchors, 'anchor')}: {proven}"
    yield from (f"note: {note}" for note in report.notes)


def _rest(report: Report) -> str:
    unsealed = report.unsealed
    if not unsealed.entries:
        return "all are sealed"
    rest = f"{unsealed.entries:,} not sealed yet, since {unsealed.since}"
    return f"{rest}, held back by {'; '.join(unsealed.held_by)}" if unsealed.held_by else rest


def as_json(report: Report) -> str:
    """Return all of a report for a machine."""
    told = {"is_clean": report.is_clean, **asdict(report)}
    if report.anchors is None:
        told["not_excluded"] = WITHOUT_ANCHORS
    return json.dumps(told, indent=2)
