"""Reads anchors: what was kept of seals elsewhere, a line of JSON for each.

Knows files and folders; whether an anchor still holds, others know.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.config import ConfigError


@dataclass(frozen=True)
class Anchor:
    """What a seal was: *head* in lower hexadecimal digits. *where* it was kept: file and line."""

    source: str
    database: str
    number: int
    head: str
    where: str


def read_anchors(paths: Iterable[Path]) -> list[Anchor]:
    """Return the anchors of files, and of the files in folders. Raises ConfigError and OSError."""
    return [anchor for path in paths for file in _files(path) for anchor in _read(file)]


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _read(file: Path) -> Iterator[Anchor]:
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if line.strip():
            yield _anchor(line, f"{file}:{number}")


def _anchor(line: bytes, where: str) -> Anchor:
    try:
        said = json.loads(line)
        head = bytes.fromhex(said["head"]).hex()
        return Anchor(said["source"], said["database"], int(said["number"]), head, where)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise ConfigError([f"{where}: is no anchor, such as pgwitness seal prints"]) from None
