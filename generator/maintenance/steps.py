"""What a run does, in its order: what is most urgent first, each part whatever the others meet.

Knows the order; and how a day that is over is made quick to read.
"""

from collections.abc import Iterator

from generator.maintenance.ahead import add_days
from generator.maintenance.leaving import drop_old, finish_interrupted
from generator.maintenance.partitions import Partition, read_partitions
from generator.maintenance.run import Run
from generator.maintenance.sealing import anchor, seal
from generator.maintenance.waiting import Blocked


def maintain(run: Run) -> Iterator[str]:
    """Yield a line after each step. What could not be done is in the run's ``given_up``.

    A caller may stop after any line, or be stopped in between; the next run does the rest.
    """
    for part in (finish_interrupted, add_days, seal, drop_old, anchor, index_days):
        try:
            yield from part(run)
        except Blocked as blocked:
            run.given_up.append(str(blocked))
            yield f"gave up: {blocked}"
    run.finish()


def index_days(run: Run) -> Iterator[str]:
    """Make some of the days that are over quick to read, the newest first."""
    partitions = reversed(read_partitions(run.session.worker))
    left = [p for p in partitions if p.ends_at <= run.now() and not p.is_indexed | p.is_detaching]
    for partition in left[: run.terms.most_indexed]:
        yield _index(run, partition)


def _index(run: Run, partition: Partition) -> str:
    statement = (
        "UPDATE audit.maintenance_run SET indexed = indexed || %s::text"
        " WHERE started_at = %s AND audit._index_partition(%s)"
    )
    try:
        run.execute(statement, [partition.name, run.started_at, partition.name])
    except Blocked as blocked:
        raise Blocked(f"{partition.name} is not indexed: {blocked}") from None
    return f"{partition.name}: indexed"
