"""The line at the top of the list that says what is amiss with the upkeep of the log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from auditviewer.coverage import LEAST_AHEAD
from tests.crm import VIEWER, create_role
from tests.maintenance import Upkeep
from tests.page import parse
from tests.viewer import signed_in, viewer_over

TODAY = datetime.now(UTC).date()
ADD_DAYS = "SELECT audit._add_partition(current_date + %s, current_date + %s)"
RAN = """
    INSERT INTO audit.maintenance_run (started_at, finished_at, retention_days, given_up)
    VALUES (now() - interval '31 hours', now() - %s::interval, 90, %s)
"""


@pytest.fixture
def log(upkeep: Upkeep) -> Upkeep:
    """A log as it is right after its installation."""
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, VIEWER, "audit_reader")
    return upkeep


@pytest.fixture
def reader(log: Upkeep, tmp_path: Path) -> Iterator[FlaskClient]:
    with viewer_over(make_conninfo(log.conninfo, user=VIEWER), tmp_path) as app:
        yield signed_in(app)


def fault(reader: FlaskClient) -> str:
    return parse(reader.get("/").text).first(cls="fault").text


def day(days_ago: int) -> str:
    then = TODAY - timedelta(days=days_ago)
    return f"{then:%-d %b}" if then.year == TODAY.year else f"{then:%-d %b %Y}"


@pytest.mark.parametrize(
    ("finished", "given_up", "amiss"),
    [("23 hours", None, False), ("25 hours", None, True), ("1 hour", "blocked by pid 1", True)],
)
def test_the_list_says_that_maintenance_has_not_run_well(
    log: Upkeep, reader: FlaskClient, finished: str, given_up: str | None, amiss: bool
) -> None:
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = now() - interval '2 days'")
    log.as_owner(RAN, finished, given_up)

    said = fault(reader)
    assert said.startswith("Maintenance has not run well ") is amiss
    page = parse(reader.get("/coverage").text)
    assert page.first(cls="fault").text == said.removesuffix(" Coverage")


@pytest.mark.parametrize(("days_ago", "amiss"), [(91, False), (92, True)])
def test_the_list_says_that_a_day_should_be_gone(
    log: Upkeep, reader: FlaskClient, days_ago: int, amiss: bool
) -> None:
    log.as_owner(ADD_DAYS, -days_ago, 1 - days_ago)

    said = f"{day(days_ago)} is still in the log, which keeps 90 days. Coverage"
    assert fault(reader) == (said if amiss else "")


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (LEAST_AHEAD, ""),
        (9, "Only 9 days ahead are prepared. Coverage"),
        (1, "Only 1 day ahead is prepared. Coverage"),
        (0, "No day ahead is prepared. Coverage"),
    ],
)
def test_the_list_says_that_few_days_are_prepared(
    log: Upkeep, reader: FlaskClient, ahead: int, said: str
) -> None:
    log.age(45 - ahead)
    log.as_owner(RAN, "1 hour", None)

    assert fault(reader) == said
