"""How partitions leave the log: detached concurrently, and dropped in a step of its own.

Every function here yields after each step, any of which may be the last.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from generator.database import rows
from generator.maintenance.partitions import FOREVER, Partition, read_partitions
from generator.maintenance.run import Run
from generator.maintenance.waiting import Blocked, patiently, until_left
from generator.wording import count


def finish_interrupted(run: Run) -> Iterator[str]:
    """Finish what an interrupted detach left: no other one is possible before."""
    for partition in read_partitions(run.session.worker):
        if partition.is_detaching:
            _finalize(run, partition.name)
            yield f"{partition.name}: the interrupted detach is finished"
    attached = {partition.name for partition in read_partitions(run.session.worker)}
    for name, starts_at, until in list(run.intentions()):
        if name in attached or not _exists(run, name):
            run.withdraw(name)
        else:
            ends_at = FOREVER if until == "infinity" else _moment(until)
            yield from _settle(run, Partition(name, _moment(starts_at), ends_at))


def drop_old(run: Run) -> Iterator[str]:
    """Drop the partitions that are wholly past the retention, the oldest first.

    Evidence stays: what is not sealed, and what is not as it was sealed.
    """
    for partition in read_partitions(run.session.worker):
        if partition.ends_at <= run.cutoff():
            if not run.is_sealed or _holds_unsealed(run, partition.name):
                raise Blocked(f"{partition.name} stays: not all of it is sealed")
            differing = run.intend(partition, is_verified=True)
            if differing and not run.terms.drop_differing:
                run.withdraw(partition.name)
                run.given_up.append(_DIFFERING.format(partition.name, count(differing, "entry")))
                yield f"gave up: {run.given_up[-1]}"
                continue
            yield from detach(run, partition)
            yield drop(run, partition)


def detach(run: Run, partition: Partition) -> Iterator[str]:
    """Take a partition out of the log, which is intended; writers go on.

    Raises Blocked where readers do not end.
    """
    for other in read_partitions(run.session.worker):
        if other.is_detaching:
            raise Blocked(f"{partition.name} stays: {other.name} is still being detached")
    try:
        until_left(run.session, run.patience, partition.name)
    except Blocked as blocked:
        raise Blocked(f"{partition.name} stays: {blocked}") from None
    yield f"{partition.name}: detaching"
    once = replace(run.patience, others=4 * run.patience.others, pauses=())
    try:
        patiently(run.session, once, _statement(_DETACH, partition.name))
    except Blocked as blocked:
        # Idle sessions and prepared transactions stop it here, and no longer once it is half done.
        if not any(p.is_detaching for p in read_partitions(run.session.worker)):
            raise Blocked(f"{partition.name} stays: {blocked}") from None
        _finalize(run, partition.name)
    yield f"{partition.name}: detached"


def drop(run: Run, partition: Partition) -> str:
    """Drop what has been detached, with the entry that says so, and return the line that does."""
    arguments = (run.started_at, partition.name, partition.starts_at, partition.until)
    before = _count_dropped(run)
    try:
        until_left(run.session, run.patience, partition.name)
        run.execute(
            "SELECT audit._drop_detached(%s, %s, %s, %s, %s, %s)",
            [*arguments, run.terms.source, run.terms.day],
        )
    except Blocked as blocked:
        raise Blocked(f"{partition.name} is detached, and not dropped yet: {blocked}") from None
    except psycopg.DatabaseError as error:
        if error.sqlstate not in _UNSEALED:
            raise
        raise Blocked(f"{partition.name} is detached, and stays: {_reason(error)}") from None
    entries = count(_count_dropped(run) - before, "entry")
    return f"{partition.name}: dropped" + ("" if partition.is_last else f", {entries}")


def newest_entry(run: Run, name: str) -> datetime | None:
    """Return when the newest entry of a partition was written, None where it holds none."""
    query = _statement("SELECT max(occurred_at) FROM audit.{}", name)
    row = run.execute(query).fetchone()
    return row[0].astimezone(UTC) if row and row[0] else None


def _settle(run: Run, partition: Partition) -> Iterator[str]:
    """Drop what an earlier run has detached; put it back where that would lose entries by now."""
    is_empty = newest_entry(run, partition.name) is None
    is_old = partition.ends_at <= run.cutoff() and not _holds_unsealed(run, partition.name)
    if is_empty if partition.is_last else is_old:
        yield drop(run, partition)
        return
    try:
        run.execute(
            "SELECT audit._attach_partition(%s, %s, %s)",
            [partition.name, partition.starts_at, partition.until],
        )
    except (Blocked, *_NOT_ATTACHED) as error:
        raise Blocked(f"{partition.name} is not put back: {_reason(error)}") from None
    run.withdraw(partition.name)
    yield f"{partition.name}: put back, since it is not past the retention, or not sealed"


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def _finalize(run: Run, name: str) -> None:
    # It has the partition locked while it waits: less than a deadlock with a reader would take.
    try:
        until_left(run.session, run.patience, name)
        run.execute(_statement(_FINALIZE, name))
    except (Blocked, psycopg.errors.DatatypeMismatch) as error:
        raise Blocked(f"{name} is half detached: {_reason(error)}") from None


def _count_dropped(run: Run) -> int:
    query = (
        "SELECT coalesce(sum((d ->> 'entries')::bigint), 0)::bigint AS number"
        " FROM audit.maintenance_run, jsonb_array_elements(dropped) AS d"
        " WHERE started_at = %s"
    )
    [(number,)] = run.execute(query, [run.started_at]).fetchall()
    return int(number)


def _holds_unsealed(run: Run, name: str) -> bool:
    query = "SELECT audit._holds_unsealed(%(name)s) AS holds_unsealed"
    return bool(rows(run.session.worker, query, name=name)[0].holds_unsealed)


def _exists(run: Run, name: str) -> bool:
    query = "SELECT to_regclass(format('audit.%%I', %(name)s::text)) IS NOT NULL AS is_there"
    return bool(rows(run.session.worker, query, name=name)[0].is_there)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _statement(template: str, name: str) -> sql.Composed:
    return sql.SQL(template).format(sql.Identifier(name))


_UNSEALED = ("UA011", "UA012")
_DIFFERING = (
    "{} stays: it is not as it was sealed, in {} – run: pgwitness verify; to drop it anyway:"
    " pgwitness maintain --drop-differing"
)
# Its place is taken, or it has not got a column that an upgrade has added meanwhile.
_NOT_ATTACHED = (psycopg.errors.InvalidObjectDefinition, psycopg.errors.DatatypeMismatch)
_DETACH = "ALTER TABLE audit.entry DETACH PARTITION audit.{} CONCURRENTLY"
_FINALIZE = "ALTER TABLE audit.entry DETACH PARTITION audit.{} FINALIZE"
