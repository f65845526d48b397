"""How the log gets days ahead: in front of the open-ended partition, or out of it.

Every function here yields after each step, any of which may be the last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from psycopg import sql

from generator.maintenance.leaving import detach, drop, newest_entry
from generator.maintenance.partitions import Partition, missing_days, read_partitions, start_of
from generator.maintenance.run import Run
from generator.maintenance.waiting import Blocked, patiently, until_left


def add_days(run: Run) -> Iterator[str]:
    """Add the days that are missing from today on, and an open-ended partition behind them."""
    first, end = run.today(), run.today() + (run.terms.ahead + 1) * run.terms.day
    last = _last(run)
    if last is not None and last.starts_at < end:
        yield from _make_way(run, last, end)
    missing = list(missing_days(read_partitions(run.session.worker), first, end, run.terms.day))
    for starts_at, ends_at in missing:
        yield _add(run, starts_at, ends_at.isoformat())
    if _last(run) is None:
        partitions = read_partitions(run.session.worker)
        yield _add(run, max(end, partitions[-1].ends_at), "infinity")


def _last(run: Run) -> Partition | None:
    """Return the open-ended partition. Raises Blocked while it is being detached."""
    last = next((p for p in read_partitions(run.session.worker) if p.is_last), None)
    if last is not None and last.is_detaching:
        raise Blocked(f"no days are added: {last.name} is still being detached")
    return last


def _make_way(run: Run, last: Partition, end: datetime) -> Iterator[str]:
    """Take the open-ended partition away while it is empty; end it where it is in use."""
    newest = newest_entry(run, last.name)
    if newest is not None or last.starts_at < run.now() + run.terms.near * run.terms.day:
        yield from _split(run, last, newest)
        last = _last(run) or last
    if last.starts_at < end:
        run.intend(last)
        yield from detach(run, last)
        yield drop(run, last)


def _split(run: Run, last: Partition, newest: datetime | None) -> Iterator[str]:
    """End the open-ended partition far ahead, and put an empty one behind it."""
    day = run.terms.day
    at = max(run.today() + run.terms.far * day, last.starts_at + day)
    if newest is not None and newest >= at:
        at = start_of(newest, day) + day
    with _staying_open(last):
        until_left(run.session, run.patience, "entry", last.name)
        _bound(run, at)
    yield f"{last.name}: to end at {at:%Y-%m-%d %H:%M}"
    with _staying_open(last, run):
        _validate(run, last)
    yield f"{last.name}: holds nothing later"
    with _staying_open(last, run):
        until_left(run.session, run.patience, "entry", last.name)
        run.create("audit._split_last(%s)", at, patience=run.patience.before_writers)
    yield f"{last.name}: ends at {at:%Y-%m-%d %H:%M}"


@contextmanager
def _staying_open(last: Partition, bound_in: Run | None = None) -> Iterator[None]:
    """Say what it means that somebody is in the way, and lift the bound again."""
    try:
        yield
    except Blocked as blocked:
        kept = (
            "" if bound_in is None or _is_unbound(bound_in) else "; its bound is there until then"
        )
        raise Blocked(f"{last.name} stays open-ended: {blocked}{kept}") from None


def _is_unbound(run: Run) -> bool:
    try:
        _bound(run, None)
    except Blocked:
        return False
    return True


def _bound(run: Run, at: datetime | None) -> None:
    patiently(run.session, run.patience.before_writers, "SELECT audit._bound_last(%s)", [at])


def _validate(run: Run, last: Partition) -> None:
    validate = "ALTER TABLE audit.{} VALIDATE CONSTRAINT entry_is_in_bounds"
    statement = sql.SQL(validate).format(sql.Identifier(last.name))
    run.execute(statement)


def _add(run: Run, starts_at: datetime, until: str) -> str:
    run.create("audit._add_between(%s, %s)", starts_at, until)
    what = "every later day" if until == "infinity" else f"{starts_at:%Y-%m-%d %H:%M}"
    return f"added: {what}"
