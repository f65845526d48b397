"""pgwitness check: code of others that runs as the writer is found, and rows that a crash takes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.drift import Finding, find_drift
from generator.parse import read_config
from generator.render import render_track
from tests.databases import OWNER
from tests.shop import create_role

MALLORY = "check_mallory"
TABLES = """
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE DOMAIN temper AS mood;
CREATE TYPE state AS (name text, tempers temper[]);
CREATE TABLE customer (id int PRIMARY KEY, name text, mood mood);
CREATE TABLE sale (id int, customer_id int, state state) PARTITION BY RANGE (id);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM (1) TO (10);
"""
TOML = """
source = "shop"
[table."public.sale"]
module = "Sales"
entity = "Sale"
key = []
columns.customer_id.references = { table = "public.customer", label = "name" }
"""
# As who owns a type, or a table that names are read from, can make them.
CAST = """
CREATE FUNCTION as_json(mood) RETURNS json LANGUAGE sql RETURN '"calm"'::json;
CREATE CAST (mood AS json) WITH FUNCTION as_json(mood);
"""
NUMBER = """
CREATE FUNCTION as_number(mood) RETURNS int LANGUAGE sql RETURN 1;
CREATE CAST (mood AS int) WITH FUNCTION as_number(mood)
"""
POLICY = """
CREATE FUNCTION is_mine(int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE POLICY mine ON customer FOR SELECT USING (is_mine(id));
ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
"""

CONSTANT = """
CREATE FUNCTION constant(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END'
"""
# What the planner works out of its own accord, and what check calls it.
PLANNED = {
    "CREATE INDEX mine ON customer (id) WHERE constant(1)": "index public.mine",
    "CREATE INDEX mine ON customer ((CASE WHEN constant(1) THEN id END))": "index public.mine",
    "ALTER TABLE customer ADD CONSTRAINT mine CHECK (constant(1))":
        "constraint mine of table public.customer",
    "CREATE STATISTICS mine ON (CASE WHEN constant(1) THEN 1 END) FROM customer":
        "statistics public.mine",
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "audit.toml").write_text(TOML, encoding="utf-8")
    return read_config(tmp_path / "audit.toml")


@pytest.fixture
def owner(cluster: Cluster, empty_log: str, config: Config) -> Iterator[psycopg.Connection]:
    """Who installed the log; the types and the customers are somebody else's."""
    with psycopg.connect(cluster.conninfo("empty", host=LOOPBACK)) as superuser:
        create_role(superuser, MALLORY)
        superuser.execute(f"GRANT {MALLORY} TO {OWNER}; GRANT ALL ON SCHEMA public TO {MALLORY}")
    with psycopg.connect(empty_log, autocommit=True) as owner:
        owner.execute(TABLES)
        owner.execute(render_track(config.tables[0]).encode())
        owner.execute(
            f"ALTER TYPE mood OWNER TO {MALLORY}; ALTER TABLE customer OWNER TO {MALLORY}"
        )
        yield owner


def as_mallory(owner: psycopg.Connection, statements: str) -> None:
    owner.execute(f"SET ROLE {MALLORY}; {statements}; RESET ROLE".encode())


def found(owner: psycopg.Connection, config: Config) -> list[Finding]:
    return find_drift(owner, config)


def said(owner: psycopg.Connection, config: Config) -> list[str]:
    return [f"{f.state} {f.object}" for f in found(owner, config)]


def test_a_cast_of_a_type_deep_in_a_column_is_found_and_since_when(
    owner: psycopg.Connection, config: Config
) -> None:
    as_mallory(owner, CAST)
    [finding] = found(owner, config)
    assert (finding.state, finding.object) == ("conflict", "cast (public.mood AS json)")
    assert MALLORY in finding.what
    assert "by transaction" in finding.since
    as_mallory(owner, finding.fix)
    assert said(owner, config) == []


def test_a_cast_to_what_is_looked_up_is_found_where_it_is_implicit(
    owner: psycopg.Connection, config: Config
) -> None:
    as_mallory(owner, NUMBER)
    assert said(owner, config) == []
    as_mallory(owner, "DROP FUNCTION as_number CASCADE;" + NUMBER + " AS IMPLICIT")
    assert said(owner, config) == ["conflict cast (public.mood AS integer)"]


def test_a_function_in_a_policy_of_what_names_are_read_from_is_found(
    owner: psycopg.Connection, config: Config
) -> None:
    as_mallory(owner, POLICY)
    assert said(owner, config) == ["conflict policy mine of table public.customer"]


def test_a_policy_that_is_not_for_the_writer_runs_nothing_as_it(
    owner: psycopg.Connection, config: Config
) -> None:
    as_mallory(owner, POLICY + f"ALTER POLICY mine ON customer TO {MALLORY};")
    as_mallory(owner, "CREATE POLICY all_see ON customer FOR SELECT TO audit_writer USING (true)")
    assert said(owner, config) == []


@pytest.mark.parametrize("statement", PLANNED)
def test_what_is_worked_out_to_plan_a_look_up_is_found(
    owner: psycopg.Connection, config: Config, statement: str
) -> None:
    as_mallory(owner, f"{CONSTANT}; {statement}")
    [finding] = found(owner, config)
    assert (finding.state, finding.object) == ("conflict", PLANNED[statement])
    assert said(owner, replace(config, trusted=(MALLORY,))) == []
    as_mallory(owner, finding.fix.partition(";")[0])
    assert said(owner, config) == []


def test_code_of_whom_audit_toml_trusts_is_no_finding(
    owner: psycopg.Connection, config: Config
) -> None:
    as_mallory(owner, CAST + POLICY)
    assert said(owner, replace(config, trusted=(MALLORY,))) == []


def test_code_of_who_installed_the_log_is_no_finding(
    owner: psycopg.Connection, config: Config
) -> None:
    as_mallory(owner, CAST)
    owner.execute(f"GRANT USAGE ON TYPE mood TO {OWNER}; ALTER FUNCTION as_json OWNER TO {OWNER}")
    assert said(owner, config) == []


def test_an_unlogged_partition_and_an_unlogged_table_of_the_log_are_found(
    cluster: Cluster, owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("ALTER TABLE sale_1 SET UNLOGGED")
    with psycopg.connect(cluster.conninfo("empty", host=LOOPBACK)) as superuser:
        superuser.execute("ALTER TABLE audit.maintenance_run SET UNLOGGED")
        superuser.commit()
        assert sorted(said(owner, config)) == [
            "changed table audit.maintenance_run",
            "conflict table public.sale_1",
        ]
        for finding in found(owner, config):
            superuser.execute(finding.fix.encode())
    assert said(owner, config) == []


def test_a_foreign_partition_is_found(
    cluster: Cluster, owner: psycopg.Connection, config: Config
) -> None:
    with psycopg.connect(cluster.conninfo("empty", host=LOOPBACK)) as superuser:
        superuser.execute(
            "CREATE FOREIGN DATA WRAPPER wire; CREATE SERVER far FOREIGN DATA WRAPPER wire;"
            "CREATE FOREIGN TABLE sale_2 PARTITION OF sale FOR VALUES FROM (10) TO (20) SERVER far"
        )
    assert said(owner, config) == ["conflict table public.sale_2"]
