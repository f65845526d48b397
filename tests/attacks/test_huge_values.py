"""Values that would keep the log from being maintained, or its pages from being read."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import do, entries
from tests.crm import VIEWER, Crm, new_person
from tests.page import parse
from tests.viewer import signed_in, viewer_over

pytestmark = pytest.mark.attacker("application with bad input")

# To make words of each takes PostgreSQL the square of its length.
ENDLESS = ("a_", "./", "a1@", "<!-- ")
INDEX = "SELECT audit.index_day(((now() - interval '3 days') AT TIME ZONE 'UTC')::date)"


def test_an_application_stores_words_without_an_end(attack: Attack, spare: Crm) -> None:
    ana = new_person("Ana")
    for unit in ENDLESS:
        spare.add_workflow(unit, by=ana, description=unit * 20_000)
    spare.move_back(ana, timedelta(days=3))
    do(spare, "postgres", "SET ROLE audit_owner", "SET statement_timeout = '10s'", INDEX)

    told = [entry for entry in entries(spare) if entry.actor == ana.key]
    attack.survived(told, *({"operation": "INSERT", "entity_label": unit} for unit in ENDLESS))


def test_an_application_stores_what_is_little_as_stored_and_much_as_read(
    attack: Attack, spare: Crm, tmp_path: Path
) -> None:
    spare.add_workflow("Nurture")
    spare.save("UPDATE crm.workflow SET description = repeat('a', 26000000)")
    with viewer_over(spare.as_role(VIEWER), tmp_path) as app:
        page = signed_in(app).get("/").text

    attack.shown(parse(page).text, "A row too large to be shown here")
