"""A partitioned table: what any of its partitions is sent is captured as the root's."""

from typing import Any

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.shop import APP, Connection, Log, acting_as, insert, written


def operations(entries: list[Any]) -> list[tuple[str, str]]:
    return [(entry.operation, entry.table_name) for entry in entries]


def test_a_partition_is_captured_under_the_name_of_its_root(app: Connection, log: Log) -> None:
    insert(app, "sale", year=2025, amount=5)
    app.execute("INSERT INTO shop.sale_2026 (id, year, amount) VALUES (2, 2026, 6)")
    app.execute("UPDATE shop.sale SET amount = amount + 1")

    assert operations(log()) == [("INSERT", "sale")] * 2 + [("UPDATE", "sale")] * 2
    assert log()[-1].new_row == {"id": 2, "year": 2026, "amount": 7}


def test_a_row_that_moves_to_another_partition_is_deleted_and_inserted(
    app: Connection, log: Log
) -> None:
    insert(app, "sale", year=2025)
    app.execute("UPDATE shop.sale SET year = 2026")

    moved = [(entry.operation, entry.entity_id) for entry in log()[1:]]
    assert moved == [("DELETE", "1"), ("INSERT", "1")]


def test_a_partition_made_later_is_captured_too(owner: Connection) -> None:
    owner.execute("CREATE TABLE shop.sale_2027 PARTITION OF shop.sale FOR VALUES IN (2027)")
    insert(owner, "sale", year=2027)

    assert operations(written(owner)) == [("INSERT", "sale")]


def test_an_update_that_changes_nothing_leaves_nothing_in_any_partition(
    app: Connection, log: Log
) -> None:
    app.execute("INSERT INTO shop.sale (id, year, amount) VALUES (1, 2025, 5), (2, 2026, 5)")
    app.execute("UPDATE shop.sale SET amount = 5")

    assert operations(log()) == [("INSERT", "sale")] * 2


def test_a_partition_is_captured_where_replication_is_applied(
    cluster: Cluster, app: Connection, log: Log
) -> None:
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        with acting_as(superuser, APP):
            superuser.execute("INSERT INTO shop.sale_2026 (id, year) VALUES (1, 2026)")

    assert operations(log()) == [("INSERT", "sale")]


def test_truncate_of_the_root_leaves_one_entry(app: Connection, log: Log) -> None:
    app.execute("TRUNCATE shop.sale")

    assert operations(log()) == [("TRUNCATE", "sale")]
