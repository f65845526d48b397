"""The server's clock is set back: entries have its time, and none is lost, doubted or out of order.

A test sets back the log's own clock, which is a column's default, and leaves that of the machine.
"""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import errors

from generator.drift import Finding, find_drift
from generator.maintenance import Terms
from generator.parse import read_config
from tests.chains import Chain
from tests.crm import APP, Crm, Person, create_role
from tests.databases import MIGRATIONS
from tests.maintenance import Upkeep
from tests.seal_commands import pgwitness_verify, states
from tests.viewer import changes

SET_BACK = """
ALTER TABLE audit.entry
    ALTER occurred_at SET DEFAULT clock_timestamp() - '{by}'::interval,
    ALTER transaction_at SET DEFAULT transaction_timestamp() - '{by}'::interval
"""
RENAME = "UPDATE crm.workflow SET name = %s WHERE id = %s"


@pytest.fixture
def log(upkeep: Upkeep) -> Chain:
    """The log of a CRM that was installed five days ago, in which nothing was written yet."""
    upkeep.age(5)
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, APP, "crm_app")
    return Chain(upkeep.conninfo)


@pytest.fixture
def clock(crm: Crm) -> Iterator[psycopg.Connection]:
    """Who can set back the clock of the CRM that the page shows; it is right again afterwards."""
    with crm.as_superuser() as superuser:
        yield superuser
        superuser.execute(SET_BACK.format(by="0").encode())


def set_back(log: Chain, by: str) -> None:
    log.query(SET_BACK.format(by=by))


def findings(upkeep: Upkeep) -> list[Finding]:
    config = replace(read_config(MIGRATIONS / "audit.toml"), maintainer="audit_keeper")
    with psycopg.connect(upkeep.keeper) as keeper:
        return find_drift(keeper, config)


def days_of_entries(upkeep: Upkeep) -> dict[int, int]:
    """Return how many entries of tables there are, by day; today is 0."""
    found = upkeep.as_owner(
        "SELECT (occurred_at AT TIME ZONE 'UTC')::date - current_date AS day, count(*) AS number"
        " FROM audit.entry WHERE table_schema = 'crm' GROUP BY 1"
    )
    return {row.day: row.number for row in found}


def test_what_is_written_in_the_past_is_sealed_with_what_is_new(upkeep: Upkeep, log: Chain) -> None:
    log.add(3)
    log.seal()
    set_back(log, by="2 days")
    log.add(2)
    log.seal()
    set_back(log, by="0")
    log.add()

    assert [seal.entries for seal in log.seal()] == [1]
    assert days_of_entries(upkeep) == {0: 4, -2: 2}
    log.assert_whole()
    code, said = pgwitness_verify(log.conninfo)
    assert (code, len(said["notes"])) == (0, 1), said
    assert "a clock was set back" in said["notes"][0]


def test_a_day_that_is_wholly_sealed_and_ready_takes_more(upkeep: Upkeep, log: Chain) -> None:
    upkeep.maintain()
    set_back(log, by="2 days")
    log.add(2)
    run = upkeep.maintain()

    assert (run.given_up, days_of_entries(upkeep)) == ([], {-2: 2})
    assert states(log.conninfo) == (0, [])


def test_the_retention_takes_it_by_the_day_that_it_says(upkeep: Upkeep, log: Chain) -> None:
    set_back(log, by="3 days")
    log.add(2)
    set_back(log, by="0")
    log.add()
    upkeep.maintain(Terms("crm", retention=1))

    assert upkeep.removed()[-3] == 2
    assert days_of_entries(upkeep) == {0: 1}
    assert states(log.conninfo) == (0, [])


def test_a_clock_before_the_first_day_refuses_the_write_and_nothing_else(
    upkeep: Upkeep, log: Chain
) -> None:
    set_back(log, by="56 years")
    with pytest.raises(errors.CheckViolation, match="no partition"):
        log.add()
    set_back(log, by="0")
    log.add()

    assert log.query("SELECT count(*) AS number FROM crm.territory")[0].number == 1
    assert days_of_entries(upkeep) == {0: 1}


def test_check_says_that_the_clock_is_before_the_first_day(upkeep: Upkeep) -> None:
    upkeep.age(-3)
    [finding] = findings(upkeep)
    assert (finding.state, finding.object) == ("conflict", "table audit.entry")
    assert finding.what.endswith(": writes fail")


def test_the_page_shows_changes_by_the_clock(
    crm: Crm, admin: FlaskClient, ana: Person, workflow: int, clock: psycopg.Connection
) -> None:
    crm.save(RENAME, "First", workflow, by=ana)
    clock.execute(SET_BACK.format(by="3 hours").encode())
    crm.save(RENAME, "Second", workflow, by=ana)

    assert [change.rows[0][2] for change in changes(admin, by=ana.key or "")] == ["First", "Second"]
