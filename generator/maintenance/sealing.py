"""The parts of a run that seal the log, and take the heads of seals to where they are kept.

Knows the run; how sealing goes, `generator.seals` knows.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import LiteralString

from generator.anchors.anchor import Log, Seal
from generator.anchors.delivery import deliver, later_known, readable
from generator.maintenance.run import Run
from generator.maintenance.session import Session
from generator.maintenance.waiting import Blocked, Patience, patiently
from generator.seals.sealing import Refused, Seals, seal_new
from generator.wording import count


def seal(run: Run) -> Iterator[str]:
    """Seal what is new. Raises Blocked, also in another database than before."""
    worker = run.session.worker
    known = later_known(readable(run.terms.anchors), log_of(run), Seals(worker))
    try:
        for one in seal_new(worker, partial(execute, run.session, run.patience), known):
            yield f"seal {one.number}: {count(one.entries, 'entry')}"
    except Refused as refused:
        raise Blocked(str(refused)) from None
    except Blocked as blocked:
        raise Blocked(f"not all is sealed: {blocked}") from None
    run.is_sealed = True


def anchor(run: Run) -> Iterator[str]:
    """Take the heads of seals to where they are kept."""
    seals = Seals(run.session.worker)
    for problem in deliver(run.terms.anchors, log_of(run), seals, run.last_seal):
        run.given_up.append(f"a head is not anchored: {problem}")
        yield f"gave up: {run.given_up[-1]}"


def seals_of(run: Run) -> list[Seal]:
    """Return the seals that there are since a run began."""
    return Seals(run.session.worker).after(run.last_seal)


def log_of(run: Run) -> Log:
    """Return which log a run maintains."""
    return Log(run.terms.source, run.session.worker.info.dbname)


def execute(
    session: Session, patience: Patience, statement: LiteralString, values: Sequence[object]
) -> None:
    """Execute what no writer waits behind for long. Raises Blocked."""
    patiently(session, statement, values, wait=patience.others, pauses=patience.pauses)
