"""The folder of migrations: only ever added to, and in an order that yoyo keeps."""

from pathlib import Path

import pytest
import yoyo

from generator.config import Config, ConfigError, TrackedTable
from generator.migrations import plan, write
from generator.names import TableName
from generator.parse import read_config
from generator.render import render_audit_schema, render_untrack
from generator.toml_writer import write_table

WORKFLOW = """
[table."crm.workflow"]
module = "Workflows"
entity = "Workflow"
label = "name"
"""
STEP = """
[table."crm.step"]
parent = { table = "crm.workflow", key = "workflow_id" }
part = "Step"
"""
USER = '[table."crm.user"]\nmodule = "Users"\nentity = "User"\n'
RENAMED = WORKFLOW.replace('"Workflow"', '"Automation"')


def configured(folder: Path, *tables: str) -> Config:
    (folder / "audit.toml").write_text('source = "crm"\n' + "".join(tables), encoding="utf-8")
    return read_config(folder / "audit.toml")


def generate(folder: Path, *tables: str) -> list[str]:
    """Do what the command does, and return the names of the migrations that it wrote."""
    config = configured(folder, *tables)
    return [path.name for path in write(config.migrations, plan(config))]


def text(folder: Path, name: str) -> str:
    return (folder / "migrations" / name).read_text("utf-8")


def foreign(folder: Path, *names: str) -> None:
    """Put migrations of somebody else into the folder."""
    (folder / "migrations").mkdir(exist_ok=True)
    for name in names:
        (folder / "migrations" / name).write_text("SELECT 1;\n", encoding="utf-8")


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (folder / "migrations").iterdir()
    }


def test_the_first_run_writes_the_audit_schema_and_each_table_in_order(tmp_path: Path) -> None:
    assert generate(tmp_path, WORKFLOW, STEP, USER) == [
        "0001_audit_schema.sql",
        "0002_track_crm_workflow.sql",
        "0003_track_crm_step.sql",
        "0004_track_crm_user.sql",
    ]
    assert text(tmp_path, "0001_audit_schema.sql") == render_audit_schema()


def test_each_migration_has_a_rollback(tmp_path: Path) -> None:
    for name in generate(tmp_path, WORKFLOW, STEP):
        assert text(tmp_path, name.replace(".sql", ".rollback.sql"))


def test_yoyo_applies_them_in_the_order_of_writing(tmp_path: Path) -> None:
    written = generate(tmp_path, *(WORKFLOW.replace("workflow", f"t{n}") for n in range(12)))
    ids = [migration.id for migration in yoyo.read_migrations(str(tmp_path / "migrations"))]
    assert [f"{one}.sql" for one in ids] == written


def test_running_again_writes_nothing(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW, STEP)
    assert generate(tmp_path, WORKFLOW, STEP) == []


def test_a_changed_table_is_retracked_and_its_rollback_is_the_former_sql(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW, USER)
    assert generate(tmp_path, RENAMED, USER) == ["0004_retrack_crm_workflow.sql"]
    former = text(tmp_path, "0002_track_crm_workflow.sql")
    assert text(tmp_path, "0004_retrack_crm_workflow.rollback.sql") == former
    assert "'Automation'" in text(tmp_path, "0004_retrack_crm_workflow.sql")


def test_a_table_that_is_gone_from_the_config_is_untracked(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW, USER)
    assert generate(tmp_path, WORKFLOW) == ["0004_untrack_crm_user.sql"]
    former = text(tmp_path, "0003_track_crm_user.sql")
    assert text(tmp_path, "0004_untrack_crm_user.rollback.sql") == former
    assert generate(tmp_path, WORKFLOW) == []


def test_a_table_that_comes_back_is_tracked_again(tmp_path: Path) -> None:
    for tables in ([WORKFLOW], [], [RENAMED]):
        generate(tmp_path, *tables)
    untrack = render_untrack(TableName("crm", "workflow"))
    assert text(tmp_path, "0004_track_crm_workflow.rollback.sql") == untrack
    assert generate(tmp_path, RENAMED) == []


def test_a_file_that_is_there_is_never_touched(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW, STEP)
    before = files(tmp_path)
    generate(tmp_path, RENAMED, STEP)
    generate(tmp_path, USER)
    assert files(tmp_path).items() >= before.items()
    assert len(files(tmp_path)) == len(before) + 2 * 5


@pytest.mark.parametrize(
    "change",
    [
        RENAMED,
        WORKFLOW.replace('"Workflows"', '"Automations"'),
        WORKFLOW.replace('label = "name"', 'label = "title"'),
        WORKFLOW + 'key = ["number"]\n',
        WORKFLOW + 'link = "/workflows/{id}"\n',
    ],
)
def test_a_part_is_retracked_with_its_parent(tmp_path: Path, change: str) -> None:
    generate(tmp_path, WORKFLOW, STEP)
    assert generate(tmp_path, change, STEP) == [
        "0004_retrack_crm_workflow.sql",
        "0005_retrack_crm_step.sql",
    ]


def test_words_of_a_parent_s_columns_are_no_matter_of_its_parts(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW, STEP)
    words = WORKFLOW + 'columns.name = { label = "Name" }\n'
    assert generate(tmp_path, words, STEP) == ["0004_retrack_crm_workflow.sql"]


def test_a_migration_that_was_edited_by_hand_is_a_difference(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW)
    edited = text(tmp_path, "0002_track_crm_workflow.sql").replace("'5s'", "'1h'")
    (tmp_path / "migrations" / "0002_track_crm_workflow.sql").write_text(edited, encoding="utf-8")
    (migration,) = plan(configured(tmp_path, WORKFLOW))
    assert (migration.verb, migration.rollback) == ("retrack", edited)
    assert "-SET LOCAL lock_timeout = '1h';\n+SET LOCAL lock_timeout = '5s';" in migration.diff


def test_another_version_s_audit_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    generate(tmp_path, WORKFLOW)
    former = "-- of another version\n" + render_audit_schema()
    (tmp_path / "migrations" / "0001_audit_schema.sql").write_text(former, encoding="utf-8")
    assert generate(tmp_path, WORKFLOW, USER) == [
        "0003_audit_schema.sql",
        "0004_track_crm_user.sql",
    ]
    assert text(tmp_path, "0003_audit_schema.rollback.sql") == former
    assert generate(tmp_path, WORKFLOW, USER) == []


@pytest.mark.parametrize(
    ("present", "first"),
    [
        (["0001_crm.sql", "0002_users.sql"], "0003_audit_schema.sql"),
        (["0007_crm.py"], "0008_audit_schema.sql"),
        (["0041-create-crm.sql", "0040.users.py"], "0042_audit_schema.sql"),
        (["000012_crm.sql"], "000013_audit_schema.sql"),
        (["20260105_01_aB3dE-crm.py"], "20260106_audit_schema.sql"),
        (["0003_cut_short.rollback.sql"], "0004_audit_schema.sql"),
        (["post-apply.sql", "_tmp_yoyonew9.sql", "notes.txt", "0009.txt"], "0001_audit_schema.sql"),
    ],
)
def test_numbers_go_on_after_everybody_s(tmp_path: Path, present: list[str], first: str) -> None:
    foreign(tmp_path, *present)
    assert generate(tmp_path, WORKFLOW)[0] == first
    assert generate(tmp_path, WORKFLOW) == []


@pytest.mark.parametrize("name", ["create_crm.sql", "users.py", "1_crm.sql", "9999_last.sql"])
def test_what_yoyo_would_apply_too_early_is_refused(tmp_path: Path, name: str) -> None:
    foreign(tmp_path, name)
    with pytest.raises(ConfigError, match=f'"{name}" would be applied after'):
        generate(tmp_path, WORKFLOW)
    assert list(files(tmp_path)) == [name]


def test_migrations_of_others_are_never_taken_for_ours(tmp_path: Path) -> None:
    foreign(tmp_path, "0001_crm.sql", "0002_old.sql")
    (tmp_path / "migrations/0001_crm.sql").write_text("-- Tracks users.\n", encoding="utf-8")
    (tmp_path / "migrations/0002_old.sql").write_bytes("-- ä\n".encode("latin-1"))
    assert generate(tmp_path, WORKFLOW) == ["0003_audit_schema.sql", "0004_track_crm_workflow.sql"]


def test_any_name_makes_a_file_name_that_is_safe_and_its_own(tmp_path: Path) -> None:
    names = ["a/b", "a.b", "a b", "../../etc/x", "a\\b", "Ünï日本" * 4, "é" * 31, "\u200d'🦊"]
    tables = [TrackedTable(TableName("s" * 63, name), "crm", "M", "E") for name in names]
    written = generate(tmp_path, *map(write_table, tables))
    assert len({name.partition("_")[0] for name in written}) == len(names) + 1
    assert all(name.replace(".", "_").replace("_", "a").isalnum() for name in written)
    assert all(len(f"{name}.rollback".encode()) <= 255 for name in written)
    assert len(list((tmp_path / "migrations").iterdir())) == 2 * len(written)


def test_a_long_name_is_not_cut_inside_of_a_character(tmp_path: Path) -> None:
    table = f'[table."{"é" * 31}.{"é" * 31}"]\nmodule = "M"\nentity = "E"\n'
    assert generate(tmp_path, table)[1] == f"0002_track_{'é' * 31}_{'é' * 25}.sql"
