"""How a stored value reads, and how two are told apart."""

from datetime import UTC
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.records import Column, Json, read_json
from auditviewer.change.stored import ABSENT, Stored, as_json, image
from auditviewer.change.values import Kind, describe

PLAIN = Column("Value")
SCORE = Column("Field", {"score": "Lead score", "true": "on", "3": "three"})
OWNER = Column("Owner", is_reference=True)
HIDDEN = {"redacted": "0123456789abcdef"}
BERLIN = ZoneInfo("Europe/Berlin")

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3)
stored_json = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def value(stored: Stored, column: Column = PLAIN, **names: str) -> tuple[Kind, str, str]:
    said = describe(stored, column, names, UTC)
    return said.kind, said.text, said.note


@pytest.mark.parametrize(
    ("stored", "kind", "text"),
    [
        (ABSENT, Kind.ABSENT, "not there"),
        (None, Kind.NULL, "not set"),
        ("", Kind.EMPTY, "empty text"),
        ({}, Kind.EMPTY, "empty"),
        ([], Kind.EMPTY, "empty list"),
        (0, Kind.NUMBER, "0"),
        (False, Kind.FLAG, "no"),
        (True, Kind.FLAG, "yes"),
        ("false", Kind.TEXT, "false"),
        (" ", Kind.TEXT, " "),
        (HIDDEN, Kind.HIDDEN, "hidden"),
        ({"redacted": "by hand"}, Kind.JSON, "Redacted: by hand"),
    ],
)
def test_what_is_missing_empty_or_hidden_says_so(stored: Stored, kind: Kind, text: str) -> None:
    assert value(stored) == (kind, text, "")


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (2026, "2026"),
        (9_999, "9999"),
        (10_000, "10,000"),
        (-1_234_567, "−1,234,567"),
        (2**63, "9,223,372,036,854,775,808"),
        (Decimal("1.10"), "1.10"),
        (Decimal("1.1"), "1.1"),
        (Decimal("-0.50"), "−0.50"),
        (Decimal("12345.6789"), "12,345.6789"),
        (Decimal("1e3"), "1000"),
        (10**40, "1" + "0" * 40),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("2026-11-22", "22 Nov 2026"),
        ("2026-11-22T17:42:07+00:00", "22 Nov 2026, 18:42:07"),
        ("2026-07-01T00:30:00.5Z", "1 Jul 2026, 02:30:00"),
        ("0001-01-01T00:00:00+00:00", "1 Jan 1, 00:53:28"),
        ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59+00:00"),
        ("2026-13-45T17:42:07+00:00", "2026-13-45T17:42:07+00:00"),
        ("infinity", "infinity"),
        ("2026-11-22T17:42:07", "22 Nov 2026, 17:42:07"),
        ("09:30:00", "09:30:00"),
        ("1 day 02:00:00", "1 day 2 hours"),
        ("PT15M", "15 minutes"),
    ],
)
def test_numbers_and_moments_read_as_an_admin_writes_them(stored: Json, text: str) -> None:
    assert describe(stored, PLAIN, {}, BERLIN).text == text


@pytest.mark.parametrize(
    ("stored", "column", "expected"),
    [
        ("score", SCORE, (Kind.WORD, "Lead score", "")),
        ("city", SCORE, (Kind.TEXT, "city", "")),
        (3, SCORE, (Kind.WORD, "three", "")),
        (True, SCORE, (Kind.FLAG, "on", "")),
        (False, SCORE, (Kind.FLAG, "no", "")),
        (7, OWNER, (Kind.REFERENCE, "Ana Diaz", "#7")),
        (8, OWNER, (Kind.REFERENCE, "#8", "")),
        (9, OWNER, (Kind.REFERENCE, "#9", "")),
        ("b2c4", OWNER, (Kind.REFERENCE, "b2c4", "")),
        ("", OWNER, (Kind.EMPTY, "empty text", "")),
        (None, OWNER, (Kind.NULL, "not set", "")),
    ],
)
def test_a_value_reads_in_the_words_of_its_column(
    stored: Json, column: Column, expected: tuple[Kind, str, str]
) -> None:
    assert value(stored, column, **{"7": "Ana Diaz", "9": ""}) == expected


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ({"send_at": "09:00", "days": [1, 2]}, "Send at: 09:00, Days: 1, Days: 2"),
        ([1, "two", None, True], "1, two, not set, yes"),
        ({"a": {}, "b": [], "c": ""}, "A: empty, B: empty list, C: empty text"),
        ({"a": {"b": {"c": Decimal("1.50")}}}, "A B C: 1.50"),
        ({"key": HIDDEN}, "Key: hidden"),
    ],
)
def test_json_reads_as_a_list_of_what_is_in_it(stored: Json, text: str) -> None:
    assert value(stored) == (Kind.JSON, text, "")


def test_json_that_is_nested_deeply_is_shown_as_json_from_there() -> None:
    stored: Any = Decimal("1.50")
    for _ in range(10):
        stored = {"a": stored}

    assert value(stored)[1] == "A A A A A A A A: " + '{"a": {"a": 1.50}}'


def test_a_long_text_is_cut_and_says_how_long_it_is() -> None:
    text = value("x" * 10_000_000)[1]

    assert text.startswith("x" * 2000 + "…")
    assert text.endswith("(10,000,000 characters)")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.10"), Decimal("1.1")),
        (1, True),
        (0, False),
        ("1", 1),
        (None, "null"),
        (None, ABSENT),
        ("", ABSENT),
        ({}, []),
        ({"a": None}, {}),
        (Decimal("1.1"), {"number": "1.1"}),
        ([Decimal("1.0")], [1]),
    ],
)
def test_values_that_differ_have_different_images(one: Stored, other: Stored) -> None:
    assert image(one) != image(other)


@given(stored_json, stored_json)
def test_images_are_equal_where_the_json_is(one: Json, other: Json) -> None:
    assert (image(one) == image(other)) == (repr(sorted_keys(one)) == repr(sorted_keys(other)))


def sorted_keys(stored: Json) -> Json:
    if isinstance(stored, dict):
        return {key: sorted_keys(inner) for key, inner in sorted(stored.items())}
    return [sorted_keys(inner) for inner in stored] if isinstance(stored, list) else stored


@given(stored_json)
def test_stored_json_is_read_with_its_numbers_exact(stored: Json) -> None:
    assert image(read_json(as_json(stored))) == image(stored)


@given(stored_json)
def test_everything_that_is_stored_can_be_described(stored: Json) -> None:
    assert describe(stored, PLAIN, {}, UTC).text


def test_an_amount_has_its_currency_and_a_list_the_words_of_its_column() -> None:
    assert describe(Decimal("49.50"), PLAIN, {}, UTC, "EUR").text == "€49.50"
    assert value(["score", 3, "city"], SCORE)[1] == "Lead score, three, city"


def test_binary_data_is_told_by_its_size() -> None:
    kind, text, note = value("\\x" + "00ff" * 600)

    assert (kind, text) == (Kind.BINARY, "1.2\N{NO-BREAK SPACE}kB of binary data")
    assert note.startswith("fingerprint ")
    assert value("\\xyz")[0] is value("\\x0")[0] is Kind.TEXT
