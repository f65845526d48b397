"""The table of the README: every kind of change that the reference CRM shows has its test."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
KINDS = {"B": 5, "A": 10, "T": 3, "R": 6, "Q": 10, "W": 7}
"""How many kinds of change there are of each module."""
IDS = [f"{module}{number}" for module, last in KINDS.items() for number in range(1, last + 1)]


def rows() -> list[tuple[str, str]]:
    """Return id and test of each row of the README's table, in order."""
    readme = (HERE.parents[1] / "README.md").read_text("utf-8")
    section = readme.partition("## What the reference CRM shows\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([A-Z]\d+) \| [^|]+ \| `(\w+)` \|$", section, re.MULTILINE)


def written() -> list[str]:
    """Return the names of the tests beside this one that are of a kind of change."""
    modules = (ast.parse(path.read_text("utf-8")) for path in HERE.glob("test_*.py"))
    functions = (each for module in modules for each in module.body)
    names = [each.name for each in functions if isinstance(each, ast.FunctionDef)]
    return [name for name in names if re.match(r"test_[A-Z]\d+_", name)]


def test_the_readme_names_a_test_for_each_kind_of_change() -> None:
    assert [id_ for id_, _ in rows()] == IDS
    assert [id_ for id_, test in rows() if not test.startswith(f"test_{id_}_")] == []


def test_the_readme_names_the_tests_that_there_are() -> None:
    assert sorted(test for _, test in rows()) == sorted(written())
