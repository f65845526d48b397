"""What an application says and stores that no log was made for: the write goes on, as it came."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_track
from tests.attacks.outcomes import Attack
from tests.attacks.scene import acting, renamed
from tests.crm import APP, Connection, Crm
from tests.databases import OWNER

pytestmark = pytest.mark.attacker("application with bad input")
Log = Callable[[], list[Any]]

NAME = "o'dd\"; --$$%s\\"
"""Of a table, and of a column of it."""
THINGS = [
    TrackedTable(TableName("crm", NAME), "crm", "Odd; --", "it's\\", key=(NAME,)),
    TrackedTable(TableName("crm", "thing"), "crm", "Things", "Thing", key=("key",)),
    TrackedTable(TableName("crm", "bulk"), "crm", "Bulk", "Bulk", key=(), capture="statement"),
]
TABLES = rf"""
CREATE TABLE crm."o'dd""; --$$%s\" ("o'dd""; --$$%s\" int PRIMARY KEY, "new" text, tg_op text);
CREATE TABLE crm.thing (key text PRIMARY KEY, raw json, ratio float8, at timestamptz);
CREATE TABLE crm.bulk (o text, n text, tg_op text, old_rows json);
GRANT ALL ON ALL TABLES IN SCHEMA crm TO {APP};
"""
ADDRESSES = {
    "a list of addresses": "10.0.0.1, 192.168.0.1",
    "an address with a port": "10.0.0.1:443",
    "an address with a zone": "fe80::1%eth0",
    "half an address": "10.1",
    "a network": "10.0.0.1/24",
    "no address": "unknown",
    "SQL": "'; DROP TABLE audit.entry; --",
    "a blank": " ",
}
CONTEXTS = {
    "no JSON": "no JSON",
    "half an object": '{"request": ',
    "a NUL that jsonb can not hold": r'{"a": "\u0000"}',
    "half of a surrogate pair": r'{"a": "\ud800"}',
    "a number that jsonb can not hold": "1e400000",
    "8,000 levels that are not closed": "[" * 8_000,
}
CUT = {
    "10 kB of text": json.dumps("x" * 10_000),
    "100 kB of levels": "[" * 50_000 + "]" * 50_000,
    "a megabyte of digits": "7" * 1_000_000,
}
RAW = {
    "a NUL": r'{"a": "\u0000"}',
    "half of a surrogate pair": r'"\ud800"',
    "a number of 400,000 digits": "1e400000",
}


@pytest.fixture(scope="module")
def odd(crm: Crm) -> Crm:
    """The CRM with tables that are hard to capture."""
    with acting(crm, OWNER) as owner:
        owner.execute(TABLES.encode())
        for thing in THINGS:
            with owner.transaction():
                owner.execute(render_track(thing).encode())
    return crm


@pytest.fixture
def app(odd: Crm) -> Iterator[Connection]:
    with acting(odd, APP) as connection:
        yield connection


def rename(app: Connection, workflow: int, **said: str) -> None:
    """Say who acts, and rename a workflow."""
    with app.transaction():
        for name, value in said.items():
            app.execute("SELECT set_config('audit.' || %s, %s, true)", [name, value])
        app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])


@pytest.mark.parametrize("ip", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_the_address_is(attack: Attack, app: Connection, workflow: int, log: Log, ip: str) -> None:
    rename(app, workflow, ip=ip)

    attack.survived(log(), renamed(ip=ip))


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_the_context_is(
    attack: Attack, app: Connection, workflow: int, log: Log, context: str
) -> None:
    rename(app, workflow, context=context)

    attack.survived(log(), renamed(context={"unparsed": context}))


@pytest.mark.parametrize("context", CUT.values(), ids=CUT.keys())
def test_the_context_is_too_long(
    attack: Attack, app: Connection, workflow: int, log: Log, context: str
) -> None:
    rename(app, workflow, context=context)

    attack.survived(log(), renamed(context={"unparsed": context[:8192]}))


@pytest.mark.parametrize(
    "actor",
    [
        pytest.param("é" * 4_000, id="longer than an index takes"),
        pytest.param("7" * 5_000_000, id="5 MB"),
        pytest.param("\u202e\u2066evil\u0007\u200b", id="of characters that nobody sees"),
        pytest.param("$$; $capture$ \\' %s {x} \n", id="SQL and format"),
        pytest.param('{"redacted": "0"}', id="what a redacted value looks like"),
    ],
)
def test_the_actor_is(attack: Attack, app: Connection, workflow: int, log: Log, actor: str) -> None:
    rename(app, workflow, actor=actor, actor_name=actor)

    attack.survived(log(), renamed(actor[:256], actor_name=actor[:256], actor_bound=False))


@pytest.mark.parametrize("text", ["\\x00", "\\xff\\xfe", "\\xc0\\x80"])
def test_the_actor_is_no_text(attack: Attack, app: Connection, text: str) -> None:
    attack.refused(app, f"SET audit.actor = E'{text}'", by="22021")


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
@pytest.mark.parametrize("table", ["thing (key, raw)", "bulk (o, old_rows)"])
def test_a_json_column_holds(
    attack: Attack, app: Connection, workflow: int, log: Log, table: str, raw: str
) -> None:
    name, columns = table.split(" ", 1)
    app.execute(f"INSERT INTO crm.{name} {columns} VALUES (%s, %s)".encode(), [raw, raw])

    column = columns.rstrip(")").rpartition(" ")[2]
    attack.survived(log(), {"operation": "INSERT", "new_row": log()[0].new_row | {column: raw}})


def test_a_key_is_longer_than_an_index_takes(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    # As long as a key of the table itself may be.
    key = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(890))
    app.execute("INSERT INTO crm.thing (key) VALUES (%s)", [key])

    attack.survived(log(), {"operation": "INSERT", "row_key": {"key": key}, "entity_id": key})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_is_none(
    attack: Attack, app: Connection, workflow: int, log: Log, number: str
) -> None:
    app.execute("INSERT INTO crm.thing (key, ratio) VALUES (%s, %s::float8)", [number, number])

    attack.survived(log(), {"new_row": {"key": number, "raw": None, "ratio": number, "at": None}})


@pytest.mark.parametrize("moment", ["infinity", "-infinity"])
def test_a_moment_is_none(
    attack: Attack, app: Connection, workflow: int, log: Log, moment: str
) -> None:
    app.execute("INSERT INTO crm.thing (key, at) VALUES (%s, %s::timestamptz)", [moment, moment])

    attack.survived(log(), {"new_row": {"key": moment, "raw": None, "ratio": None, "at": moment}})


def test_names_end_in_a_backslash_while_texts_are_read_as_they_were_in_1999(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    app.execute("SET standard_conforming_strings = off")
    app.execute(rf"""INSERT INTO crm."{NAME.replace('"', '""')}" VALUES (1, E'\\')""".encode())

    row = {NAME: 1, "new": "\\", "tg_op": None}
    attack.survived(log(), {"table_name": NAME, "entity": "it's\\", "new_row": row})


def test_columns_are_called_as_the_variables_of_capture_are(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    app.execute("INSERT INTO crm.bulk (o, n, tg_op) VALUES ('a', 'b', 'DELETE')")
    app.execute("UPDATE crm.bulk SET n = 'c' WHERE n = 'b'")

    row = {"o": "a", "n": "c", "tg_op": "DELETE", "old_rows": None}
    attack.survived(log(), {"operation": "INSERT"}, {"operation": "UPDATE", "new_row": row})
