"""The command pgwitness seal."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from generator.anchors.anchor import Anchor, AnchorProblem, Log, Seal
from generator.anchors.delivery import all_known, deliver, later_known, readable
from generator.anchors.files import File
from generator.anchors.places import Places
from generator.command_line import UsageProblem, config_option, connect, read, say
from generator.maintenance.session import Session, take_role
from generator.maintenance.waiting import Blocked, Patience, patiently
from generator.seals.sealing import Refused, Seals, acknowledge, seal_new
from generator.wording import count

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
    seals = Seals(session.worker)
    last = seals.last_number()
    sealed = 0
    try:
        for one in _new_seals(session, wanted):
            click.echo(Anchor(wanted.log, one).line())
            sealed += one.entries
        click.echo(_told(sealed, seals.waiting()), err=True)
    except (AnchorProblem, Blocked, Refused) as problem:
        yield str(problem)
    for undelivered in deliver(wanted.places, wanted.log, seals, last):
        yield f"a head is not anchored: {undelivered}"


def _told(sealed: int, waiting: int) -> str:
    done = f"{count(sealed, 'entry')} sealed" if sealed else "nothing new"
    held = f"; {count(waiting, 'entry')} held back by a transaction that wrote before and is open"
    return f"ok: {done}{held if waiting else ''}"


def _new_seals(session: Session, wanted: Wanted) -> Iterator[Seal]:
    places = readable(wanted.places)
    given = [] if wanted.anchors is None else [File(wanted.anchors)]
    if wanted.reason is not None:
        execute = partial(patiently, session, PATIENCE.before_writers)
        known = all_known([*places, *given], wanted.log)
        yield acknowledge(session.worker, execute, wanted.reason, known)
    known = later_known(places, wanted.log, Seals(session.worker)) | all_known(given, wanted.log)
    yield from seal_new(session.worker, partial(patiently, session, PATIENCE), known)
