"""Takes the heads of seals to places outside of the database, and reads what these know.

Nothing there is ever changed: a file is added to, an object written once. A seal proves all before
it, so a place that is new gets the last one alone, and nothing is lost where one was left out.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from generator.seals.places import Places
from generator.seals.sealing import Anchor, Seal

T = TypeVar("T")

_OBJECT = re.compile(r"(?P<identity>\d+/\d+/\d+)/(?P<number>\d+)-(?P<head>[0-9a-f]+)\.json$")

COMMAND_SECONDS = 60
"""How long a command may take for a line."""


class AnchorProblem(Exception):
    """A place can't be reached, or holds what is none of ours; the message says where and what."""


@dataclass(frozen=True)
class Log:
    """Which log seals are of: a file may hold those of several."""

    source: str
    database: str


def anchor_line(log: Log, seal: Seal) -> str:
    """Return the line of JSON that is called an anchor."""
    said = {
        "source": log.source,
        "database": log.database,
        "identity": seal.identity,
        "number": seal.number,
        "kind": seal.kind,
        "entries": seal.entries,
        "sealed_at": seal.sealed_at.isoformat(timespec="microseconds"),
        "head": seal.head,
    }
    return json.dumps(said)


def read_anchors(file: Path, log: Log | None = None) -> set[Anchor]:
    """Return what a file of lines knows, of one log or of all. Raises AnchorProblem."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnchorProblem(f"{file}: can't be read: {error}") from None
    found = (_parse(line, f"{file}:{n}") for n, line in enumerate(lines, 1) if line.strip())
    return {
        Anchor(one["number"], one["head"], one.get("identity"))
        for one in found
        if log is None or (one.get("source"), one.get("database")) == (log.source, log.database)
    }


def known_anchors(places: Places, log: Log) -> tuple[set[Anchor], list[str]]:
    """Return what all places know that can be read, and what was wrong with the others."""
    known: set[Anchor] = set()
    problems = []
    for read in (_in_file, _in_store):
        try:
            known |= read(places, log)
        except AnchorProblem as problem:
            problems.append(str(problem))
    return known, problems


def deliver(places: Places, log: Log, seals: Sequence[Seal], since: int) -> list[str]:
    """Take heads to all places, and return what went wrong: then, the next call does the rest.

    *seals* is the whole chain. What a command has can't be read: it gets those after the number
    *since*, or, where there are none, the last one again; so what it missed once is made up for.
    """
    problems = []
    for take in (_to_file, _to_store, _to_command):
        try:
            take(places, log, seals, since)
        except AnchorProblem as problem:
            problems.append(str(problem))
    return problems


def _in_file(places: Places, log: Log) -> set[Anchor]:
    if places.file is None or not places.file.exists():
        return set()
    return read_anchors(places.file, log)


def _to_file(places: Places, log: Log, seals: Sequence[Seal], since: int) -> None:
    if places.file is None:
        return
    new = _unknown(seals, _in_file(places, log))
    if not new:
        return
    text = "".join(f"{anchor_line(log, seal)}\n" for seal in new)
    try:
        # A line that a full disk cut off must not swallow the next one.
        with places.file.open("ab+") as file:
            if file.tell() and not _ends_a_line(file):
                text = f"\n{text}"
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AnchorProblem(f"{places.file}: can't be added to: {error.strerror}") from None


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def _in_store(places: Places, log: Log) -> set[Anchor]:
    return set() if places.url is None else _ask(places.url, partial(_list_store, places.url, log))


def _list_store(url: str, log: Log) -> set[Anchor]:
    store, folder = _open_store(url, log)
    store.invalidate_cache()
    paths = store.find(folder) if store.exists(folder) else []
    found = (_OBJECT.search(path) for path in paths)
    return {Anchor(int(one["number"]), one["head"], one["identity"]) for one in found if one}


def _to_store(places: Places, log: Log, seals: Sequence[Seal], since: int) -> None:
    if places.url is not None:
        new = _unknown(seals, _in_store(places, log))
        _ask(places.url, partial(_add_to_store, places.url, log, new))


def _add_to_store(url: str, log: Log, seals: Sequence[Seal]) -> None:
    store, folder = _open_store(url, log)
    for seal in seals:
        store.makedirs(f"{folder}/{seal.identity}", exist_ok=True)
        name = f"{folder}/{seal.identity}/{seal.number:012}-{seal.head}.json"
        # Where another run was quicker, its name says all that is in it.
        with suppress(FileExistsError):
            store.pipe_file(name, f"{anchor_line(log, seal)}\n".encode(), mode="create")


def _open_store(url: str, log: Log) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    store, path = url_to_fs(url)
    return store, f"{path.rstrip('/')}/{log.source}/{log.database}"


def _ask(url: str, what: Callable[[], T]) -> T:
    """Call a store. Whatever its library raises is an AnchorProblem: these have no common base."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(what)
        problem = done.exception()
    if isinstance(problem, ImportError):
        raise AnchorProblem(f"{url}: {problem} – run: pip install 'pgwitness[anchors]'")
    if problem is not None:
        raise AnchorProblem(f"{url}: {problem or type(problem).__name__}")
    return done.result()


def _to_command(places: Places, log: Log, seals: Sequence[Seal], since: int) -> None:
    if not places.command:
        return
    name = places.command[0]
    for seal in [seal for seal in seals if seal.number > since] or seals[-1:]:
        line = f"{anchor_line(log, seal)}\n".encode()
        try:
            subprocess.run(
                places.command,
                input=line,
                check=True,
                timeout=COMMAND_SECONDS,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            raise AnchorProblem(f"{name}: can't be run: {error.strerror}") from None
        except subprocess.SubprocessError as error:
            raise AnchorProblem(f"{name}: {error}") from None


def _unknown(seals: Sequence[Seal], known: set[Anchor]) -> Sequence[Seal]:
    """Return the seals after the last one that a place knows; for a new place, the last one."""
    last = max((n for n, seal in enumerate(seals) if seal.anchor in known), default=None)
    return seals[-1:] if last is None else seals[last + 1 :]


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if isinstance(found["number"], int) and isinstance(found["head"], str):
            return dict(found)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise AnchorProblem(f"{where}: is no anchor – a line that was cut off can be removed")
