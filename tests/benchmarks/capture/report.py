"""What was measured, as lines: what capture adds, against the floor, and the goals that it missed.

Pure arithmetic over measurements; nothing here runs anything.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.capture.measure import Measured, Results
from tests.benchmarks.capture.systems import BY_ROW, BY_SET, NOTHING, OURS, OURS_BY_STATEMENT

SINGLE_GOAL, BULK_GOAL, NO_OP_GOAL, FLAT_GOAL = 1.15, 1.10, 0.15, 1.25
"""Times the floor; of what an audited update adds; times what the smallest statement adds a row."""

OWN = (NOTHING, BY_ROW, BY_SET, OURS, OURS_BY_STATEMENT)
CHANGES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Line:
    """A workload in a system: microseconds of CPU per row, and bytes per entry."""

    workload: str
    system: str
    cpu: float | None
    added: float | None
    spread: float | None
    ratio: float | None
    bytes_per_entry: float | None
    note: str

    def as_json(self) -> dict[str, Any]:
        """Return it as build/bench.json has it."""
        return {
            "workload": self.workload,
            "system": self.system,
            "cpu_us": _rounded(self.cpu),
            "added_us": _rounded(self.added),
            "spread_us": _rounded(self.spread),
            "ratio_to_floor": _rounded(self.ratio),
            "bytes_per_entry": _rounded(self.bytes_per_entry, 0),
            "note": self.note or None,
        }


def lines(results: Results) -> list[Line]:
    """Return a line for each measurement, in the order of measuring, by workload."""
    workloads = dict.fromkeys(workload for workload, _ in results)
    return [line for workload in workloads for line in _lines_of(workload, results)]


def _lines_of(workload: str, results: Results) -> Iterator[Line]:
    found = {system: m for (name, system), m in results.items() if name == workload}
    base = found[NOTHING].median
    for system, measured in found.items():
        cpu = measured.median
        added = None if cpu is None or base is None or system == NOTHING else cpu - base
        floor = found.get(BY_SET if system == OURS_BY_STATEMENT and BY_SET in found else BY_ROW)
        size = statistics.median(measured.size) if measured.size else None
        ratio = _ratio(added, floor, base) if measured.workload.entries else None
        yield Line(workload, system, cpu, added, _spread(measured), ratio, size, measured.note)


def _ratio(added: float | None, floor: Measured | None, base: float | None) -> float | None:
    if added is None or base is None or floor is None or floor.median is None:
        return None
    return added / (floor.median - base)


def _spread(measured: Measured) -> float | None:
    """Return the width of the middle half of the repetitions."""
    if len(measured.cpu) < 3:
        return None
    first, _, third = statistics.quantiles(measured.cpu, n=4, method="inclusive")
    return third - first


def misses(found: Sequence[Line], results: Results) -> list[str]:
    """Return which goals pgwitness missed, and by how much."""
    return [
        *_ratio_misses(found, results),
        *_no_op_misses(found, results),
        *_flat_misses(found, results),
        *(f"{line.system}: {line.workload}: {line.note}" for line in found if _is_short(line)),
    ]


def _ratio_misses(found: Sequence[Line], results: Results) -> Iterator[str]:
    for line in found:
        workload = results[line.workload, line.system].workload
        if line.ratio is None or workload.kind not in CHANGES:
            continue
        is_held = line.system == OURS or (line.system == OURS_BY_STATEMENT and workload.by)
        goal = BULK_GOAL if workload.by else SINGLE_GOAL
        if is_held and line.ratio > goal:
            yield f"{line.system}: {line.workload}: {line.ratio:.2f} × the floor, not {goal:.2f}"


def _no_op_misses(found: Sequence[Line], results: Results) -> Iterator[str]:
    for system in (OURS, OURS_BY_STATEMENT):
        by_kind = {
            results[line.workload, line.system].workload.kind: line.added
            for line in reversed(found)
            if line.system == system and not results[line.workload, line.system].workload.by
        }
        nothing, update = by_kind.get("no-op"), by_kind.get("UPDATE")
        if nothing is not None and update and nothing > NO_OP_GOAL * update:
            part = nothing / update
            yield f"{system}: UPDATE of nothing: {part:.0%} of an audited one, not {NO_OP_GOAL:.0%}"


def _flat_misses(found: Sequence[Line], results: Results) -> Iterator[str]:
    smallest: dict[str, float] = {}
    for line in found:
        workload = results[line.workload, line.system].workload
        if line.system not in (OURS, OURS_BY_STATEMENT) or not workload.is_scale:
            continue
        if line.added is None:
            yield f"{line.system}: {line.workload}: {line.note}"
            continue
        first = smallest.setdefault(line.system, line.added)
        if line.added > FLAT_GOAL * first:
            growth = line.added / first
            yield f"{line.system}: {line.workload}: {growth:.2f} × a row alone, not {FLAT_GOAL:.2f}"


def _is_short(line: Line) -> bool:
    return line.system in (OURS, OURS_BY_STATEMENT) and "entries" in line.note


HEAD = f"{'CPU':>8}{'added':>8}{'±':>6}{'× floor':>9}{'bytes':>8}"
WIDTH = 36


def table(found: Sequence[Line]) -> Iterator[str]:
    """Write the lines for people: microseconds of CPU per row, bytes per entry."""
    workload = ""
    for line in found:
        if line.workload != workload:
            workload = line.workload
            yield f"\n{workload:<{WIDTH}}{HEAD}"
        numbers = (
            f"{_shown(line.cpu, '.1f'):>8}{_shown(line.added, '.1f'):>8}"
            f"{_shown(line.spread, '.1f'):>6}{_shown(line.ratio, '.2f'):>9}"
            f"{_shown(line.bytes_per_entry, ',.0f'):>8}"
        )
        yield f"  {line.system:<{WIDTH - 2}}{numbers}  {line.note}".rstrip()


def ahead(found: Sequence[Line]) -> Iterator[str]:
    """Say in which workloads a peer adds less than pgwitness, and how much of it."""
    ours = {line.workload: line.added for line in found if line.system == OURS}
    for workload, mine in ours.items():
        parts = [
            f"{line.system} {line.added / mine:.2f} ×"
            for line in found
            if line.workload == workload and line.system not in OWN
            if line.added is not None and mine and line.added < mine
        ]
        if parts:
            yield f"{workload}: {'; '.join(parts)}"


def _shown(number: float | None, form: str) -> str:
    return "–" if number is None else format(number, form)


def _rounded(number: float | None, digits: int = 2) -> float | None:
    return None if number is None else round(number, digits)
