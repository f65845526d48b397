"""Plans that capture must not get: those that read too much, or work something out twice."""

import pytest

from generator.config import Column, Parent, Reference, TrackedTable
from generator.names import TableName
from tests.shop import Connection
from tests.tracking import make, track, write

GUEST = TableName("shop", "guest")
ROOM = TrackedTable(TableName("shop", "room"), "shop", "Own", "Room", label="name")
SCHEMA = """
CREATE TABLE shop.guest (id int PRIMARY KEY, name text);
CREATE TABLE shop.room (id int PRIMARY KEY, name text);
CREATE TABLE shop.stay (id int PRIMARY KEY, room_id int, guest_id int, n int);
GRANT ALL ON shop.guest, shop.room, shop.stay TO shop_app;
"""
# Each time that a mood is written as JSON, it is another one.
COUNTED = """
CREATE TYPE shop.mood AS ENUM ('ok');
CREATE SEQUENCE shop.moods;
CREATE FUNCTION shop.as_json(shop.mood) RETURNS json LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT to_json(nextval('shop.moods')) $$;
CREATE CAST (shop.mood AS json) WITH FUNCTION shop.as_json;
"""
FEW = "INSERT INTO shop.guest SELECT n FROM generate_series(1, 3) AS n"
MANY = "INSERT INTO shop.guest SELECT n FROM generate_series(4, 20000) AS n"
READ = "SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname IN ('guest', 'room')"


def make_stays(owner: Connection, capture: str) -> None:
    """Make a table whose rows name a guest, and are parts of a room."""
    owner.execute(SCHEMA)
    track(
        owner,
        "stay",
        part="Stay",
        parent=Parent(ROOM.name, ("room_id",)),
        ancestors=(ROOM,),
        columns={"guest_id": Column(references=Reference(GUEST, "id", "name"))},
        capture=capture,
    )


def write_stays(owner: Connection, low: int, high: int) -> None:
    """Write stays as often as it takes for a plan to be kept, with each kind of look-up."""
    for number in range(low, high):
        write(
            owner,
            f"INSERT INTO shop.stay VALUES ({number}, {number}, {number})",
            f"UPDATE shop.stay SET n = 1 WHERE id = {number}",
            f"UPDATE shop.stay SET guest_id = id - 1, room_id = id - 1 WHERE id = {number}",
        )


@pytest.mark.parametrize("capture", ["row", "statement"])
def test_tables_that_grew_are_not_read_as_a_whole(owner: Connection, capture: str) -> None:
    make_stays(owner, capture)
    write(owner, FEW, FEW.replace("guest", "room"))
    owner.execute("ANALYZE shop.guest, shop.room")
    write_stays(owner, 100, 110)
    write(owner, MANY, MANY.replace("guest", "room"))
    before = owner.execute(READ).fetchone()

    write_stays(owner, 19000, 19010)

    assert owner.execute(READ).fetchone() == before != (None,)


@pytest.mark.parametrize("capture", ["row", "statement"])
def test_each_row_is_turned_into_json_once(owner: Connection, capture: str) -> None:
    owner.execute(COUNTED)
    columns = "(id int PRIMARY KEY, mood shop.mood, seen int, n int)"
    make(owner, "guest", columns, capture=capture, ignore=("seen",))
    write(owner, "INSERT INTO shop.guest SELECT n, 'ok', n, n FROM generate_series(1, 3) AS n")
    write(owner, "UPDATE shop.guest SET seen = 0, n = 0")
    write(owner, "DELETE FROM shop.guest")
    assert owner.execute("SELECT last_value FROM shop.moods").fetchone() == (3 + 6 + 3,)
