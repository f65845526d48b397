"""Nouns and sentences of English: plurals, and how words begin."""

import pytest

from auditviewer.change.english import begun_large, begun_small, count, lowered, plural


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("Workflow", "Workflows"),
        ("Territory", "Territories"),
        ("Key", "Keys"),
        ("Address", "Addresses"),
        ("Status", "Statuses"),
        ("Box", "Boxes"),
        ("Branch", "Branches"),
        ("Account settings", "Account settings"),
        ("Series", "Series"),
    ],
)
def test_a_noun_has_its_regular_plural(noun: str, expected: str) -> None:
    assert plural(noun) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("Condition", "condition"), ("E-mail", "e-mail"), ("SLA rule", "SLA rule"), ("", "")],
)
def test_a_noun_inside_a_sentence_is_small_unless_it_is_an_abbreviation(
    noun: str, expected: str
) -> None:
    assert lowered(noun) == expected


def test_one_is_singular_and_all_else_plural() -> None:
    assert [count(number, "Part") for number in (0, 1, 2)] == ["0 parts", "1 part", "2 parts"]
    assert count(12_000, "Part") == "12,000 parts"


@pytest.mark.parametrize(
    ("sentence", "small"),
    [
        ("Upgraded Growth → Pro", "upgraded Growth → Pro"),
        ("E-mails allowed", "e-mails allowed"),
        ("Reason: too dear", "reason: too dear"),
        ("SLA set to 3 days", "SLA set to 3 days"),
        ("5 licences added", "5 licences added"),
        ("iPhone app removed", "iPhone app removed"),
        ("", ""),
    ],
)
def test_a_sentence_after_a_comma_begins_small(sentence: str, small: str) -> None:
    assert begun_small(sentence) == small


@pytest.mark.parametrize(
    ("sentence", "large"),
    [
        ("billed yearly", "Billed yearly"),
        ("e-mails allowed", "E-mails allowed"),
        ("Upgraded Growth → Pro", "Upgraded Growth → Pro"),
        ("iPhone app removed", "iPhone app removed"),
        ("ana@crm.example invited", "ana@crm.example invited"),
        ("größer als", "Größer als"),
        ("", ""),
    ],
)
def test_a_sentence_that_stands_first_begins_large(sentence: str, large: str) -> None:
    assert begun_large(sentence) == large
