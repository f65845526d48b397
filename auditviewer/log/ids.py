"""How an entity is found by its id along an index, which has a hash: an id may be of any length.

Knows no column; who asks names them.
"""

from typing import LiteralString

from psycopg import sql


def has_id(column: LiteralString, value: LiteralString) -> sql.SQL:
    """Return the condition that a column of audit.entry holds an id, both in SQL."""
    by_index = f"hashtextextended({column}, 0) = hashtextextended({value}, 0)"
    return sql.SQL(f"{by_index}\n      AND {column} = {value}")


def has_no_id(column: LiteralString) -> sql.SQL:
    """Return the condition that it holds none."""
    return sql.SQL(f"hashtextextended({column}, 0) IS NULL")
