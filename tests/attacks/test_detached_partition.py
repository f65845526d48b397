"""Who owns a partitioned table takes a partition away from its triggers, and puts it back."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from generator.config import Config
from generator.drift import find_drift
from generator.parse import read_config
from generator.reconcile import reconcile
from generator.render import render_audit_schema, render_track
from tests.attacks.outcomes import Attack

pytestmark = pytest.mark.attacker("owner of tracked tables")

TOML = """
source = "shop"
[table."public.sale"]
module = "Sales"
entity = "Sale"
"""
TABLES = """
CREATE TABLE sale (id int PRIMARY KEY, price int) PARTITION BY RANGE (id);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM (1) TO (10);
"""
BEHIND_ITS_BACK = """
ALTER TABLE sale DETACH PARTITION sale_1;
UPDATE sale_1 SET price = 99;
ALTER TABLE sale ATTACH PARTITION sale_1 FOR VALUES FROM (1) TO (10);
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "audit.toml").write_text(TOML, encoding="utf-8")
    return read_config(tmp_path / "audit.toml")


@pytest.fixture
def owner(empty_database: str, config: Config, attack: Attack) -> Iterator[psycopg.Connection]:
    """Who owns a partitioned table, with a row."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute((render_audit_schema() + TABLES).encode())
        connection.execute(render_track(config.tables[0]).encode())
        connection.execute("INSERT INTO sale VALUES (1, 10)")
        attack.known = find_drift(connection, config)
        yield connection


def test_an_owner_detaches_a_partition_and_attaches_it_again(
    attack: Attack, owner: psycopg.Connection, config: Config
) -> None:
    owner.execute(BEHIND_ITS_BACK)

    attack.detected(find_drift(owner, config), "altered", "partition public.sale_1")


def test_an_owner_writes_to_a_partition_that_is_detached(
    attack: Attack, owner: psycopg.Connection, config: Config
) -> None:
    owner.execute(BEHIND_ITS_BACK)

    [result] = reconcile(owner, config, config.tables)
    attack.differs(result.differences, "price = 99")
