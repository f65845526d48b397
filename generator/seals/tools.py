"""Looks whether what verifies is what this version installs: functions, the view, policies, keys.

It is in the database that is verified: who could change an entry could change it, too.
"""

import re
from functools import cache
from typing import LiteralString

from generator.database import Connection, rows
from generator.drift.declared import read_declared
from generator.drift.objects import Routine, named
from generator.drift.routines import read_routines_named
from generator.render import render_audit_schema
from generator.seals.finding import Finding, Findings

FIX = "pgwitness check says what differs; apply the migrations again, and verify again"


def judge_tools(connection: Connection, found: Findings) -> None:
    """Find what does not say what it is declared to say."""
    installed = read_routines_named(connection, _NEEDED)
    for routine in _declared_routines():
        # Of two that share a name, arguments decide which is called.
        if [other for other in installed if other.object == routine.object] != [routine]:
            what = "is not the function of this version: what it says is worth nothing"
            found.add(Finding("replaced", routine.object, what, FIX))
    [view] = rows(connection, _VIEW)
    is_ours = _bare(view.definition or "") == _bare(_declared_view())
    if not is_ours or view.options or view.hides:
        what = "is not the view of this version: what is compared by it is worth nothing"
        found.add(Finding("replaced", "view audit.entry_record", what, FIX))
    for row in rows(connection, _HIDING):
        what = "are not those of this version: they hide rows, maybe from who verifies alone"
        found.add(Finding("replaced", f"the policies of {row.name}", what, FIX))
    for row in rows(connection, _KEYLESS):
        what = "has no primary key as this version's: the same may be there twice, and seem once"
        found.add(Finding("replaced", f"the key of {row.name}", what, FIX))


@cache
def _declared_routines() -> list[Routine]:
    """Return the functions that verify, as they are declared."""
    needed = {named("function", name) for name in _NEEDED}
    declared = read_declared(render_audit_schema())
    return [routine for routine in declared.routines if routine.object in needed]


@cache
def _declared_view() -> str:
    view = re.search(r"VIEW audit\.entry_record AS\n(.*?);", render_audit_schema(), re.DOTALL)
    return view[1] if view else ""


def _bare(query: str) -> str:
    """Leave out what PostgreSQL's majors write in different ways: aliases, blanks."""
    return re.sub(r"\be\.|\bAS e\b|\be\b|[\s;]", "", query)


_NEEDED = frozenset(
    [
        "_blocks_of_lists",
        "_broken_lists",
        "_broken_seals",
        "_differing_entries",
        "_head_of_seal",
        "_identity",
        "_is_listed",
        "_is_set_back",
        "_partitions",
        "_root_of_entries",
        "_root_of_list",
        "_sums_of_seals",
        "seal_of",
    ]
)
# Policies hide nothing from the view's owner where that owns the table, and they are not forced.
_VIEW: LiteralString = """
SELECT pg_get_viewdef(c.oid) AS definition, c.reloptions AS options,
       (SELECT e.relforcerowsecurity OR e.relowner <> c.relowner
        FROM pg_class AS e WHERE e.oid = to_regclass('audit.entry')) AS hides
FROM (SELECT to_regclass('audit.entry_record') AS oid) AS v
     LEFT JOIN pg_class AS c USING (oid)
"""
# A policy that lets somebody see more hides nothing.
_HIDING: LiteralString = """
SELECT c.oid::regclass::text AS name
FROM unnest('{audit.entry,audit.seal,audit.seal_block,audit.seal_list}'::text[]) AS t (name)
     JOIN pg_class AS c ON c.oid = to_regclass(t.name)
     JOIN pg_roles AS r ON r.rolname = 'audit_reader'
     CROSS JOIN LATERAL (
         SELECT coalesce(bool_or(NOT p.polpermissive), false) AS is_restricted,
                coalesce(bool_or(p.polpermissive AND r.oid = ANY (p.polroles)
                                 AND pg_get_expr(p.polqual, p.polrelid) = 'true'), false) AS is_open
         FROM pg_policy AS p
         WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*')
     ) AS p
WHERE c.relrowsecurity AND (p.is_restricted OR NOT p.is_open)
"""
# A partition has the key of its root.
_KEYLESS: LiteralString = """
SELECT t.name
FROM (VALUES ('audit.entry', '{occurred_at,id}'), ('audit.seal', '{number}'),
             ('audit.seal_block', '{seal,number}'), ('audit.seal_list', '{seal,block}')
     ) AS t (name, key)
WHERE NOT EXISTS (
    SELECT
    FROM pg_index AS i
    WHERE i.indrelid = to_regclass(t.name) AND i.indisprimary AND i.indisvalid
      AND t.key = ARRAY(SELECT a.attname::text
                        FROM unnest(i.indkey) WITH ORDINALITY AS k (number, nth)
                             JOIN pg_attribute AS a
                                  ON (a.attrelid, a.attnum) = (i.indrelid, k.number)
                        ORDER BY k.nth)::text)
"""
