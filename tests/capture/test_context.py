"""Who acted: what the application says of it, and what the database sees."""

from ipaddress import ip_address
from uuid import UUID

import pytest

from tests.shop import APP, Connection, Log, insert


def test_set_local_says_who_acts_until_the_transaction_ends(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SET LOCAL audit.actor = '42'")
        app.execute("SET LOCAL audit.actor_name = 'Ana Diaz'")
        app.execute("SET LOCAL audit.ip = '203.0.113.24'")
        app.execute("""SET LOCAL audit.context = '{"request": "7f1c"}'""")
        insert(app, "variant", id=1)
    insert(app, "variant", id=2)

    inside, after = log()
    assert (inside.actor, inside.actor_name, inside.ip) == ("42", "Ana Diaz", "203.0.113.24")
    assert inside.context == {"request": "7f1c"}
    assert (after.actor, after.actor_name, after.ip, after.context) == (None,) * 4


def test_set_context_says_the_same_and_binds_it(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute(
            "SELECT audit.set_context('42', '203.0.113.24', 'Ana Diaz', '{\"request\": \"7f1c\"}')"
        )
        insert(app, "variant", id=1)
    insert(app, "variant", id=2)

    inside, after = log()
    assert (inside.actor, inside.actor_name, inside.ip) == ("42", "Ana Diaz", "203.0.113.24")
    assert (inside.context, inside.actor_bound) == ({"request": "7f1c"}, True)
    assert (after.actor, after.actor_name, after.ip, after.context) == (None,) * 4
    assert after.actor_bound is None


def test_set_context_forgets_what_was_said_before(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42', '203.0.113.24', 'Ana Diaz', '{}')")
        app.execute("SELECT audit.set_context('43')")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_name, entry.ip, entry.context) == ("43", None, None, None)
    assert entry.actor_bound


def test_set_context_of_nobody_names_nobody(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context(NULL)")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == (None, None)


def test_an_actor_set_by_hand_is_not_bound(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SET LOCAL audit.actor = '42'")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == ("42", False)


def test_an_actor_set_for_the_session_leaks_and_is_seen_to_be_unbound(
    app: Connection, log: Log
) -> None:
    app.execute("SET audit.actor = '42'")
    insert(app, "variant", id=1)
    insert(app, "variant", id=2)

    assert [(entry.actor, entry.actor_bound) for entry in log()] == [("42", False)] * 2


def test_a_leaked_context_of_an_earlier_transaction_is_not_bound(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42')")
        for setting in ("audit.actor", "audit.bound_to"):
            app.execute("SELECT set_config(%s, current_setting(%s), false)", [setting] * 2)
        insert(app, "variant", id=1)
    insert(app, "variant", id=2)

    bound = [(entry.actor, entry.actor_bound) for entry in log()]
    assert bound == [("42", True), ("42", False)]


def test_set_context_wins_over_a_leaked_actor(app: Connection, log: Log) -> None:
    app.execute("SET audit.actor = '42'; SET audit.ip = '203.0.113.24'")
    with app.transaction():
        app.execute("SELECT audit.set_context('43')")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.ip, entry.actor_bound) == ("43", None, True)


def test_an_actor_set_by_hand_after_another_was_bound_is_not_bound(
    app: Connection, log: Log
) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42')")
        app.execute("SET LOCAL audit.actor = '43'")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == ("43", False)


@pytest.mark.parametrize("actor", [42, 2**40, UUID(int=7), "42"])
def test_a_program_binds_values_of_any_type(app: Connection, log: Log, actor: object) -> None:
    with app.transaction():
        app.execute(
            "SELECT audit.set_context(%s::text, %s, %s)", [actor, "203.0.113.24", "Ana Diaz"]
        )
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.ip, entry.actor_name) == (str(actor), "203.0.113.24", "Ana Diaz")


def test_a_savepoint_rolled_back_takes_its_actor_with_it(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42')")
        with app.transaction(force_rollback=True):
            app.execute("SELECT audit.set_context('43')")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == ("42", True)


def test_a_savepoint_that_is_released_leaves_its_actor(app: Connection, log: Log) -> None:
    with app.transaction():
        with app.transaction():
            app.execute("SELECT audit.set_context('42')")
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == ("42", True)


def test_the_actor_may_change_within_a_transaction(app: Connection, log: Log) -> None:
    with app.transaction():
        for number, actor in enumerate(["42", "43"]):
            app.execute("SELECT set_config('audit.actor', %s, true)", [actor])
            insert(app, "variant", id=number)

    assert [entry.actor for entry in log()] == ["42", "43"]


def test_a_truncate_says_who_acted_too(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42', '203.0.113.24')")
        app.execute("TRUNCATE shop.note")

    [entry] = log()
    assert (entry.actor, entry.ip, entry.actor_bound) == ("42", "203.0.113.24", True)
    assert (entry.db_user, entry.client_addr) == (APP, ip_address("127.0.0.1"))
