"""truncate = "rows": what TRUNCATE removes leaves the entries that DELETE would leave."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.drift import find_drift
from generator.parse import read_config
from generator.render import render_audit_schema, render_track
from tests.databases import new_database
from tests.shop import APP, SCHEMA, TRACKED, Connection, acting_as, admit, written

FULL = """
    INSERT INTO shop.seller VALUES (1, 'Ana Diaz');
    INSERT INTO shop.product (id, name, seller_id, details, pin) VALUES
        (1, 'Lamp', 1, '{"a": "\\u0000"}', '1'), (2, 'Chair', NULL, NULL, NULL);
    INSERT INTO shop.variant VALUES (1, 1, 'M'), (2, 2, 'L'), (3, NULL, 'S');
    INSERT INTO shop.picture VALUES (1, 1, 'a.png'), (2, 3, 'b.png');
    INSERT INTO shop.rate VALUES ('DE', 2026, 19);
    INSERT INTO shop.note VALUES ('a'), ('a');
    INSERT INTO shop.sale VALUES (1, 2025, 5), (2, 2026, 6);
    """


@pytest.fixture(scope="module", params=["row", "statement"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("shop") / "audit.toml"
    path.write_text(TRACKED, encoding="utf-8")
    config = read_config(path)
    tables = [
        replace(t, truncate="rows", capture="row" if t.name.table == "sale" else request.param)
        for t in config.tables
    ]
    return replace(config, tables=tuple(tables))


@pytest.fixture(scope="module")
def emptied(cluster: Cluster, config: Config) -> Iterator[str]:
    with new_database(cluster, "emptied") as conninfo:
        with psycopg.connect(conninfo) as owner:
            owner.execute((render_audit_schema() + SCHEMA).encode())
            for table in config.tables:
                owner.execute(render_track(table).encode())
            admit(owner, "shop")
        yield conninfo


@pytest.fixture
def owner(emptied: str) -> Iterator[Connection]:
    """The owner of a shop with some rows, in a transaction that is rolled back."""
    with psycopg.connect(emptied) as connection, connection.transaction(force_rollback=True):
        connection.execute(FULL)
        yield connection


def left_by(owner: Connection, *statements: str, role: str = APP) -> list[Any]:
    """Run statements in a savepoint that is rolled back, and return their entries."""
    with owner.transaction(force_rollback=True):
        before = len(written(owner))
        with acting_as(owner, role):
            for statement in statements:
                owner.execute(statement.encode())
        return [
            (e.operation, e.table_name, e.entity, e.part, e.entity_id, e.former_entity_id,
             e.entity_label, e.row_key, e.labels, e.old_row, e.new_row)
            for e in written(owner)[before:]
        ]  # fmt: skip


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_what_an_older_snapshot_hides_is_told_by_the_truncate_itself(
    emptied: str, isolation: str
) -> None:
    with psycopg.connect(emptied) as owner, psycopg.connect(emptied) as other:
        owner.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
        assert written(owner) == []
        other.execute("INSERT INTO shop.note VALUES ('unseen')")
        other.commit()
        owner.execute("TRUNCATE shop.note")

        assert [entry.operation for entry in written(owner)] == ["TRUNCATE"]


@pytest.mark.parametrize("table", ["variant", "picture", "rate", "note", "sale", "proof"])
def test_truncate_leaves_what_delete_leaves(owner: Connection, table: str) -> None:
    owner.execute("TRUNCATE shop.exemption, shop.proof")
    children = {"rate": ", shop.exemption, shop.proof", "variant": ", shop.picture"}
    truncated = left_by(owner, f"TRUNCATE shop.{table}{children.get(table, '')}")
    deleted = left_by(owner, f"DELETE FROM shop.{table}")
    assert [e for e in truncated if e[1] == table] == [e for e in deleted if e[1] == table]


def test_a_cascade_leaves_the_rows_of_each_table_with_their_names(owner: Connection) -> None:
    entries = left_by(owner, "TRUNCATE shop.product CASCADE")
    assert [entry[:7] for entry in entries] == [
        ("DELETE", "product", "Product", None, "1", None, "Lamp"),
        ("DELETE", "product", "Product", None, "2", None, "Chair"),
        ("DELETE", "variant", "Product", "Variant", "1", None, "Lamp"),
        ("DELETE", "variant", "Product", "Variant", "2", None, "Chair"),
        ("DELETE", "variant", "Product", "Variant", None, None, None),
        ("DELETE", "picture", "Product", "Picture", "1", None, "Lamp"),
        ("DELETE", "picture", "Product", "Picture", None, None, None),
    ]
    assert entries[0][8] == {"seller_id": {"1": "Ana Diaz"}}
    assert entries[0][9]["pin"].keys() == {"redacted"}


def test_rows_of_a_table_that_inherits_are_not_told_unless_they_go(owner: Connection) -> None:
    owner.execute("CREATE TABLE shop.heir () INHERITS (shop.note)")
    owner.execute("INSERT INTO shop.heir VALUES ('stays')")
    entries = left_by(owner, "TRUNCATE ONLY shop.note")
    assert [entry[9] for entry in entries] == [{"body": "a"}, {"body": "a"}]


def test_no_row_leaves_no_entry(owner: Connection) -> None:
    assert left_by(owner, "TRUNCATE shop.reading") == []


def test_names_that_can_not_be_read_are_left_out(owner: Connection) -> None:
    owner.execute("REVOKE SELECT (full_name) ON shop.seller FROM audit_writer")
    entries = left_by(owner, "TRUNCATE shop.product CASCADE")
    assert [entry[4] for entry in entries if entry[1] == "product"] == ["1", "2"]
    assert {entry[8] for entry in entries} == {None}


@pytest.mark.parametrize(
    "change",
    [
        "REVOKE SELECT ON shop.note FROM audit_writer",
        "ALTER TABLE shop.note ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop.note RENAME TO memo",
        "ALTER TABLE shop.note RENAME TO memo; CREATE TABLE shop.note AS TABLE shop.memo;"
        " GRANT SELECT ON shop.note TO audit_writer",
    ],
)
def test_rows_that_can_not_be_read_leave_one_entry(owner: Connection, change: str) -> None:
    owner.execute(change.encode())
    table = "memo" if "RENAME" in change else "note"
    assert [entry[:2] for entry in left_by(owner, f"TRUNCATE shop.{table}")] == [
        ("TRUNCATE", "note")
    ]


def test_check_finds_what_keeps_rows_from_being_read(
    cluster: Cluster, emptied: str, config: Config
) -> None:
    def said() -> list[str]:
        with psycopg.connect(emptied) as connection:
            return [f"{f.state} {f.object}" for f in find_drift(connection, config)]

    before = said()
    assert not [finding for finding in before if "shop.note" in finding or "audit" in finding]
    with psycopg.connect(cluster.conninfo("emptied", host=LOOPBACK), autocommit=True) as superuser:
        superuser.execute("REVOKE SELECT ON shop.note FROM audit_writer")
        superuser.execute("ALTER TABLE shop.reading ENABLE ROW LEVEL SECURITY")
        more = [finding for finding in said() if finding not in before]
        assert more == ["missing table shop.note", "conflict table shop.reading"]
        superuser.execute("GRANT SELECT ON shop.note TO audit_writer")
        superuser.execute("ALTER TABLE shop.reading DISABLE ROW LEVEL SECURITY")
