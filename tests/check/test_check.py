"""pgwitness check: what it compares, whom it lets, what it prints and how it exits."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.cli import main
from generator.drift import find_drift
from generator.parse import read_config
from tests.databases import REFERENCE

MIGRATIONS = Path(__file__).parents[2] / "migrations"
CONFIG = read_config(MIGRATIONS / "audit.toml")


@pytest.fixture
def superuser(cluster: Cluster, reference: str) -> Iterator[psycopg.Connection]:
    conninfo = cluster.conninfo(REFERENCE, host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def reader(superuser: psycopg.Connection) -> Iterator[str]:
    """Return the name of a role that has no right yet, for one test."""
    superuser.execute("CREATE ROLE check_reader LOGIN")
    yield "check_reader"
    superuser.execute("DROP ROLE check_reader")


def said(conninfo: str, user: str) -> list[str]:
    with psycopg.connect(conninfo, user=user) as connection:
        return sorted(f"{f.state} {f.object}" for f in find_drift(connection, CONFIG))


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_the_reference_installation_is_as_declared(reference: str) -> None:
    done = check("--config", MIGRATIONS / "audit.toml", "--database", reference)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "ok: 17 tables\n"


def test_a_hot_patched_capture_function_is_found_whatever_its_comment_says(
    reference: str, superuser: psycopg.Connection
) -> None:
    function = "'audit.capture_crm_workflow()'::regprocedure"
    query = f"SELECT pg_get_functiondef({function}), obj_description({function}, 'pg_proc')"
    (definition, comment), *_ = superuser.execute(query.encode())
    superuser.execute(definition.replace("\nBEGIN\n", "\nBEGIN\n    RETURN NULL;\n", 1).encode())
    assert [row[1] for row in superuser.execute(query.encode())] == [comment]
    done = check("-c", MIGRATIONS / "audit.toml", "--database", reference)
    assert done.exit_code == 1
    assert done.stdout.startswith("changed: function audit.capture_crm_workflow – ")
    assert re.findall(r"^[+-][^+-].*", done.stdout, re.MULTILINE) == ["+    RETURN NULL;"]


def test_a_changed_config_without_a_migration_is_found_without_a_database(tmp_path: Path) -> None:
    text = (MIGRATIONS / "audit.toml").read_text("utf-8")
    text = text.replace('migrations = "."', f'migrations = "{MIGRATIONS}"')
    (tmp_path / "audit.toml").write_text(text.replace('label = "Runs"', 'label = "Times run"'))
    done = check("--config", tmp_path / "audit.toml")
    assert done.exit_code == 1
    assert done.stdout.startswith("migrations: crm.workflow – needs a migration (retrack)")
    assert '+        "run_count": {"label": "Times run"},' in done.stdout


def test_a_bad_config_and_an_unreachable_database_are_usage_errors(tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text("sauce = 'crm'")
    bad = check("--config", tmp_path / "audit.toml")
    nowhere = check("-c", MIGRATIONS / "audit.toml", "--database", "host=127.0.0.1 port=1")
    assert [bad.exit_code, nowhere.exit_code] == [2, 2]
    assert 'unknown key "sauce"' in bad.stderr
    assert nowhere.stderr.startswith("--database: ")
    assert "\\t" not in nowhere.stderr


def test_members_of_audit_reader_need_no_other_right(
    reference: str, superuser: psycopg.Connection, reader: str
) -> None:
    assert said(reference, reader) == ["unread table audit.tracked_table"]
    superuser.execute(f"GRANT audit_reader TO {reader}".encode())
    assert said(reference, reader) == []
