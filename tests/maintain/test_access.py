"""pgwitness maintain as a command, and who may do what of it; whatever time zone they live in."""

import json
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from generator.cli import main
from generator.config import Config, ConfigError
from generator.parse import read_config
from tests.crm import VIEWER, create_role
from tests.databases import MIGRATIONS
from tests.maintenance import TERMS, Upkeep
from tests.viewer import changes, signed_in, viewer_over

CONFIG = str(MIGRATIONS / "audit.toml")
NEW_YORK = "-c TimeZone=America/New_York -c DateStyle=SQL,DMY"

MAINTAINING = [
    "SELECT audit._log_removal('crm', current_date, 1, 90)",
    "SELECT audit._split_last(now())",
    "SELECT audit._add_between(now(), now())",
    "INSERT INTO audit.maintenance_run (retention_days) VALUES (90)",
    "DELETE FROM audit.maintenance_run",
]


def run(database: str, *arguments: str) -> Result:
    command = ["maintain", "--config", CONFIG, "--database", database, *arguments]
    return CliRunner().invoke(main, command)


def refusal(upkeep: Upkeep, statement: str, role: str) -> str | None:
    with pytest.raises(psycopg.Error) as refused:
        upkeep.as_owner(statement, role=role)
    return refused.value.sqlstate


def test_a_good_run_says_a_line_for_each_partition_and_exits_0(upkeep: Upkeep) -> None:
    upkeep.age(90, ahead=5)
    upkeep.add_entries(-91, 12_345)
    result = run(upkeep.keeper)
    heads = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [(head["kind"], head["entries"]) for head in heads] == [("entries", 12_345), ("drop", 0)]
    assert "dropped, 12,345 entries\n" in result.stderr
    assert result.stderr.endswith("ok: 45 days ahead, 90 days kept\n")


def test_the_retention_of_the_command_goes_before_that_of_the_file(upkeep: Upkeep) -> None:
    upkeep.age(20)
    assert run(upkeep.keeper, "--retention-days", "10").exit_code == 0
    assert upkeep.days()[0] == -10
    assert upkeep.runs()[0].retention_days == 10


def test_somebody_in_the_way_is_named_and_the_command_exits_1(upkeep: Upkeep) -> None:
    upkeep.age(76, ahead=5)
    with psycopg.connect(upkeep.conninfo, application_name="report") as reader:
        reader.execute("SELECT count(*) FROM audit.entry")
        pid = reader.info.backend_pid
        result = run(upkeep.keeper)
    assert result.exit_code == 1
    assert f"blocked by pid {pid} (postgres, report" in result.stderr


def test_a_second_run_says_so_and_exits_0(upkeep: Upkeep) -> None:
    with upkeep.session():
        result = run(upkeep.keeper)
    assert result.exit_code == 0
    assert "another pgwitness maintain is running" in result.stderr
    assert upkeep.runs() == []


def test_days_are_those_of_utc_whatever_the_time_zone_of_the_session(upkeep: Upkeep) -> None:
    upkeep.age(93, ahead=5)
    upkeep.add_entries(0)
    result = run(make_conninfo(upkeep.keeper, options=NEW_YORK))
    assert result.exit_code == 0
    assert upkeep.days() == [*range(-90, -86), *range(30, 47)]
    assert set(upkeep.removed()) == {-94, -93, -92, -91}


def test_what_was_dropped_reads_as_a_change_made_by_the_system(upkeep: Upkeep) -> None:
    upkeep.age(90, ahead=5)
    upkeep.add_entries(-91, 2)
    upkeep.maintain()
    (entry,) = upkeep.as_owner(
        "SELECT actor, entity_label, old_row, source, db_user FROM audit.entry"
        " WHERE table_schema = 'audit'"
    )
    assert entry.actor is None
    assert entry.old_row.keys() == {"day", "entries", "retention_days"}
    assert (entry.source, entry.db_user) == ("crm", "audit_keeper")


def test_what_is_not_past_the_retention_is_not_dropped_even_by_hand(upkeep: Upkeep) -> None:
    upkeep.maintain()
    name = upkeep.partitions()[0].name
    upkeep.as_owner(f"ALTER TABLE audit.entry DETACH PARTITION audit.{name}")
    drop = (
        f"SELECT audit._drop_detached(started_at, '{name}', now() - interval '2 days',"
        " now() - interval '1 day', 'crm') FROM audit.maintenance_run"
    )
    assert refusal(upkeep, drop, "audit_owner") == "UA007"
    assert upkeep.tables() == {name}


@pytest.mark.parametrize("role", ["audit_reader", "crm_app"])
def test_nobody_else_maintains(upkeep: Upkeep, role: str) -> None:
    for statement in MAINTAINING:
        assert refusal(upkeep, statement, role) == "42501", statement


def test_a_reader_reads_what_runs_did(upkeep: Upkeep) -> None:
    upkeep.maintain()
    (row,) = upkeep.as_owner("SELECT * FROM audit.maintenance_run", role="audit_reader")
    assert row.retention_days == TERMS.retention
    assert row.finished_at >= row.started_at


def test_an_admin_reads_what_was_dropped(upkeep: Upkeep, tmp_path: Path) -> None:
    upkeep.age(90, ahead=5)
    upkeep.add_entries(-91, 12_345)
    upkeep.maintain()
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, VIEWER, "audit_reader")
    with viewer_over(make_conninfo(upkeep.conninfo, user=VIEWER), tmp_path) as app:
        (change,) = changes(signed_in(app), entity="Day")
    day = date.today() - timedelta(days=91)
    assert change.who.startswith("System")
    assert change.kind == "Deleted"
    assert change.name == f"{day.day} {day:%B %Y}"
    assert change.said == (
        f"Removed the entries of {day.day} {day:%b %Y}, 12,345 of them, by the retention of 90 days"
    )


def read(folder: Path, *lines: str) -> Config:
    (folder / "audit.toml").write_text("\n".join(['source = "crm"', *lines]))
    return read_config(folder / "audit.toml")


def test_the_config_says_how_long_to_keep_and_who_maintains(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert (config.retention_days, config.maintainer) == (90, None)
    config = read(tmp_path, "retention_days = 30", 'maintainer = "audit_keeper"')
    assert (config.retention_days, config.maintainer) == (30, "audit_keeper")


@pytest.mark.parametrize("days", ["0", "-1", "1.5", '"90"', "true", "36501"])
def test_a_retention_that_is_no_number_of_days_is_refused(tmp_path: Path, days: str) -> None:
    with pytest.raises(ConfigError, match='"retention_days" must be a number of days'):
        read(tmp_path, f"retention_days = {days}")
