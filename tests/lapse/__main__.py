"""Runs the time lapse, writes its figures to build/lapse.json, and exits 1 if anything was lost."""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from generator.maintenance import Terms
from tests.chains import Chain
from tests.crm import APP, create_role
from tests.databases import OWNER, apply_migrations, own, yoyo_address
from tests.lapse.outcome import compare, judge_seals
from tests.lapse.traffic import Traffic, traffic
from tests.lapse.upgrade import Upgrades
from tests.lapse.upkeepers import Upkeepers, start_over
from tests.maintenance import Upkeep, admit_keeper

DAY = timedelta(seconds=2)
TERMS = Terms("crm", retention=20, ahead=10, near=2, far=8, most_indexed=2, day=DAY)
ABSENT_FROM, ABSENT_UNTIL, DAYS = 15, 30, 70
"""In days: maintenance is away so long that the open-ended partition is in use."""
UPGRADED_ON = (9, 40, 55)
"""On which days the audit schema is replaced and altered."""
WRONG = ("lost", "stale", "failed", "findings", "unsealed")
REPORT = Path("build/lapse.json")


def main() -> None:
    """Do all of it."""
    with _cluster() as cluster:
        upkeep, application = _install(cluster)
        with traffic(application, upkeep.conninfo) as without:
            time.sleep(20)
        start_over(upkeep)
        upkeepers = Upkeepers(upkeep, TERMS)
        upkeepers.run()
        upgrades = Upgrades(upkeep)
        with traffic(application, upkeep.conninfo) as seen:
            _let_days_pass(upkeepers, upgrades)
        upkeepers.run()
        report = _report(upkeepers, upgrades, seen) | {
            "longest_write_without_maintenance_ms": without.longest_ms()
        }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    sys.exit(1 if any(report[what] for what in WRONG) else 0)


def _let_days_pass(upkeepers: Upkeepers, upgrades: Upgrades) -> None:
    began, day = time.monotonic(), DAY.total_seconds()
    upgrading = Thread(target=upgrades.work, args=[[began + n * day for n in UPGRADED_ON]])
    upgrading.start()
    for first, end in ((0, ABSENT_FROM), (ABSENT_UNTIL, DAYS)):
        time.sleep(max(0, began + first * day - time.monotonic()))
        threads = [
            Thread(target=upkeepers.work, args=[seed, began + end * day]) for seed in (first, end)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    upgrading.join()


def _report(upkeepers: Upkeepers, upgrades: Upgrades, seen: Traffic) -> dict[str, object]:
    # What the last run wrote itself: which days it has dropped.
    Chain(upkeepers.upkeep.conninfo).seal()
    sealed = judge_seals(upkeepers.upkeep)
    print(*sealed.findings, sep="\n", file=sys.stderr)
    outcome = compare(upkeepers.upkeep, seen, TERMS)
    return {
        "days": DAYS,
        "committed": len(seen.committed),
        "entries": outcome.entries,
        "lost": outcome.lost,
        "stale": outcome.stale,
        "failed": len(seen.failed),
        "longest_write_ms": seen.longest_ms([*upkeepers.swaps, *upgrades.took]),
        "longest_write_while_swapped_ms": seen.longest_ms(upkeepers.swaps, during=True),
        "longest_write_while_upgraded_ms": seen.longest_ms(upgrades.took, during=True),
        "kills": upkeepers.kills,
        "swaps": len(upkeepers.swaps),
        "upgrades": len(upgrades.took),
        "good_runs": upkeepers.good,
        "runs_that_gave_up": upkeepers.gave_up,
        "seals": sealed.seals,
        "seals_of_drops": sealed.drops,
        "findings": len(sealed.findings),
        "unsealed": sealed.unsealed,
    }


def _install(cluster: Cluster) -> tuple[Upkeep, str]:
    """Return the reference installation, and how its application connects."""
    conninfo = cluster.conninfo("lapse", host=LOOPBACK)
    with psycopg.connect(cluster.conninfo(host=LOOPBACK), autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE lapse")
    with psycopg.connect(conninfo) as superuser:
        own(superuser)
        apply_migrations(yoyo_address(cluster.conninfo("lapse", OWNER, host=LOOPBACK)))
        create_role(superuser, APP, "crm_app")
        admit_keeper(superuser)
    return Upkeep(conninfo), cluster.conninfo("lapse", APP, host=LOOPBACK)


@contextmanager
def _cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="pgwitness-lapse-", dir="/var/tmp"))
    folder.chmod(0o755)
    running = start(folder / "cluster", settings={"max_connections": "50"}, auth="trust")
    try:
        yield running
    finally:
        stop(running)
        remove(folder / "cluster")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
