"""pgwitness reconcile: a row that is not as its newest entry says is found, and no other."""

import psycopg

from generator.config import Config
from tests.reconcile.history import found, reconcile, tamper


def test_what_was_written_by_the_rules_is_as_the_log_says(
    owner: psycopg.Connection, config: Config
) -> None:
    done = reconcile(owner, config)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "public.item: 1 row compared; 1 without an entry",
        "public.line: 1 row compared; 0 without an entry",
        "public.visit: 2 rows compared; 0 without an entry",
        "public.100%: 1 row compared; 0 without an entry",
        "public.remark: not compared: has no key by which a row could be found",
    ]


def test_a_changed_row_is_found_with_what_each_says_and_since_when(
    owner: psycopg.Connection, config: Config
) -> None:
    tamper(owner, "item", "UPDATE item SET price = 99, name = 'Lamp' WHERE id = 2")
    [line] = found(owner, config)
    assert line.startswith('public.item {"id": 2}: the log says price = 1.5 (UPDATE, entry ')
    assert "; the table: price = 99 – written between " in line


def test_a_number_that_only_shows_another_precision_is_found(
    owner: psycopg.Connection, config: Config
) -> None:
    tamper(owner, "item", "UPDATE item SET price = 1.50 WHERE id = 2")
    [line] = found(owner, config)
    assert "price = 1.5 (" in line
    assert "price = 1.50 –" in line


def test_a_row_that_is_gone_is_found(owner: psycopg.Connection, config: Config) -> None:
    tamper(owner, "visit_2", "DELETE FROM visit_2")
    tamper(owner, "line", "UPDATE line SET b = 'w'")
    assert [line.partition(" (")[0] for line in found(owner, config)] == [
        'public.line {"a": 1, "b": "z"}: the log says it is there',
        'public.visit {"id": 1}: the log says it is there',
    ]


def test_a_row_that_the_log_says_is_gone_is_found(
    owner: psycopg.Connection, config: Config
) -> None:
    tamper(owner, "item", "INSERT INTO item VALUES (13, 'Back', 1)")
    tamper(owner, "line", "INSERT INTO line VALUES (1, 'x', 1)")
    tamper(owner, '"100%"', """INSERT INTO "100%" VALUES ('b')""")
    assert [line.partition(" (")[0] for line in found(owner, config)] == [
        'public.item {"id": 13}: the log says it is gone',
        'public.line {"a": 1, "b": "x"}: the log says it is gone',
        """public.100% {"it's %s": "b"}: the log says it is gone""",
    ]


def test_of_a_row_without_any_entry_nobody_can_tell(
    owner: psycopg.Connection, config: Config
) -> None:
    tamper(owner, "item", "INSERT INTO item VALUES (77, 'New', 1)")
    done = reconcile(owner, config, "--table", "public.item")
    assert done.exit_code == 0
    assert done.stderr == "public.item: 1 row compared; 2 without an entry\n"


def test_columns_that_are_not_captured_are_not_compared(
    owner: psycopg.Connection, config: Config
) -> None:
    tamper(owner, "item", "UPDATE item SET seen = 3, note = 'q', pin = '5' WHERE id = 2")
    assert found(owner, config) == []


def test_entries_of_one_transaction_may_be_in_another_order(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute(
        "CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.id = 101 THEN UPDATE item SET price = 7 WHERE id = 102; END IF;"
        " RETURN NULL; END';"
        "CREATE TRIGGER follow AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION follow()"
    )
    owner.execute("INSERT INTO item VALUES (101, 'First', 1), (102, 'Second', 1)")
    query = "SELECT operation FROM audit.entry WHERE row_key = '{\"id\": 102}' ORDER BY id"
    assert owner.execute(query).fetchall() == [("UPDATE",), ("INSERT",)]
    assert found(owner, config) == []
    tamper(owner, "item", "UPDATE item SET price = 5 WHERE id = 102")
    assert len(found(owner, config)) == 1


def test_json_that_jsonb_cannot_hold_is_left_out(owner: psycopg.Connection, config: Config) -> None:
    owner.execute("""INSERT INTO line VALUES (2, 'x', 1, '"\\u0000"'), (2, 'y', 1, '{}')""")
    assert found(owner, config) == []
    tamper(owner, "line", "UPDATE line SET size = 2 WHERE b = 'y'")
    assert len(found(owner, config)) == 1
