"""What the page says of rows that were referred to and are called otherwise since, or are gone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auditviewer.change.changes import Change, fold
from auditviewer.change.records import Column, Reference, Table
from auditviewer.log.database import Database
from auditviewer.log.fates import Fate
from auditviewer.log.known import read_tables
from auditviewer.log.renamed import read_referred, with_names_of_now
from tests.crm import VIEWER, Crm
from tests.entries import entry

OWNER = Reference(("crm", "app_user"), "id", "full_name")
USER = Table(("crm", "app_user"), "Users", "User", key=("id",), label_column="full_name")
WORKFLOW = Table(
    ("crm", "workflow"),
    "Workflows",
    "Workflow",
    key=("id",),
    columns={"owner_id": Column("Owner", is_reference=True, reference=OWNER)},
)
TABLES = {table.name: table for table in (USER, WORKFLOW)}
NAMES = {"2": "Ana Diaz", "3": "Ana Diaz"}
ANA = ("Users", "User", "2")


def owner_changed(before: int | None = 1, after: int | None = 2) -> Change:
    rows = ({"id": 7, "owner_id": owner} for owner in (before, after))
    told = entry("UPDATE", WORKFLOW, *rows, labels={"owner_id": NAMES})
    return fold([replace(told, transaction_at=datetime.now(UTC))], TABLES, UTC)


def note(fate: Fate, change: Change | None = None, user: Table = USER) -> str:
    tables = TABLES | {user.name: user}
    [field] = with_names_of_now(change or owner_changed(), {ANA: fate}, tables).fields
    return field.new.note


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        (Fate(label="Ana Berg"), "#2, now called Ana Berg"),
        (Fate(label="Ana Diaz"), "#2"),
        (Fate(label=None), "#2"),
        (Fate(is_deleted=True, label="Ana Diaz"), "#2, deleted since"),
    ],
)
def test_a_reference_says_what_became_of_its_row(fate: Fate, expected: str) -> None:
    assert note(fate) == expected


def test_a_name_that_is_shown_with_its_key_is_no_other_name() -> None:
    assert note(Fate(label="Ana Diaz"), owner_changed(3, 2)) == ""
    assert note(Fate(label="Ana Berg"), owner_changed(3, 2)) == "now called Ana Berg"


@pytest.mark.parametrize(
    "user",
    [
        replace(USER, label_column="email"),
        replace(USER, key=("account_id", "id")),
        replace(USER, parent=WORKFLOW.name, parent_key=("workflow_id",), part="User"),
    ],
)
def test_what_is_not_named_by_the_same_column_is_left_alone(user: Table) -> None:
    assert note(Fate(label="Ana Berg"), user=user) == "#2"


def test_parts_say_it_too_and_what_is_not_known_stays() -> None:
    part = replace(WORKFLOW, part="Step", parent=("crm", "campaign"), parent_key=("campaign_id",))
    rows = ({"id": 7, "owner_id": owner} for owner in (2, None))
    tables = {USER.name: USER, part.name: part}
    change = fold([entry("UPDATE", part, *rows, labels={"owner_id": NAMES})], tables, UTC)

    [field] = (
        with_names_of_now(change, {ANA: Fate(is_deleted=True)}, tables).groups[0].parts[0].fields
    )

    assert field.old.note == "#2, deleted since"
    assert with_names_of_now(change, {}, tables) is change


def test_a_name_that_was_changed_since_is_found_by_one_query(crm: Crm, reference: str) -> None:
    fresh = Crm(reference)
    fresh.add_users()
    change = owner_changed(1, 3)
    fresh.save("UPDATE crm.app_user SET full_name = 'Ana Berg' WHERE id = 3")
    database = Database(fresh.as_role(VIEWER))

    with database.reading() as reading:
        found = read_referred(reading, [change, change], read_tables(reading))
        nothing = read_referred(reading, [], read_tables(reading))
    database.close()

    assert found == {("Users", "User", "3"): Fate(False, "Ana Berg")}
    assert nothing == {}
