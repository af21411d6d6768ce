"""What a first-time user wants to know, found by visible labels alone, from the Overview on."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import PHONE, open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "desktop without scripts": {"java_script_enabled": False},
    "phone without scripts": {"viewport": PHONE, "is_mobile": True, "java_script_enabled": False},
}


@pytest.fixture(scope="module")
def session(browser: Browser, server: tuple[Appliance, str]) -> Any:
    """Of alice, signed in."""
    context = context_of(browser)
    sign_in(context.new_page(), server[0])
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(params=SCREENS)
def page(
    browser: Browser, server: tuple[Appliance, str], session: Any, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """On the Overview, as signing in leaves one there."""
    context = context_of(browser, storage_state=session, **SCREENS[request.param])
    opened = open_page(context)
    opened.goto(server[0].url)
    opened.get_by_role("heading", name="Overview", exact=True).wait_for()
    yield opened
    context.close()


def main_link(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def rows_below(page: Page, heading: str) -> list[str]:
    """The text of each row of the table under a heading."""
    title = page.get_by_role("heading", name=re.compile(re.escape(heading)))
    rows = page.locator("section", has=title).last.get_by_role("row")
    return [" ".join(str(text).split()) for text in rows.all_inner_texts()]


def test_yesterdays_cost_by_feature(page: Page) -> None:
    page.get_by_role("link", name="Yesterday").click()
    page.get_by_role("link", name="Feature", exact=True).click()
    page.get_by_role("heading", name="By feature", exact=True).wait_for()
    heads, first, *_, total = rows_below(page, "By feature")
    assert heads.startswith("Feature Cost")
    assert re.match(r"search \$\d+\.\d\d", first)
    assert re.match(r"Total \$\d+\.\d\d", total)


def test_why_it_rose(page: Page) -> None:
    page.get_by_role("link", name="Yesterday").click()
    because = page.get_by_text("because feature search made 6.0 times the requests (15, then 90)")
    because.wait_for()
    page.get_by_role("link", name="All changes").click()
    page.get_by_role("heading", name="The largest causes").wait_for()
    assert page.get_by_text("compared with the day before").is_visible()
    assert page.get_by_text("made 6.0 times the requests (15, then 90)").first.is_visible()


def test_the_most_expensive_customer(page: Page) -> None:
    main_link(page, "Customers")
    rows = rows_below(page, "customers, the most expensive first")
    assert rows[1].startswith("Cora Ltd")


def test_the_slowest_model(page: Page) -> None:
    main_link(page, "Performance")
    assert rows_below(page, "By model, the slowest first")[1].startswith("claude-sonnet-4-5")


def test_the_event_behind_a_number(page: Page) -> None:
    page.get_by_role("link", name="claude-sonnet-4-5").last.click()
    page.get_by_role("heading", name="Model claude-sonnet-4-5").wait_for()
    page.get_by_role("link", name="See these events").click()
    page.get_by_role("heading", name="Events, the newest first").wait_for()
    page.get_by_role("table").last.get_by_role("link").first.click()
    page.get_by_role("heading", name="Event", exact=True).wait_for()
    assert page.get_by_role("row", name=re.compile("Input, not cached")).is_visible()
    assert page.get_by_role("link", name="claude-sonnet-4-5").last.is_visible()


def test_the_csv(page: Page) -> None:
    page.get_by_role("link", name="claude-sonnet-4-5").last.click()
    page.get_by_role("link", name="See these events").click()
    page.get_by_text("model: claude-sonnet-4-5").wait_for()
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 200
    assert {row["model"] for row in rows} == {"claude-sonnet-4-5"}
    assert {row["time_zone"] for row in rows} == {"UTC"}
