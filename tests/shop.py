"""A tracked shop, and the words in which tests write to it and read its log.

Its tables have what a table can have that capture must get right: `conftest.py` makes it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from generator.parse import read_config
from generator.render import render_track
from tests.databases import few_days

Connection = psycopg.Connection[Any]
Log = Callable[[], list[Any]]
"""Returns the entries since a test asked for it, oldest first, as named tuples."""

APP = "shop_app"
AUDITOR = "shop_auditor"

SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.seller (
    id        int PRIMARY KEY,
    full_name text
);
CREATE TABLE shop.product (
    id          int PRIMARY KEY,
    name        text,
    price       numeric,
    gross       numeric GENERATED ALWAYS AS (price * 2) STORED,
    details     json,
    seller_id   int REFERENCES shop.seller ON DELETE SET NULL,
    card_number text,
    pin         text,
    search      text,
    updated_at  timestamptz
);
CREATE TABLE shop.variant (
    id         int PRIMARY KEY,
    product_id int REFERENCES shop.product ON DELETE CASCADE ON UPDATE CASCADE,
    size       text
);
CREATE TABLE shop.picture (
    id         int PRIMARY KEY,
    variant_id int REFERENCES shop.variant ON DELETE CASCADE,
    url        text
);
CREATE TABLE shop.rate (
    country text,
    year    int,
    percent numeric,
    PRIMARY KEY (country, year)
);
CREATE TABLE shop.exemption (
    id      int PRIMARY KEY,
    country text,
    year    int,
    FOREIGN KEY (country, year) REFERENCES shop.rate
);
CREATE TABLE shop.proof (
    id           int PRIMARY KEY,
    exemption_id int REFERENCES shop.exemption
);
CREATE TABLE shop.note (body text);
CREATE TABLE shop.sale (id int, year int, amount numeric) PARTITION BY LIST (year);
CREATE TABLE shop.sale_2025 PARTITION OF shop.sale FOR VALUES IN (2025);
-- Its columns are in another order, and one is gone: a partition need not look like its root.
CREATE TABLE shop.sale_2026 (amount numeric, gone int, year int, id int);
ALTER TABLE shop.sale_2026 DROP COLUMN gone;
ALTER TABLE shop.sale ATTACH PARTITION shop.sale_2026 FOR VALUES IN (2026);
CREATE TABLE shop.reading (
    id    int PRIMARY KEY,
    at    timestamptz,
    day   date,
    took  interval,
    ratio float8,
    small float4,
    raw   bytea,
    times timestamptz[]
);
"""

TRACKED = """
source = "shop"

[table."shop.product"]
module = "Products"
entity = "Product"
label = "name"
ignore = ["updated_at"]
exclude = ["search"]
redact = ["card_number", "pin"]
columns.seller_id.references = { table = "shop.seller", label = "full_name" }

[table."shop.variant"]
parent = { table = "shop.product", key = "product_id" }
part = "Variant"

[table."shop.picture"]
parent = { table = "shop.variant", key = "variant_id" }
part = "Picture"
truncate = "forbid"

[table."shop.rate"]
module = "Taxes"
entity = "Rate"
key = ["country", "year"]
label = "country"

[table."shop.exemption"]
parent = { table = "shop.rate", key = ["country", "year"] }
part = "Exemption"

[table."shop.proof"]
parent = { table = "shop.exemption", key = "exemption_id" }
part = "Proof"

[table."shop.note"]
module = "Notes"
entity = "Note"
key = []

[table."shop.sale"]
module = "Sales"
entity = "Sale"

[table."shop.reading"]
module = "Readings"
entity = "Reading"
"""

EMPTY = """
DELETE FROM shop.product;
DELETE FROM shop.variant;
DELETE FROM shop.picture;
DELETE FROM shop.seller;
DELETE FROM shop.proof;
DELETE FROM shop.exemption;
DELETE FROM shop.rate;
DELETE FROM shop.note;
DELETE FROM shop.sale;
DELETE FROM shop.reading;
INSERT INTO shop.seller (id, full_name) VALUES (1, 'Ana Diaz'), (2, 'Jonas Berg');
"""


def install(owner: Connection, folder: Path, schema: str, toml: str) -> None:
    """Create the audit schema and tables, and track these as an audit.toml says."""
    (folder / "audit.toml").write_text(toml, encoding="utf-8")
    owner.execute(few_days().encode())
    owner.execute(schema.encode())
    for table in read_config(folder / "audit.toml").tables:
        owner.execute(render_track(table).encode())


def admit(owner: Connection, *schemas: str) -> None:
    """Let the application write all tables of some schemas, and name who acts; nothing else."""
    create_role(owner, APP)
    create_role(owner, AUDITOR)
    names = sql.SQL(", ").join(map(sql.Identifier, schemas))
    statements = """
        GRANT USAGE ON SCHEMA {schemas} TO {app};
        GRANT ALL ON ALL TABLES IN SCHEMA {schemas} TO {app};
        GRANT USAGE ON SCHEMA audit TO {app};
        GRANT EXECUTE ON FUNCTION audit.set_context TO {app};
        GRANT audit_reader TO {auditor};
        GRANT audit_reader, {app} TO CURRENT_USER;
        """
    owner.execute(
        sql.SQL(statements).format(
            schemas=names, app=sql.Identifier(APP), auditor=sql.Identifier(AUDITOR)
        )
    )


def create_role(connection: Connection, name: str, options: str = "LOGIN") -> None:
    """Create a role unless another database's test did: roles belong to the whole cluster."""
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        connection.execute(f"CREATE ROLE {name} {options}".encode())


@contextmanager
def acting_as(connection: Connection, role: str) -> Iterator[Connection]:
    """Take a role for some statements of a transaction that began as another."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        yield connection
        connection.execute("RESET ROLE")


def written(connection: Connection) -> list[Any]:
    """Return the entries of the connection's own transaction, read as one who may."""
    query = """
        SELECT * FROM audit.entry WHERE transaction_id = pg_current_xact_id() ORDER BY id
        """
    with acting_as(connection, "audit_reader"), connection.cursor(row_factory=namedtuple_row) as c:
        return c.execute(query).fetchall()


def insert(connection: Connection, table: str, **values: object) -> None:
    """Insert a row, such as ``insert(app, "product", name="Lamp")``; its id is 1 unless given."""
    row = {"id": 1} | values
    statement = sql.SQL("INSERT INTO shop.{} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    connection.execute(statement, list(row.values()))
