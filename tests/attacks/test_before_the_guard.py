"""What somebody has laid out for the superuser to step on who applies the guard."""

from collections.abc import Iterator

import pytest

from generator.render import render_guard
from tests.attacks.outcomes import Attack
from tests.attacks.scene import MALLORY, acting, check
from tests.crm import Connection, Crm, create_role

pytestmark = pytest.mark.attacker("holder of CREATE on the database")

LAID_OUT = """
CREATE SCHEMA audit_guard;
CREATE FUNCTION audit_guard.refuse_change() RETURNS event_trigger LANGUAGE plpgsql
    AS 'BEGIN RAISE NOTICE ''run by %'', current_user; END';
"""


@pytest.fixture
def mallory(spare: Crm) -> Iterator[Connection]:
    """Somebody who made the schema of the guard before there was one."""
    with spare.as_superuser() as superuser:
        create_role(superuser, MALLORY)
        superuser.execute(f"GRANT CREATE ON DATABASE victim TO {MALLORY}".encode())
    with acting(spare, MALLORY) as connection:
        connection.execute(LAID_OUT)
        yield connection


@pytest.mark.parametrize(
    "statement",
    ["DROP SCHEMA audit_guard CASCADE", "DROP FUNCTION audit_guard.refuse_change() CASCADE",
     "CREATE OR REPLACE FUNCTION audit_guard.refuse_change() RETURNS event_trigger"
     " LANGUAGE plpgsql AS 'BEGIN END'"],
    ids=["drops the guard", "drops a function of it", "puts code into it"],
)  # fmt: skip
def test_who_made_its_schema_first(
    attack: Attack, spare: Crm, mallory: Connection, statement: str
) -> None:
    with spare.as_superuser() as superuser:
        superuser.execute(render_guard().encode())

    attack.refused(mallory, statement)


def test_whose_schema_it_is(attack: Attack, spare: Crm, mallory: Connection) -> None:
    attack.detected(check(spare), "changed", "schema audit_guard")
