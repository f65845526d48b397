"""The verifier reads the bytes that PostgreSQL sends, and gives what PostgreSQL says they are."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_interface
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.evidence.verify_evidence import COLUMNS, decode, opened, shown
from tests.crm import Crm, Person

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
BIGINT = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORD = """
SELECT record_send(ROW(%s::text, %s::bigint, %s::integer, %s::text::xid8, %s::boolean,
                       %s::timestamptz, %s::inet, %s::bytea, %s::jsonb))
"""
COLUMNS_OF_ENTRY = """
SELECT a.attname
FROM pg_attribute AS a
WHERE a.attrelid = 'audit.entry'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attname NOT IN ('id', 'occurred_at')
ORDER BY a.attnum
"""


@pytest.fixture(scope="module")
def connection(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    conninfo = cluster.conninfo("postgres", host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True, client_encoding="utf8") as connection:
        yield connection


def values_of(connection: psycopg.Connection[Any], expression: str, *values: object) -> list[Any]:
    """Return what the verifier reads of a record that PostgreSQL sends."""
    [record] = connection.execute(expression.encode(), values).fetchone() or [b""]
    return list(decode(record))


@settings(max_examples=200)
@given(
    text=TEXT,
    bigint=BIGINT,
    integer=st.integers(-(2**31), 2**31 - 1),
    xid=st.integers(0, 2**64 - 1),
    boolean=st.booleans(),
    time=st.datetimes(timezones=st.just(UTC)),
    address=st.ip_addresses(),
    data=st.binary(),
    json_=JSON,
)
def test_every_value_is_what_postgresql_sent(
    connection: psycopg.Connection[Any],
    text: str,
    bigint: int,
    integer: int,
    xid: int,
    boolean: bool,
    time: datetime,
    address: Any,
    data: bytes,
    json_: Any,
) -> None:
    sent = (text, bigint, integer, str(xid), boolean, time, address, data, Jsonb(json_))
    *read, host, blob, tree = values_of(connection, RECORD, *sent)
    told = time.isoformat(timespec="microseconds")
    assert read == [text, str(bigint), integer, str(xid), boolean, told]
    assert (ip_interface(host).ip, blob) == (address, data.hex())
    assert json.loads(shown(tree)) == json_


def test_nulls_are_none(connection: psycopg.Connection[Any]) -> None:
    assert values_of(connection, RECORD, *[None] * 9) == [None] * 9


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("'2001:db8::1/64'::inet", "2001:0db8:0000:0000:0000:0000:0000:0001/64"),
        ("'10.0.0.1/8'::inet", "10.0.0.1/8"),
        ("'::ffff:10.0.0.1'::inet", "0000:0000:0000:0000:0000:ffff:0a00:0001"),
        ("'infinity'::timestamptz", f"{2**63 - 1} microseconds since 2000"),
        ("'0044-03-15 00:00+00 BC'::timestamptz", "-64464508800000000 microseconds since 2000"),
        ("'9999-12-31 23:59:59.999999+00'::timestamptz", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_the_odd_ones_are_read_the_same_by_every_python(
    connection: psycopg.Connection[Any], value: str, read: str
) -> None:
    assert values_of(connection, f"SELECT record_send(ROW({value}))") == [read]


@pytest.mark.parametrize("number", ["1.10", "9007199254740993", "-0.0", "1e-9", "12345678.9e20"])
def test_numbers_are_shown_as_they_were_written(
    connection: psycopg.Connection[Any], number: str
) -> None:
    [stored] = connection.execute("SELECT %s::jsonb::text", [number]).fetchone() or [""]
    [tree] = values_of(connection, "SELECT record_send(ROW(%s::jsonb))", f'{{"n": {number}}}')
    assert shown(tree) == f'{{"n": {stored}}}'


def test_what_is_nested_too_deeply_for_some_readers_is_a_text(
    connection: psycopg.Connection[Any],
) -> None:
    deep = "[" * 3000 + "]" * 3000
    assert values_of(connection, "SELECT record_send(ROW(%s::jsonb))", deep) == [deep]
    brackets = json.dumps(["[" * 3000 + '"'])
    assert values_of(connection, "SELECT record_send(ROW(%s::jsonb))", brackets) == [
        json.loads(brackets)
    ]


@pytest.mark.parametrize("size", range(0, 54, 3))
def test_a_record_that_was_cut_off_is_none(connection: psycopg.Connection[Any], size: int) -> None:
    record = connection.execute("SELECT record_send(ROW(1::bigint, 'ä'::text, now(), NULL::text))")
    [whole] = record.fetchone() or [b""]
    assert len(whole) == 54
    with pytest.raises(ValueError, match="can't be read"):
        opened({"record": whole[:size].hex(), "readable": {}}, "abcd")


def test_the_verifier_knows_the_columns_of_an_entry(crm: Crm) -> None:
    with crm.as_superuser() as superuser:
        columns = [name for (name,) in superuser.execute(COLUMNS_OF_ENTRY.encode())]
    assert [*COLUMNS] == ["format", *columns]


def test_each_column_of_an_entry_is_where_the_verifier_reads_it(crm: Crm) -> None:
    crm.add_workflow("Nurture", by=Person("7", "Ana", "2001:db8::7"), conditions=1)
    texts = ", ".join(
        f"to_json({name} AT TIME ZONE 'UTC') #>> '{{}}'"
        if name.endswith("_at")
        else f"{name}::text"
        for name in COLUMNS[1:]
    )
    with crm.as_superuser() as superuser:
        found = superuser.execute(
            f"SELECT record, {texts} FROM audit.entry JOIN audit.entry_record"
            " USING (id, occurred_at, transaction_id)".encode()
        ).fetchall()
    assert len(found) > 4
    for record, *stored in found:
        read = dict(zip(COLUMNS, decode(record), strict=True))
        assert read.pop("format") == "pgwitness entry 1"
        assert [as_stored(name, read[name]) for name in COLUMNS[1:]] == stored


def as_stored(name: str, value: Any) -> str | None:
    """Return a value that the verifier read as PostgreSQL would write it as text."""
    if name.endswith("_at"):
        return str(value).removesuffix("+00:00").rstrip("0")
    if isinstance(value, bool | dict):
        return shown(value)
    return f"{value}/32" if name == "client_addr" else value
