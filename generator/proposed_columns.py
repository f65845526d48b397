"""What the columns of a table are proposed to be: its key, its name, noise, secrets, words.

Knows names and types of columns; how tables hang together, others decide.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from generator.catalogue import CatalogueColumn, CatalogueTable, Tables
from generator.config import Column, Reference
from generator.names import as_printed, identifier_problem
from generator.parse import MAX_REFERENCES
from generator.policies import SECRET_LOOKING
from generator.toml_reader import BODY_TAG
from generator.wording import column_label, singular, switch, value_label, words

_NAMES = "name title label full_name display_name"
_LESSER_NAMES = "subject username user_name login email email_address code slug last_name"
_NOISE = re.compile(
    r"(date_)?(last_)?(updated|modified|changed|edited|saved)(_(at|on|date|time|timestamp))?"
    r"|last_(update|modification|change)(_(at|on|date|time))?|update_time|mtime"
    r"|last_(seen|active|activity|used|accessed|access|login|sign_in)(_(at|on|date|time))?"
)
_COUNTS_WRITES = re.compile(r"(lock_|row_|record_|opt_lock_)?version|optlock|lock_version|revision")
_SEARCH_TYPES = ("tsvector", "vector", "halfvec", "sparsevec")
_SEARCH = re.compile(r"(^|_)(search|searchable|tsv|fts|tsvector|fulltext)(_|$)")

Policies = dict[str, tuple[str, ...]]
Found = tuple[str, str]


def is_nameable(name: str) -> bool:
    """Say whether audit.toml can hold a name of the catalogue."""
    return identifier_problem(name) is None and BODY_TAG not in name


def unnameable_secrets(table: CatalogueTable) -> list[str]:
    """Return the columns that need a policy, but can't be named in one."""
    return [
        column.name
        for column in table.columns
        if SECRET_LOOKING.search(column.name) and not is_nameable(column.name)
    ]


def propose_key(table: CatalogueTable) -> tuple[tuple[str, ...], list[str]]:
    """Return the columns of the key and a comment: the primary key, or else a unique one."""
    if table.key and all(map(is_nameable, table.key)):
        return table.key, []
    for columns in sorted(table.unique, key=len):
        if all(is_nameable(name) and _is_required(table, name) for name in columns):
            return columns, ["There is no primary key: the key is unique, and never null."]
    return (), ["There is no primary key: entries can't say which row they are of."]


def propose_label(table: CatalogueTable) -> str | None:
    """Return the column by which people know a row, or None."""
    readable = {"_".join(words(c.name)): c for c in reversed(table.columns) if _is_readable(c)}
    noun = "_".join(singular(words(table.name.table)))
    likely = [f"{noun}_name", f"{noun}_title", noun]
    candidates = [*_NAMES.split(), *likely, *_LESSER_NAMES.split()]
    for name in candidates:
        if name in readable:
            return readable[name].name
    unique = {columns for columns in (table.key, *table.unique) if len(columns) == 1}
    return next(
        (c.name for c in table.columns if _is_readable(c) and c.not_null and (c.name,) in unique),
        None,
    )


def propose_words(
    table: CatalogueTable,
    key: tuple[str, ...],
    parent_key: tuple[str, ...],
    tables: Tables,
) -> dict[str, Column]:
    """Return the words of the columns in order, less the keys that mean nothing to people."""
    references = dict(islice(dict(_references(table, tables)).items(), MAX_REFERENCES))
    foreign = {name for foreign_key in table.foreign_keys for name in foreign_key.columns}
    found = {}
    for column in table.columns:
        reference = references.get(column.name)
        is_number = key == (column.name,) and column.category != "S" and reference is None
        if is_number or column.name in parent_key or not is_nameable(column.name):
            continue
        label, values = _words(column, is_reference=column.name in foreign)
        found[column.name] = Column(label, values, reference)
    return found


def propose_policies(table: CatalogueTable, shown: set[str]) -> tuple[Policies, list[str]]:
    """Return the columns of each policy, and comments that say why; *shown* can't be hidden."""
    policies: dict[str, list[str]] = {"ignore": [], "exclude": [], "redact": [], "keep": []}
    comments: dict[str, list[str]] = {}
    for column in table.columns:
        decision = _policy(column, is_shown=column.name in shown)
        if decision is not None and is_nameable(column.name):
            policy, reason = decision
            policies[policy].append(column.name)
            if reason:
                comments.setdefault(f"{policy}: {reason}", []).append(column.name)
    lines = [f"{why}: {', '.join(names)}." for why, names in comments.items()]
    return {policy: tuple(columns) for policy, columns in policies.items()}, lines


def _policy(column: CatalogueColumn, *, is_shown: bool) -> Found | None:
    """Return a column's policy and the reason that is not plain from its name."""
    is_secret = SECRET_LOOKING.search(column.name) is not None
    if is_shown:
        return ("keep", "rows are named by it, so it can't be hidden") if is_secret else None
    if column.generated == "v":
        return "exclude", "a virtual column has no value in a trigger"
    if _bare_type(column) in _SEARCH_TYPES or _is_search(column):
        return "exclude", "derived from other columns, for searching"
    if is_secret:
        is_harmless = column.category in "BD" or column.name.endswith(("_count", "Count"))
        return ("keep", f"no secret, being {column.type}") if is_harmless else ("redact", "")
    if column.base_type == "bytea":
        return "redact", "the log gets a fingerprint, not the bytes"
    return ("ignore", "") if _is_noise(column) else None


def _bare_type(column: CatalogueColumn) -> str:
    """Return the type without its schema, which an extension may have been given any."""
    return column.base_type.rpartition(".")[2]


def _is_search(column: CatalogueColumn) -> bool:
    return bool(column.generated) and _SEARCH.search("_".join(words(column.name))) is not None


def _is_noise(column: CatalogueColumn) -> bool:
    name = "_".join(words(column.name))
    if column.base_type in ("smallint", "integer", "bigint"):
        counts = column.not_null and re.fullmatch(r"'?0'?(::\w+)?", column.default or "")
        return bool(_COUNTS_WRITES.fullmatch(name) or (counts and name.endswith("_count")))
    return column.category == "D" and _NOISE.fullmatch(name) is not None


def _is_required(table: CatalogueTable, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.not_null


def _is_readable(column: CatalogueColumn) -> bool:
    return (
        column.category == "S"
        and column.generated != "v"
        and is_nameable(column.name)
        and not _is_search(column)
        and not SECRET_LOOKING.search(column.name)
    )


def _references(table: CatalogueTable, tables: Tables) -> Iterator[tuple[str, Reference]]:
    """Yield the columns that hold a key of a table whose rows have names."""
    for foreign_key in reversed(table.foreign_keys):
        target = tables.get(foreign_key.table)
        if target is None or len(foreign_key.columns) > 1:
            continue
        names = (target.name.schema, target.name.table, *foreign_key.columns)
        key, label = target.column(foreign_key.referenced[0]), propose_label(target)
        if key is None or label in (None, key.name):
            continue
        if all(map(is_nameable, (*names, key.name))) and _is_scalar(key):
            yield foreign_key.columns[0], Reference(target.name, key.name, label)


def _is_scalar(column: CatalogueColumn) -> bool:
    """Say whether a value can name a member of a JSON object."""
    return column.category not in "AC" and column.base_type not in ("json", "jsonb")


def _words(column: CatalogueColumn, *, is_reference: bool) -> tuple[str, dict[str, str]]:
    """Return what to call a column, and what its values are; read as "Enabled: no → yes"."""
    label = column_label(column.name, is_reference=is_reference)
    if column.category != "B":
        return label, _enum_words(column.enum_labels)
    found = switch(column.name)
    if found is None:
        return label, {"true": "yes", "false": "no"}
    label, is_on = found
    return label, {"true": "on" if is_on else "off", "false": "off" if is_on else "on"}


def _enum_words(labels: tuple[str, ...]) -> dict[str, str]:
    """Return what to call each value of an enum, less those that would be called the same."""
    said = {label: value_label(as_printed(label.replace(BODY_TAG, ""))) for label in labels}
    count = Counter(said.values())
    return {label: word for label, word in said.items() if count[word] == 1}
