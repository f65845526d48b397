"""What a log may tell of the rows of a table within one transaction, and what can't have been.

A row is written as its key and what else it says: "1a". Table t has a key, d one that is checked at
the end of a transaction, u none.
"""

from collections import Counter

import pytest

from tests.replay.fold import Entry, Keys, fold, too_early

KEYS = Keys({"t": ("id",), "d": ("id",)}, frozenset("d"))

Told = list[tuple[str, str]]


def row(text: str) -> str | None:
    return f'{{"id": {text[0]}, "n": "{text[1:]}"}}' if text else None


def entries(table: str, told: Told) -> list[Entry]:
    return [
        Entry(number, 1, "TRUNCATE" if before == after else "", table, row(before), row(after))
        for number, (before, after) in enumerate(told)
    ]


def faults(table: str, told: Told) -> list[str]:
    """What is wrong with entries that are told of a table with the rows 1a and 2a."""
    return fold({table: Counter(map(str, map(row, ("1a", "2a"))))}, entries(table, told), KEYS)[1]


IN_ANY_TABLE: dict[str, Told] = {
    "in order": [("1a", "1b"), ("1b", "1c"), ("1c", ""), ("", "1d")],
    "inner trigger first": [("1b", "1c"), ("1a", "1b")],
    "there and back, and away": [("1a", ""), ("1a", "1b"), ("1b", "1a")],
    "replaced before it was removed": [("", "1b"), ("1a", "")],
    "another key": [("1a", "3a"), ("3a", "3b"), ("3b", "1a")],
    "keys that are swapped": [("1a", "2a"), ("2a", "1a")],
    "truncated and filled": [("1a", "1b"), ("", ""), ("", "1b"), ("", "2a")],
}
NEVER: dict[str, Told] = {
    "a row that was not there": [("1x", "")],
    "a key that was not there": [("3a", "3b")],
    "one removed twice": [("1a", ""), ("1a", "")],
    "a circle beside what was there": [("1x", "1y"), ("1y", "1x")],
    "a row that came twice": [("", "1b"), ("", "1b"), ("1a", "")],
    "what was truncated": [("", ""), ("1a", "1b")],
}
BY_KEY_ALONE: dict[str, Told] = {
    "an insert beside the row": [("", "1b"), ("1b", "")],
    "another row's key, and back": [("1a", "2b"), ("2b", "1a")],
}


@pytest.mark.parametrize("table", ["t", "d"])
@pytest.mark.parametrize("told", IN_ANY_TABLE.values(), ids=IN_ANY_TABLE)
def test_what_some_order_leads_to_is_right(table: str, told: Told) -> None:
    assert faults(table, told) == []


@pytest.mark.parametrize("table", ["t", "d"])
@pytest.mark.parametrize("told", NEVER.values(), ids=NEVER)
def test_what_no_order_leads_to_is_found(table: str, told: Told) -> None:
    assert faults(table, told) != []


@pytest.mark.parametrize("told", BY_KEY_ALONE.values(), ids=BY_KEY_ALONE)
def test_a_key_that_was_taken_is_found_where_it_is_checked_at_once(told: Told) -> None:
    assert faults("t", told) != []
    assert faults("d", told) == []


def test_a_table_without_a_key_has_a_row_as_often_as_it_was_put_in() -> None:
    assert faults("u", [("", "1a"), ("1a", "1b"), ("1a", "")]) == []
    assert faults("u", [("1a", "1b"), ("1a", "")]) != []


@pytest.mark.parametrize("told", [[("1b", "1c"), ("1a", "1b")], [("", "1b"), ("1a", "")]])
def test_what_ids_tell_too_early_is_found_where_they_have_to_be_in_order(told: Told) -> None:
    late, *_ = too_early({"t": Counter([str(row("1a"))])}, entries("t", told), KEYS)
    assert late.endswith(repr(entries("t", told)[0]))
