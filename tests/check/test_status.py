"""pgwitness status: what a log holds, since when, how fast it grows, and who takes care of it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.cli import main
from generator.maintenance import Terms
from generator.status.text import number_in_short, size_in_words
from tests.crm import VIEWER, create_role
from tests.databases import new_database
from tests.maintenance import Upkeep
from tests.page import parse, read_facts
from tests.viewer import signed_in, viewer_over

TODAY = datetime.now(UTC).date()
ADD = """
    INSERT INTO audit.entry (occurred_at, source, operation, table_schema, table_name,
                             module, entity, new_row)
    SELECT current_date::timestamptz - interval '1 hour', 'crm', 'INSERT', 'crm',
           CASE WHEN mod(n, 4) = 0 THEN 'workflow' ELSE 'territory' END, 'Some', 'Thing',
           jsonb_build_object('text', repeat('x', 600))
    FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def log(upkeep: Upkeep) -> Upkeep:
    """A log as it is right after its installation."""
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, VIEWER, "audit_reader")
    return upkeep


@pytest.fixture(scope="module")
def grown(cluster: Cluster, reference_template: Any) -> Iterator[Upkeep]:
    """A log of two whole days, with 400 entries on the last, which its tests read alone."""
    with new_database(cluster, "grown", template=reference_template.template_dbname):
        log = Upkeep(cluster.conninfo("grown", host=LOOPBACK))
        with psycopg.connect(log.conninfo) as superuser:
            create_role(superuser, VIEWER, "audit_reader")
        grow(log)
        yield log


def grow(log: Upkeep) -> None:
    """Let two whole days go by, and 400 entries come on the last."""
    log.age(3)
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = now() - interval '3 days'")
    log.as_owner(ADD, 400, role="audit_owner")


def run(conninfo: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["status", "--database", conninfo, *arguments])


def status(log: Upkeep, user: str = VIEWER) -> Any:
    """Return what the command says to a machine."""
    result = run(make_conninfo(log.conninfo, user=user), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def as_text(log: Upkeep) -> str:
    result = run(make_conninfo(log.conninfo, user=VIEWER))
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_a_new_log_is_empty_prepared_and_not_maintained(log: Upkeep) -> None:
    said = status(log)

    assert said["total"]["entries"] == 0
    assert (said["oldest_entry"], said["a_day"], said["kept_days_will_need"]) == (None, None, None)
    assert said["upkeep"]["days_ahead"] == 45
    assert said["upkeep"]["prepared_until"] == str(TODAY + timedelta(days=46))
    assert said["upkeep"]["ran_well_at"] is said["upkeep"]["indexed_until"] is None


def test_each_table_says_since_when_and_until_when(log: Upkeep) -> None:
    log.as_owner("CALL audit._forget('crm', 'workflow')")

    tables = {table["name"]: table for table in status(log)["tables"]}

    assert len(tables) == 17
    assert all(table["tracked_at"].startswith(str(TODAY)) for table in tables.values())
    assert [name for name, table in tables.items() if table["untracked_at"]] == ["crm.workflow"]


def track_again(log: Upkeep, days_ago: int, until: int) -> None:
    """Track workflows anew, which were tracked some days ago, until a day that is fewer ago."""
    log.as_owner(
        "UPDATE audit.tracked_table SET tracked_at = current_date - %s,"
        " untracked_at = current_date - %s WHERE table_name = 'workflow'",
        days_ago,
        until,
    )
    log.as_owner("CALL audit._describe('crm', 'workflow', 'Workflows', 'Workflow')")


def test_a_table_tracked_again_says_in_which_gaps_it_was_not(log: Upkeep) -> None:
    track_again(log, 9, 7)
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = current_date - 6")
    track_again(log, 6, 2)

    [workflow] = (t for t in status(log)["tables"] if t["name"] == "crm.workflow")

    begun, *gaps = (TODAY - timedelta(days=n) for n in (9, 7, 6, 2))
    assert workflow["tracked_at"].startswith(str(begun))
    assert [str(moment)[:10] for gap in workflow["gaps"] for moment in gap.values()] == [
        *map(str, gaps),
        str(TODAY),
    ]
    assert f"not {gaps[0]} 00:00 – {gaps[1]} 00:00 UTC; not {gaps[2]} 00:00 – " in as_text(log)


def test_words_that_change_are_no_gap(log: Upkeep) -> None:
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = current_date - 3")
    log.as_owner("CALL audit._describe('crm', 'workflow', 'Automation', 'Workflow')")

    [workflow] = (t for t in status(log)["tables"] if t["name"] == "crm.workflow")

    assert (workflow["gaps"], workflow["untracked_at"]) == ([], None)
    assert workflow["tracked_at"].startswith(str(TODAY - timedelta(days=3)))


def test_growth_is_told_a_day_a_table_and_for_the_days_that_are_kept(grown: Upkeep) -> None:
    said = status(grown)

    days = {day["day"]: day["amount"]["entries"] for day in said["days"]}
    tables = {table["name"]: table["a_day"] for table in said["tables"]}
    assert days == {str(TODAY - timedelta(days=n)): 400 if n == 1 else 0 for n in (2, 1, 0)}
    assert (said["total"]["entries"], said["a_day"]["entries"], said["is_exact"]) == (
        400,
        200,
        True,
    )
    assert said["kept_days_will_need"]["bytes"] == said["a_day"]["bytes"] * 90
    assert tables["crm.territory"]["entries"] == 150
    assert tables["crm.workflow"]["bytes"] * 3 == pytest.approx(tables["crm.territory"]["bytes"], 5)


def test_bytes_are_those_of_the_partitions_with_their_indexes(grown: Upkeep) -> None:
    [whole] = grown.as_owner(
        "SELECT sum(pg_total_relation_size(format('audit.%%I', name)::regclass)) AS bytes"
        " FROM audit._partitions() WHERE %s",
        True,
    )

    assert status(grown)["total"]["bytes"] == whole.bytes


def test_of_many_entries_a_sample_is_read(log: Upkeep) -> None:
    grow(log)
    log.as_owner(ADD.replace("600", "1200"), 16_000, role="audit_owner")

    said = status(log)

    assert said["is_exact"] is False
    assert said["total"]["entries"] == pytest.approx(16_400, rel=0.15)
    [territory] = (table for table in said["tables"] if table["name"] == "crm.territory")
    assert territory["a_day"]["entries"] == pytest.approx(0.75 * 8_200, rel=0.15)


def test_what_maintenance_did_is_told(log: Upkeep) -> None:
    log.age(33, ahead=35)
    log.add_entries(-3, 5)
    log.maintain(Terms("crm", retention=30))

    said = status(log)

    assert said["upkeep"]["retention_days"] == 30
    assert said["upkeep"]["indexed_until"] == str(TODAY)
    assert said["upkeep"]["not_indexed"] == 0
    assert said["upkeep"]["ran_well_at"] >= said["upkeep"]["last_run_at"]
    assert said["oldest_entry"].startswith(str(TODAY - timedelta(days=3)))


def test_a_run_that_gave_up_says_what_it_left(log: Upkeep) -> None:
    log.as_owner(
        "INSERT INTO audit.maintenance_run (finished_at, retention_days, given_up)"
        " VALUES (now(), 90, E'blocked by pid 42\\nand by pid 43')"
    )

    text = as_text(log)

    assert re.search(r"^maintained +never$", text, re.MULTILINE)
    assert re.search(r"^given up +\S+ \S+ UTC: blocked by pid 42; and by pid 43$", text, re.M)


def test_in_a_terminal_it_is_three_tables_and_whom_to_trust(grown: Upkeep) -> None:
    facts, days, tables, trust = as_text(grown).strip().split("\n\n")

    assert re.search(r"^grows by +about 200 entries a day, \d+ kB with indexes$", facts, re.M)
    assert re.search(r"^prepared +42 days ahead, until \S+ 00:00 UTC$", facts, re.M)
    assert [line.split()[:2] for line in days.splitlines()[1:-1]] == [
        [str(TODAY - timedelta(days=2)), "0"],
        [str(TODAY - timedelta(days=1)), "400"],
    ]
    assert f"{TODAY} so far" in days
    assert re.search(r"^crm\.territory +\S+ \S+ UTC +150 +\d+ kB +\S+ MB$", tables, re.M)
    assert {len(line) for line in days.splitlines()[1:]} == {len(days.splitlines()[0])}
    assert re.search("^  superusers, whom nothing stops: postgres", trust, re.M)


def test_with_a_configuration_it_says_how_much_is_to_mend(log: Upkeep) -> None:
    log.as_owner('ALTER TABLE crm.workflow DISABLE TRIGGER "!audit_insert"', role="crm_owner")
    config = str(Path(__file__).parents[2] / "migrations" / "audit.toml")
    asked = run(make_conninfo(log.conninfo, user=VIEWER), "--config", config).stdout

    # The other one is that somebody maintains the log whom it does not name.
    assert "\n  2 to mend: run pgwitness check\n" in asked
    assert "\n  not compared with audit.toml" in as_text(log)
    assert status(log)["trust"]["findings"] is None


def test_several_days_in_one_partition_are_told_together(log: Upkeep) -> None:
    log.as_owner("UPDATE audit.tracked_table SET tracked_at = now() - interval '9 days'")
    log.as_owner("SELECT audit._add_partition(current_date - 5, current_date - 1)")

    first, last = TODAY - timedelta(days=5), TODAY - timedelta(days=2)
    assert re.search(rf"^{first} – {last} +0 +\d+ kB$", as_text(log), re.M)
    assert status(log)["a_day"]["bytes"] * 5 == pytest.approx(
        sum(day["amount"]["bytes"] for day in status(log)["days"][:2]), abs=5
    )


def test_the_command_and_the_page_say_the_same(grown: Upkeep, tmp_path: Path) -> None:
    said = status(grown)
    with viewer_over(make_conninfo(grown.conninfo, user=VIEWER), tmp_path) as app:
        html = signed_in(app).get("/coverage").text

    text = parse(html).text
    needed = size_in_words(said["kept_days_will_need"]["bytes"])
    assert f"about 200 entries and {size_in_words(said['a_day']['bytes'])} came a day" in text
    assert f"90 days take about {needed}." in text
    assert read_facts(html)["Prepared ahead"].startswith(f"{said['upkeep']['days_ahead']} days")


def test_it_is_for_members_of_the_reader_and_of_the_owner(log: Upkeep) -> None:
    assert len({len(status(log, role)["tables"]) for role in ("audit_keeper", "crm_owner")}) == 1


def test_a_database_out_of_reach_is_a_message() -> None:
    nowhere = run("host=127.0.0.1 port=1")
    assert nowhere.exit_code == 2
    assert nowhere.stderr.startswith("--database: ")


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.667, "0.67"), (16.2, "16"), (345, "345"), (1234, "1,230"), (12345, "12,300")],
)
def test_numbers_have_as_many_digits_as_one_can_take_in(number: float, words: str) -> None:
    assert number_in_short(number) == words
