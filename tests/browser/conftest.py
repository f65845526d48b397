"""A viewer on the demo's week, served to a real Chromium.

The browser is one that is installed, or Playwright's own; without either the tests fail.
"""

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright
from werkzeug.serving import make_server

from auditviewer import create_app
from auditviewer.demo.cluster import LOOPBACK, Cluster
from auditviewer.demo.database import DATABASE, prepare
from auditviewer.demo.product import create_product
from auditviewer.demo.sign_in import password_of, write_accounts
from auditviewer.demo.week.people import PRIYA, Person
from auditviewer.demo.week.saves import OFFICE

# A shell without windows takes half the time.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# Headless Chromium looks for updates and for Google, which on a closed network takes its time.
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
WIDE = {"width": 1280, "height": 900}

SignedIn = dict[Person | None, StorageState]


@pytest.fixture(scope="session")
def crm(cluster: Cluster) -> str:
    """Return how the CRM's application connects to the database in which the week was played."""
    prepare(cluster)
    return cluster.conninfo(DATABASE, "crm_web", host=LOOPBACK)


@pytest.fixture(scope="session")
def site(cluster: Cluster, crm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the viewer, with the CRM's pages beside it, and return its address."""
    app = create_app(
        {
            "DATABASE": cluster.conninfo(DATABASE, "audit_viewer", host=LOOPBACK),
            "SECRET_KEY": "a key for the tests alone",
            "ACCOUNTS": write_accounts(tmp_path_factory.mktemp("accounts")),
            "TIME_ZONE": OFFICE.key,
            "PRODUCT_URL": "/crm",
        }
    )
    app.register_blueprint(create_product(crm))
    server = make_server(LOOPBACK, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["audit"].close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    installed = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=installed, args=QUIET, chromium_sandbox=False
        )
        yield browser
        browser.close()


class Visitor:
    """Opens the site in windows of one's own, and keeps what the browser complained about."""

    def __init__(self, browser: Browser, site: str, signed_in: SignedIn) -> None:
        self._browser = browser
        self._site = site
        self._signed_in = signed_in
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, path: str = "/", *, as_: Person | None = PRIYA, **options: Any) -> Page:
        """Open a page in a new window, signed in as somebody of the demo, or as nobody.

        *options* are those of Playwright's new_context.
        """
        known = self._signed_in.get(as_)
        context = self._browser.new_context(
            **{"base_url": self._site, "viewport": WIDE, "locale": "en-GB", **options},
            storage_state=known,
        )
        self._contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path)
        if as_ is not None and known is None:
            sign_in(page, as_)
            self._signed_in[as_] = context.storage_state()
        return page

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()


def sign_in(page: Page, person: Person) -> None:
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(password_of(person))
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture(scope="session")
def signed_in() -> SignedIn:
    """Return whom the site knows by a cookie that a former window got."""
    return {}


@pytest.fixture
def visitor(chromium: Browser, site: str, signed_in: SignedIn) -> Iterator[Visitor]:
    """Return somebody with a browser; the test fails where the browser complained."""
    visitor = Visitor(chromium, site, signed_in)
    yield visitor
    visitor.close()
    assert visitor.complaints == []
