"""Turns audit.toml into a Config, or into every reason why it can't.

Knows how the tables of one file relate; whether they exist is for the catalogue to say.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from generator.anchors.places import read_places
from generator.columns import ENTITY_CASES, PART_CASES, read_columns, read_sentences
from generator.config import Config, ConfigError, Parent, TrackedTable
from generator.names import TableName
from generator.policies import check_policies, check_references
from generator.toml_reader import Reader, Toml

MAX_REFERENCES = 50
"""A function takes 100 arguments, and the labels of a row are a key and a value for each."""

_TOP = ("source", "migrations", "retention_days", "maintainer", "trusted", "anchor", "table")
_TABLE = (
    *("module", "entity", "part", "parent", "key", "label", "link", "columns"),
    *("say", "ignore", "exclude", "redact", "keep", "truncate", "capture", "rows", "missing_actor"),
)
_TRUNCATE = ("log", "rows", "forbid")
_CAPTURE = ("row", "statement")
_ROWS = ("full", "changed")
_MISSING_ACTOR = ("allow", "mark", "reject")


def read_config(path: Path) -> Config:
    """Read audit.toml. Raises ConfigError with all findings."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file – write one with: pgwitness init"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: can't be read: {error.strerror} – check --config"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from None
    reader = Reader(path.name)
    config = _read_document(reader, document, path)
    if reader.findings:
        raise ConfigError(reader.findings)
    return config


def _read_document(reader: Reader, document: Toml, path: Path) -> Config:
    reader.known(document, _TOP, "")
    source = reader.text(document, "source", "", "crm")
    folder = reader.optional_text(document, "migrations", "", "migrations") or "migrations"
    bodies = dict(_table_bodies(reader, document))
    tables = {name: _read_table(reader, name, body, source) for name, body in bodies.items()}
    _check_function_names(reader, tables)
    resolved = tuple(_with_ancestors(reader, table, tables) for table in tables.values())
    for table in resolved:
        _check_parent_key(reader, table)
        check_references(reader, table, tables)
    return Config(
        path=path,
        source=source,
        migrations=path.parent / folder,
        tables=resolved,
        retention_days=reader.days(document, "retention_days", 90),
        maintainer=reader.optional_text(document, "maintainer", "", "audit_maintainer"),
        trusted=reader.roles(document, "trusted"),
        anchors=read_places(reader, document, path.parent),
    )


def _table_bodies(reader: Reader, document: Toml) -> Iterator[tuple[TableName, Toml]]:
    written = reader.mapping(document, "table", "")
    seen: set[TableName] = set()
    for key in written:
        where = f'table "{key}"'
        name = reader.table_name(key, where)
        if name in seen:
            reader.finding(where, "is there twice – merge the two")
        elif name is not None:
            seen.add(name)
            yield name, reader.mapping(written, key, "table")


def _read_table(reader: Reader, name: TableName, body: Toml, source: str) -> TrackedTable:
    where = f'table "{name}"'
    reader.known(body, _TABLE, where)
    parent = _read_parent(reader, body, where)
    part = reader.text(body, "part", where, "Condition") if parent else None
    _check_place(reader, body, where, is_child="parent" in body)
    table = TrackedTable(
        name=name,
        source=source,
        module="" if "parent" in body else reader.text(body, "module", where, "Workflows"),
        entity="" if "parent" in body else reader.text(body, "entity", where, "Workflow"),
        part=part,
        parent=parent,
        key=reader.columns(body, "key", where, default=("id",)),
        label=reader.optional_text(body, "label", where, "name"),
        link=_read_link(reader, body, where),
        columns=read_columns(reader, body, where),
        say=read_sentences(reader, body, PART_CASES if parent else ENTITY_CASES, where),
        ignore=reader.columns(body, "ignore", where),
        exclude=reader.columns(body, "exclude", where),
        redact=reader.columns(body, "redact", where),
        keep=reader.columns(body, "keep", where),
        truncate=reader.choice(body, "truncate", _TRUNCATE, where),
        capture=reader.choice(body, "capture", _CAPTURE, where),
        rows=reader.choice(body, "rows", _ROWS, where),
        missing_actor=reader.choice(body, "missing_actor", _MISSING_ACTOR, where),
    )
    if table.label:
        reader.identifier(table.label, f'{where}: "label"')
    if len(table.references) > MAX_REFERENCES:
        what = f"has {len(table.references)} references"
        reader.finding(where, f"{what} – keep the {MAX_REFERENCES} that say most")
    check_policies(reader, table)
    return table


def _check_place(reader: Reader, body: Toml, where: str, *, is_child: bool) -> None:
    for key in ("module", "entity", "link") if is_child else ("part",):
        if key in body:
            why = "comes from the parent" if is_child else "needs a parent"
            reader.finding(
                where, f'"{key}" {why} – remove it' + ("" if is_child else ", or add one")
            )


def _read_parent(reader: Reader, body: Toml, where: str) -> Parent | None:
    if "parent" not in body:
        return None
    where = f"{where}: parent"
    parent = reader.mapping(body, "parent", where)
    reader.known(parent, ("table", "key"), where)
    table = reader.table_name(reader.text(parent, "table", where, "crm.workflow"), where)
    key = reader.columns(parent, "key", where)
    if not key:
        reader.finding(where, '"key" is missing – name the columns that hold the parent\'s key')
    return Parent(table, key) if table else None


def _read_link(reader: Reader, body: Toml, where: str) -> str | None:
    link = reader.optional_text(body, "link", where, "/workflows/{id}")
    if link and not re.match(r"(https?://|/(?!/))", link):
        reader.finding(where, '"link" must begin with / or http:// or https://')
    return link


def _check_function_names(reader: Reader, tables: dict[TableName, TrackedTable]) -> None:
    owner: dict[str, TableName] = {}
    for name in tables:
        other = owner.setdefault(name.capture_function, name)
        if other != name:
            what = f'and "{other}" would share the function audit."{name.capture_function}"'
            reader.finding(f'table "{name}"', f"{what} – track one of them, or rename it")


def _with_ancestors(
    reader: Reader, table: TrackedTable, tables: dict[TableName, TrackedTable]
) -> TrackedTable:
    ancestors: list[TrackedTable] = []
    current = table
    while current.parent is not None:
        parent = tables.get(current.parent.table)
        if parent is None:
            what = f'its parent "{current.parent.table}" is not tracked – add it to this file'
            reader.finding(f'table "{current.name}"', what)
            return table
        if parent is table or parent in ancestors:
            reader.finding(f'table "{table.name}"', "is its own ancestor – remove one parent")
            return table
        ancestors.append(parent)
        current = parent
    return _replace_place(table, ancestors) if ancestors else table


def _replace_place(table: TrackedTable, ancestors: list[TrackedTable]) -> TrackedTable:
    root = ancestors[-1]
    return replace(table, module=root.module, entity=root.entity, ancestors=tuple(ancestors))


def _check_parent_key(reader: Reader, table: TrackedTable) -> None:
    if table.parent and table.ancestors:
        parent = table.ancestors[0]
        if len(parent.key) != len(table.parent.key):
            what = f'"{parent.name}" has the key {", ".join(parent.key) or "(none)"}'
            fix = f"name {len(parent.key)} columns" if parent.key else "give it a key"
            reader.finding(f'table "{table.name}": parent', f"{what} – {fix}")
