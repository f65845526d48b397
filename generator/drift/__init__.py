"""Compares a database with what audit.toml and the rendered SQL declare.

Reads in one read-only snapshot, as any role; a member of audit_reader sees the words too.
"""

from collections.abc import Iterator
from datetime import timedelta

from generator.access import may_read
from generator.catalogue import Tables, read_named, read_tables
from generator.config import Config
from generator.database import Connection, reading
from generator.drift.by_statement import find_misfits
from generator.drift.code import find_code_in_log, find_foreign_code
from generator.drift.dating import add_dates
from generator.drift.declared import read_declared
from generator.drift.differences import compare, find_strangers, with_versions
from generator.drift.finding import PSQL, Finding
from generator.drift.fit import find_conflicts, is_trackable, named_tables
from generator.drift.guard import find_broken_guard
from generator.drift.installed import read_installed
from generator.drift.objects import Objects, named
from generator.drift.partitions import compare_partitions, read_partitions
from generator.drift.refusals import find_refusals
from generator.drift.rights import find_rights
from generator.drift.roles import find_powers
from generator.drift.storage import find_unsafe_storage
from generator.drift.tracked import CAPTURE, compare_table, find_orphans, is_installed
from generator.drift.upkeep import find_neglect
from generator.drift.versions import find_altered
from generator.drift.words import TABLE, find_missing_key, read_words
from generator.render import render_audit_schema, render_track

__all__ = ["Finding", "find_drift"]


def find_drift(connection: Connection, config: Config) -> list[Finding]:
    """Return what differs, none for a database that is as declared.

    The connection must not be in a transaction that has read already.
    """
    with reading(connection):
        installed = read_installed(connection)
        names = {name for tracked in config.tables for name in named_tables(tracked)}
        tables = read_named(connection, names)
        known = read_tables(connection) if names - tables.keys() else ()
        conflicts = [
            finding
            for tracked in config.tables
            for finding in find_conflicts(tracked, tables, known)
        ]
        conflicts += find_misfits(connection, config.tables, tables)
        script = f"{config.migrations}/…_audit_schema.sql"
        again = f"apply the migrations; where they are: {PSQL} {script} (the newest)"
        if named("schema", None) not in installed.owners:
            what = "the audit log is not installed"
            return [Finding("missing", named("schema", None), what, again), *conflicts]
        found = [
            *with_versions(_compare_schema(connection, config, installed, again), installed),
            *conflicts,
            *_compare_tables(connection, config, installed, tables),
        ]
        if may_read(connection, "object_version"):
            found += find_altered(connection, found)
        return add_dates(connection, found)


def _compare_schema(
    connection: Connection, config: Config, installed: Objects, again: str
) -> Iterator[Finding]:
    declared = read_declared(render_audit_schema())
    yield from compare(declared, installed, again)
    yield from find_strangers(declared, installed, CAPTURE)
    if named("table", "fingerprint_key") in installed.owners:
        yield from find_missing_key(connection, again)
    if named("table", "entry") in installed.owners:
        partitions = read_partitions(connection)
        yield from compare_partitions(partitions, declared, installed, again)
        retention = timedelta(days=config.retention_days)
        yield from find_neglect(connection, partitions, retention)


def _compare_tables(
    connection: Connection, config: Config, installed: Objects, tables: Tables
) -> Iterator[Finding]:
    words = read_words(connection)
    if words is None and TABLE in installed.owners:
        what = "this role may not read it: words of tables and versions were not compared"
        yield Finding("unread", TABLE, what, "connect as a member of audit_reader")
    capturing = []
    for tracked in config.tables:
        if is_trackable(tracked.name, tables):
            declared = read_declared(render_track(tracked))
            findings = compare_table(tracked, declared, installed, words)
            yield from with_versions(findings, installed)
            if is_installed(declared, installed):
                capturing.append(tracked)
    yield from find_refusals(connection, capturing)
    yield from find_rights(connection, config.tables)
    yield from find_powers(connection, config)
    yield from find_broken_guard(connection)
    yield from find_foreign_code(connection, capturing, config.trusted)
    yield from find_code_in_log(connection)
    yield from find_unsafe_storage(connection, capturing)
    yield from find_orphans(config, installed, words)
