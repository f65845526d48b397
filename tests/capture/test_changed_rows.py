"""rows = "changed": of the row before an UPDATE the log keeps what is otherwise after, no less."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from auditviewer.demo.cluster import Cluster
from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_track
from tests.crm import Crm, Person
from tests.databases import few_days, new_database
from tests.page import parse, read_rows
from tests.shop import Connection, admit, written
from tests.viewer import only

TABLE = """
CREATE SCHEMA shop;
CREATE TABLE shop.thing
    (id int PRIMARY KEY, name text, price numeric, raw json, pin text, note text, seen int);
INSERT INTO shop.thing VALUES (1, 'Lamp', 1.10, '{"a": "\\u0000"}', '1234', NULL, 0);
"""


@pytest.fixture(scope="module", params=["row", "statement"])
def installed(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    thing = TrackedTable(
        TableName("shop", "thing"),
        source="shop",
        module="Things",
        entity="Thing",
        redact=("pin",),
        ignore=("seen",),
        capture=request.param,
        rows="changed",
    )
    with new_database(cluster, "changed") as conninfo:
        with psycopg.connect(conninfo) as owner:
            owner.execute((few_days() + TABLE + render_track(thing)).encode())
            admit(owner, "shop")
        yield conninfo


@pytest.fixture
def owner(installed: str) -> Iterator[Connection]:
    with psycopg.connect(installed) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.mark.parametrize(
    ("change", "before"),
    [
        ("name = 'Big lamp'", {"name": "Lamp"}),
        ("price = 1.1", {"price": 1.10}),
        ("note = 'new', seen = 1", {"note": None, "seen": 0}),
        ("id = 2", {"id": 1}),
        ("raw = NULL", {"raw": '{"a": "\\u0000"}'}),
    ],
)
def test_an_update_keeps_what_it_changed(
    owner: Connection, change: str, before: dict[str, Any]
) -> None:
    owner.execute(f"UPDATE shop.thing SET {change}".encode())

    [entry] = written(owner)
    assert entry.old_row == before
    assert entry.new_row.keys() == {"id", "name", "price", "raw", "pin", "note", "seen"}


def test_a_redacted_value_that_changed_stays_hidden(owner: Connection) -> None:
    owner.execute("UPDATE shop.thing SET pin = '4321'")

    [entry] = written(owner)
    assert list(entry.old_row) == ["pin"]
    assert list(entry.old_row["pin"]) == list(entry.new_row["pin"]) == ["redacted"]
    assert entry.old_row["pin"] != entry.new_row["pin"]


def test_what_is_deleted_is_kept_whole(owner: Connection) -> None:
    owner.execute("DELETE FROM shop.thing")

    [entry] = written(owner)
    assert (len(entry.old_row), entry.new_row) == (7, None)


def test_the_row_before_can_be_put_together_again(owner: Connection) -> None:
    owner.execute("UPDATE shop.thing SET name = 'Chair', price = 5, note = ''")
    owner.execute("DELETE FROM shop.thing")

    updated, deleted = written(owner)
    assert updated.new_row == deleted.old_row
    before = updated.new_row | updated.old_row
    assert (before["id"], before["name"], float(before["price"])) == (1, "Lamp", 1.1)
    assert before["note"] is None


def test_the_page_shows_the_same(crm: Crm, admin: FlaskClient, ana: Person, workflow: int) -> None:
    name = TableName("crm", "workflow")
    tracked = TrackedTable(name, "crm", "Workflows", "Workflow", label="name", rows="changed")
    with psycopg.connect(crm.conninfo) as owner:
        owner.execute(render_track(tracked).encode())

    crm.save(
        "UPDATE crm.workflow SET description = 'For hot leads' WHERE id = %s", workflow, by=ana
    )

    change = only(admin, ana)
    assert change.said == "Description set to For hot leads"
    page = parse(admin.get(change.page).text)
    assert read_rows(page) == [("Description", "empty text", "For hot leads")]
    assert "unchanged fields not shown" in page.text
