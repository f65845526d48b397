"""Connections to the log: one pool, and transactions that read one moment and can't write.

Which queries are run is for others to know.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[dict[str, Any]]

LONGEST_QUERY = "5s"
OPENING = """
SELECT now() AS now, pg_current_snapshot()::text AS snapshot,
       has_any_column_privilege('audit.entry', 'INSERT, UPDATE')
           OR has_table_privilege('audit.entry', 'DELETE, TRUNCATE') AS may_write,
       pg_has_role('audit_reader', 'USAGE') AS may_read
"""


class MayNotRead(Exception):
    """The viewer's role is no member of audit_reader: row security would show it an empty log."""


class MayWrite(Exception):
    """The viewer's role could change the log, which nobody who only reads it should."""


@dataclass(frozen=True)
class Reading:
    """An open transaction: all its queries see the log as it was at *now*, by *snapshot*."""

    connection: Connection
    now: datetime
    snapshot: str


class Database:
    """A pool of connections, opened by the first request of a process: forks don't share one."""

    def __init__(self, conninfo: str) -> None:
        given = conninfo_to_dict(conninfo)
        options = (
            f"{given.get('options') or ''} -c default_transaction_read_only=on"
            f" -c statement_timeout={LONGEST_QUERY} -c timezone=UTC"
            # Whatever was set for the database or the role.
            " -c datestyle=ISO -c row_security=on -c search_path=pg_catalog,pg_temp"
            # Short queries over many partitions look dear: compiling them takes seconds.
            " -c max_parallel_workers_per_gather=0 -c jit=off"
        )
        self._pool = ConnectionPool(
            make_conninfo(
                conninfo,
                options=options.strip(),
                fallback_application_name="pgwitness viewer",
                connect_timeout=given.get("connect_timeout") or 3,
            ),
            connection_class=psycopg.Connection[dict[str, Any]],
            # No prepared statements: a plan made for any days would look at all of them.
            kwargs={"row_factory": dict_row, "prepare_threshold": None},
            min_size=1,
            max_size=8,
            timeout=4,
            open=False,
            configure=_configure,
            check=ConnectionPool.check_connection,
            name="pgwitness viewer",
        )

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Read within one transaction.

        Raises psycopg.OperationalError when the database can't be reached (PoolTimeout) or a
        query takes too long (QueryCanceled), psycopg.ProgrammingError when there is no log,
        MayNotRead and MayWrite.
        """
        self._pool.open()
        with self._pool.connection() as connection:
            [opening] = connection.execute(OPENING)
            if opening["may_write"]:
                raise MayWrite(connection.info.user)
            if not opening["may_read"]:
                raise MayNotRead(f"role {connection.info.user} is no member of audit_reader")
            yield Reading(connection, opening["now"], opening["snapshot"])

    def close(self) -> None:
        """End the connections."""
        self._pool.close()


def _configure(connection: Connection) -> None:
    connection.read_only = True
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
