"""An upgrade of the audit schema: all of it replaced, and its table altered in place."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

from generator.render import render_audit_schema
from tests.databases import MIGRATIONS, OWNER
from tests.lapse.traffic import Span
from tests.maintenance import Upkeep

TRACK = "0003_track_crm_app_user.sql"
ALTER = """
SET ROLE audit_owner;
ALTER TABLE audit.entry ADD COLUMN added_{number} text NOT NULL DEFAULT 'before {number}';
CREATE INDEX entry_by_added_{number} ON audit.entry (added_{number});
CREATE POLICY entry_is_read_as_of_{number} ON audit.entry FOR SELECT TO audit_reader USING (true);
"""


@dataclass
class Upgrades:
    """Those that were applied: when each began and ended, by the monotonic clock in seconds."""

    upkeep: Upkeep
    took: list[Span] = field(default_factory=list)

    def work(self, times: Iterable[float]) -> None:
        """Apply one at each time."""
        for number, at in enumerate(times, start=1):
            time.sleep(max(0, at - time.monotonic()))
            began = time.monotonic()
            upgrade(self.upkeep, number)
            self.took.append((began, time.monotonic()))


def upgrade(upkeep: Upkeep, number: int) -> None:
    """Apply two migrations, each in a transaction as yoyo does: the schema, and what captures."""
    capture = (MIGRATIONS / TRACK).read_text("utf-8")
    apply(upkeep, render_audit_schema() + ALTER.format(number=number))
    apply(upkeep, capture.replace("\nBEGIN\n", f"\nBEGIN\n    -- Upgrade {number}.\n", 1))


def apply(upkeep: Upkeep, script: str) -> None:
    """Apply a migration as who installed the log."""
    with psycopg.connect(make_conninfo(upkeep.conninfo, user=OWNER)) as owner:
        owner.execute(script.encode())
