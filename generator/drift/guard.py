"""Whether the guard of the log, if a superuser has applied it, is as sql/guard.sql says and acts.

Knows event triggers; that there is none is no finding: it is optional.
"""

import re
from collections.abc import Iterator
from typing import LiteralString

from generator.database import Connection, rows
from generator.drift.finding import PSQL, Finding
from generator.render import render_guard

_AGAIN = f"pgwitness guard | {PSQL} - (as a superuser)"
_BODIES = re.compile(r"FUNCTION audit_guard\.(\w+).*?^AS \$\1\$(.*?)\$\1\$;", re.M | re.S)
_TRIGGERS = ("audit_guard_change", "audit_guard_drop")


def find_broken_guard(connection: Connection) -> Iterator[Finding]:
    """Yield what of the guard is missing, changed or disabled, where there is any of it."""
    found = {row.name: row for row in rows(connection, _GUARD)}
    declared: dict[str, str] = dict(_BODIES.findall(render_guard()))
    schema = found.pop("", None)
    if schema is not None and not schema.is_owned_by_superuser:
        what = "does not belong to a superuser: who owns it can drop the guard"
        yield Finding("changed", "schema audit_guard", what, _AGAIN, version=schema.version)
    if not found:
        return
    for name in _TRIGGERS:
        if name not in found:
            yield Finding("missing", f"event trigger {name}", "is not there", _AGAIN)
        elif found[name].fires != "A":
            fix = f"ALTER EVENT TRIGGER {name} ENABLE ALWAYS"
            what = "does not fire, or not always"
            yield Finding(
                "disabled", f"event trigger {name}", what, fix, version=found[name].version
            )
    for name, body in declared.items():
        function = f"function audit_guard.{name}"
        if name not in found:
            yield Finding("missing", function, "is not there", _AGAIN)
        elif found[name].body != body or not found[name].is_owned_by_superuser:
            what = "has another body, or does not belong to a superuser"
            yield Finding("changed", function, what, _AGAIN, version=found[name].version)


_GUARD: LiteralString = """
SELECT e.evtname AS name, e.evtenabled::text AS fires, '' AS body,
       r.rolsuper AS is_owned_by_superuser, e.xmin::text::bigint AS version
FROM pg_event_trigger AS e JOIN pg_roles AS r ON r.oid = e.evtowner
WHERE e.evtname IN ('audit_guard_change', 'audit_guard_drop')
UNION ALL
SELECT p.proname, '', p.prosrc, r.rolsuper, p.xmin::text::bigint
FROM pg_proc AS p
     JOIN pg_namespace AS n ON n.oid = p.pronamespace
     JOIN pg_roles AS r ON r.oid = p.proowner
WHERE n.nspname = 'audit_guard'
UNION ALL
SELECT '', '', '', r.rolsuper, n.xmin::text::bigint
FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
WHERE n.nspname = 'audit_guard'
"""
