"""pgwitness check: what audit.toml says and the user's tables contradict is a conflict."""

from pathlib import Path

import psycopg

from generator.drift import find_drift
from generator.parse import read_config

MISNAMED = """
source = "crm"
[table."crm.wrokflow"]
module = "Workflows"
entity = "Workflow"
[table."crm.unheard_of"]
module = "Rumours"
entity = "Rumour"
[table."crm.workflow"]
module = "Workflows"
entity = "Workflow"
key = "idd"
label = "nmae"
ignore = ["update_at"]
exclude = ["describtion"]
redact = ["recordtype"]
keep = ["zzz"]
columns.nmae = { label = "Name" }
columns.owner_id.references = { table = "crm.app_users", label = "full_name" }
[table."crm.workflow_action"]
parent = { table = "crm.workflow", key = "workflow" }
part = "Action"
key = "position"
columns.assignee_id.references = { table = "crm.app_user", key = "role", label = "fullname" }
"""
MISNAMED_CONFLICTS = [
    'table crm.wrokflow: is not in the database – did you mean "crm.workflow"?',
    "table crm.unheard_of: is not in the database – create it, or remove it from audit.toml",
    'table crm.workflow: has no column "idd", which audit.toml names as "key" – did you mean "id"?',
    'table crm.workflow: has no column "nmae", which audit.toml names as "label" and "columns"'
    ' – did you mean "name"?',
    'table crm.workflow: has no column "update_at", which audit.toml names as "ignore"'
    ' – did you mean "updated_at"?',
    'table crm.workflow: has no column "describtion", which audit.toml names as "exclude"'
    ' – did you mean "description"?',
    'table crm.workflow: has no column "recordtype", which audit.toml names as "redact"'
    ' – did you mean "record_type"?',
    'table crm.workflow: has no column "zzz", which audit.toml names as "keep"'
    " – its columns: id, name, description, record_type, match, is_enabled, owner_id, run_count,"
    " created_at, updated_at",
    "table crm.workflow, column owner_id: crm.app_users is not in the database"
    ' – did you mean "crm.app_user"?',
    'table crm.workflow_action: has no column "workflow", which audit.toml names as "parent"'
    ' – did you mean "workflow_id"?',
    'table crm.workflow_action: the key "position" is not unique'
    ' – add a primary key or a unique index, or name another "key" in audit.toml',
    'table crm.workflow_action, column assignee_id: crm.app_user has no column "fullname"'
    ' – did you mean "full_name"?',
    'table crm.workflow_action, column assignee_id: "role" is not unique in crm.app_user,'
    ' so that it names no row – name another "key" in audit.toml',
]

ODD_TABLES = """
CREATE SCHEMA odd;
CREATE VIEW odd.a_view AS SELECT 1 AS id;
CREATE TABLE odd.a_root (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE odd.a_partition PARTITION OF odd.a_root DEFAULT;
CREATE UNLOGGED TABLE odd.unlogged (id int PRIMARY KEY);
CREATE TABLE odd.ancestor (id int PRIMARY KEY);
CREATE TABLE odd.heir (PRIMARY KEY (id)) INHERITS (odd.ancestor);
CREATE TABLE odd.unkeyed (id int, name text);
CREATE UNIQUE INDEX ON odd.unkeyed (id) WHERE name <> '';
CREATE TABLE odd.keyed ("isoCode" text UNIQUE, id int, api_token text, otp text, pwd text);
"""
ODD = """
source = "odd"
table."odd.a_view" = { module = "Odd", entity = "Odd" }
table."odd.a_root" = { module = "Odd", entity = "Odd" }
table."odd.a_partition" = { module = "Odd", entity = "Odd" }
table."odd.unlogged" = { module = "Odd", entity = "Odd" }
table."odd.ancestor" = { module = "Odd", entity = "Odd" }
table."odd.heir" = { module = "Odd", entity = "Odd" }
table."odd.unkeyed" = { module = "Odd", entity = "Odd" }
[table."odd.keyed"]
module = "Odd"
entity = "Odd"
key = ["isoCode", "id"]
redact = ["otp"]
keep = ["pwd"]
columns.id.references = { table = "odd.a_view", label = "id" }
"""
ODD_CONFLICTS = [
    "table odd.a_view: is a view: no row trigger sees what changes"
    " – remove it from audit.toml, and track the tables behind it",
    "table odd.a_partition: is a partition – track the partitioned table instead",
    "table odd.unlogged: is UNLOGGED: a crash empties it, and leaves no entry"
    ' – ALTER TABLE "odd"."unlogged" SET LOGGED',
    *(
        f"table odd.{name}: inherits, or is inherited from: writes by way of the other table"
        " leave no entry – use partitions, or a table of its own"
        for name in ("ancestor", "heir")
    ),
    'table odd.unkeyed: the key "id" is not unique'
    ' – add a primary key or a unique index, or name another "key" in audit.toml',
    'table odd.keyed: column "api_token" looks like a secret'
    ' – add it to "redact" or "exclude", or to "keep" where it is none',
    "table odd.keyed, column id: odd.a_view is a view: what fails in it would fail the write"
    " – refer to the table behind it in audit.toml",
]


def conflicts(owner: psycopg.Connection, folder: Path, toml: str) -> list[str]:
    (folder / "audit.toml").write_text(toml, encoding="utf-8")
    found = find_drift(owner, read_config(folder / "audit.toml"))
    return [f"{f.object}: {f.what} – {f.fix}" for f in found if f.state == "conflict"]


def test_names_that_are_not_in_the_catalogue_are_conflicts(reference: str, tmp_path: Path) -> None:
    with psycopg.connect(reference) as owner:
        assert conflicts(owner, tmp_path, MISNAMED) == MISNAMED_CONFLICTS


def test_tables_of_which_the_log_would_not_be_whole_are_conflicts(
    reference: str, tmp_path: Path
) -> None:
    with psycopg.connect(reference, autocommit=True) as owner:
        owner.execute(ODD_TABLES)
        assert conflicts(owner, tmp_path, ODD) == ODD_CONFLICTS


def test_conflicts_are_found_before_anything_is_installed(
    empty_database: str, tmp_path: Path
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute(ODD_TABLES)
        assert conflicts(owner, tmp_path, ODD) == ODD_CONFLICTS
