"""The page that says what the log covers: tables, days, upkeep, growth, and what was dropped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from auditviewer.change.quantities import size_in_words
from generator.maintenance import Terms
from tests.crm import VIEWER, create_role
from tests.maintenance import Upkeep
from tests.page import Element, links_named, parse, read_facts
from tests.viewer import signed_in, viewer_over

TODAY = datetime.now(UTC).date()
TRACK_AGAIN = """
    UPDATE audit.tracked_table
    SET tracked_at = now() - interval '9 days', untracked_at = now() - interval '3 days'
    WHERE table_name = 'workflow';
    CALL audit._describe('crm', 'workflow', 'Workflows', 'Workflow');
"""
ADD_DAYS = "SELECT audit._add_partition(current_date + %s, current_date + %s)"
ADD_MANY = """
    INSERT INTO audit.entry (occurred_at, source, operation, table_schema, table_name,
                             module, entity, new_row)
    SELECT current_date::timestamptz - interval '1 hour', 'crm', 'INSERT', 'crm',
           CASE WHEN mod(n, 4) = 0 THEN 'workflow' ELSE 'territory' END, 'Some', 'Thing',
           jsonb_build_object('text', repeat('x', 1200))
    FROM generate_series(1, 16000) AS n
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


def html(reader: FlaskClient, **asked: str) -> str:
    answer = reader.get("/coverage", query_string=asked)
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(page: Element, caption: str) -> list[list[str]]:
    """Return the cells of a table's body, without those that head a group."""
    [table] = (t for t in page.all("table") if caption in said_aloud(t.first("caption")))
    cells = [[c.text for c in row.all() if c.tag in ("th", "td")] for row in table.all("tr")]
    return [row for row in cells[1:] if len(row) > 1]


def shown(size: float) -> str:
    return size_in_words(size).replace("\N{NO-BREAK SPACE}", " ")


def said_aloud(element: Element) -> str:
    return "".join(each for each in element.inside if isinstance(each, str))


def fault(reader: FlaskClient) -> str:
    return parse(reader.get("/").text).first(cls="fault").text


def made_days_ago(log: Upkeep, days: int) -> None:
    """Make it a log that was installed so long ago, with the day before as its first."""
    log.age(days)
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = now() - %s", timedelta(days=days))


def day(days_ago: int) -> str:
    then = TODAY - timedelta(days=days_ago)
    return f"{then:%-d %b}" if then.year == TODAY.year else f"{then:%-d %b %Y}"


def test_each_table_is_listed_with_its_module_and_since_when(reader: FlaskClient) -> None:
    page = parse(html(reader))

    listed = dict(rows(page, "Tables by module"))
    modules = [each.text for each in page.all("tr", "part")]
    assert listed["Workflow · Condition crm.workflow_condition"].startswith(f"{day(0)}, ")
    assert len(listed) == 17
    assert modules == sorted(modules)
    assert "Audit log" not in modules


def test_a_table_that_is_given_up_says_until_when(log: Upkeep, reader: FlaskClient) -> None:
    log.as_owner("CALL audit._forget('crm', 'workflow')")

    listed = dict(rows(parse(html(reader)), "Tables by module"))

    assert listed["Workflow crm.workflow"].endswith(": no longer tracked")
    assert "until" not in listed["Territory crm.territory"]


def test_a_table_tracked_again_says_when_it_was_not(log: Upkeep, reader: FlaskClient) -> None:
    for statement in TRACK_AGAIN.strip().split(";\n"):
        log.as_owner(statement)

    listed = dict(rows(parse(html(reader, zone="UTC")), "Tables by module"))

    said = listed["Workflow crm.workflow"]
    assert said.startswith(f"{day(9)}, ")
    assert f"not between {day(3)}, " in said
    assert f" and {day(0)}, " in said
    assert "not between" not in listed["Territory crm.territory"]


def test_a_new_log_is_in_order(reader: FlaskClient) -> None:
    facts = read_facts(html(reader))

    ahead = TODAY + timedelta(days=45)
    year = f" {ahead.year}" if ahead.year != TODAY.year else ""
    assert facts == {
        "Oldest entry": "There is none yet",
        "Kept for": "90 days",
        "Prepared ahead": f"45 days, until {ahead:%-d %b}{year}",
        "Maintenance": "Not yet",
        "Text search": "Not indexed yet",
    }
    assert fault(reader) == ""


def test_what_maintenance_did_is_told(log: Upkeep, reader: FlaskClient) -> None:
    made_days_ago(log, 33)
    log.add_entries(-34, 12)
    log.add_entries(-3, 5)
    log.maintain(Terms("crm", retention=30))

    answer = html(reader, zone="UTC")

    facts, dropped = read_facts(answer), rows(parse(answer), "Days that were dropped")
    assert facts["Oldest entry"] == f"{day(3)}, 12:00"
    assert facts["Kept for"] == "30 days"
    assert facts["Maintenance"].startswith(f"Ran well on {day(0)}, ")
    assert facts["Text search"] == f"Indexed until {day(1)}"
    assert [row[:2] for row in dropped] == [[day(n), "0"] for n in (31, 32, 33)] + [[day(34), "12"]]
    assert fault(reader) == ""


def test_dropped_days_lead_to_their_entries(log: Upkeep, reader: FlaskClient) -> None:
    made_days_ago(log, 91)
    log.maintain()

    [link] = links_named(parse(html(reader)), "an entry of the log")

    assert "Removed the entries of" in parse(reader.get(link).text).text


def test_growth_is_told_by_whole_days_and_by_table(log: Upkeep, reader: FlaskClient) -> None:
    made_days_ago(log, 3)
    for days_ago, number in {3: 7, 2: 30, 1: 10, 0: 5}.items():
        log.add_entries(-days_ago, number)

    page = parse(html(reader))

    by_day, by_table = rows(page, "the last whole days"), rows(page, "of each table a day")
    assert [row[:2] for row in by_day] == [[day(1), "10"], [day(2), "30"]]
    assert [row[:2] for row in by_table] == [["Workflow", "20"]]
    assert "in about 52 entries. Over the last 2 whole days about 20 entries" in page.text
    assert "were counted" in page.text


def test_several_days_in_one_partition_are_told_together(log: Upkeep, reader: FlaskClient) -> None:
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = now() - interval '9 days'")
    log.as_owner(ADD_DAYS, -5, -1)
    log.add_entries(-3, 8)

    page = parse(html(reader))

    by_day = [row[:2] for row in rows(page, "the last whole days")]
    assert by_day == [[day(1), "0"], [f"{day(5)} – {day(2)}", "8"]]
    assert "Over the last 5 whole days about 1.6 entries" in page.text


def test_the_tables_of_a_day_share_its_bytes(log: Upkeep, reader: FlaskClient) -> None:
    made_days_ago(log, 2)
    log.as_owner(ADD_MANY.replace("16000", "400"), role="audit_owner")
    partition = f"audit.entry_{TODAY - timedelta(days=1):%Y%m%d}"
    [size] = log.as_owner(f"SELECT pg_total_relation_size('{partition}') AS bytes")

    [listed] = rows(parse(html(reader)), "the last whole days")

    shares = rows(parse(html(reader)), "of each table a day")
    assert listed == [day(1), "400", shown(size.bytes)]
    assert [row[:2] for row in shares] == [["Territory", "300"], ["Workflow", "100"]]
    assert shares[0][2] == shown(size.bytes * 0.75)
    assert shares[0][3] == shown(size.bytes * 0.75 * 90)


def test_of_many_entries_a_sample_is_read_and_the_page_says_so(
    log: Upkeep, reader: FlaskClient
) -> None:
    made_days_ago(log, 2)
    log.as_owner(ADD_MANY, role="audit_owner")

    page = parse(html(reader))

    [listed] = rows(page, "the last whole days")
    found = {row[0]: int(row[1].replace(",", "")) for row in rows(page, "of each table a day")}
    assert 14_000 < int(listed[1].replace(",", "")) < 18_000
    assert 3_000 < found["Workflow"] < 5_000
    assert "is told by a sample" in page.text


def test_without_a_whole_day_no_rate_is_told(log: Upkeep, reader: FlaskClient) -> None:
    log.add_entries(0, 3)

    page = parse(html(reader))

    assert "There is no whole day yet" in page.text
    assert "the last whole days" not in [said_aloud(c) for c in page.all("caption")]


def test_the_list_leads_to_the_page_in_the_zone_of_the_reader(reader: FlaskClient) -> None:
    [link] = links_named(parse(reader.get("/?zone=Asia/Tokyo").text), "17 tables tracked")

    page = parse(reader.get(link).text)

    assert link == "/coverage?zone=Asia/Tokyo"
    assert "Times in Asia/Tokyo" in page.text
