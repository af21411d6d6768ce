"""A newcomer's first minutes in a real browser, against a real server process."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import CHROMIUM
from tests.system.conftest import PASSWORD, Appliance

PHONE = {"width": 390, "height": 844}

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Appliance, str]]:
    """A server on an empty directory, and the setup link that it printed."""
    appliance = Appliance(tmp_path)
    link = appliance.start_plain()
    yield appliance, link
    appliance.stop()


def open_page(context: BrowserContext) -> Page:
    """A page that fails the test on any console error, a CSP report among them."""
    page = context.new_page()
    page.on("console", lambda message: _refuse(message.type, message.text))
    page.on("pageerror", lambda error: _refuse("error", str(error)))
    return page


def _refuse(kind: str, text: str) -> None:
    assert kind != "error", text


def set_up(page: Page, link: str) -> None:
    """Until the page that follows is there: Chromium may never close one that is being left."""
    page.goto(link)
    page.get_by_label("Workspace").fill("Acme")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create workspace").click()
    page.locator("#curl").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_printed_link_to_the_first_cost(
    browser: Browser, fresh: tuple[Appliance, str], scheme: str
) -> None:
    _, link = fresh
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = open_page(context)
    set_up(page, link)
    command = page.locator("#curl").inner_text()

    begun = time.monotonic()
    subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602 - as shown
    page.get_by_text("$0.000066").wait_for(timeout=2000 - (time.monotonic() - begun) * 1000)

    page.get_by_role("link", name="To the overview").click()
    page.get_by_role("heading", name="Cost per day by model").wait_for()
    assert page.get_by_role("link", name="gpt-4o-mini").count() >= 1
    page.get_by_role("link", name="Feature", exact=True).click()
    page.get_by_role("heading", name="Cost per day by feature").wait_for()
    assert "by=feature" in page.url
    page.go_back()
    page.get_by_role("heading", name="Cost per day by model").wait_for()
    context.close()


def test_every_page_fits_a_phone(browser: Browser, fresh: tuple[Appliance, str]) -> None:
    _, link = fresh
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = open_page(context)
    set_up(page, link)
    subprocess.run(page.locator("#curl").inner_text(), shell=True, check=True, capture_output=True)  # noqa: S602
    base = re.sub(r"/keys/.*", "", page.url)

    for path in ("/", "/keys", "/members", "/?period=24h&by=provider"):
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    context.close()


def test_it_works_without_javascript(browser: Browser, fresh: tuple[Appliance, str]) -> None:
    _, link = fresh
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    set_up(page, link)
    subprocess.run(page.locator("#curl").inner_text(), shell=True, check=True, capture_output=True)  # noqa: S602

    page.get_by_role("link", name="Check again").click()
    page.get_by_text("$0.000066").wait_for()
    page.get_by_role("link", name="To the overview").click()
    page.get_by_role("link", name="Provider", exact=True).click()
    page.get_by_role("heading", name="Cost per day by provider").wait_for()
    page.get_by_role("link", name="Keys").click()
    page.get_by_role("button", name="Deactivate").click()
    page.get_by_text("inactive").wait_for()
    context.close()
