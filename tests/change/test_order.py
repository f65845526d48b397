"""Which rows of an ordered list were moved, and which only made room."""

from itertools import combinations
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.order import Place, find_moved

List = list[str]


def places(before: List, after: List) -> dict[str, Place]:
    """Return where rows stood and stand, counted from 1; rows that stayed left no entry."""
    found = {
        row: Place(
            before.index(row) + 1 if row in before else None,
            after.index(row) + 1 if row in after else None,
        )
        for row in dict.fromkeys([*before, *after])
    }
    return {row: place for row, place in found.items() if place.old != place.new}


def moved(before: str, after: str) -> str:
    found = places(list(before), list(after))
    rows = list(found)
    return "".join(sorted(rows[index] for index in find_moved(list(found.values()))))


def explains(rows: tuple[str, ...], before: List, after: List) -> bool:
    """Tell whether the lists are the same but for these rows and those that came or went."""
    kept = (set(before) & set(after)) - set(rows)
    return [row for row in before if row in kept] == [row for row in after if row in kept]


def fewest(before: List, after: List) -> int:
    """Return how many moves it takes at least, of rows that have another position than before."""
    candidates = [row for row, at in places(before, after).items() if None not in (at.old, at.new)]
    return next(
        number
        for number in range(len(candidates) + 1)
        if any(explains(rows, before, after) for rows in combinations(candidates, number))
    )


@st.composite
def lists(draw: st.DrawFn, most_moves: int) -> tuple[List, List]:
    before = list("abcdefg"[: draw(st.integers(0, 7))])
    after = [row for row in before if draw(st.booleans()) or draw(st.booleans())]
    for row in "XYZ"[: draw(st.integers(0, 3))]:
        after.insert(draw(st.integers(0, len(after))), row)
    for _ in range(draw(st.integers(0, most_moves)) if after else 0):
        row = after.pop(draw(st.integers(0, len(after) - 1)))
        after.insert(draw(st.integers(0, len(after))), row)
    return before, after


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("abc", "abc", ""),
        ("abc", "Xabc", ""),
        ("abc", "bc", ""),
        ("abc", "Xbc", ""),
        ("abcde", "eabcd", "e"),
        ("abcde", "bcdea", "a"),
        ("abcde", "acdbe", "b"),
        ("abc", "bca", "a"),
        ("abcde", "adcbe", "bd"),
        ("abcde", "dacebX", "bd"),
        ("abcde", "dXac", "d"),
    ],
)
def test_a_row_is_moved_only_where_others_making_room_do_not_explain_it(
    before: str, after: str, expected: str
) -> None:
    assert moved(before, after) == expected


def test_of_two_neighbours_that_swapped_one_was_moved() -> None:
    assert len(moved("abcd", "acbd")) == 1


@given(lists(most_moves=0))
def test_nothing_is_moved_where_rows_only_came_and_went(both: tuple[List, List]) -> None:
    assert find_moved(list(places(*both).values())) == frozenset()


@given(lists(most_moves=4))
def test_the_moved_rows_explain_the_new_order_and_no_fewer_would(both: tuple[List, List]) -> None:
    found = places(*both)
    rows = tuple(list(found)[index] for index in find_moved(list(found.values())))

    assert explains(rows, *both)
    assert len(rows) == fewest(*both)


def test_a_row_that_was_changed_where_it_stands_is_never_moved() -> None:
    assert find_moved([Place(1, 3), Place(2, 2), Place(3, 1)]) == {0, 2}


@pytest.mark.parametrize(
    "alone", [[Place(30, 15)], [Place(2, 1), Place(3, 2)], [Place(10, 1), Place(20, 2)]]
)
def test_positions_that_nothing_explains_are_moves(alone: list[Place]) -> None:
    assert find_moved(alone) == set(range(len(alone)))


def test_thousands_of_rows_take_no_time() -> None:
    began = perf_counter()

    found = find_moved([Place(n, (n * 1009) % 5003 + 1) for n in range(1, 5003)])

    assert len(found) > 4000
    assert perf_counter() - began < 1
