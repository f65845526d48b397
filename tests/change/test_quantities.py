"""Numbers, money, moments and durations as an admin writes them."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.quantities import (
    amount_in_words,
    difference_of,
    duration_in_words,
    moment_in_words,
    number_in_short,
    read_moment,
    size_in_words,
    time_between,
)

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("49", "EUR", "€49.00"),
        ("49.999", "EUR", "€49.999"),
        ("-1234.5", "USD", "−$1,234.50"),
        ("4900", "JPY", "¥4,900"),
        ("12", "CHF", "CHF\N{NO-BREAK SPACE}12.00"),
        ("12", "XYZ", "XYZ\N{NO-BREAK SPACE}12.00"),
        ("12", None, "12"),
        ("1e40", "EUR", "1" + "0" * 40),
    ],
)
def test_an_amount_has_its_currency_and_all_its_digits(
    amount: str, currency: str | None, words: str
) -> None:
    assert amount_in_words(Decimal(amount), currency) == words


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers())
def test_a_difference_is_exact_or_not_said(before: Decimal, after: int) -> None:
    difference = difference_of(before, after)

    assert difference is None or before + difference == after


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 year 2 mons 3 days 04:05:06", "1 year 2 months 3 days 4 hours 5 minutes 6 seconds"),
        ("1 day", "1 day"),
        ("36:00:00", "36 hours"),
        ("-1 days +02:03:00", "−1 days 2 hours 3 minutes"),
        ("-00:00:01.5", "−1.5 seconds"),
        ("2 days 00:00:00.25", "2 days 0.25 seconds"),
        ("P1Y2M10DT2H30M", "1 year 2 months 10 days 2 hours 30 minutes"),
        ("PT0.5S", "0.5 seconds"),
        ("09:30:00", None),
        ("PT0S", None),
        ("P", None),
        ("", None),
        ("3 days off", None),
        ("Postal", None),
    ],
)
def test_a_duration_reads_in_units(text: str, words: str | None) -> None:
    assert duration_in_words(text) == words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (date(2026, 11, 3), date(2026, 11, 4), "1 day later"),
        (date(2026, 11, 3), date(2026, 10, 3), "31 days earlier"),
        (datetime(2026, 11, 3, 9), datetime(2026, 11, 4, 10, 30), "1 day 1 hour later"),
        (datetime(2026, 11, 3, 9, 0, 1), datetime(2026, 11, 3, 9), "1 second earlier"),
        (datetime(2026, 11, 3), datetime(2026, 11, 3, 0, 0, 0, 5), ""),
        (date(2026, 11, 3), datetime(2026, 11, 4), ""),
        (datetime(2026, 11, 3), datetime(2026, 11, 4, tzinfo=BERLIN), ""),
        (
            datetime(2026, 10, 24, 12, tzinfo=BERLIN),
            datetime.fromisoformat("2026-10-25T12:00:00+01:00"),
            "1 day 1 hour later",
        ),
    ],
)
def test_what_lies_between_two_moments_is_said_in_two_units(
    before: date, after: date, words: str
) -> None:
    assert time_between(before, after) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-03", "3 Nov 2026"),
        ("2026-11-03T18:42:07", "3 Nov 2026, 18:42:07"),
        ("2026-11-03 18:42:07", "3 Nov 2026, 18:42:07"),
        ("2026-11-03T18:42:07Z", "3 Nov 2026, 19:42:07"),
        ("2026-02-30", None),
        ("2026-11", None),
        ("20261103", None),
    ],
)
def test_a_text_that_is_a_day_or_a_moment_reads_as_one(text: str, words: str | None) -> None:
    moment = read_moment(text)

    assert (moment and moment_in_words(moment, BERLIN)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.4, "0.4"), (0.667, "0.67"), (16.2, "16"), (345, "345"), (12345, "12,300")],
)
def test_numbers_have_as_many_digits_as_one_can_take_in(number: float, words: str) -> None:
    assert number_in_short(number) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "0.98 kB"),
        (9.1 * 2**20, "9.1 MB"),
        (3 * 2**40, "3 TB"),
    ],
)
def test_sizes_are_in_the_units_of_postgresql(size: float, words: str) -> None:
    assert size_in_words(size).replace("\N{NO-BREAK SPACE}", " ") == words
