"""Keys that change, and keys that rows hand to each other: who a row was stays to be seen."""

import pytest
from psycopg import errors

from tests.shop import Connection, written
from tests.tracking import make, write

SWAP = "UPDATE shop.seat SET id = 3 - id"


@pytest.fixture
def seats(owner: Connection) -> Connection:
    """The owner of two seats, whose keys are compared at the end of a statement."""
    make(owner, "seat", "(id int PRIMARY KEY DEFERRABLE, who text)", label="who")
    write(owner, "INSERT INTO shop.seat VALUES (1, 'Ana'), (2, 'Jonas')")
    return owner


def moves(owner: Connection) -> list[tuple[str, str | None, str]]:
    """Return who moved, from which entity to which."""
    updates = [entry for entry in written(owner) if entry.operation == "UPDATE"]
    return [(entry.new_row["who"], entry.former_entity_id, entry.entity_id) for entry in updates]


def test_keys_that_are_swapped_in_one_statement_name_both_before_and_after(
    seats: Connection,
) -> None:
    write(seats, SWAP)

    assert moves(seats) == [("Ana", "1", "2"), ("Jonas", "2", "1")]
    assert [entry.row_key for entry in written(seats)[2:]] == [{"id": 2}, {"id": 1}]
    assert [entry.old_row["id"] for entry in written(seats)[2:]] == [1, 2]


def test_values_that_are_swapped_between_two_rows_are_two_updates(seats: Connection) -> None:
    write(seats, "UPDATE shop.seat AS s SET who = o.who FROM shop.seat AS o WHERE o.id = 3 - s.id")

    left = [(e.row_key["id"], e.old_row["who"], e.new_row["who"]) for e in written(seats)[2:]]
    assert sorted(left) == [(1, "Ana", "Jonas"), (2, "Jonas", "Ana")]


def test_keys_that_all_move_up_are_captured_each_with_its_former_one(owner: Connection) -> None:
    make(owner, "place", "(id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, who text)")
    write(
        owner,
        "INSERT INTO shop.place SELECT n, n FROM generate_series(1, 50) AS n",
        "UPDATE shop.place SET id = id + 1",
    )
    assert moves(owner) == [(str(n), str(n), str(n + 1)) for n in range(1, 51)]


def test_a_key_that_goes_and_comes_back_is_two_updates(seats: Connection) -> None:
    write(
        seats,
        "UPDATE shop.seat SET id = 9 WHERE id = 1",
        "UPDATE shop.seat SET id = 1 WHERE id = 9",
    )

    assert moves(seats) == [("Ana", "1", "9"), ("Ana", "9", "1")]


def test_one_part_of_a_composite_key_that_changes_is_kept_with_its_former_whole(
    owner: Connection,
) -> None:
    write(
        owner,
        "INSERT INTO shop.rate (country, year, percent) VALUES ('DE', 2025, 19)",
        "UPDATE shop.rate SET year = 2026",
    )

    entry = written(owner)[-1]
    assert entry.row_key == {"country": "DE", "year": 2026}
    assert (entry.former_entity_id, entry.entity_id) == ('["DE", 2025]', '["DE", 2026]')
    assert (entry.old_row["country"], entry.old_row["year"]) == ("DE", 2025)


def test_a_key_whose_only_its_spelling_changes_is_a_change(owner: Connection) -> None:
    make(owner, "plan", "(id numeric PRIMARY KEY)")
    write(owner, "INSERT INTO shop.plan VALUES (1.10)", "UPDATE shop.plan SET id = 1.1")

    entry = written(owner)[-1]
    assert (entry.former_entity_id, entry.entity_id) == ("1.10", "1.1")


def test_a_key_of_null_is_captured(owner: Connection) -> None:
    make(owner, "draft", "(id int, body text)")
    write(
        owner,
        "INSERT INTO shop.draft VALUES (NULL, 'a')",
        "UPDATE shop.draft SET id = 1",
        "UPDATE shop.draft SET id = NULL",
        "DELETE FROM shop.draft",
    )

    assert [(entry.row_key, entry.entity_id) for entry in written(owner)] == [
        ({"id": None}, None),
        ({"id": 1}, "1"),
        ({"id": None}, None),
        ({"id": None}, None),
    ]


def test_equal_rows_without_a_key_are_each_captured(owner: Connection) -> None:
    write(
        owner,
        "INSERT INTO shop.note VALUES ('a'), ('a'), (NULL)",
        "UPDATE shop.note SET body = 'b' WHERE body = 'a'",
        "DELETE FROM shop.note",
    )

    left = [
        (e.operation, e.old_row and e.old_row["body"], e.new_row and e.new_row["body"])
        for e in written(owner)
    ]
    assert (
        left[:5]
        == [("INSERT", None, "a")] * 2 + [("INSERT", None, None)] + [("UPDATE", "a", "b")] * 2
    )
    assert sorted(map(str, left[5:])) == sorted(
        map(str, [("DELETE", "b", None)] * 2 + [("DELETE", None, None)])
    )


def test_keys_that_clash_leave_nothing(seats: Connection) -> None:
    before = written(seats)
    with pytest.raises(errors.UniqueViolation), seats.transaction():
        write(seats, "UPDATE shop.seat SET id = 1")

    assert written(seats) == before


@pytest.mark.parametrize(
    ("type_", "value", "entity"),
    [
        ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("text", "'a \"b\" ''c'' \\ é 🦊'", "a \"b\" 'c' \\ é 🦊"),
        ("numeric", "1.10", "1.10"),
        ("bigint", "9007199254740993", "9007199254740993"),
        ("timestamptz", "'2026-03-29 12:00+02'", "2026-03-29T10:00:00+00:00"),
        ("bytea", r"'\x00ff'", r"\x00ff"),
        ("boolean", "true", "true"),
        ("int[]", "'{1,2}'", "[1, 2]"),
        ("int4range", "'[1,5]'", "[1,6)"),
        ("text", "''", ""),
    ],
)
def test_a_key_of_any_type_is_a_text(
    owner: Connection, type_: str, value: str, entity: str
) -> None:
    make(owner, "item", f"(id {type_} PRIMARY KEY, body text)")
    write(
        owner,
        f"INSERT INTO shop.item VALUES ({value}, 'a')",
        "UPDATE shop.item SET body = 'b'",
        "DELETE FROM shop.item",
    )

    assert {entry.entity_id for entry in written(owner)} == {entity}
    assert len(written(owner)) == 3


def test_a_composite_key_is_written_as_json(owner: Connection) -> None:
    make(
        owner,
        "item",
        "(id text, no int, at date, PRIMARY KEY (no, id, at))",
        key=("no", "id", "at"),
    )
    write(owner, """INSERT INTO shop.item VALUES ('say "a"', 1, 'infinity')""")

    [entry] = written(owner)
    assert entry.entity_id == r'[1, "say \"a\"", "infinity"]'
    assert list(entry.row_key.items()) == [("at", "infinity"), ("id", 'say "a"'), ("no", 1)]
