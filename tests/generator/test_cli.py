"""The command: data on stdout, messages on stderr, exit 2 for what the user can mend."""

import re
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from generator.cli import main
from generator.parse import read_config
from tests.databases import MIGRATIONS, REFERENCE, yoyo_address

WORKFLOW = '[table."crm.workflow"]\nmodule = "Workflows"\nentity = "Workflow"\n'
USER = '[table."crm.user"]\nmodule = "Users"\nentity = "User"\n'
NOWHERE = "host=127.0.0.1 port=1 user=nobody"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="pgwitness")


def refused(*arguments: str | Path) -> str:
    """Run what must fail by the user's mistake, and return what it says about it."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert isinstance(result.exception, SystemExit)
    return result.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "audit.toml"
    path.write_text(f'source = "crm"\n{WORKFLOW}{USER}', encoding="utf-8")
    return path


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_is_a_sentence_and_an_example(command: str) -> None:
    result = run(command, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.match(
        rf"Usage: pgwitness {command} \[OPTIONS\]\n\n  [A-Z][^[]*\.\n\n  pgwitness {command} ",
        result.stdout,
    )


@pytest.mark.parametrize("command", sorted(main.commands))
def test_a_verb_is_the_module_of_its_name(command: str) -> None:
    assert main.commands[command].callback.__module__ == f"generator.commands.{command}"


def test_help_without_a_command_shows_the_way_from_nothing_to_a_check() -> None:
    shown = re.findall(r"^  (pgwitness|yoyo) (\w+)", run("--help").stdout, re.MULTILINE)
    assert [verb for _, verb in shown] == ["init", "generate", "apply", "check"]


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"pgwitness, version \d+\.\d+\.\d+\n", run("--version").stdout)


def test_init_writes_the_config_to_stdout_and_advice_to_stderr(
    reference: str, tmp_path: Path
) -> None:
    result = run("init", "--database", reference)
    (tmp_path / "audit.toml").write_text(result.stdout, encoding="utf-8")
    assert result.exit_code == 0
    proposed, tracked = (
        {table.name for table in read_config(folder / "audit.toml").tables}
        for folder in (tmp_path, MIGRATIONS)
    )
    assert proposed == tracked
    assert "Review it" in result.stderr


def test_init_takes_several_schemas(empty_database: str) -> None:
    with psycopg.connect(empty_database) as owner:
        owner.execute("CREATE SCHEMA a CREATE TABLE x (id int)")
        owner.execute("CREATE SCHEMA b CREATE TABLE x (id int)")
        owner.execute("CREATE SCHEMA c CREATE TABLE x (id int)")
    result = run("init", "--database", empty_database, "--schema", "a", "--schema", "c")
    assert re.findall(r'\[table\."(.*)"\]', result.stdout) == ["a.x", "c.x"]


def test_init_names_a_schema_that_is_not_there(reference: str) -> None:
    said = refused("init", "--database", reference, "--schema", "crn")
    assert said == f'schema "crn": is not in "{REFERENCE}" – check --schema\n'


@pytest.mark.parametrize("command", ["init", "check"])
@pytest.mark.parametrize("database", [NOWHERE, "no such conninfo", "postgresql://[::1"])
def test_a_database_that_can_not_be_reached_is_a_message(
    config: Path, command: str, database: str
) -> None:
    options = ("--config", config) if command == "check" else ()
    assert refused(command, *options, "--database", database).startswith("--database: ")


def test_render_prints_the_sql_of_each_table(config: Path) -> None:
    result = run("render", "--config", config)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.findall(r"^-- Tracks (.*)\.$", result.stdout, re.MULTILINE) == [
        '"crm"."workflow"',
        '"crm"."user"',
    ]


def test_render_prints_one_table(config: Path) -> None:
    assert run("render", "-c", config, "--table", "crm.user").stdout.count("-- Tracks") == 1


def test_render_says_which_tables_there_are(config: Path) -> None:
    said = refused("render", "-c", config, "--table", "crm.usr")
    assert said.endswith('table "crm.usr" is not in it – did you mean "crm.user"?\n')
    said = refused("render", "-c", config, "--table", "x")
    assert said.endswith('table "x" is not in it – known: crm.workflow, crm.user\n')


def test_render_of_no_table_is_nothing(config: Path) -> None:
    config.write_text('source = "crm"\n', encoding="utf-8")
    result = run("render", "-c", config)
    assert (result.exit_code, result.output) == (0, "")


def test_check_counts_one_table_as_one(config: Path) -> None:
    config.write_text(f'source = "crm"\n{WORKFLOW}', encoding="utf-8")
    run("generate", "-c", config)
    assert run("check", "-c", config).stderr == "ok: 1 table\n"


def test_generate_prints_what_it_wrote_and_nothing_the_second_time(config: Path) -> None:
    first, second = run("generate", "-c", config), run("generate", "-c", config)
    folder = config.parent / "migrations"
    assert first.stdout.splitlines() == [
        str(folder / name)
        for name in (
            "0001_audit_schema.sql",
            "0002_track_crm_workflow.sql",
            "0003_track_crm_user.sql",
        )
    ]
    assert (second.exit_code, second.stdout) == (0, "")
    assert second.stderr == f"{folder} is in line with {config}.\n"


def test_the_reference_installation_has_all_its_migrations() -> None:
    result = run("generate", "-c", MIGRATIONS / "audit.toml")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("command", ["render", "generate", "check"])
def test_everything_that_is_wrong_with_the_config_is_said_at_once(
    config: Path, command: str
) -> None:
    config.write_text(f"sourc = 1\n{WORKFLOW}lable = 1\n", encoding="utf-8")
    said = refused(command, "--config", config).splitlines()
    assert [line.partition(" (")[0] for line in said] == [
        'audit.toml: unknown key "sourc"',
        'audit.toml: "source" must be a text, such as source = "crm"',
        'audit.toml: table "crm.workflow": unknown key "lable"',
    ]
    assert list(config.parent.iterdir()) == [config]


@pytest.mark.parametrize("command", ["render", "generate", "check"])
def test_a_config_that_is_not_there_says_how_to_write_one(tmp_path: Path, command: str) -> None:
    said = refused(command, "--config", tmp_path / "audit.toml")
    assert said.endswith("no such file – write one with: pgwitness init\n")


@pytest.mark.parametrize("command", ["render", "generate", "check"])
def test_a_config_that_is_a_folder_is_a_message(tmp_path: Path, command: str) -> None:
    assert "is a directory" in refused(command, "--config", tmp_path)


def test_a_folder_of_migrations_that_can_not_be_written_is_a_message(config: Path) -> None:
    folder = config.parent / "migrations"
    folder.write_text("a file is in the way", encoding="utf-8")
    assert refused("generate", "-c", config) == f"{folder}: File exists\n"


def test_a_folder_that_yoyo_would_go_through_in_another_order_is_a_message(config: Path) -> None:
    (config.parent / "migrations").mkdir()
    (config.parent / "migrations" / "create_crm.sql").touch()
    assert '"create_crm.sql" would be applied after' in refused("generate", "-c", config)


@pytest.mark.parametrize("database", ["postgres+odd://dba:pa55@db/crm", "dba:pa55@db"])
def test_a_connection_string_that_is_none_is_not_repeated_with_its_password(database: str) -> None:
    said = refused("init", "--database", database)
    assert said == ("--database: is no connection string – write postgresql://user@host/database\n")


def test_a_connection_string_may_be_written_as_yoyo_wants_it(reference: str) -> None:
    assert run("init", "--database", yoyo_address(reference)).exit_code == 0
