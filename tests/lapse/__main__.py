"""Runs the time lapse, writes its figures to build/lapse.json, and exits 1 if anything was lost."""

import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Thread

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from generator.maintenance import Busy, Patience, Terms, begin, maintain, open_session
from tests.chains import BROKEN, Chain
from tests.crm import APP, create_role
from tests.databases import OWNER, apply_migrations, own, yoyo_address
from tests.lapse.traffic import Span, Traffic, traffic
from tests.maintenance import Upkeep, admit_keeper

DAY = timedelta(seconds=2)
TERMS = Terms("crm", retention=20, ahead=10, near=2, far=8, most_indexed=2, day=DAY)
PATIENCE = Patience(pauses=(0.1, 0.2, 0.4))
ABSENT_FROM, ABSENT_UNTIL, DAYS = 15, 30, 70
"""In days: maintenance is away so long that the open-ended partition is in use."""
STEPS_OF_A_RUN = 4
"""One of three runs is killed, after at most so many."""
REPORT = Path("build/lapse.json")


@dataclass
class Upkeepers:
    """Two that maintain at once, and how that went.

    ``swaps`` is when runs ended a last partition that was in use, or tried to.
    """

    upkeep: Upkeep
    kills: int = 0
    good: int = 0
    gave_up: int = 0
    swaps: list[Span] = field(default_factory=list)

    def work(self, seed: int, until: float) -> None:
        """Maintain every half day or so until a time, by the monotonic clock."""
        chance = random.Random(seed)
        while time.monotonic() < until:
            self.run(chance.randint(1, STEPS_OF_A_RUN) if chance.random() < 0.33 else None)
            time.sleep(chance.uniform(0.1, 1) * DAY.total_seconds() / 2)

    def run(self, killed_after: int | None = None) -> None:
        """Maintain once; killed after so many steps, unless it is through by then."""
        began = time.monotonic()
        try:
            with (
                psycopg.connect(self.upkeep.keeper) as worker,
                psycopg.connect(self.upkeep.keeper) as watcher,
                open_session(worker, watcher) as session,
            ):
                run = begin(session, TERMS, PATIENCE)
                lines = list(islice(maintain(run), killed_after))
                if any(re.search("ends? at|open-ended", line) for line in lines):
                    self.swaps.append((began, time.monotonic()))
                if len(lines) == killed_after:
                    watcher.execute("SELECT pg_terminate_backend(%s)", [worker.info.backend_pid])
                    self.kills += 1
                elif run.given_up:
                    self.gave_up += 1
                else:
                    self.good += 1
        except (Busy, psycopg.OperationalError):
            return


def main() -> None:
    """Do all of it."""
    with _cluster() as cluster:
        upkeep, application = _install(cluster)
        with traffic(application, upkeep.conninfo) as without:
            time.sleep(20)
        _start_over(upkeep)
        upkeepers = Upkeepers(upkeep)
        upkeepers.run()
        with traffic(application, upkeep.conninfo) as seen:
            _let_days_pass(upkeepers)
        upkeepers.run()
        report = _report(upkeep, upkeepers, seen) | {
            "longest_write_without_maintenance_ms": without.longest_ms()
        }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["lost"] or report["stale"] or report["broken"] else 0)


def _let_days_pass(upkeepers: Upkeepers) -> None:
    began, day = time.monotonic(), DAY.total_seconds()
    for first, end in ((0, ABSENT_FROM), (ABSENT_UNTIL, DAYS)):
        time.sleep(max(0, began + first * day - time.monotonic()))
        threads = [
            Thread(target=upkeepers.work, args=[seed, began + end * day]) for seed in (first, end)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _report(upkeep: Upkeep, upkeepers: Upkeepers, seen: Traffic) -> dict[str, object]:
    (now,) = upkeep.as_owner("SELECT clock_timestamp() AS now")
    cutoff: datetime = now.now - TERMS.retention * DAY
    kept = {key for key, at in seen.committed.items() if at > cutoff}
    entries = upkeep.as_owner(
        "SELECT (row_key ->> 'id')::bigint AS key, occurred_at AS at FROM audit.entry"
        " WHERE table_schema = 'crm'"
    )
    chain = Chain(upkeep.conninfo)
    return {
        "days": DAYS,
        "committed": len(seen.committed),
        "entries": len(entries),
        "lost": len(kept - {entry.key for entry in entries}),
        "stale": sum(entry.at < cutoff - 2 * DAY for entry in entries),
        "longest_write_ms": seen.longest_ms(upkeepers.swaps),
        "longest_write_while_swapped_ms": seen.longest_ms(upkeepers.swaps, during=True),
        "kills": upkeepers.kills,
        "swaps": len(upkeepers.swaps),
        "good_runs": upkeepers.good,
        "runs_that_gave_up": upkeepers.gave_up,
        "seals": len(chain.anchors()),
        "broken": len(chain.query(BROKEN)),
    }


def _start_over(upkeep: Upkeep) -> None:
    """Leave no partition: the first run makes days of the length that it knows."""
    names = ", ".join(f"audit.{partition.name}" for partition in upkeep.partitions())
    upkeep.as_owner(f"DROP TABLE {names}")


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
