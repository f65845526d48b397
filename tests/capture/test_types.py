"""Values of every kind of type: each is in the log whole, so that its row could be put back."""

from collections.abc import Iterator

import psycopg
import pytest

from generator.quoting import identifier
from tests.shop import Connection, acting_as, written
from tests.tracking import make, write

TYPES = """
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s "fine"');
CREATE DOMAIN shop.email AS text CHECK (VALUE LIKE '%@%');
CREATE DOMAIN shop.emails AS shop.email[];
CREATE TYPE shop.money_of AS (amount numeric(12, 3), currency char(3), moods shop.mood[]);
CREATE DOMAIN shop.positive_money AS shop.money_of CHECK ((VALUE).amount > 0);
CREATE TYPE shop.floatrange AS RANGE (subtype = float8);
"""
# Two values of each type.
VALUES = {
    "boolean": ("true", "false"),
    "smallint": ("-32768", "32767"),
    "bigint": ("-9223372036854775808", "9007199254740993"),
    "numeric": ("'NaN'", "12345678901234567890.12345678901234567890"),
    "numeric(6, 2)": ("1", "1.5"),
    "real": ("1.1", "'-Infinity'"),
    "double precision": ("'Infinity'", "0.1::float8 + 0.2::float8"),
    "money": ("'-1234.5'", "'0.01'"),
    "text": ("''", r"E'\\ \" {} \u2028 \U0001F98A \x7f'"),
    "char(3)": ("'a'", "'a '||chr(9)"),
    '"char"': ("'x'", "''"),
    "name": ("'one'", "'two'"),
    "bytea": ("''", r"'\x00ff27225c'"),
    "date": ("'infinity'", "'4713-01-01 BC'"),
    "time": ("'24:00'", "'00:00:00.000001'"),
    "timetz": ("'12:00+05:45'", "'12:00-15:59'"),
    "timestamp": ("'-infinity'", "'294276-12-31 23:59:59.999999'"),
    "timestamptz": ("'infinity'", "'0044-03-15 12:00+00 BC'"),
    "interval": ("'-1 year 2 mons -3 days 04:05:06.7'", "'178000000 years'"),
    "uuid": ("'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    "inet": ("'::1/128'", "'10.0.0.1/8'"),
    "macaddr8": ("'08:00:2b:01:02:03:04:05'", "'08:00:2b:01:02:03:04:06'"),
    "bit varying": ("''", "B'0101'"),
    "point": ("'(1e-300,1e300)'", "'(NaN,Infinity)'"),
    "polygon": ("'((0,0),(1,1),(1,0))'", "'((0,0),(1,1))'"),
    "json": ("'1.10'", "'{\"a\": null}'"),
    "jsonb": ('\'{"a": [1.0, "\\\\u00e9"]}\'', "'[]'"),
    "tsvector": ("'a:1A'", "'''it''''s'' b'"),
    "int[]": ("'{}'", "'{{1,2},{NULL,3}}'"),
    "text[]": (r"""'{NULL,"NULL","","a\"b"}'""", """'{"{}"}'"""),
    "int4range": ("'empty'", "'[1,)'"),
    "tstzrange": ("'[2026-01-01Z,infinity)'", "'(,)'"),
    "int8multirange": ("'{}'", "'{[1,3),[5,9)}'"),
    "oid": ("4294967295", "0"),
    "pg_lsn": ("'0/0'", "'FFFFFFFF/FFFFFFFF'"),
    "shop.mood": ("'sad'", "'it''s \"fine\"'"),
    "shop.mood[]": ("'{sad}'", "'{NULL,sad}'"),
    "shop.email": ("'a@b'", "'é@b'"),
    "shop.emails": ("'{a@b}'", "'{c@d,e@f}'"),
    "shop.money_of": ("ROW(1.500, 'EUR', '{sad}')", "ROW(NULL, NULL, NULL)"),
    "shop.money_of[]": ("ARRAY[ROW(1, 'EUR', NULL)::shop.money_of]", "'{NULL}'"),
    "shop.positive_money": ("ROW(1.500, 'EUR', '{}')", "ROW(2, 'CHF', NULL)"),
    "shop.floatrange": ("'[0.1,Infinity]'", "'[NaN,NaN]'"),
}
PUT_BACK = """
SELECT count(*)
FROM audit.entry AS e, shop.thing AS t
WHERE e.transaction_id = pg_current_xact_id()
  AND (e.new_row ->> 'id')::int = t.id
  AND jsonb_populate_record(NULL::shop.thing, e.new_row) *= t
"""
# How an entry shows it.
SHOWN = [
    ("numeric", "'NaN'", "NaN"),
    ("double precision", "'-Infinity'", "-Infinity"),
    ("real", "1.1", 1.1),
    ("timestamptz", "'infinity'", "infinity"),
    ("timestamptz", "'0044-03-15 12:00+00 BC'", "0044-03-15T12:00:00+00:00 BC"),
    ("date", "'-infinity'", "-infinity"),
    ("money", "'-1234.5'", "-$1,234.50"),
    ("bytea", r"'\x00ff'", r"\x00ff"),
    ("shop.mood", "'sad'", "sad"),
    ("shop.emails", "'{a@b,c@d}'", ["a@b", "c@d"]),
    ("int[]", "'{{1,2},{NULL,3}}'", [[1, 2], [None, 3]]),
    ("int4range", "'[1,5]'", "[1,6)"),
    ("shop.money_of", "ROW(1, 'EUR', '{sad}')", {"amount": 1, "currency": "EUR", "moods": ["sad"]}),
]


@pytest.fixture(scope="module")
def things(shop: str) -> Iterator[Connection]:
    """The owner of a shop with a column of each type, in a transaction that is rolled back."""
    columns = ", ".join(f"{identifier(type_)} {type_}" for type_ in VALUES)
    with psycopg.connect(shop) as owner, owner.transaction(force_rollback=True):
        owner.execute(TYPES.encode())
        make(owner, "thing", f"(id int PRIMARY KEY, {columns})")
        owner.execute("GRANT USAGE ON SCHEMA shop TO audit_reader")
        owner.execute("GRANT SELECT ON shop.thing TO audit_reader")
        yield owner


@pytest.fixture
def owner(things: Connection) -> Iterator[Connection]:
    """The same, with no row and no entry."""
    with things.transaction(force_rollback=True):
        yield things


def insert_things(owner: Connection, type_: str, *values: str) -> None:
    rows = ", ".join(f"({number}, {value})" for number, value in enumerate(values, 1))
    write(owner, f"INSERT INTO shop.thing (id, {identifier(type_)}) VALUES {rows}")


def update_things(owner: Connection, type_: str, value: str) -> None:
    write(owner, f"UPDATE shop.thing SET {identifier(type_)} = {value} WHERE id = 1")


def put_back(owner: Connection) -> int:
    """Return how many rows of the table equal one made of an entry, to the last bit."""
    with acting_as(owner, "audit_reader"):
        [row] = owner.execute(PUT_BACK).fetchall()
    number: int = row[0]
    return number


@pytest.mark.parametrize("type_", VALUES)
def test_a_row_could_be_put_back_from_its_entry(owner: Connection, type_: str) -> None:
    before, after = VALUES[type_]
    insert_things(owner, type_, before, after, "NULL")
    assert put_back(owner) == 3

    update_things(owner, type_, after)
    inserted, *_, updated = written(owner)
    assert (updated.operation, updated.old_row) == ("UPDATE", inserted.new_row)
    assert put_back(owner) == 3


@pytest.mark.parametrize("type_", VALUES)
def test_the_same_value_again_is_no_change(owner: Connection, type_: str) -> None:
    for value in VALUES[type_]:
        write(owner, "DELETE FROM shop.thing")
        insert_things(owner, type_, value)
        update_things(owner, type_, value)

    assert [entry.operation for entry in written(owner)] == ["INSERT", "DELETE", "INSERT"]


def test_a_type_that_changes_is_captured_as_it_is_then(owner: Connection) -> None:
    insert_things(owner, "shop.money_of", "ROW(1, 'EUR', NULL)")
    owner.execute("ALTER TYPE shop.money_of RENAME ATTRIBUTE currency TO unit")
    owner.execute("ALTER TYPE shop.mood RENAME VALUE 'sad' TO 'low'")
    update_things(owner, "shop.money_of", "ROW(2, 'CHF', '{low}')")

    inserted, updated = written(owner)
    assert inserted.new_row["shop.money_of"] == {"amount": 1, "currency": "EUR", "moods": None}
    assert updated.new_row["shop.money_of"] == {"amount": 2, "unit": "CHF", "moods": ["low"]}


@pytest.mark.parametrize(("type_", "value", "shown"), SHOWN)
def test_a_value_is_shown_as(owner: Connection, type_: str, value: str, shown: object) -> None:
    insert_things(owner, type_, value)

    [entry] = written(owner)
    assert entry.new_row[type_] == shown
