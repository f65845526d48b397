"""Where what is said comes from: statements, roles, databases, functions; and how long it lasts."""

from collections.abc import Iterator
from ipaddress import ip_address

import psycopg
import pytest
from psycopg import errors, sql

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.databases import OWNER
from tests.shop import APP, Connection, Log, acting_as, insert, written


@pytest.fixture
def superuser(cluster: Cluster, shop: str) -> Iterator[Connection]:
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK), autocommit=True) as connection:
        yield connection


@pytest.fixture(params=["ROLE shop_app", "DATABASE shop", "ROLE shop_app IN DATABASE shop"])
def standing_actor(superuser: Connection, request: pytest.FixtureRequest) -> Iterator[None]:
    """Every new session of the application begins with an actor, and nobody said it."""
    place = sql.SQL(request.param)
    superuser.execute(sql.SQL("ALTER {} SET audit.actor = '41'").format(place))
    yield
    superuser.execute(sql.SQL("ALTER {} RESET audit.actor").format(place))


def test_a_role_that_was_taken_is_in_the_entry(owner: Connection) -> None:
    with acting_as(owner, APP):
        insert(owner, "variant", id=1)
    insert(owner, "variant", id=2)

    roles = [(entry.db_user, entry.db_role) for entry in written(owner)]
    assert roles == [(OWNER, APP), (OWNER, None)]


def test_a_socket_has_no_address(cluster: Cluster, app: Connection, log: Log) -> None:
    with psycopg.connect(cluster.conninfo("shop", APP)) as connection:
        insert(connection, "variant")

    [entry] = log()
    assert (entry.db_user, entry.client_addr) == (APP, None)


def test_the_connection_s_name_is_in_the_entry(app: Connection, log: Log) -> None:
    app.execute("SET application_name = 'nightly import'")
    insert(app, "variant", id=1)
    app.execute("SET application_name = ''")
    insert(app, "variant", id=2)

    assert [entry.application_name for entry in log()] == ["nightly import", None]


def test_without_an_actor_there_is_what_the_database_saw(app: Connection, log: Log) -> None:
    insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_name, entry.ip, entry.context) == (None,) * 4
    assert entry.actor_bound is None
    assert (entry.db_user, entry.db_role) == (APP, None)
    assert entry.client_addr == ip_address("127.0.0.1")


def test_an_actor_that_a_role_or_a_database_begins_with_is_not_bound(
    standing_actor: None, shop: str, app: Connection, log: Log
) -> None:
    with psycopg.connect(shop, user=APP, autocommit=True) as session:
        insert(session, "variant", id=1)
        with session.transaction():
            session.execute("SELECT audit.set_context('42')")
            insert(session, "variant", id=2)
        insert(session, "variant", id=3)

    said = [(entry.actor, entry.actor_bound) for entry in log()]
    assert said == [("41", False), ("42", True), ("41", False)]


@pytest.mark.parametrize(
    ("statement", "actor"),
    [
        ("SET audit.actor = 42", "42"),
        ("SET audit.actor = -1.50", "-1.50"),
        ("SET audit.actor = true", "true"),
        ("SET audit.actor TO system", "system"),
        ("SET SESSION audit.actor = '42'", "42"),
        ('SET "AUDIT"."Actor" = \'42\'', "42"),
        ("SET audit.actor TO DEFAULT", None),
        ("RESET audit.actor", None),
        ("SET audit.actor.name = '42'", None),
        ("SET actor.audit = '42'", None),
    ],
)
def test_an_actor_is_what_was_set_in_whatever_way(
    app: Connection, log: Log, statement: str, actor: str | None
) -> None:
    app.execute(statement.encode())
    insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == (actor, None if actor is None else False)


@pytest.mark.parametrize(
    ("statement", "context"),
    [
        ("SET audit.context = true", True),
        ("SET audit.context = 1.50", 1.5),
        ("SET audit.context TO on", {"unparsed": "on"}),
        ("SET audit.context = DEFAULT", None),
        ("SET audit.bound_to = 'me'", None),
        ("SET audit.entry = '{}'", None),
    ],
)
def test_a_context_is_what_was_set_in_whatever_way(
    app: Connection, log: Log, statement: str, context: object
) -> None:
    app.execute(statement.encode())
    insert(app, "variant")

    [entry] = log()
    assert (entry.context, entry.actor, entry.actor_bound) == (context, None, None)


@pytest.mark.parametrize("statement", ["RESET audit.actor", "RESET ALL", "DISCARD ALL"])
def test_an_actor_set_for_the_session_is_forgotten_by(
    app: Connection, log: Log, statement: str
) -> None:
    app.execute("SET audit.actor = '42'; SET audit.ip = '203.0.113.24'; SET audit.context = '{}'")
    app.execute(statement.encode())
    insert(app, "variant")

    assert [entry.actor for entry in log()] == [None]


def test_without_a_transaction_what_is_said_holds_for_nothing(app: Connection, log: Log) -> None:
    app.execute("SELECT audit.set_context('42')")
    insert(app, "variant", id=1)
    app.execute("SET LOCAL audit.actor = '42'")
    insert(app, "variant", id=2)

    assert [(entry.actor, entry.actor_bound) for entry in log()] == [(None, None)] * 2


def test_statements_that_are_sent_together_are_one_transaction(app: Connection, log: Log) -> None:
    app.execute("SET LOCAL audit.actor = '42'; INSERT INTO shop.variant (id) VALUES (1)")
    app.execute("SELECT audit.set_context('43'); INSERT INTO shop.variant (id) VALUES (2)")
    insert(app, "variant", id=3)

    said = [(entry.actor, entry.actor_bound) for entry in log()]
    assert said == [("42", False), ("43", True), (None, None)]


def test_statements_of_a_pipeline_are_one_transaction(app: Connection, log: Log) -> None:
    with app.pipeline():
        app.execute("SELECT audit.set_context('42')")
        insert(app, "variant", id=1)
    insert(app, "variant", id=2)

    assert [(entry.actor, entry.actor_bound) for entry in log()] == [("42", True), (None, None)]


def test_who_acts_may_be_said_by_the_statement_that_writes(app: Connection, log: Log) -> None:
    app.execute(
        "WITH said AS MATERIALIZED (SELECT audit.set_context('42'))"
        " INSERT INTO shop.variant (id) SELECT 1 FROM said"
    )

    assert [(entry.actor, entry.actor_bound) for entry in log()] == [("42", True)]


def test_an_actor_of_a_function_holds_while_it_runs(superuser: Connection) -> None:
    with superuser.transaction(force_rollback=True):
        superuser.execute(
            """
            CREATE FUNCTION shop.import() RETURNS void LANGUAGE sql SET audit.actor = 'import'
                AS $$ INSERT INTO shop.variant (id) VALUES (101) $$
            """
        )
        superuser.execute("SELECT shop.import()")
        insert(superuser, "variant", id=102)

        said = [(entry.actor, entry.actor_bound) for entry in written(superuser)]
        assert said == [("import", False), (None, None)]


def test_a_transaction_that_only_reads_may_say_who_acts_and_writes_nothing(
    app: Connection, log: Log
) -> None:
    app.execute("BEGIN READ ONLY")
    app.execute("SELECT audit.set_context('42', '203.0.113.24', 'Ana Diaz', '{}')")
    with pytest.raises(errors.ReadOnlySqlTransaction):
        insert(app, "variant")
    app.rollback()

    assert log() == []


def test_a_write_that_takes_too_long_is_cancelled_with_its_entry(
    shop: str, app: Connection, log: Log
) -> None:
    app.execute("SET statement_timeout = '50ms'")
    with psycopg.connect(shop) as migration:
        migration.execute("LOCK TABLE shop.seller IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(errors.QueryCanceled):
            insert(app, "product", seller_id=1)
    insert(app, "variant")

    assert [entry.table_name for entry in log()] == ["variant"]


def test_a_function_of_another_s_writes_for_who_called_it(owner: Connection) -> None:
    owner.execute(
        f"""
        CREATE FUNCTION shop.add() RETURNS void LANGUAGE sql SECURITY DEFINER
            AS $$ INSERT INTO shop.variant (id) VALUES (1) $$;
        GRANT EXECUTE ON FUNCTION shop.add() TO {APP};
        """.encode()
    )
    with acting_as(owner, APP):
        owner.execute("SELECT audit.set_context('42')")
        owner.execute("SELECT shop.add()")

    [entry] = written(owner)
    assert (entry.db_user, entry.db_role, entry.actor_bound) == (OWNER, APP, True)


def test_a_superuser_who_becomes_another_is_that_other(
    superuser: Connection, app: Connection, log: Log
) -> None:
    superuser.execute(f"SET SESSION AUTHORIZATION {APP}".encode())
    insert(superuser, "variant")

    assert [(entry.db_user, entry.db_role) for entry in log()] == [(APP, None)]
