"""How much there is, in a few digits."""

import pytest

from auditviewer.sizes import number_in_short, size_in_words


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
        (999, "999 bytes"),
        (1000, "0.98 kB"),
        (9.1 * 2**20, "9.1 MB"),
        (3 * 2**40, "3 TB"),
    ],
)
def test_sizes_are_in_the_units_of_postgresql(size: float, words: str) -> None:
    assert size_in_words(size).replace("\N{NO-BREAK SPACE}", " ") == words
