"""The sentences of audit.toml: which one is taken, and what its placeholders stand for."""

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from auditviewer.change.records import Column, Row, Table
from auditviewer.change.rows import RowInWords
from auditviewer.change.values import describe
from auditviewer.change.wordings import Terms, Wording, case_of, find_wording

PLAN = Column("Plan", {"growth": "Growth", "pro": "Pro", "1": "one"})
TABLE = Table(
    ("crm", "subscription"),
    columns={"plan": PLAN, "owner_id": Column("Owner", is_reference=True), "note": Column("Note")},
)
ROW: Row = {
    "plan": "pro",
    "owner_id": 7,
    "seats": 1,
    "blank": None,
    "old": "a column",
    "notes": "x" * 99,
    "place": "Oslo, Norway",
    "speech": "a, " * 99,
}
TERMS = Terms(
    RowInWords(TABLE, ROW, {"owner_id": {"7": "Ana Diaz"}}, UTC),
    {"old": "Growth", "new": "Pro", "label": "Plan", "difference": "5"},
)
NO_DIFFERENCE = Terms(TERMS.row, {"difference": ""})
HIDDEN = {"redacted": "0" * 16}


def filled(sentence: str, terms: Terms = TERMS) -> str | None:
    found = find_wording({"changed": sentence}, ("changed",), terms)
    return found.text if found else None


@pytest.mark.parametrize(
    ("before", "after", "case"),
    [
        (None, "pro", "set"),
        ("", "pro", "set"),
        ("pro", None, "cleared"),
        ("pro", "", "cleared"),
        (None, "", None),
        (False, True, "on"),
        (True, False, "off"),
        (None, True, "set"),
        (1, 2, "up"),
        (2, 1, "down"),
        (Decimal("1.10"), Decimal("1.1"), "changed"),
        ("growth", "pro", "up"),
        ("pro", "growth", "down"),
        ("growth", "basic", "changed"),
        ("9", "10", "changed"),
        (1, "pro", "down"),
        (HIDDEN, {"redacted": "1" * 16}, "changed"),
        (None, HIDDEN, "set"),
        ([1], [2], "changed"),
        ({}, {"a": 1}, "set"),
    ],
)
def test_each_way_to_change_is_a_case(before: Any, after: Any, case: str | None) -> None:
    was, is_ = (describe(each, PLAN, {}, UTC) for each in (before, after))

    assert case_of(PLAN, (was, before), (is_, after)) == case


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Upgraded {old} → {new}", "Upgraded Growth → Pro"),
        ("{label} changed", "Plan changed"),
        ("{difference} more", "5 more"),
        ("{difference:licence} added", "5 licences added"),
        ("{seats:seat} taken", "1 seat taken"),
        ("For {owner_id}", "For Ana Diaz"),
        ("With {blank}", "With not set"),
        ("With {note}", "With not there"),
        ("By {nobody} and {}", "By {nobody} and {}"),
        ("{new", "{new"),
        ("{new}}{", "Pro}{"),
        ("{{new}}", "{Pro}"),
        ("{notes}", "x" * 60 + "…"),
        ("With {place}", "With “Oslo, Norway”"),
        ("With {speech}", "With “" + "a, " * 19 + "a,…”"),
    ],
)
def test_a_placeholder_stands_for_words_and_one_that_is_not_known_stays(
    sentence: str, text: str
) -> None:
    assert filled(sentence) == text


def test_a_sentence_that_needs_a_difference_is_passed_over_where_there_is_none() -> None:
    assert filled("{difference:licence} added", NO_DIFFERENCE) is None
    assert filled("Licences changed", NO_DIFFERENCE) == "Licences changed"


def test_the_first_case_that_has_a_sentence_is_said() -> None:
    say = {"changed": "Changed", "up": "{difference} more", "set": ""}

    assert find_wording(say, ("up", "changed"), TERMS) == Wording("5 more", begins_with_value=True)
    assert find_wording(say, ("up", "changed"), NO_DIFFERENCE) == Wording("Changed")
    assert find_wording(say, ("set", "down", None), TERMS) is None
