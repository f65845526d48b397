"""Somebody who seals a bank while it is written to, and what became of the seals.

A seal that was acknowledged is never lost, whichever way writers commit: it is committed by
``synchronous_commit``, and so is what it covers.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from generator.seals.verifying import verify
from tests.crash.server import Server
from tests.shop import AUDITOR, Connection, create_role

SEALER = "bank_sealer"
EVERY = 0.2
"""Seconds between two seals."""
ADMIT = f"GRANT audit_owner TO {SEALER}"
OPTIONS = "-c synchronous_commit=on -c client_encoding=UTF8"
SEAL = """
SELECT s.number, encode(s.head, 'hex') FROM audit.seal_entries() AS s WHERE s.number IS NOT NULL
"""
IS_LEFT: LiteralString = """
SELECT (SELECT count(*) FROM audit.entry)
       > (SELECT coalesce(sum(entries), 0) FROM audit.seal_block)
"""
HEADS = "SELECT number, encode(head, 'hex') FROM audit.seal"

Head = tuple[int, str]


@dataclass
class Sealed:
    """The seals that were said to be committed, as number and head.

    ``broken`` is what the sealer met that no server that is killed explains.
    """

    acknowledged: set[Head] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SealVerdict:
    """Seals that are there and that were acknowledged and are not; what verify says."""

    seals: int
    lost: int
    findings: tuple[str, ...]
    unsealed: int

    @property
    def is_clean(self) -> bool:
        """Whether the chain is whole, as far as it goes."""
        return not self.lost and not self.findings


def admit_sealer(superuser: Connection) -> None:
    """Let a role seal that can do what the owner of the log can, and no more."""
    create_role(superuser, SEALER)
    superuser.execute(ADMIT.encode())


@contextmanager
def sealing(server: Server, name: str = "bank") -> Iterator[Sealed]:
    """Seal five times a second, until the server is gone, or for as long as this is open."""
    sealed, stop = Sealed(), Event()
    thread = Thread(target=_work, args=[_address(server, name), sealed, stop])
    thread.start()
    try:
        yield sealed
    finally:
        stop.set()
        thread.join()


def seal_rest(server: Server, name: str = "bank") -> set[Head]:
    """Seal until every entry is, and return those seals."""
    heads: set[Head] = set()
    deadline = time.monotonic() + 20
    with psycopg.connect(_address(server, name), autocommit=True) as sealer:
        # For as long as PostgreSQL itself has something under way, too, such as ANALYZE.
        while sealer.execute(IS_LEFT).fetchall() == [(True,)]:
            assert time.monotonic() < deadline, "not all is sealed"
            heads |= _seal(sealer)
    return heads


def judge_seals(server: Server, acknowledged: Collection[Head], name: str = "bank") -> SealVerdict:
    """Verify the chain as pgwitness verify does, and look for the seals that were acknowledged."""
    with psycopg.connect(server.conninfo(name, AUDITOR), autocommit=True) as auditor:
        heads = set(auditor.execute(HEADS).fetchall())
        report = verify(auditor)
    found = [str(finding) for finding in report.findings]
    return SealVerdict(
        seals=len(heads),
        lost=len(set(acknowledged) - heads),
        findings=tuple(found + [f"{report.more} more"] * bool(report.more)),
        unsealed=report.unsealed.entries,
    )


def _address(server: Server, name: str) -> str:
    return make_conninfo(server.conninfo(name, SEALER), options=OPTIONS)


def _work(conninfo: str, sealed: Sealed, stop: Event) -> None:
    sealer = None
    try:
        with psycopg.connect(conninfo, autocommit=True) as sealer:
            while not stop.wait(EVERY):
                sealed.acknowledged |= _seal(sealer)
    except psycopg.Error as error:
        if sealer is None or not sealer.broken:
            sealed.broken.append(f"sealer: {error.sqlstate} {error}")


def _seal(sealer: Connection) -> set[Head]:
    return set(sealer.execute(SEAL.encode()).fetchall())
