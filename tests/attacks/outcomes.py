"""What became of each attack: asserted by its test, kept beside it, and written down at the end.

A pytest plugin. A test that fails is an attack that succeeded; nothing else says so.
"""

import json
import textwrap
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from generator.drift import Finding as Differing
from generator.reconcile import Difference
from generator.seals.finding import Finding as Proven

RECORD = Path(__file__).parents[2] / "build" / "attacks.json"
OUTCOMES = ("refused", "survived", "detected", "succeeded")
ATTACK = "attack"
"""The property of a test that its attack is kept in, so that pytest-xdist hands it on."""

Connection = psycopg.Connection[Any]
Found = Differing | Proven
Made = dict[str, str]
"""name, role, outcome and evidence of an attack."""


@dataclass
class Attack:
    """One attack, and what its test has asserted of it so far; the last word counts.

    *known* is what pgwitness check found before the attack.
    """

    made: Made
    known: Collection[Found] = field(default=(), repr=False)

    def refused(self, connection: Connection, statement: str, by: str = "42501") -> None:
        """Try a statement, and assert that the database refuses it by this SQLSTATE."""
        with (
            pytest.raises(psycopg.Error) as refusal,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(statement.encode())
        error = refusal.value
        assert error.sqlstate == by, f"{error.sqlstate} {error}"
        self._becomes("refused", f"{by} {error.diag.message_primary}")

    def in_vain(self, connection: Connection, statement: str) -> None:
        """Try a statement that nothing refuses, and assert that it touched or found no row."""
        with connection.transaction(force_rollback=True):
            cursor = connection.execute(statement.encode())
            assert cursor.rowcount == 0, f"{cursor.statusmessage}: {statement}"
        self._becomes("refused", f"{cursor.statusmessage}: no row is there for this role")

    def turned_away(self, status: int, by: int) -> None:
        """Assert that the viewer answered so."""
        assert status == by
        self._becomes("refused", f"HTTP {status}")

    def survived(self, entries: Collection[Any], *expected: Mapping[str, Any]) -> None:
        """Assert that these are the entries that the attack left, each with what it should say."""
        told = [
            {name: getattr(entry, name) for name in wanted}
            for entry, wanted in zip(entries, expected, strict=True)
        ]
        assert told == list(expected)
        said = ", ".join(f"{entry.operation} of {entry.table_name}" for entry in entries)
        self._becomes("survived", f"the log says {said or 'nothing'}: {list(expected)}")

    def shown(self, page: str, text: str) -> None:
        """Assert that a page shows a text as text."""
        assert text in page
        self._becomes("survived", f"the page shows {text}")

    def detected(self, findings: Collection[Found], state: str, what: str) -> None:
        """Assert that pgwitness check, or verify, names an object so, and did not do so before."""
        found = [f for f in findings if (f.state, f.object) == (state, what)]
        assert found, f"{state}: {what} is not in {[f'{f.state}: {f.object}' for f in findings]}"
        assert found[0] not in self.known, f"{state}: {what} was there before"
        self._becomes("detected", f"{state}: {what} – {found[0].what}")

    def differs(self, differences: Collection[Difference], value: str) -> None:
        """Assert that pgwitness reconcile names a row of which the table says something else."""
        found = [each for each in differences if value in str(each)]
        assert found
        self._becomes("detected", str(found[0]))

    def noted(self, notes: Collection[str], text: str) -> None:
        """Assert that pgwitness verify says so, though it is no finding."""
        found = [note for note in notes if text in note]
        assert found
        self._becomes("detected", found[0])

    def _becomes(self, outcome: str, evidence: str) -> None:
        self.made["outcome"] = outcome
        self.made["evidence"] = textwrap.shorten(evidence, 240, placeholder=" …")


def begin(item: pytest.Item) -> Attack:
    """Return the attack that a test makes; its marker says who attacks."""
    marker = item.get_closest_marker("attacker")
    assert marker is not None
    made = {"name": _name(item.name), "role": marker.args[0], "outcome": "", "evidence": ""}
    item.user_properties.append((ATTACK, made))
    return Attack(made)


def _name(test: str) -> str:
    """Return a test's name in words; of one of many alike, what tells it from the others."""
    function, _, one_of_many = test.removeprefix("test_").partition("[")
    words = function.replace("_", " ")
    return f"{words}: {one_of_many.removesuffix(']')}" if one_of_many else words


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test that has asserted nothing of its attack."""
    result = yield
    for key, made in pyfuncitem.user_properties:
        if key == ATTACK and not made["outcome"]:  # type: ignore[index]
            pytest.fail("what became of the attack was not asserted")
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write down what became of the attacks, if any were made, and count it."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, ())]
    attacks = sorted(_made(reports), key=lambda attack: (attack["role"], attack["name"]))
    if attacks:
        RECORD.parent.mkdir(exist_ok=True)
        text = json.dumps(attacks, ensure_ascii=False, indent=1)
        RECORD.write_text(f"{text}\n", encoding="utf-8")
        terminalreporter.section("attacks")
        for line in table(attacks):
            terminalreporter.write_line(line)


def _made(reports: Collection[Any]) -> Iterator[Made]:
    for report in reports:
        for key, made in report.user_properties:
            if key == ATTACK:
                yield made if report.passed else {**made, "outcome": "succeeded"}


def table(attacks: Collection[Made]) -> Iterator[str]:
    """Return the lines that count outcomes by who attacked."""
    counts = Counter((attack["role"], attack["outcome"]) for attack in attacks)
    counts.update(("all", attack["outcome"]) for attack in attacks)
    roles = [*dict.fromkeys(attack["role"] for attack in attacks), "all"]
    width = max(map(len, roles))
    yield " ".join([" " * width, *(f"{outcome:>9}" for outcome in OUTCOMES)])
    for role in roles:
        numbers = (f"{counts[role, outcome] or '–':>9}" for outcome in OUTCOMES)
        yield " ".join([f"{role:{width}}", *numbers])
