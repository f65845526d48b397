"""Tables with triggers of the application's own: entries are of what was stored, in its order."""

import json
from collections import Counter
from typing import Any

import psycopg
import pytest

from tests.shop import Connection, written
from tests.tracking import make, operations, write

Row = dict[str, Any]


@pytest.fixture
def tasks(owner: Connection) -> Connection:
    """The owner of a table of tasks, and of a table of what is said of them."""
    make(owner, "task", "(id int PRIMARY KEY, body text, said int)")
    make(owner, "remark", "(id int PRIMARY KEY, task_id int REFERENCES shop.task, body text)")
    return owner


def add_trigger(
    owner: Connection, moment: str, body: str, table: str = "task", name: str = "own"
) -> None:
    """Give a table a trigger of the application's own."""
    owner.execute(
        f"""
        CREATE FUNCTION shop."{name}_{table}"() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN {body} END $$;
        CREATE TRIGGER "{name}" {moment} ON shop.{table}
            FOR EACH ROW EXECUTE FUNCTION shop."{name}_{table}"();
        """.encode()
    )


def stored(owner: Connection, table: str = "task") -> list[Row]:
    """Return the rows that are in a table."""
    query = f"SELECT to_jsonb(t.*) FROM shop.{table} AS t ORDER BY t.id"
    return [row for (row,) in owner.execute(query.encode())]


def replay(owner: Connection, table: str = "task") -> list[Row]:
    """Do again what the entries say, one after the other; fails where one doesn't follow."""
    rows: list[Row] = []
    for entry in written(owner):
        if entry.table_name == table:
            if entry.old_row is not None:
                rows.remove(entry.old_row)
            if entry.new_row is not None:
                rows.append(entry.new_row)
    return sorted(rows, key=lambda row: int(row["id"]))


def fold(owner: Connection, table: str = "task") -> list[Row]:
    """Return what remains when each row that became another is taken away, in whatever order."""
    entries = [entry for entry in written(owner) if entry.table_name == table]
    came = Counter(json.dumps(entry.new_row) for entry in entries if entry.new_row)
    went = Counter(json.dumps(entry.old_row) for entry in entries if entry.old_row)
    assert went <= came
    rows = [json.loads(row) for row in (came - went).elements()]
    return sorted(rows, key=lambda row: int(row["id"]))


def test_a_row_is_captured_as_a_trigger_had_it_stored(tasks: Connection) -> None:
    add_trigger(tasks, "BEFORE INSERT OR UPDATE", "NEW.body := upper(NEW.body); RETURN NEW;")
    write(tasks, "INSERT INTO shop.task VALUES (1, 'call')", "UPDATE shop.task SET body = 'mail'")

    bodies = [(entry.operation, entry.new_row["body"]) for entry in written(tasks)]
    assert bodies == [("INSERT", "CALL"), ("UPDATE", "MAIL")]
    assert replay(tasks) == stored(tasks)


def test_a_key_that_a_trigger_gives_is_the_one_that_is_captured(tasks: Connection) -> None:
    add_trigger(tasks, "BEFORE INSERT OR UPDATE", "NEW.id := NEW.id + 100; RETURN NEW;")
    write(tasks, "INSERT INTO shop.task VALUES (1)", "UPDATE shop.task SET body = 'mail'")

    keys = [(entry.row_key["id"], entry.former_entity_id) for entry in written(tasks)]
    assert keys == [(101, None), (201, "101")]


@pytest.mark.parametrize(
    ("moment", "statement"),
    [
        ("INSERT", "INSERT INTO shop.task VALUES (2, 'mail')"),
        ("UPDATE", "UPDATE shop.task SET body = 'mail'"),
        ("DELETE", "DELETE FROM shop.task"),
    ],
)
def test_a_write_that_a_trigger_suppressed_leaves_nothing(
    tasks: Connection, moment: str, statement: str
) -> None:
    write(tasks, "INSERT INTO shop.task VALUES (1, 'call')")
    add_trigger(tasks, f"BEFORE {moment}", "RETURN NULL;")
    write(tasks, statement)

    assert operations(written(tasks)) == [("INSERT", "task")]


def test_a_write_that_a_trigger_took_back_is_no_change(tasks: Connection) -> None:
    write(tasks, "INSERT INTO shop.task VALUES (1, 'call')")
    add_trigger(tasks, "BEFORE UPDATE", "RETURN OLD;")
    write(tasks, "UPDATE shop.task SET body = 'mail'")

    assert operations(written(tasks)) == [("INSERT", "task")]


def test_a_delete_that_a_trigger_makes_an_update_is_an_update(tasks: Connection) -> None:
    add_trigger(
        tasks, "BEFORE DELETE", "UPDATE shop.task SET said = 1 WHERE id = OLD.id; RETURN NULL;"
    )
    write(tasks, "INSERT INTO shop.task VALUES (1, 'call')", "DELETE FROM shop.task")

    assert operations(written(tasks)) == [("INSERT", "task"), ("UPDATE", "task")]
    assert replay(tasks) == stored(tasks)


@pytest.mark.parametrize("name", ["aaa", "!b", "zzz"])
def test_a_row_comes_before_what_its_own_trigger_makes_of_it(tasks: Connection, name: str) -> None:
    again = "UPDATE shop.task SET said = coalesce(said, 0) + 1 WHERE id = NEW.id; RETURN NULL;"
    add_trigger(tasks, "AFTER INSERT OR UPDATE OF body", again, name=name)
    write(
        tasks,
        "INSERT INTO shop.task VALUES (1, 'call'), (2, 'mail')",
        "UPDATE shop.task SET body = 'meet'",
    )

    assert [entry.operation for entry in written(tasks)].count("UPDATE") == 6
    assert replay(tasks) == stored(tasks)


def test_what_triggers_of_two_tables_make_of_each_other_follows_in_order(tasks: Connection) -> None:
    add_trigger(
        tasks,
        "AFTER INSERT",
        "INSERT INTO shop.remark VALUES (NEW.id, NEW.id, 'made'); RETURN NULL;",
    )
    add_trigger(
        tasks,
        "AFTER INSERT",
        "UPDATE shop.task SET said = NEW.id WHERE id = NEW.task_id; RETURN NULL;",
        table="remark",
    )
    write(tasks, "INSERT INTO shop.task VALUES (7, 'call')", "UPDATE shop.task SET body = 'mail'")

    told = [("INSERT", "task"), ("INSERT", "remark"), ("UPDATE", "task"), ("UPDATE", "task")]
    assert operations(written(tasks)) == told
    assert replay(tasks) == stored(tasks)


def test_what_a_trigger_writes_before_its_row_is_stored_comes_before_it(tasks: Connection) -> None:
    add_trigger(
        tasks,
        "BEFORE INSERT",
        "UPDATE shop.task SET said = NEW.id WHERE id < NEW.id; RETURN NEW;",
    )
    write(tasks, "INSERT INTO shop.task VALUES (1, 'call')", "INSERT INTO shop.task VALUES (2)")

    ids = [(entry.operation, entry.new_row["id"]) for entry in written(tasks)]
    assert ids == [("INSERT", 1), ("UPDATE", 1), ("INSERT", 2)]
    assert replay(tasks) == stored(tasks)


def test_a_deferred_trigger_s_writes_follow_at_the_end(tasks: Connection) -> None:
    tasks.execute(
        b"""
        CREATE FUNCTION shop.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE shop.task SET said = coalesce(said, 0) + 1 WHERE id = NEW.id;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER later AFTER INSERT ON shop.task
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.later();
        """
    )
    write(
        tasks,
        "INSERT INTO shop.task VALUES (1, 'call')",
        "UPDATE shop.task SET body = 'mail'",
        "SET CONSTRAINTS ALL IMMEDIATE",
    )

    assert [entry.new_row["said"] for entry in written(tasks)] == [None, None, 1]
    assert replay(tasks) == stored(tasks)


def test_rows_that_triggers_of_others_changed_first_add_up_along_their_values(
    tasks: Connection,
) -> None:
    add_trigger(
        tasks,
        "AFTER INSERT",
        "UPDATE shop.task SET said = NEW.id WHERE id > NEW.id; RETURN NULL;",
    )
    write(tasks, "INSERT INTO shop.task VALUES (1, 'a'), (2, 'b'), (3, 'c')")

    # PostgreSQL runs what row 1's trigger does to row 2 before it tells of row 2 itself.
    assert [entry.operation for entry in written(tasks)][:3] == ["INSERT", "UPDATE", "UPDATE"]
    assert fold(tasks) == stored(tasks)


def test_a_trigger_that_sorts_before_ours_costs_the_order_and_no_entry(tasks: Connection) -> None:
    again = "UPDATE shop.task SET said = 1 WHERE id = NEW.id; RETURN NULL;"
    add_trigger(tasks, "AFTER INSERT", again, name=" ")
    write(tasks, "INSERT INTO shop.task VALUES (1, 'a')")

    assert sorted(operations(written(tasks))) == [("INSERT", "task"), ("UPDATE", "task")]
    assert fold(tasks) == stored(tasks)


def test_a_cascade_through_one_table_is_captured_from_the_top_downwards(owner: Connection) -> None:
    follow = "REFERENCES shop.node ON DELETE CASCADE ON UPDATE CASCADE"
    make(owner, "node", f"(id int PRIMARY KEY, parent_id int {follow})")
    write(
        owner,
        "INSERT INTO shop.node VALUES (1, NULL), (2, 1), (3, 2), (4, 1)",
        "UPDATE shop.node SET id = 10 WHERE id = 1",
        "DELETE FROM shop.node WHERE id = 2",
    )

    steps = [(entry.operation, entry.entity_id) for entry in written(owner)[4:]]
    assert steps[:3] == [("UPDATE", "10"), ("UPDATE", "2"), ("UPDATE", "4")]
    assert steps[3:] == [("DELETE", "2"), ("DELETE", "3")]
    assert replay(owner, "node") == stored(owner, "node")


def test_a_trigger_that_fails_takes_the_entries_with_it(tasks: Connection) -> None:
    add_trigger(tasks, "AFTER INSERT", "RAISE EXCEPTION 'no' USING ERRCODE = 'TT001';")
    with pytest.raises(psycopg.Error) as refusal, tasks.transaction():
        write(tasks, "INSERT INTO shop.task VALUES (1, 'a')")

    assert refusal.value.sqlstate == "TT001"
    assert written(tasks) == []
