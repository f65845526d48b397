"""capture = "statement": each way to write leaves the entries that row capture leaves."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.capture.bulk import Entries, Shops, two_shops
from tests.shop import written

COPY = "COPY shop.slot (id, name) FROM STDIN"
SELLERS = "INSERT INTO shop.seller (id, full_name) VALUES (1, 'Ana Diaz'), (2, 'Jonas Berg')"
PRODUCTS = """
    INSERT INTO shop.product (id, name, price, seller_id, card_number, search)
    SELECT n, 'Lamp ' || n, n, 1 + n % 2, '4711' || n % 3, 'x' FROM generate_series(1, 9) AS n
    """
VARIANTS = """
    INSERT INTO shop.variant (id, product_id, size)
    SELECT n, 1 + n % 9, 'M' FROM generate_series(1, 30) AS n
    """
PICTURES = "INSERT INTO shop.picture (id, variant_id, url) SELECT id, id, id FROM shop.variant"
FULL = (SELLERS, PRODUCTS, VARIANTS, PICTURES)
RATES = "INSERT INTO shop.rate (country, year, percent) VALUES ('DE', 2025, 19), ('CH', 2025, 8.1)"
EXEMPTIONS = "INSERT INTO shop.exemption VALUES (1, 'DE', 2025), (2, 'CH', 2025), (3, NULL, NULL)"


@pytest.fixture(scope="module")
def shops(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with two_shops(cluster, tmp_path_factory.mktemp("shops")) as shops:
        yield shops


WAYS = {
    "insert": [],
    "update": ["UPDATE shop.product SET price = price + 1"],
    "update of a few": ["UPDATE shop.product SET price = price + 1 WHERE id % 2 = 0"],
    "update of nothing": ["UPDATE shop.product SET price = price"],
    "update of no row": ["UPDATE shop.product SET price = 0 WHERE false"],
    "update as stored": ["UPDATE shop.product SET price = price + 0.00"],
    "update of some in vain": [
        "UPDATE shop.product SET price = CASE WHEN id % 3 = 0 THEN 0 ELSE price END"
    ],
    "ignored columns": ["UPDATE shop.product SET updated_at = now(), search = 'y'"],
    "redacted columns": ["UPDATE shop.product SET card_number = '4711' || id % 2"],
    "json": ["""UPDATE shop.product SET details = '{"a": 1, "a": 2}' WHERE id < 5"""],
    "delete": ["DELETE FROM shop.variant WHERE id % 2 = 0"],
    "cascade": ["DELETE FROM shop.product WHERE id < 4"],
    "set null": ["DELETE FROM shop.seller"],
    "key that cascades": ["UPDATE shop.product SET id = id + 100"],
    "parts that move": ["UPDATE shop.variant SET product_id = 9 - id % 3"],
    "parts that are taken out": ["UPDATE shop.variant SET product_id = NULL"],
    "references that change": ["UPDATE shop.product SET seller_id = 3 - seller_id"],
    "parts of parts": ["UPDATE shop.picture SET url = 'x' WHERE id < 9"],
    "composite keys": [
        RATES,
        EXEMPTIONS,
        "INSERT INTO shop.proof VALUES (1, 1), (2, 2), (3, 3)",
        "UPDATE shop.exemption SET country = 'CH' WHERE id = 1",
        "UPDATE shop.rate SET percent = 7",
        "DELETE FROM shop.proof",
    ],
    "keys that move up": ["UPDATE shop.rate SET year = year + 1"],
    "no key": ["INSERT INTO shop.note VALUES ('a'), ('a')", "DELETE FROM shop.note"],
    "savepoint": ["SAVEPOINT s", "DELETE FROM shop.picture", "ROLLBACK TO s"],
    "truncate": ["TRUNCATE shop.rate, shop.exemption, shop.proof"],
    "upsert": [
        "INSERT INTO shop.product (id, name) VALUES (1, 'A'), (2, 'B') "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    ],
    "upsert in vain": [
        "INSERT INTO shop.product (id) VALUES (1), (2) ON CONFLICT (id) DO UPDATE "
        "SET name = product.name"
    ],
    "upsert of nothing": [
        "INSERT INTO shop.product (id) VALUES (1), (2), (3) ON CONFLICT DO NOTHING"
    ],
    "returning": ["WITH new AS (UPDATE shop.variant SET size = 'L' RETURNING id) SELECT FROM new"],
    "one statement for many": ["DO $$ BEGIN DELETE FROM shop.picture; END $$"],
}
# What does several things at once: of each kind in order, but kind by kind.
WAYS_OF_SEVERAL_KINDS = {
    "upsert": "INSERT INTO shop.product (id, name) VALUES (20, 'A'), (1, 'B'), (21, 'C'), (2, 'D') "
    "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "insert what was deleted": "WITH gone AS (DELETE FROM shop.variant WHERE id < 5 RETURNING id) "
    "INSERT INTO shop.variant (id, size) SELECT id + 100, id FROM gone",
    "write to two tables": "WITH gone AS (DELETE FROM shop.variant WHERE id < 5 RETURNING id) "
    "INSERT INTO shop.picture (id, url) SELECT id + 100, id FROM gone",
    "write twice to one": "WITH a AS (UPDATE shop.variant SET size = 'L' WHERE id < 5 RETURNING 1) "
    "UPDATE shop.variant SET size = 'S' WHERE id > 5 + (SELECT count(*) FROM a)",
    "truncate a few": "TRUNCATE shop.rate, shop.exemption, shop.proof",
}
MERGE = """
    MERGE INTO shop.variant AS v
    USING generate_series(1, 40) AS n ON v.id = n
    WHEN MATCHED AND n % 3 = 0 THEN DELETE
    WHEN MATCHED AND n % 3 = 1 THEN UPDATE SET size = n::text
    WHEN MATCHED THEN DO NOTHING
    WHEN NOT MATCHED THEN INSERT (id, size) VALUES (n, 'new')
    """


def kind_by_kind(entries: Entries) -> Entries:
    return sorted(entries, key=lambda entry: (entry["table_name"], entry["operation"]))


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_write_leaves_the_same(shops: Shops, way: str) -> None:
    by_row, by_statement = shops.entries(*FULL, *WAYS[way])
    assert by_statement == by_row != []


@pytest.mark.parametrize("way", WAYS_OF_SEVERAL_KINDS)
def test_a_statement_of_several_kinds_leaves_the_same_kind_by_kind(shops: Shops, way: str) -> None:
    by_row, by_statement = shops.entries(*FULL, WAYS_OF_SEVERAL_KINDS[way])
    assert kind_by_kind(by_statement) == kind_by_kind(by_row)


def test_merge_leaves_deletes_then_updates_then_inserts(shops: Shops) -> None:
    if shops.by_row.info.server_version >= 150000:
        by_row, by_statement = (entries[69:] for entries in shops.entries(*FULL, MERGE))
        assert kind_by_kind(by_statement) == kind_by_kind(by_row)
        kinds = [e["operation"] for e in by_statement if e["table_name"] == "variant"]
        assert kinds == ["DELETE"] * 10 + ["UPDATE"] * 10 + ["INSERT"] * 10


def test_copy_leaves_the_same(shops: Shops) -> None:
    left = []
    for connection in (shops.by_row, shops.by_statement):
        with connection.transaction(force_rollback=True):
            with connection.cursor() as cursor, cursor.copy(COPY) as copy:
                for number in range(3000):
                    copy.write_row((number, str(number)))
            left.append([entry.new_row for entry in written(connection)])
    assert left[0] == left[1] == [{"id": n, "name": str(n)} for n in range(3000)]


def test_nothing_is_left_of_a_statement_that_fails(shops: Shops) -> None:
    for connection in (shops.by_row, shops.by_statement):
        with connection.transaction(force_rollback=True):
            with pytest.raises(errors.UniqueViolation), connection.transaction():
                connection.execute("INSERT INTO shop.variant (id) VALUES (1), (2), (1)")
            assert written(connection) == []


@pytest.mark.parametrize(
    ("role", "left"), [("replica", ["INSERT", "UPDATE", "DELETE"]), ("local", ["INSERT"])]
)
def test_a_session_that_applies_replication_is_captured(
    cluster: Cluster, shops: Shops, role: str, left: list[str]
) -> None:
    conninfo = cluster.conninfo("by_statement", host=LOOPBACK)
    with psycopg.connect(conninfo) as superuser, superuser.transaction(force_rollback=True):
        superuser.execute(f"SET LOCAL session_replication_role = {role}".encode())
        superuser.execute("INSERT INTO shop.slot (id) VALUES (1), (2)")
        if role == "replica":
            superuser.execute("UPDATE shop.slot SET name = 'a' WHERE id = 1")
            superuser.execute("DELETE FROM shop.slot WHERE id = 2")
        found = [entry.operation for entry in written(superuser)]
    assert found == ["INSERT", *left]
