"""Takes the heads of seals to all places, and compares what these know with the chain.

A seal proves all before it: a place that is new gets the last one alone, and of what a place knows
the newest is enough. So nothing here takes longer where the chain is long.
"""

import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

from generator.anchors.anchor import Anchor, AnchorProblem, Known, Log, Seal
from generator.anchors.files import File
from generator.anchors.places import Places
from generator.anchors.stores import Store

Place = File | Store
COMMAND_SECONDS = 60
"""How long a command may take for a line."""
_AT_ONCE = 1000


class Seals(Protocol):
    """The seals of a log."""

    def after(self, number: int) -> list[Seal]:
        """Return those after a number, the first one first."""

    def last_number(self) -> int:
        """Return the number of the last one; 0 where there is none."""

    def lacking(self, known: Sequence[Known]) -> Collection[Known]:
        """Return which of these are not there."""

    def gone(self, known: Collection[Known]) -> Collection[Known]:
        """Return which of these this log made, does not hold, and nobody acknowledged as lost."""


def readable(places: Places) -> list[Place]:
    """Return the places that tell what they know, as commands don't."""
    file = [] if places.file is None else [File(places.file)]
    return [*file, *([] if places.url is None else [Store(places.url)])]


def all_known(places: Iterable[Place], log: Log) -> set[Known]:
    """Return all that places know. Raises AnchorProblem."""
    return {known for place in places for known in place.newest_first(log)}


def later_known(places: Iterable[Place], log: Log, seals: Seals) -> set[Known]:
    """Return what places know of a time after the last seal that they share with the log.

    What can't be read is left out: that is told when it is delivered to.
    """
    later: set[Known] = set()
    for place in places:
        with suppress(AnchorProblem):
            later.update(_look_back(place, log, seals)[1])
    return later


def deliver(places: Places, log: Log, seals: Seals, since: int) -> Iterator[str]:
    """Take heads to all places, and yield what went wrong: then, the next call does the rest.

    What a command has can't be read: it gets those after the number *since*, or, where there are
    none, the last one again; so what it missed once is made up for.

    A place that knows of what is gone gets nothing: what came instead would be its newest head, and
    hide from the next look that something is gone. Why nothing is sealed then, is told by that.
    """
    for place in readable(places):
        try:
            number, later = _look_back(place, log, seals)
            if not seals.gone(later):
                place.add(_anchors(log, seals, number or seals.last_number() - 1))
        except AnchorProblem as problem:
            yield str(problem)
    if places.command:
        try:
            for anchor in _anchors(log, seals, min(since, seals.last_number() - 1)):
                _run(places.command, anchor)
        except AnchorProblem as problem:
            yield str(problem)


def _look_back(place: Place, log: Log, seals: Seals) -> tuple[int, list[Known]]:
    """Return the number of the newest seal that a place shares with the log, and what is later."""
    known = place.newest_first(log)
    later: list[Known] = []
    # Mostly it is the very first.
    size = 1
    while some := [*islice(known, size)]:
        lacking = seals.lacking(some)
        for one in some:
            if one not in lacking:
                return one.number, later
            later.append(one)
        size = _AT_ONCE
    return 0, later


def _anchors(log: Log, seals: Seals, after: int) -> list[Anchor]:
    return [Anchor(log, seal) for seal in seals.after(after)]


def _run(command: Sequence[str], anchor: Anchor) -> None:
    line = f"{anchor.line()}\n".encode()
    try:
        subprocess.run(
            command, input=line, check=True, timeout=COMMAND_SECONDS, stdout=subprocess.DEVNULL
        )
    except OSError as error:
        raise AnchorProblem(f"{command[0]}: can't be run: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        raise AnchorProblem(f"{command[0]}: ended with exit code {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise AnchorProblem(f"{command[0]}: took more than {COMMAND_SECONDS} seconds") from None
