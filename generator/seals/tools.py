"""Looks whether what verifies is what this version installs: functions, the view, and keys.

It is in the database that is verified: who could change an entry could change it, too.
"""

import re
from functools import cache
from typing import LiteralString

from generator.catalogue import Connection, rows
from generator.render import render_audit_schema
from generator.seals.finding import Finding, Findings

FIX = "pgwitness check says what differs; apply the migrations again, and verify again"
PINNED = "search_path=pg_catalog, pg_temp"


def judge_tools(connection: Connection, found: Findings) -> None:
    """Find what does not say what it is declared to say."""
    bodies = _bodies()
    installed = {row.name: row for row in rows(connection, _FUNCTIONS, names=[*bodies])}
    for name, body in bodies.items():
        function = installed.get(name)
        if function is None or function.body != body or PINNED not in (function.settings or ()):
            what = "is not the function of this version: what it says is worth nothing"
            found.add(Finding("replaced", f"function audit.{name}", what, FIX))
    [view] = rows(connection, _VIEW)
    is_ours = _bare(view.definition or "") == _bare(_declared_view())
    if not is_ours or view.options or view.is_forced:
        what = "is not the view of this version: what is compared by it is worth nothing"
        found.add(Finding("replaced", "view audit.entry_record", what, FIX))
    for row in rows(connection, _KEYLESS):
        what = "has no primary key as this version's: the same may be there twice, and seem once"
        found.add(Finding("replaced", f"the key of {row.name}", what, FIX))


@cache
def _bodies() -> dict[str, str]:
    """Return the bodies of the functions that verify, by their names."""
    functions = re.findall(
        r"^CREATE OR REPLACE FUNCTION audit\.(\w+)\(.*?^AS \$(\w+)\$(.*?)\$\2\$;",
        render_audit_schema(),
        re.MULTILINE | re.DOTALL,
    )
    return {name: body for name, _, body in functions if name in _NEEDED}


@cache
def _declared_view() -> str:
    view = re.search(r"VIEW audit\.entry_record AS\n(.*?);", render_audit_schema(), re.DOTALL)
    return view[1] if view else ""


def _bare(query: str) -> str:
    """Leave out what PostgreSQL's majors write in different ways: aliases, blanks."""
    return re.sub(r"\be\.|\bAS e\b|\be\b|[\s;]", "", query)


_NEEDED = frozenset(
    [
        "_broken_lists",
        "_broken_seals",
        "_differing_entries",
        "_head_of_seal",
        "_identity",
        "_is_listed",
        "_partitions",
        "_root_of_entries",
        "_root_of_list",
        "_root_of_seal",
        "seal_of",
    ]
)
_FUNCTIONS: LiteralString = """
SELECT p.proname AS name, p.prosrc AS body, p.proconfig AS settings
FROM pg_proc AS p
WHERE p.pronamespace = 'audit'::regnamespace AND p.proname = ANY (%(names)s::name[])
"""
# Policies would hide entries from the view's owner if they were forced on who owns a table.
_VIEW: LiteralString = """
SELECT pg_get_viewdef(c.oid) AS definition, c.reloptions AS options,
       (SELECT e.relforcerowsecurity FROM pg_class AS e WHERE e.oid = to_regclass('audit.entry'))
           AS is_forced
FROM (SELECT to_regclass('audit.entry_record') AS oid) AS v
     LEFT JOIN pg_class AS c USING (oid)
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
