"""Reads entries of a log and what proves them, in one snapshot, as a member of audit_reader."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, LiteralString

from generator.access import require_member
from generator.config import ConfigError
from generator.database import Connection, rows
from generator.evidence import queries
from generator.names import TableName

MOST_ENTRIES = 100_000
MOST_LISTED = 1_000_000
"""Beyond these a bundle would be too large to be read in one piece."""
ITEM = 48
"""Bytes of an item of a list: id, time and digest."""


@dataclass(frozen=True)
class Asked:
    """Which entries: those with these ids, or all of a time, or of these those of one thing."""

    ids: Sequence[int] = ()
    since: datetime | None = None
    until: datetime | None = None
    table: TableName | None = None
    entity: str | None = None
    entity_id: str | None = None

    @property
    def of(self) -> list[str]:
        """Return of what alone; empty where it is all."""
        return [str(word) for word in (self.table, self.entity, self.entity_id) if word is not None]


@dataclass(frozen=True)
class Evidence:
    """What there is: rows of queries.ENTRIES, BLOCKS and SEALS."""

    database: str
    made_at: datetime
    asked: Asked
    entries: list[Any]
    blocks: list[Any]
    seals: list[Any]

    @property
    def sealed(self) -> set[int]:
        """Return the ids of all entries that the lists of the blocks have."""
        return {
            int.from_bytes(block.list[at : at + 8], "big", signed=True)
            for block in self.blocks
            for at in range(0, len(block.list), ITEM)
        }


def gather(connection: Connection, asked: Asked) -> Evidence:
    """Return entries and what proves them. Raises ConfigError for what can't be asked.

    The connection must not be in a transaction that has read already.
    """
    _check(asked)
    require_member(connection)
    with _snapshot(connection):
        [clock] = rows(connection, "SELECT now(), current_database() AS database")
        now = clock.now.astimezone(UTC)
        if not asked.ids:
            begin = datetime.min.replace(tzinfo=UTC)
            asked = replace(asked, since=asked.since or begin, until=asked.until or now)
        entries = _read_entries(connection, asked)
        blocks = _read_blocks(connection, asked, [entry.id for entry in entries])
        first = min((block.seal for block in blocks), default=None)
        seals = rows(connection, queries.SEALS, first=first)
    found = Evidence(clock.database, now, asked, entries, blocks, seals)
    unknown = set(asked.ids) - {entry.id for entry in entries} - found.sealed
    if unknown:
        raise ConfigError([f"--entry {id_}: the log has none" for id_ in sorted(unknown)])
    if not entries and not blocks:
        raise ConfigError(["the log has no such entries"])
    return found


def _check(asked: Asked) -> None:
    by_time = asked.since or asked.until
    if bool(asked.ids) == bool(by_time or asked.of):
        what = "either --entry, or --from, --to, --table, --entity and --entity-id"
        raise ConfigError([f"ask for entries by {what}"])
    if asked.entity_id is not None and not (asked.table or asked.entity):
        raise ConfigError(["--entity-id: of what? – name its --entity or --table, too"])


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    """Read in one snapshot, in which no partition that leaves the log meanwhile seems empty."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL client_encoding = 'UTF8'")
        connection.execute("LOCK TABLE audit.entry IN ACCESS SHARE MODE")
        yield


def _read_entries(connection: Connection, asked: Asked) -> list[Any]:
    entries = rows(
        connection,
        queries.ENTRIES.format(asked=_condition(asked)),
        ids=list(asked.ids),
        since=asked.since,
        until=asked.until,
        schema=asked.table and asked.table.schema,
        table=asked.table and asked.table.table,
        entity=asked.entity,
        entity_id=asked.entity_id,
        most=MOST_ENTRIES + 1,
    )
    if len(entries) > MOST_ENTRIES:
        raise ConfigError([f"more than {MOST_ENTRIES:,} entries – ask for less time in a bundle"])
    return entries


def _condition(asked: Asked) -> LiteralString:
    if asked.ids:
        return queries.BY_ID
    condition = queries.BY_TIME
    for value, narrower in (
        (asked.table, queries.BY_TABLE),
        (asked.entity, queries.BY_ENTITY),
        (asked.entity_id, queries.BY_ENTITY_ID),
    ):
        condition += narrower if value is not None else ""
    return condition


def _read_blocks(connection: Connection, asked: Asked, there: list[int]) -> list[Any]:
    """Return the blocks of all seals that hold the entries, or others that were asked for."""
    ids = [*there, *asked.ids]
    whole = {} if asked.of else {"since": asked.since, "until": asked.until}
    places = rows(
        connection,
        queries.PLACES,
        ids=ids,
        first=min(ids, default=None),
        last=max(ids, default=None),
        since=whole.get("since"),
        until=whole.get("until"),
    )
    if sum(place.entries for place in places) > MOST_LISTED:
        what = f"these are in blocks of more than {MOST_LISTED:,} entries"
        raise ConfigError([f"{what} – ask for less time in a bundle"])
    return rows(
        connection,
        queries.BLOCKS,
        seals=[place.seal for place in places],
        blocks=[place.number for place in places],
    )
