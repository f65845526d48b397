"""What init makes of the catalogue, rule by rule: keys, parents, noise, secrets, words."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import Cluster
from generator.config import Column, Parent, Reference, TrackedTable
from generator.names import TableName
from generator.parse import read_config
from generator.proposal import propose
from tests.databases import new_database

Init = Callable[[str], dict[str, TrackedTable]]
"""Creates tables in the schema app, and returns what is proposed for them, by name."""


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[str]:
    with new_database(cluster, "init") as conninfo:
        yield conninfo


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    """The owner of a database in which app, the schema of its search path, is empty."""
    options = "-c search_path=app -c client_min_messages=warning"
    with psycopg.connect(database, autocommit=True, options=options) as connection:
        connection.execute("DROP SCHEMA IF EXISTS app CASCADE")
        connection.execute("CREATE SCHEMA app")
        yield connection


@pytest.fixture
def init(owner: psycopg.Connection, tmp_path: Path) -> Init:
    def proposed(tables: str) -> dict[str, TrackedTable]:
        owner.execute(tables.encode())
        (tmp_path / "audit.toml").write_text(propose(owner, ["app"]), encoding="utf-8")
        found = read_config(tmp_path / "audit.toml").tables
        return {table.name.table: table for table in found}

    return proposed


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ("id int PRIMARY KEY", ("id",)),
        ("no int, year int, PRIMARY KEY (year, no)", ("year", "no")),
        ("a int UNIQUE, id int PRIMARY KEY", ("id",)),
        ("a int NOT NULL, b int NOT NULL, c int NOT NULL UNIQUE, UNIQUE (a, b)", ("c",)),
        ("a int, b int NOT NULL, UNIQUE (a, b)", ()),
        ("a int NOT NULL, b int NOT NULL, UNIQUE (b, a)", ("b", "a")),
        ("a int UNIQUE", ()),
        ("a int NOT NULL UNIQUE DEFERRABLE", ()),
        ("a int", ()),
    ],
)
def test_the_key_is_what_tells_rows_apart(init: Init, columns: str, key: tuple[str, ...]) -> None:
    assert init(f"CREATE TABLE t ({columns})")["t"].key == key


@pytest.mark.parametrize("index", ["(a) WHERE a > 0", "(abs(a))", "(a) INCLUDE (b)"])
def test_a_unique_index_is_a_key_only_where_it_is_of_whole_columns_and_all_rows(
    init: Init, index: str
) -> None:
    tables = init(f"CREATE TABLE t (a int NOT NULL, b int); CREATE UNIQUE INDEX ON t {index}")
    assert tables["t"].key == (("a",) if "INCLUDE" in index else ())


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ("title text, name text", "name"),
        ('"Display Name" text, email text', "Display Name"),
        ("email text, product_name text", "product_name"),
        ("email text, product text", "product"),
        ("last_name text, email varchar(80)", "email"),
        ("first_name text, last_name text", "last_name"),
        ("name json, code char(3)", "code"),
        ("name text GENERATED ALWAYS AS ('x') VIRTUAL, slug text", "slug"),
        ("secret_name text, sku text NOT NULL UNIQUE", "sku"),
        ("sku text UNIQUE, note text", None),
    ],
)
def test_the_label_is_what_people_call_a_row(init: Init, columns: str, label: str | None) -> None:
    assert init(f"CREATE TABLE products (id int PRIMARY KEY, {columns})")["products"].label == label


def test_a_reference_is_shown_by_the_name_of_what_it_refers_to(init: Init) -> None:
    tables = init("""
        CREATE TABLE person (no int PRIMARY KEY, full_name text, boss_no int REFERENCES person);
        CREATE TABLE place (id int PRIMARY KEY, lat float);
        CREATE TABLE tour (year int, no int, name text, PRIMARY KEY (year, no));
        CREATE TABLE visit (id int PRIMARY KEY, person_no int REFERENCES person,
                            place_id int REFERENCES place, other_id int, tour_year int, tour int,
                            FOREIGN KEY (tour_year, tour) REFERENCES tour);
        """)
    person = Reference(TableName("app", "person"), "no", "full_name")
    assert tables["visit"].references == {"person_no": person}
    assert tables["person"].references == {"boss_no": person}
    assert tables["visit"].columns["place_id"] == Column("Place")
    assert tables["visit"].columns["other_id"] == Column("Other ID")


def test_a_key_that_is_its_own_name_needs_no_reference(init: Init) -> None:
    tables = init("""
        CREATE TABLE country (code char(2) PRIMARY KEY);
        CREATE TABLE office (id int PRIMARY KEY, country_code char(2) REFERENCES country);
        """)
    assert tables["country"].label == "code"
    assert tables["office"].columns["country_code"] == Column("Country code")


def test_a_composite_key_s_own_columns_have_words(init: Init) -> None:
    tables = init("""
        CREATE TABLE product (id int PRIMARY KEY, name text);
        CREATE TABLE product_tier (product_id int REFERENCES product ON DELETE CASCADE,
                                   min_quantity int, PRIMARY KEY (product_id, min_quantity));
        """)
    assert tables["product_tier"].columns == {"min_quantity": Column("Min quantity")}


def test_a_reference_may_lead_to_another_schema(owner: psycopg.Connection, init: Init) -> None:
    owner.execute("CREATE TABLE public.staff (id int PRIMARY KEY, name text)")
    desk = init("CREATE TABLE desk (id int PRIMARY KEY, staff_id int REFERENCES public.staff)")
    owner.execute("DROP TABLE public.staff CASCADE")
    assert desk["desk"].references["staff_id"].table == TableName("public", "staff")
    assert list(desk) == ["desk"]


WORKFLOW = "CREATE TABLE workflows (id int PRIMARY KEY, code int NOT NULL UNIQUE);"


@pytest.mark.parametrize(
    ("table", "columns", "is_part"),
    [
        ("workflow_step", "w int NOT NULL REFERENCES workflows ON DELETE CASCADE", True),
        ("step", "w int NOT NULL REFERENCES workflows ON DELETE CASCADE", True),
        ("workflow_step", "w int REFERENCES workflows ON DELETE CASCADE", False),
        ("workflow_step", "w int NOT NULL REFERENCES workflows", False),
        ("workflow_step", "w int NOT NULL REFERENCES workflows (code) ON DELETE CASCADE", False),
    ],
)
def test_a_part_is_what_is_deleted_with_its_parent(
    init: Init, table: str, columns: str, is_part: bool
) -> None:
    found = init(f"{WORKFLOW} CREATE TABLE {table} (id int PRIMARY KEY, {columns})")[table]
    parent = Parent(TableName("app", "workflows"), ("w",))
    assert (found.parent, found.part) == ((parent, "Step") if is_part else (None, None))


def test_of_two_parents_the_one_that_it_is_named_after_is_taken(
    owner: psycopg.Connection, init: Init
) -> None:
    tables = init("""
        CREATE TABLE tag (id int PRIMARY KEY);
        CREATE TABLE film (id int PRIMARY KEY);
        CREATE TABLE film_tag (tag_id int NOT NULL REFERENCES tag ON DELETE CASCADE,
                               film_id int NOT NULL REFERENCES film ON DELETE CASCADE,
                               PRIMARY KEY (tag_id, film_id));
        """)
    assert tables["film_tag"].parent == Parent(TableName("app", "film"), ("film_id",))
    comment = '# Its rows are deleted with those of "app.tag" too: is that the parent?\n'
    assert comment in propose(owner, ["app"])


def test_parts_of_parts_follow_their_parents(init: Init) -> None:
    tables = init("""
        CREATE TABLE invoice (id int PRIMARY KEY, tenant int, title text);
        CREATE TABLE invoice_line (
            id int PRIMARY KEY, i int NOT NULL REFERENCES invoice ON DELETE CASCADE);
        CREATE TABLE a_tax (
            id int PRIMARY KEY, l int NOT NULL REFERENCES invoice_line ON DELETE CASCADE);
        """)
    assert list(tables) == ["invoice", "invoice_line", "a_tax"]
    assert (tables["a_tax"].root.name.table, tables["a_tax"].entity) == ("invoice", "Invoice")


def test_what_owns_everything_is_no_parent(init: Init, owner: psycopg.Connection) -> None:
    things = "".join(
        f"CREATE TABLE thing{n} (id int PRIMARY KEY, "
        "t int NOT NULL REFERENCES tenant ON DELETE CASCADE);"
        for n in range(6)
    )
    tables = init(f"CREATE TABLE tenant (id int PRIMARY KEY); {things}")
    assert all(table.parent is None for table in tables.values())
    assert '"app.tenant": is that the parent?' in propose(owner, ["app"])


def test_tables_that_are_deleted_in_a_circle_have_an_end(init: Init) -> None:
    tables = init("""
        CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);
        CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a ON DELETE CASCADE);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON DELETE CASCADE;
        """)
    assert [tables[name].parent is None for name in ("a", "b")].count(True) == 1


def test_a_table_is_never_asked_whether_it_is_its_own_parent(
    init: Init, owner: psycopg.Connection
) -> None:
    init("CREATE TABLE a (id int PRIMARY KEY, a int NOT NULL REFERENCES a ON DELETE CASCADE)")
    assert "is that the parent" not in propose(owner, ["app"])
