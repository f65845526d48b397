"""What is compared, and how each comes into a database of its own: pgwitness, hands, peers.

Knows what an application says to each at the start of a transaction, and where its entries are.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import psycopg

from generator.config import ConfigError
from generator.parse import read_config
from generator.render import render_audit_schema, render_track
from tests.benchmarks.capture.table import IGNORED, TABLE, TRACKED

PYTHON_OF_PEERS = Path("build/peers/bin/python")
INSTALLERS = Path(__file__).parent / "peers"
DAYS_BEHIND = 90
"""An installation of three months: with the 45 days ahead, 136 partitions."""

NOTHING, OURS, OURS_BY_STATEMENT = "no audit", "pgwitness", "pgwitness, statement"
BY_ROW, BY_SET = "by hand, row by row", "by hand, one INSERT"
"""The floors."""

LOG = ("audit.entry",)
"""Where the entries of pgwitness are, and those written by hand."""

APP, WRITER = "bench_app", "bench_writer"
"""Who writes; the second may add entries by hand."""

ACTOR = """
SET LOCAL audit.actor = '42';
SET LOCAL audit.actor_name = 'Ana Diaz';
SET LOCAL audit.ip = '203.0.113.24';"""

AUDITRUM_ACTOR = """
PERFORM set_config('auditrum.context_id', '7f1c0d9e-5d0b-4a57-9a53-1c1f1b1d2e3f', true),
        set_config('auditrum.context_metadata', '{"user_id": 42, "ip": "203.0.113.24"}', true);"""

PGHISTORY_ACTOR = """
PERFORM set_config('pghistory.context_id', '7f1c0d9e-5d0b-4a57-9a53-1c1f1b1d2e3f', true),
        set_config('pghistory.context_metadata', '{"user": 42, "ip": "203.0.113.24"}', true);"""

POSTGRESQL_AUDIT_ACTOR = """
INSERT INTO transaction (actor_id, client_addr, native_transaction_id, issued_at)
VALUES ('42', '203.0.113.24', pg_current_xact_id(), now() AT TIME ZONE 'UTC')
ON CONFLICT ON CONSTRAINT transaction_unique_native_tx_id DO NOTHING;"""

ADD_DAYS_BEHIND = """
SELECT audit._add_partition(day, day + 1)
FROM generate_series(2, %s) AS n, LATERAL (
    SELECT (now() AT TIME ZONE 'UTC')::date - n) AS d (day)
"""


class NotAvailable(Exception):
    """A system that can't be had here: the table says so, and why."""


@dataclass(frozen=True)
class System:
    """One way to keep a log.

    *install* gets the owner's connection string and returns the version, if it has one of its
    own. *actor* is what the application says first in a transaction, in PL/pgSQL; *hand* is how
    it writes entries itself, if it does; *tables* hold the entries, the first one of them each.
    """

    name: str
    database: str
    install: Callable[[str], str]
    actor: str = ACTOR
    tables: tuple[str, ...] = ()
    hand: Literal["", "rows", "set"] = ""
    keeps: str = "both rows whole"

    def label(self, version: str) -> str:
        """Return its name with its version, and at which level it works."""
        name, comma, level = self.name.partition(",")
        return f"{name} {version}{comma}{level}" if version else self.name

    @property
    def role(self) -> str:
        """Who writes."""
        return WRITER if self.hand else APP


def install_nothing(owner: str) -> str:
    """Leave the database without any audit."""
    return ""


def install_log(owner: str) -> str:
    """Make the log of pgwitness, three months old, and track nothing."""
    with psycopg.connect(owner) as connection:
        connection.execute(render_audit_schema().encode())
        connection.execute("SET ROLE audit_owner")
        connection.execute(ADD_DAYS_BEHIND, [DAYS_BEHIND])
    return ""


def install_pgwitness(owner: str, capture: str = "") -> str:
    """Track the tables; *capture* is a line of audit.toml."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit.toml")
        path.write_text(TRACKED.format(capture=capture))
        try:
            tables = read_config(path).tables
        except ConfigError as error:
            raise NotAvailable(str(error)) from None
    install_log(owner)
    for table in tables:
        with psycopg.connect(owner) as connection:
            connection.execute(render_track(table).encode())
    return ""


def install_peer(owner: str, script: str, level: str = "") -> str:
    """Run the peer's installer, and return the peer's version."""
    if not PYTHON_OF_PEERS.exists():
        raise NotAvailable(f"{PYTHON_OF_PEERS} is missing: run make bench")
    command = [str(PYTHON_OF_PEERS), str(INSTALLERS / script), owner, TABLE, IGNORED]
    done = subprocess.run([*command, *([level] if level else [])], capture_output=True, text=True)
    if done.returncode != 0:
        raise NotAvailable(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


def systems() -> list[System]:
    """Return all of them, in the order of the table."""
    by_statement = partial(install_pgwitness, capture='capture = "statement"')
    return [
        System(NOTHING, "nothing", install_nothing, keeps="nothing"),
        System(BY_ROW, "by_row", install_log, ACTOR, LOG, "rows"),
        System(BY_SET, "by_set", install_log, ACTOR, LOG, "set"),
        System(OURS, "pgwitness", install_pgwitness, ACTOR, LOG),
        System(OURS_BY_STATEMENT, "by_statement", by_statement, ACTOR, LOG),
        *_peers(),
    ]


def _peers() -> Iterator[System]:
    logs = ("auditlog", "audit_context")
    install = partial(install_peer, script="install_auditrum.py")
    keeps = "both rows whole, and their difference"
    yield System("auditrum", "auditrum", install, AUDITRUM_ACTOR, logs, keeps=keeps)
    for name, actor, logs, keeps in (
        (
            "postgresql-audit",
            POSTGRESQL_AUDIT_ACTOR,
            ("activity", "transaction"),
            "the old row, and what changed in it",
        ),
        (
            "django-pghistory",
            PGHISTORY_ACTOR,
            ("contacts_contactevent", "pghistory_context"),
            "the new row alone, in columns of their types",
        ),
    ):
        word = name.removeprefix("django-").replace("-", "_")
        for level in ("row", "statement"):
            install = partial(install_peer, script=f"install_{word}.py", level=level)
            database = f"{word}_{level}"
            yield System(f"{name}, {level}", database, install, actor, logs, keeps=keeps)
