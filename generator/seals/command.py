"""The command pgwitness seal."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from generator.command_line import UsageProblem, config_option, connect, read, say
from generator.maintenance.sealing import execute
from generator.maintenance.session import Session, take_role
from generator.maintenance.waiting import Blocked, Patience
from generator.seals.anchors import (
    AnchorProblem,
    Log,
    anchor_line,
    deliver,
    known_anchors,
    read_anchors,
)
from generator.seals.places import Places
from generator.seals.sealing import (
    Anchor,
    Execute,
    Refused,
    Seal,
    acknowledge,
    last_number,
    read_seals,
    seal_new,
)

PATIENCE = Patience(others=5000)
"""Others may seal just now, for some seconds."""


@dataclass(frozen=True)
class Wanted:
    """What is to be done: *reason*, where a restore is to be acknowledged; *anchors*, a file."""

    log: Log
    places: Places
    reason: str | None
    anchors: Path | None


@click.command()
@config_option
@click.option("--database", required=True, help="Connection string of a member of audit_owner.")
@click.option("--acknowledge", "reason", help="Why this is another database than before.")
@click.option(
    "--anchors",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of heads that are known, besides the places that audit.toml names.",
)
def seal(path: Path, database: str, reason: str | None, anchors: Path | None) -> None:
    """Seal what is new, and print the head of each seal. Exits 1 where that is refused.

    \b
    pgwitness seal --database postgresql://audit_maintainer@db/shop >> anchors.jsonl
    """
    config = read(path)
    if reason is not None and not reason.strip():
        raise UsageProblem('--acknowledge says nothing – say why, such as "Monday as of noon"')
    with connect(database) as worker, connect(database) as watcher:
        session = take_role(worker, watcher)
        wanted = Wanted(Log(config.source, worker.info.dbname), config.anchors, reason, anchors)
        problems = list(_seal(session, wanted))
    for problem in problems:
        say(problem, err=True)
    if problems:
        raise SystemExit(1)


def _seal(session: Session, wanted: Wanted) -> Iterator[str]:
    """Seal, print and deliver, and yield what went wrong."""
    last = last_number(session.worker)
    try:
        for one in _seals(session, wanted):
            click.echo(anchor_line(wanted.log, one))
    except (AnchorProblem, Blocked, Refused) as problem:
        yield str(problem)
    chain = read_seals(session.worker)
    for undelivered in deliver(wanted.places, wanted.log, chain, last):
        yield f"a head is not anchored: {undelivered}"


def _seals(session: Session, wanted: Wanted) -> Iterator[Seal]:
    known = _known(wanted)
    if wanted.reason is not None:
        yield acknowledge(
            session.worker, _executing(session, writers_wait=True), wanted.reason, known
        )
    yield from seal_new(session.worker, _executing(session), known)


def _known(wanted: Wanted) -> set[Anchor]:
    known, _ = known_anchors(wanted.places, wanted.log)
    return known if wanted.anchors is None else known | read_anchors(wanted.anchors)


def _executing(session: Session, *, writers_wait: bool = False) -> Execute:
    patience = Patience(others=PATIENCE.writers) if writers_wait else PATIENCE
    return partial(execute, session, patience)
