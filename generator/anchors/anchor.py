"""An anchor: what is kept of a seal outside of the database, as a line of JSON."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

_HEAD = re.compile(r"([0-9a-f]{2})+")


class AnchorProblem(Exception):
    """A place can't be reached, or holds what is no anchor; the message says where and what."""


@dataclass(frozen=True)
class Log:
    """Which log seals are of: a file may hold those of several."""

    source: str
    database: str


class Known(NamedTuple):
    """What tells a seal from all others; *identity* is the database's that made it."""

    number: int
    head: str
    identity: str


@dataclass(frozen=True)
class Seal:
    """A link of the chain; *head* is in hex."""

    number: int
    kind: str
    identity: str
    entries: int
    sealed_at: datetime
    head: str

    @property
    def known(self) -> Known:
        """What is to be known of it elsewhere."""
        return Known(self.number, self.head, self.identity)


@dataclass(frozen=True)
class Anchor:
    """A seal as it is known elsewhere, and where: file and line, or object."""

    log: Log
    seal: Seal
    where: str = ""

    def line(self) -> str:
        """Return it as a line of JSON."""
        said = {
            "source": self.log.source,
            "database": self.log.database,
            "identity": self.seal.identity,
            "number": self.seal.number,
            "kind": self.seal.kind,
            "entries": self.seal.entries,
            "sealed_at": self.seal.sealed_at.isoformat(timespec="microseconds"),
            "head": self.seal.head,
        }
        return json.dumps(said, ensure_ascii=False)


def parse(line: bytes, where: str) -> Anchor:
    """Return the anchor that a line is. Raises AnchorProblem."""
    try:
        said = json.loads(line)
        sealed_at = datetime.fromisoformat(said["sealed_at"]).astimezone(UTC)
        texts = [said[key] for key in ("source", "database", "kind", "identity", "head")]
        numbers = [said["number"], said["entries"]]
        if all(isinstance(text, str) for text in texts) and _HEAD.fullmatch(said["head"]):
            source, database, kind, identity, head = texts
            number, entries = map(int, numbers)
            seal = Seal(number, kind, identity, entries, sealed_at, head)
            return Anchor(Log(source, database), seal, where)
    except (ValueError, TypeError, KeyError):
        pass
    raise AnchorProblem(f"{where}: is no anchor, such as pgwitness seal prints")
