"""The migrations in a database: each brings what audit.toml says, and takes it back."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yoyo

from tests.databases import apply_migrations, yoyo_address
from tests.installation.test_migrations import RENAMED, STEP, WORKFLOW, generate
from tests.shop import APP, admit


@pytest.fixture
def crm(empty_database: str) -> Iterator[psycopg.Connection]:
    """The CRM's owner, committing each statement; nothing is installed yet."""
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA crm")
        owner.execute("CREATE TABLE crm.workflow (id int PRIMARY KEY, name text)")
        owner.execute(
            "CREATE TABLE crm.step (id int PRIMARY KEY, workflow_id int REFERENCES crm.workflow)"
        )
        yield owner


def apply(owner: psycopg.Connection, folder: Path, *tables: str) -> None:
    generate(folder, *tables)
    apply_migrations(yoyo_address(owner.info.dsn), folder / "migrations")


def roll_back_last(owner: psycopg.Connection, folder: Path) -> None:
    migrations = yoyo.read_migrations(str(folder / "migrations"))
    with yoyo.get_backend(yoyo_address(owner.info.dsn)) as backend, backend.lock():
        backend.rollback_migrations(backend.to_rollback(migrations)[:1])


def captured(owner: psycopg.Connection) -> list[tuple[str, str | None]]:
    """Add a workflow with a step as the application, and return the entity and part of each."""
    count = "SELECT coalesce(max(id), 0) FROM crm.workflow"
    (last,) = owner.execute(count).fetchone() or (0,)
    with psycopg.connect(owner.info.dsn, user=APP) as app:
        app.execute("INSERT INTO crm.workflow VALUES (%s, 'Nurture')", [last + 1])
        app.execute("INSERT INTO crm.step VALUES (%s, %s)", [last + 1, last + 1])
        (transaction,) = app.execute("SELECT pg_current_xact_id()").fetchone() or ("",)
    with owner.transaction():
        owner.execute("SET LOCAL ROLE audit_reader")
        query = "SELECT entity, part FROM audit.entry WHERE transaction_id = %s ORDER BY id"
        return owner.execute(query, [transaction]).fetchall()


def test_every_state_of_the_config_can_be_reached_and_left_again(
    crm: psycopg.Connection, tmp_path: Path
) -> None:
    states: list[tuple[list[str], list[tuple[str, str | None]]]] = [
        ([], []),
        ([WORKFLOW], [("Workflow", None)]),
        ([WORKFLOW, STEP], [("Workflow", None), ("Workflow", "Step")]),
        ([WORKFLOW], [("Workflow", None)]),
        ([RENAMED], [("Automation", None)]),
        ([], []),
        ([WORKFLOW], [("Workflow", None)]),
    ]
    for tables, entries in states:
        apply(crm, tmp_path, *tables)
        admit(crm, "crm")
        assert captured(crm) == entries
    for _, entries in states[-2::-1]:
        roll_back_last(crm, tmp_path)
        assert captured(crm) == entries
    apply(crm, tmp_path, *states[-1][0])
    assert captured(crm) == states[-1][1]


def test_a_renamed_table_is_tracked_under_its_new_name(
    crm: psycopg.Connection, tmp_path: Path
) -> None:
    apply(crm, tmp_path, WORKFLOW)
    crm.execute("ALTER TABLE crm.workflow RENAME TO automation")
    apply(crm, tmp_path, WORKFLOW.replace("crm.workflow", "crm.automation"))
    crm.execute("INSERT INTO crm.automation VALUES (1, 'Nurture')")
    with crm.transaction():
        crm.execute("SET LOCAL ROLE audit_owner")
        found = crm.execute("SELECT table_name FROM audit.entry").fetchall()
        functions = crm.execute("SELECT to_regproc('audit.capture_crm_workflow')").fetchone()
    assert (found, functions) == ([("automation",)], (None,))


def test_a_table_that_was_dropped_can_be_untracked(crm: psycopg.Connection, tmp_path: Path) -> None:
    apply(crm, tmp_path, WORKFLOW, STEP)
    crm.execute("DROP TABLE crm.step")
    apply(crm, tmp_path, WORKFLOW)
    with crm.transaction():
        crm.execute("SET LOCAL ROLE audit_owner")
        query = "SELECT table_name FROM audit.tracked_table WHERE untracked_at > tracked_at"
        assert crm.execute(query).fetchall() == [("step",)]


def triggers(owner: psycopg.Connection) -> dict[str, str]:
    """Return the triggers of the table by their name, each with its level."""
    query = """
        SELECT tgname, CASE tgtype & 1 WHEN 1 THEN 'row' ELSE 'statement' END
        FROM pg_trigger WHERE tgrelid = 'crm.workflow'::regclass AND NOT tgisinternal
        """
    return dict(owner.execute(query).fetchall())


def test_the_way_of_capture_can_be_changed_and_changed_back(
    crm: psycopg.Connection, tmp_path: Path
) -> None:
    writes = ("!audit_insert", "!audit_update", "!audit_delete")
    by_row = dict.fromkeys(writes, "row") | {"!audit_truncate": "statement"}
    by_statement = dict.fromkeys((*writes, "!audit_truncate"), "statement")
    for capture, expected in (("row", by_row), ("statement", by_statement), ("row", by_row)):
        apply(crm, tmp_path, WORKFLOW + f'capture = "{capture}"\n')
        admit(crm, "crm")
        assert triggers(crm) == expected
        assert captured(crm)[:1] == [("Workflow", None)]
    roll_back_last(crm, tmp_path)
    assert triggers(crm) == by_statement
    apply(crm, tmp_path)
    assert triggers(crm) == {}
