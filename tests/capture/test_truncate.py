"""TRUNCATE, which removes rows without naming them: an entry for each table, or a refusal."""

import psycopg
import pytest

from tests.shop import Connection, Log, insert, written
from tests.tracking import make, operations, write


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


def test_truncate_leaves_an_entry_for_each_table_that_it_cascades_to(
    app: Connection, log: Log
) -> None:
    app.execute("TRUNCATE shop.rate CASCADE")

    left = [("TRUNCATE", "exemption"), ("TRUNCATE", "proof"), ("TRUNCATE", "rate")]
    assert sorted(operations(log())) == left


def test_a_refused_truncate_removes_nothing_of_any_table(app: Connection, log: Log) -> None:
    insert(app, "product")
    with pytest.raises(psycopg.Error):
        app.execute("TRUNCATE shop.note, shop.product CASCADE")

    assert app.execute("SELECT count(*) FROM shop.product").fetchone() == (1,)
    assert operations(log()) == [("INSERT", "product")]


def test_truncate_of_no_rows_leaves_an_entry_all_the_same(app: Connection, log: Log) -> None:
    app.execute("TRUNCATE ONLY shop.note RESTART IDENTITY")

    assert operations(log()) == [("TRUNCATE", "note")]


def test_a_truncate_that_is_rolled_back_leaves_nothing(app: Connection, log: Log) -> None:
    insert(app, "variant")
    with app.transaction(force_rollback=True):
        app.execute("TRUNCATE shop.rate, shop.note RESTART IDENTITY CASCADE")

    assert operations(log()) == [("INSERT", "variant")]


def test_writes_before_and_after_a_truncate_are_in_their_order(owner: Connection) -> None:
    make(owner, "thing", "(id int PRIMARY KEY)")
    write(
        owner,
        "INSERT INTO shop.thing VALUES (1)",
        "TRUNCATE shop.thing",
        "INSERT INTO shop.thing VALUES (1)",
    )

    assert [entry.operation for entry in written(owner)] == ["INSERT", "TRUNCATE", "INSERT"]


def test_rows_that_are_deleted_one_by_one_pass_where_truncate_is_forbidden(
    app: Connection, log: Log
) -> None:
    insert(app, "picture")
    app.execute("DELETE FROM shop.picture")

    assert operations(log()) == [("INSERT", "picture"), ("DELETE", "picture")]
