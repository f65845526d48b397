"""What the log refuses: to applications, readers, those who may write every table, its owner."""

from collections.abc import Iterator

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.shop import APP, AUDITOR, Connection, acting_as, create_role, insert, written

DATA_ADMIN = "shop_data_admin"
FORGERY = """
INSERT INTO {table}
    (id, occurred_at, transaction_id, transaction_at, actor_bound, source, operation,
     table_schema, table_name, module, entity, actor, actor_name, ip, db_user, db_role,
     client_addr, application_name, context)
VALUES
    (1, now(), '1', now(), true, 'shop', 'TRUNCATE', 'shop', 'note', 'Notes', 'Note',
     '42', 'Ana Diaz', '203.0.113.24', 'shop_app', NULL, NULL, NULL, NULL)
"""
WRITES = [
    FORGERY,
    "UPDATE {table} SET actor = 'somebody else'",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
]
INTERNALS = [
    "SELECT audit._redact('{}', '{}')",
    "SELECT audit._context('{}')",
    "SELECT audit._salvage(ROW(1))",
    "SELECT audit._salvage_as(NULL::shop.note, ROW(1))",
    "SELECT audit._add_partition('2020-01-01', '2020-01-02')",
    "CALL audit._describe('shop', 'note', 'Module', 'Entity')",
    "CALL audit._forget('shop', 'note')",
    "SELECT nextval('audit.entry_id_seq')",
    "SELECT setval('audit.entry_id_seq', 1)",
    "CREATE TABLE audit.mine ()",
    "CREATE TRIGGER mine BEFORE INSERT ON audit.entry FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
]
SECRETS = ["SELECT secret FROM audit.fingerprint_key", "UPDATE audit.tracked_table SET link = '/'"]
CAPTURE = ["capture_shop_product", "capture_shop_note", "_capture_truncate", "_refuse_change"]


@pytest.fixture
def leaf(app: Connection, owner: Connection) -> str:
    """Return the partition that holds an entry of now."""
    insert(app, "variant")
    with acting_as(owner, "audit_owner"):
        row = owner.execute(
            "SELECT tableoid::regclass::text FROM audit.entry ORDER BY occurred_at DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    name: str = row[0]
    return name


@pytest.fixture
def auditor(shop: str) -> Iterator[Connection]:
    """Somebody who may read the log."""
    with psycopg.connect(shop, user=AUDITOR, autocommit=True) as connection:
        yield connection


@pytest.fixture
def data_admin(cluster: Cluster, shop: str) -> Iterator[Connection]:
    """Somebody who may read and write every table, as a loader or a dumper of data does."""
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK), autocommit=True) as superuser:
        create_role(superuser, DATA_ADMIN, "LOGIN IN ROLE pg_read_all_data, pg_write_all_data")
    with psycopg.connect(shop, user=DATA_ADMIN, autocommit=True) as connection:
        yield connection


def refusal(connection: Connection, statement: str) -> str | None:
    """Try a statement, undo it, and return the SQLSTATE by which it was refused."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


def count(connection: Connection, query: str) -> int:
    """Return what a query counts, or how many rows a write touched; and undo that."""
    with connection.transaction(force_rollback=True):
        cursor = connection.execute(query.encode())
        found = cursor.fetchone() if cursor.description else (cursor.rowcount,)
    assert found is not None
    number: int = found[0]
    return number


@pytest.mark.parametrize("statement", [*WRITES, "SELECT FROM {table}", "LOCK TABLE {table}"])
def test_an_application_can_do_nothing_with_the_log(
    app: Connection, leaf: str, statement: str
) -> None:
    for table in ("audit.entry", leaf):
        assert refusal(app, statement.format(table=table)) == "42501"


@pytest.mark.parametrize("statement", [*INTERNALS, *SECRETS])
def test_an_application_can_not_use_what_capture_uses(app: Connection, statement: str) -> None:
    assert refusal(app, statement) == "42501"


@pytest.mark.parametrize("function", CAPTURE)
def test_an_application_can_not_capture_a_table_of_its_own(app: Connection, function: str) -> None:
    app.execute("CREATE TEMP TABLE mine (id int)")

    assert (
        refusal(
            app,
            "CREATE TRIGGER forge AFTER INSERT ON mine"
            f" FOR EACH ROW EXECUTE FUNCTION audit.{function}('shop', 'shop', 'note', 'N', 'N')",
        )
        == "42501"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE shop.product DISABLE TRIGGER ALL",
        'DROP TRIGGER "!audit_insert" ON shop.product',
        "SET session_replication_role = replica",
        "SET ROLE audit_writer",
        "SET ROLE audit_owner",
    ],
)
def test_an_application_can_not_switch_capture_off(app: Connection, statement: str) -> None:
    assert refusal(app, statement) == "42501"


@pytest.mark.parametrize(
    "column", ["db_user", "client_addr", "occurred_at", "actor_bound", "actor"]
)
def test_code_that_runs_as_the_writer_can_not_say_who_and_when(shop: str, column: str) -> None:
    with psycopg.connect(shop, autocommit=True) as owner:
        owner.execute("SET ROLE audit_writer")
        statement = f"INSERT INTO audit.entry (operation, {column}) VALUES ('TRUNCATE', NULL)"
        assert refusal(owner, statement) == "42501"


def test_only_who_was_granted_it_can_set_a_bound_context(auditor: Connection) -> None:
    assert refusal(auditor, "SELECT audit.set_context('42')") == "42501"


def test_a_reader_reads_the_log_and_its_words(auditor: Connection, leaf: str) -> None:
    assert count(auditor, "SELECT count(*) FROM audit.entry") > 0
    assert count(auditor, "SELECT count(*) FROM audit.tracked_table") == 10


@pytest.mark.parametrize("statement", WRITES)
def test_a_reader_writes_nothing(auditor: Connection, leaf: str, statement: str) -> None:
    for table in ("audit.entry", leaf):
        assert refusal(auditor, statement.format(table=table)) == "42501"


@pytest.mark.parametrize("statement", [*INTERNALS, *SECRETS])
def test_a_reader_can_do_nothing_else(auditor: Connection, statement: str) -> None:
    assert refusal(auditor, statement) == "42501"


def test_who_may_write_every_table_forges_no_entry(data_admin: Connection, leaf: str) -> None:
    for table in ("audit.entry", leaf):
        assert refusal(data_admin, FORGERY.format(table=table)) == "42501"
        assert refusal(data_admin, f"TRUNCATE {table}") == "42501"


@pytest.mark.parametrize("query", [*WRITES[1:3], "SELECT count(*) FROM {table}"])
def test_who_may_read_and_write_every_table_finds_no_entry(
    data_admin: Connection, leaf: str, query: str
) -> None:
    for table in ("audit.entry", leaf):
        assert count(data_admin, query.format(table=table)) == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM audit.fingerprint_key",
        "UPDATE audit.fingerprint_key SET secret = ''",
        "DELETE FROM audit.fingerprint_key",
        "UPDATE audit.tracked_table SET entity = 'Else'",
        "DELETE FROM audit.tracked_table",
    ],
)
def test_who_may_read_and_write_every_table_finds_no_key_and_no_words(
    data_admin: Connection, query: str
) -> None:
    assert count(data_admin, query) == 0


@pytest.mark.parametrize("statement", WRITES[1:])
def test_even_the_owner_changes_no_entry(owner: Connection, leaf: str, statement: str) -> None:
    with acting_as(owner, "audit_owner"):
        for table in ("audit.entry", leaf):
            assert refusal(owner, statement.format(table=table)) == "UA001"


@pytest.mark.parametrize("grantee", ["PUBLIC", APP, "audit_reader", DATA_ADMIN])
def test_default_privileges_do_not_open_a_new_partition(
    data_admin: Connection, owner: Connection, grantee: str
) -> None:
    with acting_as(owner, "audit_owner"):
        owner.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {grantee}".encode())
        owner.execute("SELECT audit._add_partition('2020-01-01', '2020-01-02')")

    found = owner.execute(
        """
        SELECT c.relrowsecurity, array_agg(DISTINCT a.grantee::regrole::text)
        FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.oid = 'audit.entry_20200101'::regclass
        GROUP BY c.relrowsecurity
        """
    ).fetchone()
    assert found == (True, ["audit_owner"])


def test_every_partition_is_as_closed_as_the_first(owner: Connection) -> None:
    open_ones = owner.execute(
        """
        SELECT c.relname
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit.entry'::regclass
          AND (NOT c.relrowsecurity OR c.relacl IS NOT NULL
               OR c.relowner <> 'audit_owner'::regrole)
        """
    ).fetchall()

    assert open_ones == []


def test_a_value_is_hidden_though_the_key_is_gone(owner: Connection) -> None:
    with acting_as(owner, "audit_owner"):
        owner.execute("DELETE FROM audit.fingerprint_key")
    insert(owner, "product", card_number="the secret")

    [entry] = written(owner)
    assert list(entry.new_row["card_number"]) == ["redacted"]
    assert "secret" not in str(entry.new_row)
