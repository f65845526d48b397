"""What PostgreSQL itself says that committed transactions changed: its logical replication.

It comes from the write-ahead log, where no trigger has a say, so it bears witness against them.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.replay.schema import Table, World
from tests.shop import Connection

Tally = Counter[tuple[int, str, str]]
"""How often something happened, by transaction, table and operation."""

READ = """
    SELECT data FROM pg_logical_slot_get_binary_changes(
        'replay', NULL, NULL, 'proto_version', '1', 'publication_names', 'replay')
    """

LAG = """
    SELECT pg_current_wal_lsn() - restart_lsn > 1000000
    FROM pg_replication_slots
    WHERE slot_name = 'replay'
    """


def publish(superuser: Connection, worlds: list[World]) -> None:
    """Begin to keep what is written to the tables of the worlds."""
    names = ", ".join(table.full_name for world in worlds for table in world.tables)
    options = "publish_via_partition_root"
    if superuser.info.server_version >= 180000:
        options += ", publish_generated_columns = stored"
    superuser.execute(f"CREATE PUBLICATION replay FOR TABLE {names} WITH ({options})".encode())
    superuser.execute("SELECT pg_create_logical_replication_slot('replay', 'pgoutput')")


def tally(superuser: Connection, tables: tuple[Table, ...], horizon: int) -> Tally:
    """Count the rows that were written by the transactions since one.

    Updates that changed nothing, or only what is not recorded, don't count. The sessions that
    committed must have waited for the write-ahead log.
    """
    reader = _Reader({table.name: table.unrecorded for table in tables})
    for (message,) in superuser.execute(READ, binary=True):
        reader.read(message)
    if superuser.execute(LAG).fetchone() == (True,):
        # The next reading begins here, not at all that was read already.
        superuser.execute("CHECKPOINT")
    return Counter({key: count for key, count in reader.tally.items() if key[0] >= horizon})


@dataclass
class _Reader:
    """Reads messages of the manual's "Logical Replication Message Formats"."""

    unrecorded: dict[str, tuple[str, ...]]
    tally: Tally = field(default_factory=Counter)
    transaction: int = 0
    relations: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def read(self, message: bytes) -> None:
        kind, body = message[:1], message[1:]
        if kind == b"B":
            [self.transaction] = struct.unpack_from("!I", body, 16)
        elif kind == b"R":
            self._read_relation(body)
        elif kind == b"T":
            [count] = struct.unpack_from("!I", body)
            for relation in struct.unpack_from(f"!{count}I", body, 5):
                self._count(relation, "TRUNCATE")
        elif kind in b"ID":
            [relation] = struct.unpack_from("!I", body)
            self._count(relation, "INSERT" if kind == b"I" else "DELETE")
        elif kind == b"U":
            [relation] = struct.unpack_from("!I", body)
            if self._is_change(relation, body[4:]):
                self._count(relation, "UPDATE")

    def _count(self, relation: int, operation: str) -> None:
        self.tally[self.transaction, self.relations[relation][0], operation] += 1

    def _read_relation(self, body: bytes) -> None:
        [relation] = struct.unpack_from("!I", body)
        _, name, rest = body[4:].split(b"\0", 2)
        columns, rest = [], rest[3:]
        while rest:
            column, rest = rest[1:].split(b"\0", 1)
            columns.append(column.decode())
            rest = rest[8:]
        self.relations[relation] = (name.decode(), columns)

    def _is_change(self, relation: int, body: bytes) -> bool:
        name, columns = self.relations[relation]
        assert body[:1] == b"O", "the identity of replicated rows is all of them"
        values = _values(body)
        old = [next(values) for _ in columns]
        new = [next(values) for _ in columns]
        return any(
            before != after
            for column, before, after in zip(columns, old, new, strict=True)
            if column not in self.unrecorded[name]
        )


def _values(body: bytes) -> Iterator[bytes | None]:
    """Yield the values of a row and of the one that may follow it, as text; null is None."""
    at = 0
    while at < len(body):
        [count] = struct.unpack_from("!H", body, at + 1)
        at += 3
        for _ in range(count):
            size = 0
            if body[at : at + 1] == b"t":
                [size] = struct.unpack_from("!I", body, at + 1)
                yield body[at + 5 : at + 5 + size]
                at += 5 + size
            else:
                assert body[at : at + 1] == b"n", "the rows are too short to be stored apart"
                yield None
                at += 1
