"""A partitioned table: what any of its partitions is sent is captured as the root's.

Also tables that inherit, of which each captures its own rows, if it is tracked.
"""

import psycopg

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.shop import APP, Connection, Log, acting_as, insert, written
from tests.tracking import make, operations, track, write

SUBPARTITIONED = f"""
CREATE TABLE shop.visit (id int, year int, month int, PRIMARY KEY (id, year, month))
    PARTITION BY LIST (year);
CREATE TABLE shop.visit_2026 PARTITION OF shop.visit FOR VALUES IN (2026)
    PARTITION BY RANGE (month);
CREATE TABLE shop.visit_2026_a PARTITION OF shop.visit_2026 FOR VALUES FROM (1) TO (7);
CREATE TABLE shop.visit_2026_b PARTITION OF shop.visit_2026 FOR VALUES FROM (7) TO (13);
-- A key that refers to it has triggers of its own for a row that moves.
CREATE TABLE shop.stay (
    id int, year int, month int,
    FOREIGN KEY (id, year, month) REFERENCES shop.visit ON UPDATE CASCADE
);
GRANT ALL ON ALL TABLES IN SCHEMA shop TO {APP};
"""
REFUSE = """
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON shop.sale_2026
    FOR EACH ROW EXECUTE FUNCTION shop.refuse();
"""


def test_a_partition_is_captured_under_the_name_of_its_root(app: Connection, log: Log) -> None:
    insert(app, "sale", year=2025, amount=5)
    app.execute("INSERT INTO shop.sale_2026 (id, year, amount) VALUES (2, 2026, 6)")
    app.execute("UPDATE shop.sale SET amount = amount + 1")

    assert operations(log()) == [("INSERT", "sale")] * 2 + [("UPDATE", "sale")] * 2
    assert log()[-1].new_row == {"id": 2, "year": 2026, "amount": 7}


def test_writes_straight_to_a_partition_are_captured_as_the_root_s(
    app: Connection, log: Log
) -> None:
    with app.cursor() as cursor, cursor.copy("COPY shop.sale_2026 (id, year) FROM STDIN") as copy:
        copy.write_row((1, 2026))
    app.execute("UPDATE shop.sale_2026 SET amount = 7")
    app.execute("DELETE FROM shop.sale_2026")

    assert operations(log()) == [("INSERT", "sale"), ("UPDATE", "sale"), ("DELETE", "sale")]
    assert log()[-1].old_row == log()[1].new_row == {"id": 1, "year": 2026, "amount": 7}


def test_a_row_that_moves_to_another_partition_is_deleted_and_inserted(
    app: Connection, log: Log
) -> None:
    insert(app, "sale", year=2025)
    app.execute("UPDATE shop.sale SET year = 2026")

    moved = [(entry.operation, entry.entity_id) for entry in log()[1:]]
    assert moved == [("DELETE", "1"), ("INSERT", "1")]


def test_rows_of_which_some_move_are_each_captured(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.sale (id, year) VALUES (1, 2025), (2, 2026), (3, 2025)")
    app.execute("UPDATE shop.sale SET year = 2026, amount = id")

    left = [(entry.operation, entry.entity_id) for entry in log()[3:]]
    assert sorted(left) == [
        ("DELETE", "1"),
        ("DELETE", "3"),
        ("INSERT", "1"),
        ("INSERT", "3"),
        ("UPDATE", "2"),
    ]
    for id_ in ("1", "3"):
        assert left.index(("DELETE", id_)) < left.index(("INSERT", id_))


def test_rows_that_a_key_elsewhere_moves_to_another_partition_are_captured(
    owner: Connection,
) -> None:
    owner.execute("CREATE TABLE shop.season (year int PRIMARY KEY)")
    follow = "REFERENCES shop.season ON UPDATE CASCADE ON DELETE SET NULL"
    make(owner, "trip", f"(id int, year int {follow}) PARTITION BY LIST (year)")
    owner.execute("CREATE TABLE shop.trip_2025 PARTITION OF shop.trip FOR VALUES IN (2025)")
    owner.execute("CREATE TABLE shop.trip_rest PARTITION OF shop.trip DEFAULT")
    owner.execute("INSERT INTO shop.season VALUES (2025); INSERT INTO shop.trip VALUES (1, 2025)")
    owner.execute("UPDATE shop.season SET year = 2026; DELETE FROM shop.season")

    years = [(e.operation, (e.new_row or e.old_row)["year"]) for e in written(owner)]
    assert years == [("INSERT", 2025), ("DELETE", 2025), ("INSERT", 2026), ("UPDATE", None)]


def test_of_rows_that_a_trigger_drops_on_their_way_the_loss_is_captured(owner: Connection) -> None:
    owner.execute(REFUSE.encode())
    write(
        owner,
        "INSERT INTO shop.sale (id, year) VALUES (1, 2025), (2, 2025)",
        "UPDATE shop.sale SET year = 2026 WHERE id = 1",
    )

    left = [(entry.operation, entry.entity_id) for entry in written(owner)[2:]]
    assert left == [("DELETE", "1")]


def test_a_partition_of_a_partition_is_captured_as_the_root_s(owner: Connection) -> None:
    owner.execute(SUBPARTITIONED.encode())
    track(owner, "visit", key=("id", "year", "month"))
    write(
        owner,
        "INSERT INTO shop.visit VALUES (1, 2026, 1)",
        "INSERT INTO shop.visit_2026 VALUES (2, 2026, 8)",
        "INSERT INTO shop.visit_2026_b VALUES (3, 2026, 9)",
        "UPDATE shop.visit SET month = 12 WHERE id = 3",
        "UPDATE shop.visit_2026 SET month = 12 WHERE id = 1",
        "TRUNCATE shop.visit CASCADE",
    )

    done = ["INSERT"] * 3 + ["UPDATE", "DELETE", "INSERT", "TRUNCATE"]
    assert operations(written(owner)) == [(operation, "visit") for operation in done]


def test_a_partition_made_later_is_captured_too(owner: Connection) -> None:
    owner.execute("CREATE TABLE shop.sale_2027 PARTITION OF shop.sale FOR VALUES IN (2027)")
    insert(owner, "sale", year=2027)

    assert operations(written(owner)) == [("INSERT", "sale")]


def test_a_table_is_captured_for_as_long_as_it_is_attached(owner: Connection) -> None:
    owner.execute("CREATE TABLE shop.sale_2027 (LIKE shop.sale)")
    steps = [
        "INSERT INTO shop.sale_2027 VALUES (1, 2027)",
        "ALTER TABLE shop.sale ATTACH PARTITION shop.sale_2027 FOR VALUES IN (2027)",
        "UPDATE shop.sale_2027 SET amount = 1",
        "DELETE FROM shop.sale WHERE year = 2027",
        "ALTER TABLE shop.sale DETACH PARTITION shop.sale_2027",
        "INSERT INTO shop.sale_2027 VALUES (2, 2027)",
    ]
    for step in steps:
        owner.execute(step.encode())

    assert operations(written(owner)) == [("UPDATE", "sale"), ("DELETE", "sale")]


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


def test_of_tables_that_inherit_each_that_is_tracked_captures_its_own_rows(
    owner: Connection,
) -> None:
    make(owner, "person", "(id int PRIMARY KEY, name text)")
    owner.execute("CREATE TABLE shop.guest (PRIMARY KEY (id)) INHERITS (shop.person)")
    owner.execute("CREATE TABLE shop.staff (room int, PRIMARY KEY (id)) INHERITS (shop.person)")
    track(owner, "staff")
    for table in ("person", "guest", "staff"):
        owner.execute(f"INSERT INTO shop.{table} (id) VALUES (1)".encode())
    owner.execute("UPDATE shop.person SET name = 'Ana'")
    owner.execute("DELETE FROM shop.person")

    captured = sorted(operations(written(owner)))
    assert captured == [
        (operation, table)
        for operation in ("DELETE", "INSERT", "UPDATE")
        for table in ("person", "staff")
    ]
    assert {"room" in entry.new_row for entry in written(owner)[1:2]} == {True}
