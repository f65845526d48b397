"""Partitions are added by who owns the table, who need not be who installed the log."""

from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.drift import find_drift
from generator.parse import read_config
from generator.render import render_track
from tests.databases import OWNER
from tests.shop import create_role

KEEPER, HEIR = "check_keeper", "check_heir"
TABLE = f"""
CREATE SCHEMA shop AUTHORIZATION {KEEPER};
CREATE TABLE shop.sale (id int, year int) PARTITION BY LIST (year);
ALTER TABLE shop.sale OWNER TO {KEEPER};
GRANT ALL ON SCHEMA shop TO {HEIR};
"""
TRACKED = """
source = "shop"
[table."shop.sale"]
module = "Sales"
entity = "Sale"
key = []
"""


@pytest.fixture
def owner(cluster: Cluster, empty_log: str) -> psycopg.Connection:
    """Who installed the log, in front of a table of somebody else's."""
    with psycopg.connect(cluster.conninfo("empty", host=LOOPBACK)) as superuser:
        for role in (KEEPER, HEIR):
            create_role(superuser, role)
            superuser.execute(f"GRANT {role} TO {OWNER}".encode())
    connection = psycopg.connect(empty_log, autocommit=True)
    connection.execute(TABLE.encode())
    return connection


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "audit.toml").write_text(TRACKED, encoding="utf-8")
    return read_config(tmp_path / "audit.toml")


def test_its_owner_adds_partitions_after_it_was_tracked(
    owner: psycopg.Connection, config: Config
) -> None:
    with owner:
        with owner.transaction():
            owner.execute(render_track(config.tables[0]).encode())
            owner.execute(f"SET LOCAL ROLE {KEEPER}".encode())
            owner.execute("CREATE TABLE shop.sale_2026 PARTITION OF shop.sale FOR VALUES IN (2026)")
        assert find_drift(owner, config) == []


def test_a_later_owner_who_could_not_is_found(owner: psycopg.Connection, config: Config) -> None:
    with owner:
        with owner.transaction():
            owner.execute(render_track(config.tables[0]).encode())
        owner.execute(f"ALTER TABLE shop.sale OWNER TO {HEIR}".encode())
        missing = next(f for f in find_drift(owner, config) if f.state == "missing")
        owner.execute(missing.fix.encode())
        left = find_drift(owner, config)

    assert (missing.object, "EXECUTE" in missing.fix) == ("table shop.sale", True)
    assert [(f.state, f.object) for f in left if f.state == "missing"] == []
