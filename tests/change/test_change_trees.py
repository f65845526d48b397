"""Changes and the trees that are expected of them, a case for each rule and for rules together."""

import pytest

from auditviewer.change.changes import Change
from auditviewer.change.sentences import in_words, say
from auditviewer.change.sides import lay_out
from tests.change.trees import Case, read_cases, tree_of

CASES = read_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def shown(change: Change) -> set[tuple[str, str]]:
    """Return what stands in the two sides."""
    sections = lay_out(change, 999)
    return {(line.before.text, line.after.text) for each in sections for line in each.lines}


@each_case
def test_a_change_has_the_tree_that_is_expected(case: Case) -> None:
    assert tree_of(case.change) == case.tree


@each_case
def test_a_change_is_said_in_the_words_that_are_expected(case: Case) -> None:
    assert in_words(say(case.change)) == case.sentence


@each_case
def test_both_sides_show_every_field_of_the_tree(case: Case) -> None:
    fields = {(field.old.text, field.new.text) for field in case.change.fields}

    assert fields <= shown(case.change)


def test_each_case_has_a_name_of_its_own() -> None:
    assert len(CASES) > 60
    assert len({case.name for case in CASES}) == len(CASES)
