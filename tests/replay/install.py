"""Makes the schemas of replay_schema in a database: tables, triggers, and what tracks them."""

from pathlib import Path

from generator.parse import read_config
from generator.render import render_track
from tests.databases import few_days
from tests.replay.schema import Table, World
from tests.shop import AUDITOR, Connection, admit

TYPES = """
CREATE SCHEMA {schema};
SET search_path = {schema};
CREATE TYPE {schema}.mood AS ENUM ('sad', 'ok', 'HAPPY!');
CREATE TYPE {schema}.size AS (width numeric, unit text);
CREATE DOMAIN {schema}.positive AS int CHECK (VALUE > 0);
"""
# Its columns are in another order, and one is gone: a partition need not look like its root.
PARTITIONS = """
CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES IN (1);
CREATE TABLE {table}_2 ({columns}, PRIMARY KEY (id, bucket));
ALTER TABLE {table}_2 DROP COLUMN gone;
ALTER TABLE {table} ATTACH PARTITION {table}_2 FOR VALUES IN (2, 3);
"""
TRIGGER = """
CREATE FUNCTION {table}_trigger_{number}() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN {body} END $$;
CREATE TRIGGER own_trigger_{number} {moment} ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_trigger_{number}();
"""


def install_worlds(owner: Connection, folder: Path, worlds: list[World]) -> None:
    """Create the audit schema and the worlds, and track all of their tables."""
    owner.execute(few_days().encode())
    for world in worlds:
        owner.execute(TYPES.format(schema=world.schema).encode())
        for table in world.tables:
            owner.execute(_definition(table).encode())
        for table in world.tables:
            owner.execute(_triggers(table).encode())
    owner.execute("RESET search_path")
    (folder / "audit.toml").write_text(as_toml(worlds), encoding="utf-8")
    for tracked in read_config(folder / "audit.toml").tables:
        owner.execute(render_track(tracked).encode())
    _admit(owner, worlds)


def _definition(table: Table) -> str:
    columns = [f'"{column.name}" {column.type}' for column in table.columns]
    body = ", ".join([*columns, *table.constraints])
    statements = f"CREATE TABLE {table.full_name} ({body}){table.suffix};"
    if table.partitions:
        turned = ", ".join(["gone int", *reversed(columns)])
        statements += PARTITIONS.format(table=table.full_name, columns=turned)
    # So that what PostgreSQL replicates of a row is all of it.
    identities = (f"ALTER TABLE {target} REPLICA IDENTITY FULL;" for target in table.targets)
    return "".join([statements, *identities])


def _triggers(table: Table) -> str:
    return "".join(
        TRIGGER.format(table=table.full_name, number=number, moment=moment, body=body)
        for number, (moment, body) in enumerate(table.triggers)
    )


def as_toml(worlds: list[World]) -> str:
    """Return the audit.toml that tracks all tables of the worlds."""
    lines = ['source = "replay"']
    for table in (table for world in worlds for table in world.tables):
        lines.append(f'[table."{table.full_name}"]')
        if not any(option.startswith("parent") for option in table.options):
            lines.append(f'module = "{table.schema}"\nentity = "{table.name}"')
        keys = ", ".join(f'"{column.name}"' for column in table.key)
        lines += [f"key = [{keys}]", *table.options]
    return "\n".join(lines)


def _admit(owner: Connection, worlds: list[World]) -> None:
    admit(owner, *(world.schema for world in worlds))
    for world in worlds:
        owner.execute(f"GRANT USAGE ON SCHEMA {world.schema} TO {AUDITOR}".encode())
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {world.schema} TO {AUDITOR}".encode())


def first_rows(world: World) -> str:
    """Return what gives each table of a world three rows, and takes all others out."""
    # Neither triggers of the application nor foreign keys have a say in this session.
    statements = ["SET session_replication_role = replica"]
    for table in world.tables:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        rows = ", ".join(f"({', '.join(_first_values(table, n))})" for n in range(3))
        statements.append(f"DELETE FROM {table.full_name}")
        statements.append(f"INSERT INTO {table.full_name} ({names}) VALUES {rows}")
    return "; ".join(statements)


def _first_values(table: Table, number: int) -> list[str]:
    values = (column.values[number % len(column.values)] for column in table.columns)
    return ["NULL" if value is None else f"""'{value.replace("'", "''")}'""" for value in values]
