"""capture = "statement": rows of every shape are paired, converted and named as by row capture."""

from collections.abc import Iterator

import pytest

from auditviewer.demo.cluster import Cluster
from tests.capture.bulk import Shops, two_shops
from tests.databases import OWNER
from tests.shop import written

NODES = """
    INSERT INTO shop.node (id, parent_id)
    SELECT n, nullif(n / 2, 0) FROM generate_series(1, 31) AS n
    """
SLOTS = "INSERT INTO shop.slot (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')"
SELLERS = "INSERT INTO shop.seller (id, full_name) VALUES (1, 'Ana Diaz'), (2, 'Jonas Berg')"
PRODUCTS = """
    INSERT INTO shop.product (id, name, details, seller_id, pin) VALUES
        (1, 'Lamp', '{"a": 1}', 1, '1'), (2, 'Chair', '{"a": "\\u0000"}', 2, '2'),
        (3, 'Table', '1e400000', NULL, '3'), (4, 'Bed', NULL, 1, NULL)
    """
ODD = """
    INSERT INTO shop.odd
    SELECT n, 'o', 'n', 'w', 'op', 'relid', '1', 'nth', 'or', 'nr', 'vo', 'vn', 'o1', 'N'
    FROM generate_series(1, 3) AS n
    """
# A domain's CHECK is code of anybody's: the writer has no business to call it.
TYPES = """
    CREATE DOMAIN shop.short AS text CHECK (length(VALUE) < 9 AND current_user <> 'audit_writer');
    CREATE DOMAIN shop.few AS int[] CHECK (cardinality(VALUE) < 4);
    CREATE TYPE shop.mood AS ENUM ('calm', 'it''s "so"');
    CREATE TYPE shop.pair AS (a shop.short, b json);
    ALTER TABLE shop.slot DROP COLUMN name, ADD raw json, ADD short shop.short,
        ADD shorts shop.short[], ADD few shop.few, ADD pair shop.pair, ADD pairs shop.pair[],
        ADD mood shop.mood, ADD span tstzrange, ADD spans int4multirange, ADD took interval,
        ADD ratio float8, ADD price numeric(9, 2), ADD code char(5), ADD bits varbit,
        ADD raws bytea, ADD place point, ADD kept jsonb, ADD name name, ADD at timestamptz,
        ADD words tsvector;
    """
TYPED = """
    INSERT INTO shop.slot
    SELECT n, CASE WHEN n < 3 THEN '"\\u0000"' ELSE '[1, 1.10]' END::json, 'it''s',
           '{a,NULL,"b c"}', '{1,2,3}', '(a,"[1, 1.10]")', '{"(x,1e400000)"}',
           'it''s "so"', '[2026-11-25 12:00+02,)', '{[1,3),[5,7)}', '1 day -2 hours', 'NaN', 1.10,
           'ab', B'101', '\\xff00', '(1.5,-2)', '{"k": 1.10}', 'n', '-infinity', 'a:1 b:2'
    FROM generate_series(1, 3) AS n
    """
BEFORE = """
    CREATE FUNCTION shop.before() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.id % 3 = 0 THEN
            RETURN NULL;
        END IF;
        NEW.name := upper(NEW.name);
        RETURN NEW;
    END $$;
    CREATE TRIGGER before BEFORE INSERT OR UPDATE ON shop.slot
        FOR EACH ROW EXECUTE FUNCTION shop.before();
    """
MANY_SLOTS = "INSERT INTO shop.slot SELECT n, 'x' FROM generate_series(1, 3000) AS n"


@pytest.fixture(scope="module")
def shops(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with two_shops(cluster, tmp_path_factory.mktemp("shops")) as shops:
        yield shops


SHAPES = {
    "swapped keys": [SLOTS, "UPDATE shop.slot SET id = 4 - id"],
    "keys that go round": [SLOTS, "UPDATE shop.slot SET id = 1 + id % 3, name = name || id"],
    "keys that all change at once": [MANY_SLOTS, "UPDATE shop.slot SET id = 3001 - id"],
    "a tree that cascades to itself": [NODES, "DELETE FROM shop.node WHERE id = 2"],
    "a tree whose keys cascade": [NODES, "UPDATE shop.node SET id = id + 100 WHERE id < 3"],
    "columns that are called as ours are": [
        ODD,
        "UPDATE shop.odd SET tg_op = 'x', nth = o WHERE id > 1",
        "DELETE FROM shop.odd",
    ],
    "values that jsonb can't hold": [
        SELLERS,
        PRODUCTS,
        "UPDATE shop.product SET price = id",
        "INSERT INTO shop.variant VALUES (1, 1, 'M'), (2, 2, 'L')",
        "DELETE FROM shop.product",
    ],
    "every type beside what jsonb can't hold": [
        TYPES,
        TYPED,
        "UPDATE shop.slot SET price = price * 1.00, took = NULL, pairs = NULL",
        "DELETE FROM shop.slot",
    ],
    "rows that a trigger rewrites or suppresses": [
        BEFORE,
        "INSERT INTO shop.slot SELECT n, 'x' || n FROM generate_series(1, 9) AS n",
        "UPDATE shop.slot SET name = name || 'y', id = id + 1",
    ],
    "a view that can be updated": [
        SLOTS,
        "CREATE VIEW shop.late AS SELECT * FROM shop.slot WHERE id > 1",
        "UPDATE shop.late SET name = 'late'",
        "DELETE FROM shop.late",
    ],
    "a column added while the plan is cached": [
        SLOTS,
        "UPDATE shop.slot SET name = 'x'",
        "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE shop.slot ADD COLUMN size text DEFAULT 'M'",
        "UPDATE shop.slot SET size = 'L'",
        "ALTER TABLE shop.slot DROP COLUMN name",
        "UPDATE shop.slot SET size = 'XL'",
    ],
    "a table that was renamed": [
        SLOTS,
        "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE shop.slot RENAME TO place",
        "UPDATE shop.place SET name = 'x'",
    ],
    "labels that can't be read": [
        SELLERS,
        "ALTER TABLE shop.seller RENAME COLUMN full_name TO name",
        PRODUCTS,
        "UPDATE shop.product SET seller_id = 1",
    ],
    "parents that can't be read": [
        SELLERS,
        PRODUCTS,
        "INSERT INTO shop.variant VALUES (1, 1, 'M'), (2, 2, 'L')",
        "REVOKE SELECT (id) ON shop.product FROM audit_writer",
        "INSERT INTO shop.picture VALUES (1, 1, 'x'), (2, 2, 'y'), (3, NULL, 'z')",
        "UPDATE shop.variant SET size = 'XL'",
    ],
    "hostile settings": [
        "SET LOCAL datestyle = 'German'; SET LOCAL extra_float_digits = -15;"
        "SET LOCAL bytea_output = 'escape'; SET LOCAL timezone = 'Asia/Tokyo'",
        "INSERT INTO shop.reading (id, at, day, took, ratio, raw) SELECT n, '2026-11-25 12:00+00', "
        "'2026-11-25', '1 day 2 hours', 1.0 / n, '\\xff' FROM generate_series(1, 3) AS n",
        "UPDATE shop.reading SET ratio = ratio + 1e-7",
        "SET LOCAL datestyle = 'ISO'",
    ],
    "names that are shadowed": [
        "CREATE TEMP TABLE entry (id int); CREATE TEMP TABLE old_rows (id int);"
        "CREATE TEMP TABLE written_rows (id int); SET LOCAL search_path = pg_temp, shop",
        SLOTS,
        "UPDATE shop.slot SET name = 'x'",
    ],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_each_shape_leave_the_same(shops: Shops, shape: str) -> None:
    by_row, by_statement = shops.entries(*SHAPES[shape], role=OWNER)
    assert by_statement == by_row != []


def test_a_row_that_can_not_even_be_taken_apart_is_no_reason_to_refuse_it(shops: Shops) -> None:
    connection = shops.by_statement
    with connection.transaction(force_rollback=True):
        connection.execute("REVOKE USAGE ON SCHEMA shop FROM audit_writer")
        connection.execute(SELLERS)
        connection.execute(PRODUCTS)
        rows = [entry.new_row for entry in written(connection)]
    assert [row.get("id") for row in rows] == [1, None, None, 4]
    assert [row.keys() for row in rows[1:3]] == [{"unreadable"}] * 2


def test_a_few_rows_first_do_not_slow_down_many_later(shops: Shops) -> None:
    connection = shops.by_statement
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL statement_timeout = '20s'")
        connection.execute("INSERT INTO shop.slot VALUES (0, 'first')")
        connection.execute("UPDATE shop.slot SET name = 'one' WHERE id = 0")
        connection.execute("INSERT INTO shop.slot SELECT n FROM generate_series(1, 20000) AS n")
        connection.execute("UPDATE shop.slot SET name = 'many', id = -id")
        last = written(connection)[-1]
    assert (last.old_row["id"], last.new_row["id"]) == (20000, -20000)
