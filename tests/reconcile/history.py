"""Tables with some history, and the words in which tests write to them behind the log's back."""

import psycopg
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from generator.cli import main
from generator.config import Config

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
