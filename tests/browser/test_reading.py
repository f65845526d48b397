"""What an admin does with the page, in a real browser."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from auditviewer.demo.week.people import AIKO

Visitor = Any
NARROW = {"width": 390, "height": 844}


@pytest.fixture
def workflow(crm: str) -> Iterator[str]:
    """Return the name of a workflow that nobody else changes."""
    name = "Greet returning customers"
    with psycopg.connect(crm, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO crm.workflow (name, record_type, owner_id) VALUES (%s, 'lead', 1)", [name]
        )
        yield name
        connection.execute("DELETE FROM crm.workflow WHERE name = %s", [name])


def save(crm: str, statement: str, *values: object, actor: str = "Ana Diaz") -> None:
    """Write as the CRM does: a transaction that says who acts, and from where."""
    with psycopg.connect(crm) as connection:
        connection.execute("SET LOCAL audit.actor = '4'")
        connection.execute("SELECT set_config('audit.actor_name', %s, true)", [actor])
        connection.execute("SET LOCAL audit.ip = '203.0.113.99'")
        connection.execute(statement.encode(), values)


def newest(page: Page) -> Locator:
    return page.locator("table.log > tbody").first


def addresses(page: Page) -> list[str]:
    """Return the permanent links of the changes that are listed."""
    links = page.locator(".permanent a:first-child")
    return list(links.evaluate_all("links => links.map(link => link.href)"))


def box(locator: Locator) -> FloatRect:
    found = locator.bounding_box()
    assert found is not None
    return found


def test_a_change_made_now_is_on_the_page_with_before_and_after(
    visitor: Visitor, crm: str, workflow: str
) -> None:
    save(crm, "UPDATE crm.workflow SET match = 'any' WHERE name = %s", workflow)

    change = newest(visitor.open())

    expect(change.locator(".who")).to_contain_text("Ana Diaz")
    expect(change.locator(".who")).to_contain_text("203.0.113.99")
    expect(change.locator(".kind")).to_contain_text("Updated")
    expect(change.locator(".what")).to_contain_text(f"Workflows {workflow}")
    expect(change.locator(".said")).to_contain_text("Conditions match: all of them")
    expect(change.locator(".diff")).to_be_hidden()
    change.get_by_text("See changes").click()
    expect(change.locator(".diff .before").first).to_contain_text("all of them")
    expect(change.locator(".diff .after").first).to_contain_text("any of them")


def test_a_change_has_a_page_of_its_own_and_a_link_to_the_product(
    visitor: Visitor, crm: str, workflow: str
) -> None:
    save(crm, "UPDATE crm.workflow SET description = 'Hello again' WHERE name = %s", workflow)
    page = visitor.open()

    newest(page).get_by_text("See changes").click()
    newest(page).get_by_role("link", name="This change on a page of its own").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(workflow)
    expect(page.locator(".diff .after").first).to_contain_text("Hello again")
    page.get_by_role("heading", level=1).get_by_role("link").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(workflow)
    assert "/crm/workflows/" in page.url


def test_filters_are_set_in_the_dialog_shown_as_chips_and_kept_by_back(visitor: Visitor) -> None:
    page = visitor.open()

    page.get_by_role("button", name="Filters").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Last 30 days").click()
    dialog.get_by_label("Text in names and values").fill("okoro")
    dialog.get_by_text("Updated").click()
    dialog.get_by_label("Performed by").select_option("Priya Nair")
    dialog.get_by_label("Module").select_option("Users")
    dialog.get_by_label("Entity").select_option("User")
    dialog.get_by_role("button", name="Show changes").click()

    expect(page.locator(".chips li")).to_contain_text(
        [
            "Period Last 30 days",
            "Text okoro",
            "By Priya Nair",
            "Type Updated",
            "Module Users",
            "Entity User",
            "Clear all",
        ]
    )
    expect(page.locator(".who").first).to_be_visible()
    assert set(page.locator(".who b").all_inner_texts()) == {"Priya Nair"}
    assert set(page.locator("tbody .where").all_inner_texts()) == {"Users"}
    filtered = page.url
    page.get_by_role("link", name="Module Users").click()
    page.go_back()
    assert page.url == filtered


def test_the_dialog_opens_and_closes_by_keyboard(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("button", name="Filters").focus()

    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("radio", name="All 90 days")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Filters")).to_be_focused()


def test_everything_works_without_javascript(visitor: Visitor) -> None:
    page = visitor.open(java_script_enabled=False)

    newest(page).get_by_text("See changes").click()
    expect(newest(page).locator(".diff")).to_be_visible()
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Performed by").select_option("System")
    page.get_by_role("button", name="Show changes").click()

    assert set(page.locator(".who b").all_inner_texts()) == {"System"}
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_history_of_one_workflow_is_read_compared_and_looked_back_at_without_javascript(
    visitor: Visitor, crm: str, workflow: str
) -> None:
    save(crm, "UPDATE crm.workflow SET match = 'any' WHERE name = %s", workflow)
    page = visitor.open(java_script_enabled=False)

    newest(page).get_by_text("See changes").click()
    newest(page).get_by_role("link", name="History of this workflow").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(workflow)
    expect(page.locator(".kind")).to_contain_text(["Updated", "Created"])
    page.locator("summary").nth(1).click()
    page.get_by_role("link", name="As it was then").click()
    expect(page.locator(".state")).to_contain_text("all of them")
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_text("Two moments compared").first).to_be_visible()
    page.get_by_label("As it was at").fill("2026-01-01T00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("It was not there yet.")).to_be_visible()


def test_a_save_of_many_is_one_row_that_leads_to_all_of_it(visitor: Visitor, crm: str) -> None:
    save(
        crm,
        "INSERT INTO crm.workflow (name, record_type, owner_id) "
        "SELECT 'Imported ' || n, 'lead', 1 FROM generate_series(1, 60) AS n",
    )
    page = visitor.open()
    save(crm, "DELETE FROM crm.workflow WHERE name LIKE 'Imported %%'")

    newest(page).get_by_role("link", name="and 59 more changes in this save").click()

    expect(page.locator(".chips")).to_contain_text("Save #")
    expect(page.locator("table.log > tbody")).to_have_count(50)
    page.get_by_role("link", name="Older changes").click()
    expect(page.locator("table.log > tbody")).to_have_count(10)


def test_older_changes_are_a_link_away_and_the_newest_one_back(visitor: Visitor) -> None:
    page = visitor.open()
    first = addresses(page)

    page.get_by_role("link", name="Older changes").click()
    older = addresses(page)

    assert len(first) > 40
    assert older
    assert not set(first) & set(older)
    page.get_by_role("link", name="Newest changes", exact=True).click()
    expect(page.get_by_role("link", name="Older changes")).to_be_visible()


def test_one_who_is_no_admin_is_told_whom_to_ask(visitor: Visitor) -> None:
    page = visitor.open(as_=AIKO)

    expect(page.get_by_role("heading", level=1)).to_have_text("The audit log is for admins")
    expect(page.locator("main")).to_contain_text("ask one of them")
    assert page.locator("table").count() == 0
    # Chromium says so on its console.
    assert visitor.complaints.pop().startswith("Failed to load resource: the server responded")


def test_on_a_phone_before_and_after_stand_below_each_other_with_their_words(
    visitor: Visitor, crm: str, workflow: str
) -> None:
    save(crm, "UPDATE crm.workflow SET match = 'any' WHERE name = %s", workflow)
    page = visitor.open(viewport=NARROW)

    newest(page).get_by_text("See changes").click()
    before, after = (newest(page).locator(f".diff .{side}").first for side in ("before", "after"))

    expect(before.locator(".side")).to_be_visible()
    expect(before).to_have_text("Before all of them")
    expect(after).to_have_text("After any of them")
    assert box(after)["y"] >= box(before)["y"] + box(before)["height"]


def test_a_redacted_value_says_that_it_is_hidden(visitor: Visitor, crm: str) -> None:
    save(crm, "UPDATE crm.account_setting SET webhook_secret = 'whsec_' || txid_current()")
    page = visitor.open()

    newest(page).get_by_text("See changes").click()

    for side in ("before", "after"):
        cell = newest(page).locator(f".diff .{side}").first
        expect(cell.get_by_text("hidden")).to_be_visible()
        assert box(cell)["height"] > 20


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_word_breaks_where_the_page_ends(
    visitor: Visitor, crm: str, workflow: str, width: int
) -> None:
    word = "W" * 256
    save(
        crm, "UPDATE crm.workflow SET description = %s WHERE name = %s", word, workflow, actor=word
    )
    save(crm, "UPDATE crm.workflow SET name = %s WHERE name = %s", word, workflow)
    try:
        page = visitor.open(viewport={"width": width, "height": 844})
        change = page.locator(".permanent a").first.get_attribute("href")
        for path in ("/", str(change), f"/?by={word}&q={word}"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") == width, path
    finally:
        save(crm, "UPDATE crm.workflow SET name = %s WHERE name = %s", workflow, word)
