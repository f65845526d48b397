"""Which columns the log may show: what has to be hidden, and what can't be.

Knows the words of audit.toml about columns; whether these exist is for the catalogue to say.
"""

import re
from collections import Counter
from collections.abc import Mapping

from generator.config import TrackedTable
from generator.names import TableName
from generator.toml_reader import Reader

SECRET_LOOKING = re.compile(
    r"passw(or)?d|passphrase|pwd|secret(?!ar)|token|api_?key|access_?key|private_?key|credential"
    r"|salt$|(?<!o)otp|cvv|card_?number",
    re.IGNORECASE,
)
"""Column names that need a policy: the log would keep their values for as long as it keeps days."""

_POLICIES = ("ignore", "exclude", "redact", "keep")


def check_policies(reader: Reader, table: TrackedTable) -> None:
    """Report columns with several policies, hidden ones that name the row, and bare secrets."""
    where = f'table "{table.name}"'
    policies = {policy: getattr(table, policy) for policy in _POLICIES}
    named = Counter(column for columns in policies.values() for column in set(columns))
    for column, count in named.items():
        if count > 1:
            reader.finding(where, f'column "{column}" has {count} policies – keep one of them')
    parent_key = table.parent.key if table.parent else ()
    label = (table.label,) if table.label else ()
    shown = {*table.key, *parent_key, *label, *table.references}
    for column in sorted(shown & {*table.exclude, *table.redact}):
        fix = 'remove it from "exclude" and "redact"'
        reader.finding(where, f'column "{column}" can\'t be hidden: it names the row – {fix}')
    for column in table.columns:
        if SECRET_LOOKING.search(column) and column not in named:
            reader.finding(where, secret_without_policy(column))


def secret_without_policy(column: str) -> str:
    """Say that a column looks like a secret, and how to decide about it."""
    return (
        f'column "{column}" looks like a secret – add it to "redact" or "exclude", '
        'or to "keep" where it is none'
    )


def check_references(
    reader: Reader, table: TrackedTable, tables: Mapping[TableName, TrackedTable]
) -> None:
    """Report references whose label is hidden in its own table: here it would be shown."""
    for column, reference in table.references.items():
        target = tables.get(reference.table)
        if target and reference.label in (*target.exclude, *target.redact):
            where = f'table "{table.name}": column "{column}": references'
            what = f'"label" is "{reference.label}", which table "{target.name}" hides'
            reader.finding(where, f"{what} – name another column")
