"""What each way to write a row leaves in the log, as an ordinary application writes it."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.shop import APP, Connection, Log, acting_as, insert, written

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


def operations(entries: list[Any]) -> list[tuple[str, str]]:
    return [(entry.operation, entry.table_name) for entry in entries]


def trigger(owner: Connection, moment: str, body: str) -> None:
    """Give shop.product a trigger of the application's own."""
    owner.execute(
        f"""
        CREATE FUNCTION shop.own_trigger() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN {body} END $$;
        CREATE TRIGGER aaa_fires_before_most {moment} ON shop.product
            FOR EACH ROW EXECUTE FUNCTION shop.own_trigger();
        """.encode()
    )


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

    assert [entry.new_row["id"] for entry in log()] == [*range(1, 301), 299, 300]


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


def test_copy_leaves_an_entry_for_each_row(app: Connection, log: Log) -> None:
    with app.cursor() as cursor, cursor.copy("COPY shop.variant (id, size) FROM STDIN") as copy:
        copy.write_row((1, "M"))
        copy.write_row((2, "L"))

    assert [entry.new_row["size"] for entry in log()] == ["M", "L"]


def test_a_write_inside_a_query_is_seen(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute(
        """
        WITH removed AS (DELETE FROM shop.variant RETURNING id, size)
        INSERT INTO shop.picture (id, url) SELECT id, size FROM removed
        """
    )

    assert sorted(operations(log()[1:])) == [("DELETE", "variant"), ("INSERT", "picture")]


def test_a_write_through_a_view_is_seen(owner: Connection) -> None:
    owner.execute("CREATE VIEW shop.big AS SELECT * FROM shop.variant WHERE size = 'XL'")
    owner.execute("INSERT INTO shop.big (id, size) VALUES (1, 'XL')")

    assert operations(written(owner)) == [("INSERT", "variant")]


def test_truncate_leaves_one_entry_for_each_table(app: Connection, log: Log) -> None:
    insert(app, "variant", size="M")
    app.execute("TRUNCATE shop.rate, shop.exemption, shop.proof, shop.note")

    entries = log()[1:]
    assert {entry.operation for entry in entries} == {"TRUNCATE"}
    assert {(entry.table_name, entry.module, entry.part) for entry in entries} == {
        ("rate", "Taxes", None),
        ("exemption", "Taxes", "Exemption"),
        ("proof", "Taxes", "Proof"),
        ("note", "Notes", None),
    }
    assert {(e.entity_id, e.row_key, e.old_row, e.new_row) for e in entries} == {(None,) * 4}


@pytest.mark.parametrize("tables", ["shop.picture", "shop.rate, shop.product CASCADE"])
def test_truncate_is_refused_where_it_is_forbidden(app: Connection, log: Log, tables: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        app.execute(f"TRUNCATE {tables}".encode())

    assert refusal.value.sqlstate == "UA003"
    assert log() == []


def test_work_that_is_rolled_back_leaves_nothing(app: Connection, log: Log) -> None:
    with app.transaction():
        insert(app, "variant", id=1)
        with app.transaction(force_rollback=True):
            insert(app, "variant", id=2)
        insert(app, "variant", id=3)
    with app.transaction(force_rollback=True):
        insert(app, "variant", id=4)

    assert [entry.row_key["id"] for entry in log()] == [1, 3]


def test_a_statement_that_fails_leaves_nothing(app: Connection, log: Log) -> None:
    with pytest.raises(errors.UniqueViolation):
        app.execute("INSERT INTO shop.variant (id) VALUES (1), (2), (1)")

    assert log() == []


def test_a_prepared_transaction_is_in_the_log_once_it_is_committed(
    app: Connection, log: Log
) -> None:
    app.execute("BEGIN; INSERT INTO shop.variant (id) VALUES (1); PREPARE TRANSACTION 'save'")
    assert log() == []

    app.execute("COMMIT PREPARED 'save'")
    assert operations(log()) == [("INSERT", "variant")]


def test_the_row_is_captured_as_it_was_stored(owner: Connection) -> None:
    trigger(owner, "BEFORE INSERT", "NEW.name := upper(NEW.name); RETURN NEW;")
    insert(owner, "product", name="lamp")

    [entry] = written(owner)
    assert (entry.new_row["name"], entry.entity_label) == ("LAMP", "LAMP")


def test_a_row_that_a_trigger_suppressed_leaves_nothing(owner: Connection) -> None:
    trigger(owner, "BEFORE INSERT", "RETURN NULL;")
    insert(owner, "product", name="Lamp")

    assert written(owner) == []


def test_a_row_comes_before_what_its_own_trigger_writes(owner: Connection) -> None:
    trigger(
        owner,
        "AFTER INSERT",
        "UPDATE shop.product SET name = name || '!' WHERE id = NEW.id; RETURN NULL;",
    )
    insert(owner, "product", name="Lamp")

    names = [(entry.operation, entry.new_row["name"]) for entry in written(owner)]
    assert names == [("INSERT", "Lamp"), ("UPDATE", "Lamp!")]


def test_a_session_that_applies_replication_is_captured(
    cluster: Cluster, app: Connection, log: Log
) -> None:
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        with acting_as(superuser, APP):
            insert(superuser, "sale", year=2026)
            superuser.execute("UPDATE shop.sale SET amount = 1")
            superuser.execute("TRUNCATE shop.note")

    left = [("INSERT", "sale"), ("UPDATE", "sale"), ("TRUNCATE", "note")]
    assert operations(log()) == left
