"""Reads the log in steps, each a transaction of its own: none keeps others waiting for long.

Knows the settings of such a step; nothing of what is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

from generator.database import Connection


@contextmanager
def step(connection: Connection) -> Iterator[None]:
    """Read in a transaction, in which no partition leaves the log.

    Each statement sees what was committed before it: a snapshot from before the lock would show
    a partition as empty that was detached meanwhile.
    """
    with connection.transaction():
        connection.execute(_BEGIN)
        yield


# Texts are compared byte for byte, times are read as text.
_BEGIN: LiteralString = """
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL work_mem = '64MB';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
LOCK TABLE audit.entry IN ACCESS SHARE MODE;
"""
