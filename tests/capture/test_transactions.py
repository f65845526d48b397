"""Entries stand and fall with the transaction, or the savepoint, that they were written in."""

import psycopg
import pytest
from psycopg import errors

from tests.shop import APP, Connection, Log, insert, written
from tests.tracking import make, operations, write


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


def test_a_prepared_transaction_that_is_rolled_back_leaves_nothing(
    app: Connection, log: Log
) -> None:
    app.execute("BEGIN; INSERT INTO shop.variant (id) VALUES (1); PREPARE TRANSACTION 'save'")
    app.execute("ROLLBACK PREPARED 'save'")

    assert log() == []


def test_a_prepared_transaction_is_of_who_prepared_it(shop: str, app: Connection, log: Log) -> None:
    app.execute(
        "BEGIN; SELECT audit.set_context('42'); INSERT INTO shop.variant (id) VALUES (1);"
        "PREPARE TRANSACTION 'save'"
    )
    with psycopg.connect(shop, user=APP, autocommit=True) as another:
        another.execute("SET audit.actor = '43'")
        another.execute("COMMIT PREPARED 'save'")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == ("42", True)


def test_a_released_savepoint_leaves_what_was_written_in_it(app: Connection, log: Log) -> None:
    app.execute(
        "BEGIN; SAVEPOINT one; INSERT INTO shop.variant (id) VALUES (1); RELEASE one;"
        "SAVEPOINT two; INSERT INTO shop.variant (id) VALUES (2); ROLLBACK TO two;"
        "INSERT INTO shop.variant (id) VALUES (3); COMMIT"
    )

    assert [entry.row_key["id"] for entry in log()] == [1, 3]
    assert len({entry.transaction_id for entry in log()}) == 1


def test_an_error_that_a_block_catches_takes_its_entries_with_it(app: Connection, log: Log) -> None:
    app.execute(
        """
        DO $$
        BEGIN
            INSERT INTO shop.variant (id) VALUES (1);
            BEGIN
                INSERT INTO shop.variant (id) VALUES (2);
                INSERT INTO shop.variant (id) VALUES (1);
            EXCEPTION WHEN unique_violation THEN
                INSERT INTO shop.variant (id) VALUES (3);
            END;
        END $$
        """
    )

    assert [entry.row_key["id"] for entry in log()] == [1, 3]


def test_a_procedure_that_commits_leaves_a_transaction_for_each(app: Connection, log: Log) -> None:
    app.execute(
        """
        DO $$ BEGIN
            INSERT INTO shop.variant (id) VALUES (1);
            COMMIT;
            INSERT INTO shop.variant (id) VALUES (2);
            ROLLBACK;
            INSERT INTO shop.variant (id) VALUES (3);
        END $$
        """
    )

    assert [entry.row_key["id"] for entry in log()] == [1, 3]
    assert len({entry.transaction_id for entry in log()}) == 2


def test_rows_that_break_a_constraint_until_it_is_checked_are_captured(owner: Connection) -> None:
    make(owner, "head", "(id int PRIMARY KEY)")
    make(owner, "tail", "(id int REFERENCES shop.head DEFERRABLE INITIALLY DEFERRED)")
    write(
        owner,
        "INSERT INTO shop.tail VALUES (1)",
        "INSERT INTO shop.head VALUES (1)",
        "SET CONSTRAINTS ALL IMMEDIATE",
    )

    assert operations(written(owner)) == [("INSERT", "tail"), ("INSERT", "head")]


def test_a_commit_that_a_deferred_constraint_refuses_leaves_nothing(
    shop: str, app: Connection, log: Log
) -> None:
    key = "ALTER TABLE shop.variant ALTER CONSTRAINT variant_product_id_fkey"
    with psycopg.connect(shop, autocommit=True) as owner:
        owner.execute(f"{key} DEFERRABLE INITIALLY DEFERRED".encode())
        with pytest.raises(errors.ForeignKeyViolation):
            app.execute("INSERT INTO shop.variant (id, product_id) VALUES (1, 404), (2, NULL)")
        owner.execute(f"{key} NOT DEFERRABLE".encode())

    assert log() == []


def test_a_transaction_that_can_not_be_serialized_leaves_nothing(
    shop: str, app: Connection, log: Log
) -> None:
    insert(app, "variant", size="M")
    with psycopg.connect(shop, user=APP) as late:
        late.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        late.execute("INSERT INTO shop.note VALUES ('late')")
        app.execute("UPDATE shop.variant SET size = 'L'")
        with pytest.raises(errors.SerializationFailure):
            late.execute("UPDATE shop.variant SET size = 'XL'")
        late.rollback()

    assert operations(log()) == [("INSERT", "variant"), ("UPDATE", "variant")]


def test_a_connection_that_is_lost_leaves_nothing(shop: str, app: Connection, log: Log) -> None:
    with psycopg.connect(shop, user=APP) as lost:
        lost.execute("INSERT INTO shop.note VALUES ('a')")
        app.execute("SELECT pg_terminate_backend(%s)", [lost.info.backend_pid])
        with pytest.raises(errors.AdminShutdown):
            lost.execute("SELECT")

    assert log() == []
