"""pgwitness reconcile: a row that is not as its newest entry says is found, and no other."""

from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.cli import main
from generator.config import Config
from generator.parse import read_config
from generator.render import render_track
from tests.databases import new_database
from tests.shop import create_role

STRANGER = "reconcile_stranger"
TABLES = """
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, seen int, pin text, note text,
    "10%" int);
CREATE TABLE line (a int, b text, size numeric, data json, PRIMARY KEY (a, b));
CREATE TABLE "100%" ("it's %s" text PRIMARY KEY, n int);
CREATE TABLE visit (id int, year int, who text) PARTITION BY LIST (year);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES IN (1);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES IN (2);
CREATE TABLE remark (body text);
INSERT INTO item VALUES (1, 'There before', 1, 1, '1', '');
"""
TOML = """
source = "shop"
[table."public.item"]
module = "Items"
entity = "Item"
ignore = ["seen"]
redact = ["pin"]
exclude = ["note"]
rows = "changed"
[table."public.line"]
module = "Lines"
entity = "Line"
key = ["a", "b"]
[table."public.visit"]
module = "Visits"
entity = "Visit"
[table."public.100%"]
module = "Odd"
entity = "Odd"
key = ["it's %s"]
[table."public.remark"]
module = "Remarks"
entity = "Remark"
key = []
"""
HISTORY = """
INSERT INTO item VALUES (2, 'Lamp', 1.50, 0, '7', 'x'), (3, 'Chair', 2, 0, '8', 'y');
UPDATE item SET price = 1.5 WHERE id = 2;
UPDATE item SET seen = 9, note = 'z';
UPDATE item SET id = id + 10 WHERE id > 1;
UPDATE item SET id = 2, pin = '9' WHERE id = 12;
DELETE FROM item WHERE id = 13;
INSERT INTO line VALUES (1, 'x', 1, '{"a": 1.0}'), (1, 'y', 'NaN', NULL);
BEGIN; TRUNCATE line; INSERT INTO line VALUES (1, 'z', 5, NULL); COMMIT;
INSERT INTO visit VALUES (1, 1, 'Ana'), (2, 1, 'Bo');
UPDATE visit SET year = 2 WHERE id = 1;
INSERT INTO remark VALUES ('x');
INSERT INTO "100%" VALUES ('a', 1), ('b', 2);
DELETE FROM "100%" WHERE n = 2;
"""
REDEFINED = """
ALTER TABLE item ADD added int DEFAULT 5, DROP note;
ALTER TABLE item RENAME name TO title;
ALTER TABLE item ALTER price TYPE text USING price || ' EUR';
ALTER TABLE line ALTER a TYPE bigint;
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("reconcile") / "audit.toml"
    path.write_text(TOML, encoding="utf-8")
    return read_config(path)


@pytest.fixture(scope="module")
def template(cluster: Cluster, log_template: str, config: Config) -> Iterator[str]:
    """Return the name of a database with some history of its tables."""
    with new_database(cluster, "history", template=log_template) as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as owner:
            owner.execute(TABLES)
            for table in config.tables:
                owner.execute(render_track(table).encode())
            for statement in HISTORY.split(";\n"):
                owner.execute(statement.encode())
        yield "history"


@pytest.fixture
def owner(cluster: Cluster, template: str) -> Iterator[psycopg.Connection]:
    """Who owns tables and log, after some history of them."""
    with (
        new_database(cluster, "reconciled", template=template) as conninfo,
        psycopg.connect(conninfo, autocommit=True) as owner,
    ):
        yield owner


@pytest.fixture
def superuser(cluster: Cluster, owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        cluster.conninfo("reconciled", host=LOOPBACK), autocommit=True
    ) as connection:
        yield connection


@pytest.fixture
def stranger(superuser: psycopg.Connection) -> Iterator[str]:
    """Return the name of a role without any right, for one test."""
    create_role(superuser, STRANGER)
    yield STRANGER
    superuser.execute(f"DROP OWNED BY {STRANGER} CASCADE; DROP ROLE {STRANGER}".encode())


def tamper(owner: psycopg.Connection, table: str, statement: str) -> None:
    """Write without an entry, as who owns a table can."""
    with owner.transaction():
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        owner.execute(statement.encode())
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL".encode())


def reconcile(owner: psycopg.Connection, config: Config, *arguments: str) -> Result:
    database = make_conninfo(owner.info.dsn, user=owner.info.user)
    shared = ["reconcile", "--config", str(config.path), "--database", database]
    return CliRunner().invoke(main, [*shared, *arguments])


def found(owner: psycopg.Connection, config: Config, *arguments: str) -> list[str]:
    done = reconcile(owner, config, *arguments)
    assert done.exit_code == bool(done.stdout), done.stderr
    return done.stdout.splitlines()


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


def test_columns_that_were_made_others_since_are_not_compared(
    owner: psycopg.Connection, config: Config
) -> None:
    for statement in REDEFINED.strip().split("\n"):
        owner.execute(statement.encode())
    done = reconcile(owner, config)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("public.item: 1 row compared, but for price; 1 without")


@pytest.mark.parametrize("value", ["'forged'", "upper(name)", "name || id"])
def test_what_ddl_made_of_values_is_found_as_such_and_since_when(
    owner: psycopg.Connection, config: Config, value: str
) -> None:
    owner.execute(f"ALTER TABLE item ALTER name TYPE text USING {value}".encode())
    [line] = found(owner, config)
    assert line.startswith('public.item {"id": 2}: the log says name = "Lamp" (UPDATE, entry ')
    assert " – by DDL, between " in line


def test_a_value_that_ddl_wrote_in_another_way_is_none(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("ALTER TABLE item ADD at timestamptz DEFAULT now(), ADD is_new bool DEFAULT true")
    owner.execute("UPDATE item SET seen = 1, price = price + 1")
    owner.execute(
        "ALTER TABLE item ALTER price TYPE numeric(9, 4), ALTER name TYPE char(50),"
        " ALTER at TYPE date, ALTER is_new TYPE text"
    )
    done = reconcile(owner, config, "--table", "public.item")
    assert (done.exit_code, done.stdout) == (0, "")
    assert " compared, but for " in done.stderr


def test_after_a_renaming_of_an_enum_s_label_its_rows_are_as_the_log_says(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE visit ADD moods mood[]")
    owner.execute("UPDATE visit SET moods = '{calm}'")
    owner.execute("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'")
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


def test_entries_that_the_retention_took_are_unknown(
    owner: psycopg.Connection, config: Config
) -> None:
    day = owner.execute("SELECT 'audit.entry_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')")
    [(partition,)] = day
    owner.execute(f"SET ROLE audit_owner; ALTER TABLE audit.entry DETACH PARTITION {partition};"
                  "RESET ROLE".encode())  # fmt: skip
    done = reconcile(owner, config, "--table", "public.visit")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "public.visit: 0 rows compared; 2 without an entry\n"


def test_what_others_are_writing_is_no_difference(
    owner: psycopg.Connection, config: Config
) -> None:
    with psycopg.connect(owner.info.dsn) as writer:
        writer.execute("UPDATE item SET price = price + 1; DELETE FROM visit")
        assert found(owner, config) == []


def test_a_sample_compares_some_keys_on_both_sides(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("INSERT INTO item SELECT n, 'x', n FROM generate_series(1000, 1999) AS n")
    owner.execute("ANALYZE item")
    tamper(owner, "item", "UPDATE item SET price = -1 WHERE id >= 1000")
    every = found(owner, config)
    some = found(owner, config, "--table", "public.item", "--sample", "100")
    assert len(every) == 1000
    assert 40 < len(some) < 200
    assert {line.split(": the log")[0] for line in some} < {
        line.split(": the log")[0] for line in every
    }


def test_who_may_not_read_both_is_told(
    owner: psycopg.Connection, config: Config, superuser: psycopg.Connection, stranger: str
) -> None:
    arguments = ["--database", make_conninfo(owner.info.dsn, user=stranger), "--table"]
    refused = reconcile(owner, config, *arguments, "public.item")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "connect as a member of audit_reader" in refused.stderr
    assert f'GRANT SELECT ON "public"."item" TO "{stranger}"' in refused.stderr
    superuser.execute(f"GRANT audit_reader TO {stranger}; GRANT SELECT ON item TO {stranger}")
    superuser.execute("ALTER TABLE item ENABLE ROW LEVEL SECURITY")
    hidden = reconcile(owner, config, *arguments, "public.item")
    assert (hidden.exit_code, "row level security hides rows" in hidden.stderr) == (2, True)


def test_a_cast_of_others_is_not_run(
    owner: psycopg.Connection, config: Config, superuser: psycopg.Connection, stranger: str
) -> None:
    owner.execute("CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE visit ADD mood mood")
    superuser.execute(
        "CREATE FUNCTION as_json(mood) RETURNS json LANGUAGE sql RETURN '1'::json;"
        "CREATE CAST (mood AS json) WITH FUNCTION as_json;"
        f"ALTER FUNCTION as_json OWNER TO {stranger}".encode()
    )
    done = reconcile(owner, config, "--table", "public.visit")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("public.visit: not compared: cast (public.mood AS json) runs ")
