"""The words of audit.tracked_table, compared with those of audit.toml; and whether there is a key.

Knows what is in the tables of the audit schema, which are all that is read beside the catalogue.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

from generator.access import may_read
from generator.config import TrackedTable
from generator.database import Connection, rows
from generator.description import column_words
from generator.drift.finding import Finding, difference
from generator.names import TableName

Words = Mapping[str, Any]

TABLE = "table audit.tracked_table"


def read_words(connection: Connection) -> dict[TableName, Words] | None:
    """Return what is said of the tables that are still tracked; None where it can't be read."""
    if not may_read(connection, "tracked_table"):
        return None
    # As JSON, so that a column that is gone is a difference rather than an error.
    found = [row.words for row in rows(connection, _WORDS)]
    return {
        TableName(words["table_schema"], words["table_name"]): words
        for words in found
        if words.get("untracked_at") is None
    }


def compare_words(
    tracked: TrackedTable, words: Mapping[TableName, Words], again: str
) -> Iterator[Finding]:
    """Yield how the words of a table differ, which are what its entries are shown in."""
    where = f"words of {tracked.name}"
    found = words.get(tracked.name)
    if found is None:
        yield Finding("missing", where, f"{TABLE} has none", again)
        return
    wanted = _wanted(tracked)
    diff = difference(_as_text(wanted), _as_text({name: found.get(name) for name in wanted}))
    if diff:
        yield Finding("changed", where, f"{TABLE} has others", again, diff)


def _wanted(tracked: TrackedTable) -> Words:
    parent = tracked.parent
    return {
        "module": tracked.module,
        "entity": tracked.entity,
        "part": tracked.part if parent else None,
        "key_columns": tracked.key,
        "label_column": tracked.label,
        "parent_schema": parent.table.schema if parent else None,
        "parent_table": parent.table.table if parent else None,
        "parent_key": parent.key if parent else None,
        "link": tracked.root.link,
        "say": tracked.say,
        "columns": column_words(tracked),
        "ignored": tracked.ignore,
        "excluded": tracked.exclude,
        "redacted": tracked.redact,
        "on_truncate": tracked.truncate,
        "missing_actor": tracked.missing_actor,
    }


def _as_text(words: Words) -> str:
    return json.dumps(words, ensure_ascii=False, indent=2)


def find_missing_key(connection: Connection, again: str) -> Iterator[Finding]:
    """Yield that there is no key of fingerprints; only members of audit_owner can tell."""
    if any(row.may for row in rows(connection, _MAY_COUNT)) and not rows(connection, _KEY):
        what = "is empty: redacted values can't be told apart"
        yield Finding("missing", "table audit.fingerprint_key", what, again)


_MAY_COUNT: LiteralString = """
SELECT pg_has_role(c.relowner, 'USAGE') AS may
FROM pg_class AS c
     JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'audit' AND c.relname = 'fingerprint_key'
"""

_KEY: LiteralString = "SELECT FROM audit.fingerprint_key"

_WORDS: LiteralString = """
SELECT row_to_json(t) AS words
FROM audit.tracked_table AS t
ORDER BY t.table_schema, t.table_name
"""
