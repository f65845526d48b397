"""A change as a page shows it: what it is called, where it leads, and what became of it."""

from datetime import UTC

import pytest

from auditviewer.change.records import Entry, Json, Table
from auditviewer.log.fates import Fate
from auditviewer.shown import (
    Shown,
    context_in_words,
    is_address,
    is_local_path,
    link_to,
    show,
)
from tests.entries import (
    CONDITION,
    RECIPIENT,
    TABLES,
    WORKFLOW,
    condition,
    delete,
    insert,
    save,
    truncate,
    update,
    workflow,
)

THERE = Fate(is_deleted=False, label="Nurture leads")
ENABLED = update(WORKFLOW, workflow(), {"is_enabled": True})


def shown(*entries: Entry, fate: Fate = THERE) -> Shown:
    return show(save(*entries), fate, TABLES, "https://crm.example", 40)


def link(template: str | None, id_: str | None = "7", product: str = "https://crm.example") -> str:
    table = Table(("crm", "thing"), link=template)
    return link_to({table.name: table}, table.name, id_, product) or ""


def test_a_change_is_named_and_leads_to_the_entity() -> None:
    one = shown(ENABLED)

    assert (one.where, one.name) == ("Workflows", "Nurture leads")
    assert one.link == "https://crm.example/workflows/7"
    assert (one.is_deleted, one.now_called) == (False, None)


def test_nothing_hides_in_a_name_or_a_reason() -> None:
    row = workflow(name="Old\u202e")
    one = shown(update(WORKFLOW, row, {"runs": 1}, context={"reason": "a\u200bb"}))

    assert (one.name, one.reason) == ("Old⟨U+202E⟩", "a⟨U+200B⟩b")
    assert one.now_called == "Nurture leads"


@pytest.mark.parametrize("table", [CONDITION, RECIPIENT])
def test_a_part_leads_to_its_entity(table: Table) -> None:
    assert link_to(TABLES, table.name, "7", "") == "/workflows/7"


@pytest.mark.parametrize(
    ("fate", "entry", "deleted", "now_called"),
    [
        (THERE, ENABLED, False, None),
        (Fate(label="Greet leads"), ENABLED, False, "Greet leads"),
        (Fate(is_deleted=True, label="Greet leads"), ENABLED, True, None),
        (Fate(), ENABLED, False, None),
        (Fate(), delete(WORKFLOW, workflow()), True, None),
        (THERE, delete(WORKFLOW, workflow()), False, None),
        (Fate(), truncate(WORKFLOW), True, None),
    ],
)
def test_what_became_of_the_entity_is_said(
    fate: Fate, entry: Entry, deleted: bool, now_called: str | None
) -> None:
    one = shown(entry, fate=fate)

    assert (one.is_deleted, one.now_called) == (deleted, now_called)
    assert (one.link is None) == deleted


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (insert(WORKFLOW, workflow(name="")), "(no name)"),
        (insert(CONDITION, condition()), "Workflow #7"),
        (truncate(WORKFLOW), "All Workflows"),
        (truncate(CONDITION), "Workflow"),
    ],
)
def test_an_entity_without_a_name_is_named_by_what_is_known(entry: Entry, name: str) -> None:
    assert shown(entry).name == name


@pytest.mark.parametrize(
    ("module", "entity", "where"),
    [
        ("Workflows", "Workflow", "Workflows"),
        ("Territories", "territory", "Territories"),
        ("Account settings", "Account settings", "Account settings"),
        ("Billing", "Plan", "Billing · Plan"),
    ],
)
def test_the_entity_is_said_where_the_module_does_not(module: str, entity: str, where: str) -> None:
    assert shown(insert(WORKFLOW, workflow(), module=module, entity=entity)).where == where


@pytest.mark.parametrize(
    ("template", "id_", "product", "expected"),
    [
        ("/things/{id}", "7", "https://crm.example", "https://crm.example/things/7"),
        ("/things/{id}", "7", "", "/things/7"),
        ("/things/{id}", "a b/../c?d#e", "", "/things/a%20b%2F..%2Fc%3Fd%23e"),
        ("/things/{id}", '["de", 2026]', "", "/things/%5B%22de%22%2C%202026%5D"),
        ("https://other.example/{id}", "7", "https://crm.example", "https://other.example/7"),
        ("/things", "7", "/crm", "/crm/things"),
        (None, "7", "/crm", ""),
        ("/things/{id}", None, "/crm", ""),
        ("javascript:alert({id})", "7", "https://crm.example", ""),
        ("JavaScript:alert({id})", "7", "", ""),
        ("data:text/html,{id}", "7", "", ""),
        ("//evil.example/{id}", "7", "", ""),
        ("/\\evil.example/{id}", "7", "", ""),
        ("{id}", "javascript:alert(1)", "", ""),
        ("/{id}", "/evil.example", "", "/%2Fevil.example"),
        ("things/{id}", "7", "", ""),
        ("https://{id}", "", "", ""),
        ("/things/{id}", "7", "javascript:alert(1)//", ""),
    ],
)
def test_a_link_leads_to_a_page_or_nowhere(
    template: str | None, id_: str | None, product: str, expected: str
) -> None:
    assert link(template, id_, product) == expected


def test_tables_that_are_each_other_s_parent_lead_nowhere() -> None:
    one, other = ("crm", "one"), ("crm", "other")
    tables = {one: Table(one, parent=other), other: Table(other, parent=one)}

    assert link_to(tables, one, "7", "") is None


@pytest.mark.parametrize(
    ("path", "is_local"),
    [
        ("/", True),
        ("/changes/1/2?zone=UTC", True),
        ("", False),
        ("changes", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("/\t/evil.example", False),
        ("/\n/evil.example", False),
        ("https://evil.example", False),
        ("javascript:alert(1)", False),
    ],
)
def test_a_local_path_stays_on_this_site(path: str, is_local: bool) -> None:
    assert is_local_path(path) is is_local


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("203.0.113.24", True),
        ("2001:db8::8a", True),
        ("unknown", False),
        ("203.0.113.24, 10.0.0.1", False),
        ("203.0.113.24:443", False),
        ("", False),
    ],
)
def test_an_address_is_told_from_what_is_none(text: str, is_one: bool) -> None:
    assert is_address(text) is is_one


def test_the_context_is_said_in_words() -> None:
    context: dict[str, Json] = {"request": "7f1c", "tries": 2, "dry": None}
    context["on_behalf_of"] = {"user_id": 7}

    assert context_in_words(context, UTC) == {
        "request": "7f1c",
        "tries": "2",
        "dry": "not set",
        "on_behalf_of": "User id: 7",
    }


def test_fields_that_are_not_shown_are_counted() -> None:
    assert shown(ENABLED).unchanged_in_words == "1 unchanged field not shown"
    assert shown(insert(WORKFLOW, workflow(runs=None))).unchanged_in_words == (
        "1 empty field not shown"
    )
