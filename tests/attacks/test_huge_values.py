"""Values that would keep the log from being maintained."""

from datetime import timedelta

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import do, entries
from tests.crm import Crm, new_person

pytestmark = pytest.mark.attacker("application with bad input")

# To make words of each takes PostgreSQL the square of its length.
ENDLESS = ("a_", "./", "a1@", "<!-- ")
INDEX = "SELECT audit.index_day(((now() - interval '3 days') AT TIME ZONE 'UTC')::date)"


def test_an_application_stores_words_without_an_end(attack: Attack, victim: Crm) -> None:
    ana = new_person("Ana")
    for unit in ENDLESS:
        victim.add_workflow(unit, by=ana, description=unit * 20_000)
    victim.move_back(ana, timedelta(days=3))
    do(victim, "postgres", "SET ROLE audit_owner", "SET statement_timeout = '10s'", INDEX)

    told = [entry for entry in entries(victim) if entry.actor == ana.key]
    attack.survived(told, *({"operation": "INSERT", "entity_label": unit} for unit in ENDLESS))
