"""What each way to write a row leaves in the log, as an ordinary application writes it."""

import pytest
from psycopg import errors

from tests.shop import Connection, Log, insert
from tests.tracking import operations

MERGE = b"""
MERGE INTO shop.variant AS v
USING (VALUES (1, NULL), (2, 'XL'), (3, 'L'), (4, 'XS')) AS n (id, size) ON v.id = n.id
WHEN MATCHED AND n.size IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET size = n.size
WHEN NOT MATCHED THEN INSERT (id, size) VALUES (n.id, n.size)
"""
# For PostgreSQL 14, which has no MERGE.
WHAT_MERGE_DOES = b"""
DELETE FROM shop.variant WHERE id = 1;
INSERT INTO shop.variant (id, size) VALUES (2, 'XL'), (3, 'L'), (4, 'XS')
ON CONFLICT (id) DO UPDATE SET size = excluded.size
"""
FULL_MERGE = b"""
WITH merged AS (
    MERGE INTO shop.variant AS v
    USING (VALUES (2, 'XL'), (3, 'L'), (4, 'XS')) AS n (id, size) ON v.id = n.id
    WHEN NOT MATCHED BY SOURCE THEN DELETE
    WHEN MATCHED AND n.size = 'L' THEN DO NOTHING
    WHEN MATCHED THEN UPDATE SET size = n.size
    WHEN NOT MATCHED THEN INSERT (id, size) VALUES (n.id, n.size)
    RETURNING merge_action()
)
SELECT count(*) FROM merged
"""
# Before PostgreSQL 17.
WHAT_FULL_MERGE_DOES = WHAT_MERGE_DOES


def copy_in(app: Connection, statement: str, *rows: tuple[object, ...]) -> None:
    with app.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def test_an_insert_leaves_the_new_row(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")

    [entry] = log()
    assert (entry.operation, entry.table_schema, entry.table_name) == ("INSERT", "shop", "variant")
    assert entry.row_key == {"id": 1}
    assert entry.old_row is None
    assert entry.new_row == {"id": 1, "product_id": None, "size": "M"}


def test_an_update_leaves_the_row_before_and_after(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute("UPDATE shop.variant SET size = 'L'")

    entry = log()[-1]
    assert (entry.operation, entry.row_key) == ("UPDATE", {"id": 1})
    assert entry.old_row == {"id": 1, "product_id": None, "size": "M"}
    assert entry.new_row == {"id": 1, "product_id": None, "size": "L"}


def test_a_delete_leaves_the_row_that_was(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute("DELETE FROM shop.variant")

    entry = log()[-1]
    assert (entry.operation, entry.row_key) == ("DELETE", {"id": 1})
    assert entry.old_row == {"id": 1, "product_id": None, "size": "M"}
    assert entry.new_row is None


def test_an_entry_says_where_an_admin_would_look(app: Connection, log: Log) -> None:
    insert(app, "product", id=7, name="Lamp")

    [entry] = log()
    assert (entry.source, entry.module, entry.entity) == ("shop", "Products", "Product")
    assert (entry.entity_id, entry.entity_label, entry.part) == ("7", "Lamp", None)


def test_a_statement_leaves_an_entry_for_each_row_in_order(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.variant (id, size) SELECT n, n FROM generate_series(1, 300) AS n")
    app.execute("UPDATE shop.variant SET size = 'L' WHERE id > 298")
    app.execute("DELETE FROM shop.variant WHERE id < 3")

    assert [entry.row_key["id"] for entry in log()] == [*range(1, 301), 299, 300, 1, 2]


def test_a_row_that_a_join_finds_twice_is_written_once(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute(
        "UPDATE shop.variant SET size = n.size FROM (VALUES ('L'), ('XL')) AS n (size)"
        " WHERE variant.id = 1"
    )
    app.execute("DELETE FROM shop.variant USING generate_series(1, 3)")

    assert [entry.operation for entry in log()] == ["INSERT", "UPDATE", "DELETE"]
    assert log()[1].new_row == log()[2].old_row


def test_the_row_that_a_cursor_is_at_is_written(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.variant (id) VALUES (1), (2), (3)")
    with app.transaction():
        app.execute("DECLARE at CURSOR FOR SELECT * FROM shop.variant ORDER BY id FOR UPDATE")
        app.execute("FETCH 2 FROM at")
        app.execute("DELETE FROM shop.variant WHERE CURRENT OF at")

    assert (log()[-1].operation, log()[-1].row_key) == ("DELETE", {"id": 2})


def test_an_update_that_changes_nothing_leaves_nothing(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute("UPDATE shop.variant SET size = size")

    assert operations(log()) == [("INSERT", "variant")]


@pytest.mark.parametrize(
    ("clause", "left"),
    [
        ("DO UPDATE SET size = excluded.size", ["INSERT", "UPDATE"]),
        ("DO UPDATE SET size = variant.size", ["INSERT"]),
        ("DO UPDATE SET size = 'XL' WHERE false", ["INSERT"]),
        ("DO NOTHING", ["INSERT"]),
    ],
)
def test_an_upsert_leaves_what_it_does(
    app: Connection, log: Log, clause: str, left: list[str]
) -> None:
    insert(app, "variant", size="M")
    app.execute(
        f"INSERT INTO shop.variant (id, size) VALUES (1, 'L') ON CONFLICT (id) {clause}".encode()
    )

    assert [entry.operation for entry in log()] == left


def test_merge_leaves_an_entry_for_each_row_that_it_touches(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.variant (id, size) VALUES (1, 'S'), (2, 'M'), (3, 'L')")
    app.execute(MERGE if app.info.server_version >= 150000 else WHAT_MERGE_DOES)

    left = sorted((entry.row_key["id"], entry.operation) for entry in log()[3:])
    assert left == [(1, "DELETE"), (2, "UPDATE"), (4, "INSERT")]


def test_a_merge_that_knows_all_rows_leaves_an_entry_for_each_that_it_touches(
    app: Connection, log: Log
) -> None:
    app.execute("INSERT INTO shop.variant (id, size) VALUES (1, 'S'), (2, 'M'), (3, 'L')")
    app.execute(FULL_MERGE if app.info.server_version >= 170000 else WHAT_FULL_MERGE_DOES)

    left = sorted((entry.row_key["id"], entry.operation) for entry in log()[3:])
    assert left == [(1, "DELETE"), (2, "UPDATE"), (4, "INSERT")]


def test_an_upsert_of_many_rows_leaves_what_it_does_to_each(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.variant (id, size) VALUES (1, 'S'), (2, 'M')")
    app.execute(
        "INSERT INTO shop.variant (id, size) VALUES (1, 'S'), (2, 'L'), (3, 'XL')"
        " ON CONFLICT (id) DO UPDATE SET size = excluded.size"
    )

    left = [(entry.operation, entry.row_key["id"], entry.new_row["size"]) for entry in log()[2:]]
    assert left == [("UPDATE", 2, "L"), ("INSERT", 3, "XL")]


def test_copy_leaves_an_entry_for_each_row(app: Connection, log: Log) -> None:
    copy_in(app, "COPY shop.variant (id, size) FROM STDIN", (1, "M"), (2, "L"))

    assert [entry.new_row["size"] for entry in log()] == ["M", "L"]


def test_copy_of_rows_of_which_one_is_refused_leaves_nothing(app: Connection, log: Log) -> None:
    with pytest.raises(errors.UniqueViolation):
        copy_in(app, "COPY shop.variant (id) FROM STDIN", (1,), (2,), (1,))

    assert log() == []


def test_a_write_inside_a_query_is_seen(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute(
        """
        WITH removed AS (DELETE FROM shop.variant RETURNING id, size)
        INSERT INTO shop.picture (id, url) SELECT id, size FROM removed
        """
    )

    assert sorted(operations(log()[1:])) == [("DELETE", "variant"), ("INSERT", "picture")]
