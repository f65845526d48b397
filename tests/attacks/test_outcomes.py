"""What an attack comes to is what its test asserted; and every attacker is in the README."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from auditviewer.demo.cluster import Cluster
from generator.drift import Finding
from tests.attacks.outcomes import OUTCOMES, Attack, table

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "tests" / "attacks").glob("test_*.py"))
ENTRY = SimpleNamespace(operation="UPDATE", table_name="workflow", actor="1")
FOUND = Finding("disabled", "trigger a", "is disabled", "enable it")


@pytest.fixture
def attack() -> Attack:
    return Attack({"name": "an attack", "role": "somebody", "outcome": "", "evidence": ""})


@pytest.fixture
def anybody(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
        yield connection


def test_what_is_refused_by_another_error_was_not_refused(
    attack: Attack, anybody: psycopg.Connection
) -> None:
    attack.refused(anybody, "SELECT 1 / 0", by="22012")
    assert attack.made["evidence"] == "22012 division by zero"
    with pytest.raises(AssertionError):
        attack.refused(anybody, "SELECT nothing")
    with pytest.raises(pytest.fail.Exception):
        attack.refused(anybody, "SELECT 1")


def test_what_found_a_row_was_not_in_vain(attack: Attack, anybody: psycopg.Connection) -> None:
    attack.in_vain(anybody, "SELECT WHERE false")
    assert attack.made["outcome"] == "refused"
    with pytest.raises(AssertionError):
        attack.in_vain(anybody, "SELECT 1")


def test_what_was_found_before_detects_nothing(attack: Attack) -> None:
    attack.detected([FOUND], "disabled", "trigger a")
    assert attack.made["evidence"] == "disabled: trigger a – is disabled"
    attack.known = [FOUND]
    with pytest.raises(AssertionError):
        attack.detected([FOUND], "disabled", "trigger a")


def test_an_entry_too_many_or_another_is_no_survival(attack: Attack) -> None:
    attack.survived([ENTRY], {"actor": "1"})
    assert attack.made["outcome"] == "survived"
    for entries in ([], [ENTRY, ENTRY]):
        with pytest.raises(ValueError, match="argument"):
            attack.survived(entries, {"actor": "1"})
    with pytest.raises(AssertionError):
        attack.survived([ENTRY], {"actor": "2"})


def test_outcomes_are_counted_by_role() -> None:
    made = [{"role": "app", "outcome": outcome} for outcome in (*OUTCOMES, "refused")]

    *_, role, total = table(made)
    assert role.split() == ["app", "2", "1", "1", "1"]
    assert total.split() == ["all", "2", "1", "1", "1"]


def test_every_attacker_is_in_the_readme() -> None:
    text = "".join(path.read_text("utf-8") for path in MODULES)
    attackers = set(re.findall(r'attacker\("([^"]+)"\)', text))
    _, _, section = (ROOT / "README.md").read_text("utf-8").partition("## What it withstands")
    rows = [
        line.split("|")[1] for line in section.partition("\n## ")[0].splitlines() if "|" in line
    ]

    told = {who.strip() for row in rows for who in row.split(";")}
    assert len(attackers) > 20
    assert attackers - told == set()
