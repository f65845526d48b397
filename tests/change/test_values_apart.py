"""Two values side by side: words must not hide how they differ."""

from datetime import UTC
from decimal import Decimal
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.records import Column, Json
from auditviewer.change.stored import Stored, image
from auditviewer.change.values import Value, describe, tell_apart

PLAIN = Column("Value")
OWNER = Column("Owner", is_reference=True)
HIDDEN = {"redacted": "0123456789abcdef"}

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3)
stored_json = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def apart(before: Stored, after: Stored, column: Column = PLAIN, **names: str) -> tuple[str, str]:
    both = ((describe(each, column, names, UTC), each) for each in (before, after))
    old, new = tell_apart(*both)
    return old.text, new.text


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a b", "a  b", ("a␣b", "a␣␣b")),
        ("a", "a ", ("a", "a␣")),
        ("a b", "a\nb", ("a␣b", "a↵b")),
        ("a b", "a\tb", ("a␣b", "a⇥b")),
        (1, "1", ("1", '"1"')),
        ([1], ["1"], ("[1]", '["1"]')),
        ([Decimal("1.50")], ["1.50"], ("[1.50]", '["1.50"]')),
        (True, "yes", ("true", '"yes"')),
        ("a", "a\u200b", ("a", "a⟨U+200B⟩")),
        ("a b", "a\u00a0b", ("a␣b", "a⟨U+00A0⟩b")),
        ("a", "b", ("a", "b")),
        ("P3D", "3 days", ("P3D", "3␣days")),
        (None, "not set", ("not set", "not set")),
        (HIDDEN, {"redacted": "f" * 16}, ("hidden", "hidden")),
        (
            "2026-11-22T10:00:00.1+00:00",
            "2026-11-22T10:00:00.2+00:00",
            ("2026-11-22T10:00:00.1+00:00", "2026-11-22T10:00:00.2+00:00"),
        ),
    ],
)
def test_values_that_read_the_same_are_shown_as_they_are_stored(
    before: Stored, after: Stored, told: tuple[str, str]
) -> None:
    assert apart(before, after) == told


def test_binary_data_of_one_size_is_told_apart_by_its_fingerprint() -> None:
    before, after = apart("\\x00", "\\x01")

    assert before.startswith("1\N{NO-BREAK SPACE}byte of binary data (fingerprint ")
    assert before != after


def test_two_persons_of_one_name_are_told_apart_by_their_keys() -> None:
    names = {"7": "Ana Diaz", "8": "Ana Diaz"}

    assert apart(7, 8, OWNER, **names) == ("Ana Diaz (#7)", "Ana Diaz (#8)")


def test_long_texts_that_differ_far_behind_are_shown_where_they_do() -> None:
    text = "x" * 5_000_000
    began = perf_counter()

    before, after = apart(text + "old" + text, text + "new" + text)

    assert "xoldx" in before
    assert "xnewx" in after
    assert max(len(before), len(after)) < 2100
    assert perf_counter() - began < 1


@given(stored_json, stored_json)
def test_values_that_differ_never_read_the_same(one: Json, other: Json) -> None:
    old, new = (describe(each, PLAIN, {}, UTC) for each in (one, other))
    told = tell_apart((old, one), (new, other))

    if image(one) != image(other):
        assert kinds_and_texts(*told[:1]) != kinds_and_texts(*told[1:])


def kinds_and_texts(said: Value) -> tuple[bool, str]:
    return said.is_nothing, said.text
