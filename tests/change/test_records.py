"""What is read from the schema audit: stored JSON, and the words of columns."""

import json
from datetime import UTC

import pytest

from auditviewer.change.records import Column, Json, name_in_words, read_columns, read_json
from auditviewer.change.stored import as_text, image
from auditviewer.change.values import describe

PLAIN = Column("Value")


def deepest(stored: Json) -> Json:
    """Return what is inside of everything."""
    while isinstance(stored, dict | list):
        stored = next(iter(stored.values() if isinstance(stored, dict) else stored))
    return stored


@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
@pytest.mark.parametrize("depth", [99, 101, 930, 950, 970, 100_000])
def test_json_of_any_depth_can_be_read_and_shown(depth: int, brackets: str) -> None:
    text = brackets[:-1] * depth + "1" + brackets[-1] * depth

    stored = read_json(text)

    assert image(stored)
    assert describe(stored, PLAIN, {}, UTC).text
    assert (deepest(stored) == 1) is (depth <= 100)
    assert deepest(stored) in (1, text[100 * len(brackets[:-1]) : len(text) - 100])


def test_a_value_that_is_nested_too_deeply_leaves_the_others_readable() -> None:
    deep = "[" * 5000 + "]" * 5000

    row = read_json(f'{{"id": 7, "name": "a \\"[[", "deep": {deep}, "is_enabled": true}}')

    assert (row["id"], row["name"], row["is_enabled"]) == (7, 'a "[[', True)
    assert deepest(row["deep"]) == deep[99:-99]


def test_a_number_of_thousands_of_digits_can_be_read_and_shown() -> None:
    digits = "9" * 100_000

    assert as_text(read_json(digits)) == digits
    assert describe(read_json(digits), PLAIN, {}, UTC).text.endswith("… (100,000 characters)")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("record_type", "Record type"),
        ("id", "Id"),
        ("isEnabled", "isEnabled"),
        ("größe_x", "Größe x"),
        ("_", "_"),
        ("", ""),
    ],
)
def test_a_name_in_snake_case_becomes_words(name: str, words: str) -> None:
    assert name_in_words(name) == words


def test_the_words_of_columns_keep_their_order_and_references_lose_their_id() -> None:
    described = json.loads('{"owner_id": {"references": {}}, "a": {"label": "First"}, "b_id": {}}')

    columns = read_columns(described)

    assert [(name, column.label) for name, column in columns.items()] == [
        ("owner_id", "Owner"),
        ("a", "First"),
        ("b_id", "B id"),
    ]
    assert columns["owner_id"].is_reference


def test_the_words_of_columns_have_sentences_and_a_currency() -> None:
    columns = read_columns({"seats": {"say": {"up": "More"}, "currency": "EUR"}, "name": {}})

    assert (columns["seats"].say, columns["seats"].currency) == ({"up": "More"}, "EUR")
    assert (columns["name"].say, columns["name"].currency) == ({}, None)


def test_the_words_of_columns_say_what_tells_the_items_of_a_list_apart() -> None:
    columns = read_columns({"steps": {"item_key": "slug"}, "name": {}})

    assert (columns["steps"].item_key, columns["name"].item_key) == ("slug", "")
