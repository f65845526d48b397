"""Rows that nobody would write: too deep, too long, too many, and whatever else is JSON."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from time import process_time
from typing import Any

import pytest
from flask import Flask, render_template_string
from hypothesis import given, settings
from hypothesis import strategies as st

from auditviewer.change.changes import Change, fold
from auditviewer.change.records import Column, Entry, Table, read_json
from auditviewer.change.sentences import in_words, say
from auditviewer.log.fates import Fate
from auditviewer.shown import Shown, show
from tests.entries import CONDITION, condition, entry
from tests.page import parse

SECONDS = 5.0
"""Many times what it takes, for machines that do something else as well."""
MARKUP = "<img src=x onerror=alert(1)>"
PAGE = """{% import "audit/parts.html" as parts %}
<p>{{ parts.sentence(one.sentence) }}</p>{{ parts.sides(one) }}"""

LISTS = {"values": {"a": "Alpha"}, "say": {"changed": "{label} {old} → {new} {odd} {x:{"}}
THING = Table(
    ("crm", "thing"),
    "Things",
    "Thing",
    key=("id",),
    label_column="name",
    say={"created": "Opened {name} {gone}", "deleted": "{name"},
    columns={
        "name": Column("Name"),
        "plain": Column("Plain", LISTS["values"], currency="currency"),
        "said": Column("Said", LISTS["values"], say=LISTS["say"]),
        "owner": Column("Owner", is_reference=True, say={"changed": "{owner} {difference:x}"}),
    },
)
TABLES = {THING.name: THING, CONDITION.name: CONDITION}

markup = st.sampled_from(["a", "A b", MARKUP, "2026-11-03", "PT1H", "\\x00", "EUR", "{new}", ""])
numbers = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=2)
values = st.recursive(
    st.none() | st.booleans() | numbers | markup | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(markup | st.sampled_from(["id", "name", "redacted"]), inner, max_size=4)
    ),
    max_leaves=12,
)
columns = st.sampled_from(["name", "plain", "said", "owner", "currency", MARKUP, "position"])
rows = st.dictionaries(columns, values, max_size=8).map({"id": 1}.__or__)


@contextmanager
def bounded() -> Iterator[None]:
    began = process_time()
    yield
    assert process_time() - began < SECONDS


def thing(old: Any, new: Any, **more: Any) -> Entry:
    operation = "INSERT" if old is None else "DELETE" if new is None else "UPDATE"
    return entry(operation, THING, old, new, **{"row_key": {"id": 1}, "entity_id": "1"} | more)


def told(*entries: Entry) -> Shown:
    change: Change = fold(entries, TABLES, UTC)
    return show(change, Fate(), TABLES, "", 1000)


def updated(column: str, before: Any, after: Any) -> Shown:
    old, new = ({"id": 1, "name": "a", column: value} for value in (before, after))
    return told(thing(old, new))


def texts(one: Shown) -> list[str]:
    lines = [line for section in one.sections for line in section.lines]
    return [text for line in lines for text in (line.before.text, line.after.text)]


def nested(depth: int, inside: object) -> Any:
    return read_json("[" * depth + json.dumps(inside) + "]" * depth)


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_json_of_a_thousand_levels_is_compared_in_no_time(depth: int) -> None:
    with bounded():
        one = updated("plain", nested(depth, 1), nested(depth, 2))

    assert len(texts(one)) == 2
    assert texts(one)[0] != texts(one)[1]


WORD = "abcdefghi "


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x" * 10_000_000, "x" * 10_000_000 + "y"),
        (WORD * 1_000_000, "z " + WORD * 1_000_000),
        (WORD * 200, ("ihgfedcba " + WORD) * 100),
        ("a " * 1_000, "a b " * 500),
        ("a" * 2_000, "\n" * 1_999),
        ("." * 2_000, ",." * 1_000),
        ("1" * 4_000, "2" * 4_000),
        ("1 year " * 300, "P1Y" * 500),
        ("\\x" + "00" * 5_000_000, "\\x" + "01" * 5_000_000),
        ({"redacted": "0" * 15}, {"redacted": "1" * 10_000_000}),
    ],
)
def test_a_long_text_is_compared_in_no_time(before: Any, after: Any) -> None:
    with bounded():
        one = updated("plain", before, after)

    assert all(len(text) < 2_200 for text in texts(one))
    assert texts(one)[0] != texts(one)[1]


MANY = list(range(100_000))
OBJECTS = [{"id": number, "name": f"Step {number}"} for number in MANY]
NAMELESS = [{"do": f"mail {number % 100}"} for number in MANY]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MANY, MANY[::-1]),
        (MANY, [-number - 1 for number in MANY]),
        (OBJECTS, [OBJECTS[-1], *OBJECTS[:-1]]),
        (OBJECTS, [each | {"name": "same"} for each in OBJECTS]),
        (NAMELESS, [{"do": "wait"}, *NAMELESS]),
        (OBJECTS, None),
        (dict.fromkeys(map(str, MANY), 1), dict.fromkeys(map(str, MANY), 2)),
    ],
)
def test_a_list_of_a_hundred_thousand_items_is_compared_in_no_time(before: Any, after: Any) -> None:
    with bounded():
        one = updated("plain", before, after)

    assert 1 <= len(one.change.fields) <= 500
    assert all(len(text) < 2_200 for text in texts(one))


def test_an_item_that_a_long_list_got_is_shown_though_the_list_is_cut() -> None:
    one = updated("plain", MANY, [-1, *MANY[:-1]])

    assert texts(one) == ["99,999", "−1"]
    assert in_words(one.sentence) == "Plain: + −1, − 99,999, 99,999 kept"


def test_a_save_of_five_thousand_parts_is_told_in_no_time() -> None:
    old, new = (
        [condition(id=n, position=n, value="word " * n) for n in range(5_000)] for _ in "12"
    )
    entries = [
        entry("UPDATE", CONDITION, was, is_ | {"value": "other " * 100, "position": 5_000 - n})
        for n, (was, is_) in enumerate(zip(old, new, strict=True))
    ]

    with bounded():
        one = told(*entries)

    assert in_words(one.sentence) == "5000 conditions changed"
    assert one.sections[0].left_out > 0


@pytest.fixture(scope="module")
def page() -> Any:
    app = Flask(__name__, template_folder="../../auditviewer/templates")
    with app.app_context():
        yield lambda one: render_template_string(PAGE, one=one)


@settings(deadline=None)
@given(old=st.none() | rows, new=st.none() | rows, names=st.dictionaries(markup, markup))
def test_whatever_is_json_is_told_and_shown_as_text(
    page: Any, old: Any, new: Any, names: dict[str, str]
) -> None:
    one = told(thing(old, new, labels={"owner": names, "said": names}))
    html = parse(page(one))

    assert in_words(say(one.change))
    assert not list(html.all("img"))
    assert not [each for each in html.all() if "onerror" in each.attributes]
    assert html.first("p").text == " ".join(in_words(one.sentence).split())
