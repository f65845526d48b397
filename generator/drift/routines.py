"""The functions and procedures that a database has in schema audit, read from pg_catalog.

Knows what makes one another than it was: whatever PostgreSQL runs, or finds it by.
"""

from collections.abc import Collection
from typing import Any, LiteralString

from generator.database import Connection, rows
from generator.drift.objects import Routine, named
from generator.drift.statements import read_statements


def read_routines(connection: Connection) -> tuple[Routine, ...]:
    """Return the functions and procedures of schema audit: all of a name, where there are more."""
    return tuple(_routine(row) for row in rows(connection, _ROUTINES + _ORDER))


def read_routines_named(connection: Connection, names: Collection[str]) -> tuple[Routine, ...]:
    """Return those of these names, which takes a fraction of the time that all of them take."""
    found = rows(connection, _ROUTINES + _NAMED + _ORDER, names=sorted(names))
    return tuple(_routine(row) for row in found)


def _routine(row: Any) -> Routine:
    [signature] = read_statements(row.signature)
    settings = (setting.partition("=") for setting in row.settings or ())
    header = (
        # PostgreSQL writes IN before each parameter of a procedure.
        " ".join(word for word in signature.words if word != "in"),
        f"language {row.language}",
        row.volatility,
        *(["strict"] if row.is_strict else []),
        f"security {'definer' if row.is_definer else 'invoker'}",
        *sorted(f"set {name.lower()} = {value}" for name, _, value in settings),
    )
    return Routine(named(row.kind, row.name), header, row.body)


_ROUTINES: LiteralString = """
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind,
       p.proname AS name,
       l.lanname AS language,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile'
       END AS volatility,
       p.proisstrict AS is_strict, p.prosecdef AS is_definer, p.proconfig AS settings,
       format('(%%s)%%s;', pg_get_function_arguments(p.oid),
              ' returns ' || pg_get_function_result(p.oid)) AS signature,
       coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS body
FROM pg_proc AS p
     JOIN pg_namespace AS n ON n.oid = p.pronamespace
     JOIN pg_language AS l ON l.oid = p.prolang
WHERE n.nspname = 'audit'
"""

_NAMED: LiteralString = """
  AND p.proname = ANY (%(names)s::text[])
"""

_ORDER: LiteralString = """
ORDER BY p.proname, p.oid
"""
