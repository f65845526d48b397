"""Which words of two texts are marked as different."""

from time import process_time

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
        ("", "a", ("[]", "[a]")),
    ],
)
def test_the_words_that_differ_are_marked_one_by_one(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    old, new, _ = mark_words(before, after)

    assert (in_brackets(old), in_brackets(new)) == expected


ACUTE, FAMILY, NORWAY, SWEDEN = (
    "e\u0301",
    "\U0001f468\u200d\U0001f469",
    "\U0001f1f3\U0001f1f4",
    "\U0001f1f8\U0001f1ea",
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Leeds-2025-q3", "Leeds-2025-q4", ("Leeds-2025-q[3]", "Leeds-2025-q[4]")),
        ("Leeds-2025-q3", "Leeds-2025-q13", ("Leeds-2025-q[3]", "Leeds-2025-q[13]")),
        ("Leeds-2025-q3", "Leeds-2026-q3", ("Leeds-[2025]-q3", "Leeds-[2026]-q3")),
        ("colour", "color", ("colo[u]r", "color")),
        ("a colour scheme", "a color schemes", ("a colo[u]r scheme", "a color scheme[s]")),
        ("Leeds-a Leeds-b", "Leeds-c Leeds-d", ("Leeds-[a] Leeds-[b]", "Leeds-[c] Leeds-[d]")),
        (
            "https://a.example/x?y=1",
            "https://a.example/z?y=1",
            ("https://a.example/[x]?y=1", "https://a.example/[z]?y=1"),
        ),
        ("to ana.berg, now", "to ana.burg, now", ("to ana.b[e]rg, now", "to ana.b[u]rg, now")),
    ],
)
def test_of_a_long_word_the_few_characters_that_differ_are_marked(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    old, new, _ = mark_words(before, after)

    assert (in_brackets(old), in_brackets(new)) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("enabled", "disabled"),
        ("color", "colon"),
        ("2026-11-03", "2026-11-08"),
        ("10.0.0.11", "10.0.0.12"),
        ("3f2a9c1e", "3f77b00d"),
        ("workflow", "workshop"),
    ],
)
def test_a_short_word_a_number_or_one_of_which_much_differs_is_marked_as_a_whole(
    before: str, after: str
) -> None:
    old, new, _ = mark_words(f"it is {before}", f"it is {after}")

    assert (in_brackets(old), in_brackets(new)) == (f"it is [{before}]", f"it is [{after}]")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("resume-file", f"resum{ACUTE}-file", ("resum[e]-file", f"resum[{ACUTE}]-file")),
        (
            f"{FAMILY}-at-home",
            "\U0001f468-at-home",
            (f"[{FAMILY}]-at-home", "[\U0001f468]-at-home"),
        ),
        (
            f"northern-{NORWAY}-x",
            f"northern-{SWEDEN}-x",
            (f"northern-[{NORWAY}]-x", f"northern-[{SWEDEN}]-x"),
        ),
        (
            f"northern-{NORWAY}{NORWAY}",
            f"northern-{NORWAY}{SWEDEN}",
            (f"northern-[{NORWAY}{NORWAY}]", f"northern-[{NORWAY}{SWEDEN}]"),
        ),
        (
            "thumb-\U0001f44d-up",
            "thumb-\U0001f44d\U0001f3fd-up",
            ("thumb-[\U0001f44d]-up", "thumb-[\U0001f44d\U0001f3fd]-up"),
        ),
    ],
)
def test_what_is_read_as_one_character_is_never_cut_apart(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    old, new, _ = mark_words(before, after)

    assert (in_brackets(old), in_brackets(new)) == expected


long_words = st.text(f"ab-{ACUTE}1{FAMILY}{NORWAY}", min_size=6, max_size=30)


@given(long_words, st.data())
def test_a_mark_inside_a_word_never_begins_or_ends_in_a_character(
    word: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(word)))
    before, after = f"x{word}", f"x{word[:start]}{data.draw(long_words)[:2]}{word[start + 1 :]}"

    for runs in mark_words(before, after)[:2]:
        assert not [run.text for run in runs[1:] if run.text[0] in f"{ACUTE[1]}{FAMILY[1]}"]
        assert not [run.text for run in runs[:-1] if run.text.endswith(FAMILY[1])]


def test_a_word_that_can_be_cut_nowhere_takes_no_time() -> None:
    before, after = f"a{ACUTE[1] * 100_000}", f"a{ACUTE[1] * 100_001}b"
    began = process_time()

    mark_words(before, after)

    assert process_time() - began < 1


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
