"""What somebody typed, in sentences and sides: nothing hides in it or passes for other words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.sides import lay_out
from auditviewer.change.verbatim import quote, reveal, shorten
from tests.entries import (
    CONDITION,
    WORKFLOW,
    condition,
    insert,
    said,
    save,
    update,
    workflow,
)

OVERRIDE, REVEALED = "\u202e", "⟨U+202E⟩"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f466"
PERSIAN = "می\u200cخواهم"


def updated(before: dict[str, Any], after: dict[str, Any], **more: Any) -> str:
    return said(update(WORKFLOW, workflow(**before), after, **more))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("50\u202e001", "50⟨U+202E⟩001"),
        ("a\u200bb\u2060c\ufeff", "a⟨U+200B⟩b⟨U+2060⟩c⟨U+FEFF⟩"),
        ("\u2066a\u2069", "⟨U+2066⟩a⟨U+2069⟩"),
        ("a\x1b[0m\x7f", "a⟨U+001B⟩[0m⟨U+007F⟩"),
        ("⟨U+202E⟩", "⟨U+27E8⟩U+202E⟩"),
        ("⟨x⟩", "⟨x⟩"),
        (FAMILY, FAMILY),
        (PERSIAN, PERSIAN),
        ("co\u00adoperate\n\tat once", "co\u00adoperate\n\tat once"),
    ],
)
def test_what_turns_a_line_around_or_hides_in_it_is_made_visible(text: str, seen: str) -> None:
    assert reveal(text) == seen


hostile = st.text(st.sampled_from("⟨U+202E⟩a\u202e\u200b\x01\n"))


@given(hostile, hostile)
def test_two_texts_never_look_the_same_for_what_is_made_visible(one: str, other: str) -> None:
    assert (reveal(one) == reveal(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("New leads", "New leads"),
        ("Norway and Sweden", "Norway and Sweden"),
        ("a,b 1,000", "a,b 1,000"),
        ("Yes", "Yes"),
        ('it\'s "it"', 'it\'s "it"'),
        ("", "“”"),
        (" \u00a0", "“ \u00a0”"),
        ("a ", "“a ”"),
        ("Old → New", "“Old → New”"),
        ("Smith, Jones", "“Smith, Jones”"),
        ("x; Status: on", "“x; Status: on”"),
        ("Call › Delay", "“Call › Delay”"),
        ("a · b", "“a · b”"),
        ("say “hi”", "“say ‘hi’”"),
        ("one \r\n two", "“one ↵ two”"),
        ("not set", "“not set”"),
        ("yes", "“yes”"),
        ("שלום", "\u2068שלום\u2069"),
        ("שלום, עולם", "“\u2068שלום, עולם\u2069”"),
    ],
)
def test_a_text_is_in_quotes_where_it_would_be_ambiguous(text: str, told: str) -> None:
    assert quote(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x" * 8, "x" * 8),
        ("x" * 9, "x" * 8 + "…"),
        ("x" * 7 + " x", "x" * 7 + "…"),
        ("“" + "x" * 9 + "”", "“" + "x" * 7 + "…”"),
        ("“\u2068" + "א" * 9 + "\u2069”", "“\u2068" + "א" * 6 + "…\u2069”"),
    ],
)
def test_what_is_shortened_keeps_its_quotes_and_its_direction(text: str, told: str) -> None:
    assert shorten(text, 8, "…") == told


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({"name": "Old"}, {"name": "Old → New"}, "Name: Old → “Old → New”"),
        ({"runs": 1000}, {"runs": 20000}, "Most runs: 1000 → 20,000 (+19,000)"),
        ({"description": None}, {"description": "not set"}, "Description set to “not set”"),
        ({"description": "a, b"}, {"description": None}, "Description cleared (was “a, b”)"),
        ({"open": True}, {"open": False}, "Open: yes → no"),
        ({"open": "yes"}, {"open": "no"}, "Open: “yes” → “no”"),
        ({"day": None}, {"day": "2026-11-03T10:00:00"}, "Day set to 3 Nov 2026, 10:00:00"),
        ({"tags": ["a, b", "c"]}, {"tags": ["a", "b", "c"]}, "Tags: + a, + b, − “a, b”, 1 kept"),
        ({"tags": None}, {"tags": ["a, b", "c"]}, "Tags set to “a, b”, c"),
        ({"settings": {"a, b": 1}}, {"settings": {"a, b": 2}}, "Settings › “A, b”: 1 → 2 (+1)"),
        ({"name": "x"}, {"name": f"x{OVERRIDE}"}, f"Name: x → x{REVEALED}"),
        (
            {"settings": {f"a{OVERRIDE}": 1}},
            {"settings": {f"a{OVERRIDE}": 2}},
            f"Settings › A{REVEALED}: 1 → 2 (+1)",
        ),
    ],
)
def test_only_what_was_typed_is_in_quotes_in_a_sentence(
    before: dict[str, Any], after: dict[str, Any], sentence: str
) -> None:
    assert updated(before, after) == sentence


def test_the_name_of_a_person_is_what_somebody_typed() -> None:
    names = {"owner_id": {"7": "Ana → Kim", "8": f"Jo{OVERRIDE}"}}

    sentence = updated({"owner_id": 7}, {"owner_id": 8}, labels=names)

    assert sentence == f"Owner: “Ana → Kim” → Jo{REVEALED}"


def test_in_the_one_line_of_a_part_only_the_typed_text_is_in_quotes() -> None:
    oslo, bergen = ("Oslo, Norway", "Bergen, Norway")

    assert said(insert(CONDITION, condition(field="city", operator="is", value=oslo))) == (
        "Added condition: City is “Oslo, Norway”"
    )
    changed = update(
        CONDITION, condition(field="city", operator="is", value=oslo), {"value": bergen}
    )
    assert said(changed) == "Changed condition: City is “Oslo, Norway” → “Bergen, Norway”"


def test_an_entity_is_created_with_what_was_typed() -> None:
    row = workflow(name="a, b", description="off, on")

    assert said(insert(WORKFLOW, row)) == "Created with Description “off, on”, Status disabled"


def test_both_sides_show_a_text_as_it_is_but_for_what_is_not_seen() -> None:
    change = save(update(WORKFLOW, workflow(name="a → b"), {"name": f"“a”,\nb{OVERRIDE}"}))

    [line] = lay_out(change, 9)[0].lines
    assert (line.before.text, line.after.text) == ("a → b", f"“a”,\nb{REVEALED}")
