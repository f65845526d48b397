"""Those who maintain a log while it is written to: often, at once, and killed at any step."""

import random
import re
import time
from dataclasses import dataclass, field
from itertools import islice

import psycopg

from generator.maintenance import Busy, Patience, Terms, begin, maintain, open_session
from tests.lapse.traffic import Span
from tests.maintenance import Upkeep

PATIENCE = Patience(pauses=(0.1, 0.2, 0.4))
STEPS_OF_A_RUN = 4
"""One of three runs is killed, after at most so many."""


@dataclass
class Upkeepers:
    """Two that maintain at once, and how that went.

    ``swaps`` is when runs ended a last partition that was in use, or tried to.
    """

    upkeep: Upkeep
    terms: Terms
    kills: int = 0
    good: int = 0
    gave_up: int = 0
    swaps: list[Span] = field(default_factory=list)

    def work(self, seed: int, until: float) -> None:
        """Maintain every half day or so until a time, by the monotonic clock."""
        chance = random.Random(seed)
        while time.monotonic() < until:
            self.run(chance.randint(1, STEPS_OF_A_RUN) if chance.random() < 0.33 else None)
            time.sleep(chance.uniform(0.1, 1) * self.terms.day.total_seconds() / 2)
        # Killed while it replaces the last partition, and away until the days ahead are over: then
        # writes fail.
        self.run()

    def run(self, killed_after: int | None = None) -> None:
        """Maintain once; killed after so many steps, unless it is through by then."""
        began = time.monotonic()
        try:
            with (
                psycopg.connect(self.upkeep.keeper) as worker,
                psycopg.connect(self.upkeep.keeper) as watcher,
                open_session(worker, watcher) as session,
            ):
                run = begin(session, self.terms, PATIENCE)
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


def start_over(upkeep: Upkeep) -> None:
    """Leave no partition: the first run makes days of the length that it knows."""
    names = ", ".join(f"audit.{partition.name}" for partition in upkeep.partitions())
    upkeep.as_owner(f"DROP TABLE {names}")
