"""Which words of two texts are marked as different."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.marks import MOST_EFFORT, Runs, mark_words

texts = st.text("ab ,.\n")


def in_brackets(runs: Runs) -> str:
    return "".join(f"[{run.text}]" if run.is_marked else run.text for run in runs)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "write in two days",
            "write in three days",
            ("write in [two] days", "write in [three] days"),
        ),
        ("a b c d e", "a x c y e", ("a [b] c [d] e", "a [x] c [y] e")),
        ("a, b", "a, b, c", ("a, b", "a, b[, c]")),
        ("Ana, Jo.", "Kim, Jo.", ("[Ana], Jo.", "[Kim], Jo.")),
        ("a b c d e", "v w x y e z", ("[a b c d e]", "[v w x y e z]")),
        ("3.5", "3.6", ("[3.5]", "[3.6]")),
        ("...", "..", ("[...]", "[..]")),
    ],
)
def test_the_words_that_differ_are_marked_one_by_one(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    old, new, _ = mark_words(before, after)

    assert (in_brackets(old), in_brackets(new)) == expected


@given(texts, texts, st.sampled_from([0, 10, MOST_EFFORT]))
def test_runs_are_the_text_and_what_is_not_marked_is_shared(
    before: str, after: str, effort: int
) -> None:
    old, new, left = mark_words(before, after, effort)

    assert ["".join(run.text for run in runs) for runs in (old, new)] == [before, after]
    assert 0 <= left <= effort
    shared = ["".join(run.text for run in runs if not run.is_marked).split() for runs in (old, new)]
    assert "".join(shared[0]) == "".join(shared[1])


def test_without_effort_all_between_what_both_ends_share_is_marked() -> None:
    old, new, left = mark_words("a b c d e", "a x c y e", effort=0)

    assert (in_brackets(old), in_brackets(new)) == ("a [b c d] e", "a [x c y] e")
    assert left == 0


def test_what_marking_took_is_taken_from_the_effort() -> None:
    *_, once = mark_words("a b c d e", "a x c y e")
    *_, twice = mark_words("a b c d e", "a x c y e", once)

    assert 0 < MOST_EFFORT - once == once - twice
