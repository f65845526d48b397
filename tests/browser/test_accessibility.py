"""The pages are for everybody: the rules of axe, the keyboard, narrow windows, both schemes."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Visitor = Any
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
HISTORY = "/history/Workflow/1"
Scheme = Literal["light", "dark"]
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""What axe finds by its other rules, it finds in either scheme."""
LEAVE_ONE_OF_EACH = """() => {
    const known = new Set()
    for (const change of document.querySelectorAll('table.log > tbody')) {
        const kinds = [change, ...change.querySelectorAll('*')].map(
            it => [it.parentElement, it].map(({tagName, className}) => tagName + className).join())
        if (kinds.every(kind => known.has(kind))) change.remove()
        kinds.forEach(kind => known.add(kind))
    }
}"""
"""Takes off a list the changes that consist of nothing else than those above: most of them."""


def show_list(page: Page) -> None:
    """Look at the list, with one change unfolded."""
    page.goto("/")
    page.locator("summary").first.click()


def show_dialog(page: Page) -> None:
    """Open the filters."""
    page.goto("/")
    page.get_by_role("button", name="Filters").click()


def show_filtered(page: Page) -> None:
    """Look at what a filter left."""
    page.goto("/?period=7&by=system")


def show_change(page: Page) -> None:
    """Go to the page of a change with parts."""
    page.goto("/?module=Workflows")
    page.goto(str(page.locator(".permanent a").first.get_attribute("href")))


def show_history(page: Page) -> None:
    """Look at the history of one entity, with one change unfolded."""
    page.goto(HISTORY)
    page.locator("summary").first.click()


def show_moment(page: Page) -> None:
    """Look at an entity as it was after its last change."""
    show_history(page)
    page.get_by_role("link", name="As it was then").first.click()


def show_before_it_was(page: Page) -> None:
    """Look at an entity before it was created."""
    page.goto(f"{HISTORY}?at=2026-01-01T00:00")


def show_comparison(page: Page) -> None:
    """Compare an entity with what it was before it was recorded."""
    page.goto(f"{HISTORY}?from=2026-01-01T00:00")


def show_save(page: Page) -> None:
    """Look at one save alone, with all other filters on."""
    page.goto("/?module=Workflows")
    save = str(page.locator(".permanent a").first.get_attribute("href")).split("/")[2]
    page.goto(f"/?period=30&type=updated&entity=Workflow&module=Workflows&save={save}")


def show_nothing(page: Page) -> None:
    """Ask for what is not there."""
    page.goto("/?by=nobody&q=nothing")


def show_nothing_recorded(page: Page) -> None:
    """Ask for what is not tracked."""
    page.goto("/?entity=Car")


def show_coverage(page: Page) -> None:
    """Look at what the log covers."""
    page.goto("/")
    page.get_by_role("link", name="tables tracked since").click()


def show_seals(page: Page) -> None:
    """Look at how far the log is sealed."""
    show_coverage(page)
    page.get_by_role("link", name="sealed", exact=True).click()


def show_sign_in(page: Page) -> None:
    """Sign out, and send the form off empty."""
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").click()


PAGES = (
    show_list,
    show_dialog,
    show_filtered,
    show_change,
    show_history,
    show_moment,
    show_before_it_was,
    show_comparison,
    show_save,
    show_nothing,
    show_nothing_recorded,
    show_coverage,
    show_seals,
    show_sign_in,
)


def forget_refusal(visitor: Visitor) -> None:
    """Drop what Chromium says of the answer 422, with which a form comes back."""
    visitor.complaints[:] = [text for text in visitor.complaints if "422" not in text]


def broken(page: Page, rules: tuple[str, ...] = ()) -> str:
    """Return what axe finds in the page by all its rules, or by some."""
    only = {"runOnly": rules} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **only})
    return str(found.generate_report()) if found.violations_count else ""


@pytest.mark.parametrize(
    ("size", "scheme", "other"), [("desktop", "light", "dark"), ("phone", "dark", "light")]
)
def test_no_page_breaks_a_rule_of_axe_or_scrolls_sideways(
    visitor: Visitor, size: str, scheme: Scheme, other: Scheme
) -> None:
    # A colour on its way to another is neither of them.
    page = visitor.open(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce")

    for show in PAGES:
        show(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width == SIZES[size]["width"], show.__name__
        page.evaluate(LEAVE_ONE_OF_EACH)
        assert broken(page) == "", (show.__name__, scheme)
        page.emulate_media(color_scheme=other)
        assert broken(page, OF_COLOURS) == "", (show.__name__, other)
        page.emulate_media(color_scheme=scheme)
    forget_refusal(visitor)


def test_no_change_of_a_whole_list_breaks_a_rule_of_axe(visitor: Visitor) -> None:
    page = visitor.open()

    assert page.locator("table.log > tbody").count() == 50
    assert broken(page) == ""


def reached(page: Page) -> int:
    """Press Tab through the page; return how many of its controls show that they have the focus."""
    found = 0
    for _ in range(250):
        page.keyboard.press("Tab")
        outline, is_in_main, is_new = page.evaluate(
            """() => {
                const [seen, it] = [window.seen ??= new Set(), document.activeElement]
                const isNew = !seen.has(it)
                seen.add(it)
                return [getComputedStyle(it).outlineStyle, it.closest('main') !== null, isNew]
            }"""
        )
        if is_in_main:
            # A field of a date has a place for each of its numbers.
            found += is_new
            assert outline == "solid"
        elif found:
            break
    return found


@pytest.mark.parametrize("show", [show_filtered, show_history, show_moment])
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    visitor: Visitor, show: Callable[[Page], None]
) -> None:
    page = visitor.open()
    show(page)
    page.reload()

    controls = "main :is(a, button, summary, input:not([type=hidden])):visible:not(dialog *)"
    wanted = page.locator(controls).count()

    assert wanted > 5
    assert reached(page) == wanted


def test_what_changed_is_told_by_words_not_by_colour_alone(visitor: Visitor) -> None:
    page = visitor.open(forced_colors="active")
    page.locator("summary").first.click()

    kinds = page.locator(".type").all_inner_texts()

    assert {kind.lstrip("+~−\n ") for kind in kinds} <= {"Created", "Updated", "Deleted"}
    assert page.locator(".diff thead").first.inner_text().split() == ["FIELD", "BEFORE", "AFTER"]


def test_printed_pages_leave_out_what_only_a_screen_can_do(visitor: Visitor) -> None:
    page = visitor.open()
    page.emulate_media(media="print")

    assert page.locator(".tools").is_hidden()
    assert page.locator("summary").first.is_hidden()
    assert page.locator(".said").first.is_visible()
