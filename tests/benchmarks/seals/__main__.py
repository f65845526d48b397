"""Fills a log, seals and verifies all of it, seals what is new beside writers, and reports.

Does the same with a chain of many seals, and with one of a few over the same entries.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from tests.benchmarks.filled import SETTINGS, bench_cluster, filled_log, say
from tests.benchmarks.seals.long_chain import Costs, measure_chains
from tests.benchmarks.seals.owner import Owner, owner_of
from tests.benchmarks.seals.writers import Turns, take_turns
from tests.benchmarks.viewer.report import describe
from tests.crm import APP, create_role

NEW = 5000
LEAST_A_SECOND = 90_000
MOST_MILLISECONDS = 50.0
MOST_RATIO = 1.05
MOST_SECONDS = 2.0
MOST_GROWTH = 1.25
REPORT = Path("build/bench-seal.json")

# As fill.py numbers them, which tells the sequence nothing.
START_OVER = """
SET session_replication_role = replica;
TRUNCATE audit.seal, audit.seal_block, audit.seal_list;
SET session_replication_role = origin;
SELECT setval('audit.entry_id_seq', (SELECT max(id) FROM audit.entry));
"""
ADD = f"""
INSERT INTO audit.entry
    (source, operation, table_schema, table_name, module, entity, part, entity_id, entity_label,
     row_key, labels, old_row, new_row)
SELECT source, operation, table_schema, table_name, module, entity, part, entity_id, entity_label,
       row_key, labels, old_row, new_row
FROM audit.entry
WHERE occurred_at BETWEEN now() - interval '4 days' AND now() - interval '2 days'
LIMIT {NEW}
"""


@dataclass(frozen=True)
class Line:
    """What was measured, and its goal: "least" or "most" of it; none where that is empty."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    at: str = ""

    @property
    def ratio(self) -> float | None:
        """The part of the goal: 1 or more is met, or 1 or less, by what the goal is."""
        return self.value / self.goal if self.goal else None

    @property
    def is_missed(self) -> bool:
        """Whether it falls short of the goal, or goes beyond it."""
        if self.goal is None:
            return False
        return self.value < self.goal if self.at == "least" else self.value > self.goal


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(prog="make bench-seal", description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--seals", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="keep the filled cluster here, or use it again")
    options = parser.parse_args()
    with bench_cluster(options.keep) as cluster:
        log = filled_log(cluster, "large", options.entries, 90)
        with psycopg.connect(log.superuser, autocommit=True) as superuser:
            create_role(superuser, APP, "crm_app")
            superuser.execute(START_OVER)
        lines = [*_measure(log.superuser), *_long(*measure_chains(cluster, options.seals))]
        sizes = {"entries": options.entries, "seals": options.seals}
        _report(lines, {**sizes, "version": describe(cluster), **SETTINGS})
    sys.exit(1 if any(line.is_missed for line in lines) else 0)


def _measure(superuser: str) -> list[Line]:
    owner = owner_of(superuser)
    entries, spent = 0, owner.spent()
    while number := owner.seal():
        entries += number
        say(f"sealed: {entries:,}")
    sealing = (owner.spent() - spent) / 1e3
    differences: list[int] = []
    verifying = _cost(owner, lambda: differences.append(owner.verify())) / 1e3
    assert differences == [0]
    floor = _cost(owner, owner.digest) / 1e3
    turns = take_turns(superuser, owner_of(superuser), turns=20, seconds=3)
    return [
        Line("digests alone, entries", entries / floor, "/s"),
        Line("seal, entries", entries / sealing, "/s", LEAST_A_SECOND, "least"),
        Line("seal to digests alone", sealing / floor, "×"),
        Line("verify, entries", entries / verifying, "/s", LEAST_A_SECOND, "least"),
        Line("verify to digests alone", verifying / floor, "×"),
        *_incremental(superuser, owner),
        *_beside(turns),
    ]


def _beside(turns: Turns) -> list[Line]:
    """Tell the ratio with what lies in the middle half of the turns, and what noise alone does."""
    low, ratio, high = statistics.quantiles(turns.ratios(), n=4)
    least, _, most = statistics.quantiles(turns.noise(), n=4)
    return [
        Line("a write alone", statistics.median(turns.alone), "µs"),
        Line("a write beside a sealer", statistics.median(turns.beside), "µs"),
        Line("ratio of a turn's two", ratio, "×", MOST_RATIO, "most"),
        Line("middle half of turns, from", low, "×"),
        Line("middle half of turns, to", high, "×"),
        Line("of two turns alone, from", least, "×"),
        Line("of two turns alone, to", most, "×"),
        Line("writes beside it to alone", statistics.median(turns.rates()), "× by the clock"),
        Line("writes beside it", statistics.median(turns.beside_rate), "/s by the clock"),
        Line("sealed meanwhile", turns.sealed, "entries"),
    ]


def _long(few: Costs, many: Costs) -> list[Line]:
    """Tell what the seals alone add to verifying the entries, and to sealing one."""
    added = (many.verify - few.verify) / (many.seals - few.seals) * 1e2
    what = f"after {many.seals:,} seals"
    return [
        Line("verify, for 100,000 seals", added, "s", MOST_SECONDS, "most"),
        Line(f"verify in {many.seals:,} seals", many.verify / few.verify, "× of in few"),
        Line("seal 1 new after a few seals", few.seal, "ms"),
        Line(f"seal 1 new {what}", many.seal, "ms"),
        Line("ratio of these two", many.seal / few.seal, "×", MOST_GROWTH, "most"),
    ]


def _incremental(superuser: str, owner: Owner) -> list[Line]:
    """Seal what is new, over a connection that has sealed before, and over a new one."""
    kept, clock, new = [], [], []
    for _ in range(9):
        _add(superuser)
        began = time.perf_counter()
        kept.append(_cost(owner, owner.seal))
        clock.append((time.perf_counter() - began) * 1e3)
        _add(superuser)
        another = owner_of(superuser)
        new.append(_cost(another, another.seal))
        another.connection.close()
    nothing = [_cost(owner, owner.seal) for _ in range(5)]
    what = f"seal {NEW:,} new"
    return [
        Line(what, statistics.median(kept), "ms", MOST_MILLISECONDS, "most"),
        Line(f"{what}, by the clock", statistics.median(clock), "ms"),
        Line(f"{what}, a new connection", statistics.median(new), "ms"),
        Line("seal where nothing is new", statistics.median(nothing), "ms"),
    ]


def _add(superuser: str) -> None:
    with psycopg.connect(superuser) as connection:
        connection.execute(ADD.encode())


def _cost(owner: Owner, call: Callable[[], object]) -> float:
    """Return the milliseconds of CPU that a call takes its backend."""
    before = owner.spent()
    call()
    return owner.spent() - before


def _report(lines: list[Line], settings: dict[str, object]) -> None:
    print(", ".join(f"{name} {value}" for name, value in settings.items()))
    for line in lines:
        goal = f"{line.at} {line.goal:,g}" if line.goal else ""
        ratio = f"{line.ratio:.2f} ×" if line.ratio else ""
        met = "" if line.goal is None else "missed" if line.is_missed else "met"
        value = f"{line.value:,.2f}" if line.value < 1000 else f"{line.value:,.0f}"
        print(f"{line.what:<32}{value:>12} {line.unit:<16}{goal:<16}{ratio:<10}{met}")
    REPORT.parent.mkdir(exist_ok=True)
    found = {"settings": settings, "lines": [asdict(line) for line in lines]}
    REPORT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"\n{REPORT}")


if __name__ == "__main__":
    main()
