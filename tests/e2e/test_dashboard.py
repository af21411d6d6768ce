"""The dashboard in a real browser: found by its labels, read by everyone, on any screen."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import PASSWORD, Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")


def context_of(browser: Browser, **options: Any) -> BrowserContext:
    return browser.new_context(ignore_https_errors=True, **options)


def sign_in(page: Page, appliance: Appliance) -> str:
    """Where the workspace's pages are."""
    page.goto(f"{appliance.url}/sign-in")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    page.wait_for_load_state()  # keys are heard once the script has run
    return str(page.url).partition("?")[0]


def test_pages_work_without_scripts(browser: Browser, server: tuple[Appliance, str]) -> None:
    context = context_of(browser, java_script_enabled=False)
    page = context.new_page()
    base = sign_in(page, server[0])
    page.goto(f"{base}explore")
    page.get_by_label("Metric").select_option("Requests")
    page.get_by_role("button", name="Show").last.click()
    page.get_by_role("heading", name="Requests per day by model").wait_for()
    page.goto(f"{base}events")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Tier").check()
    page.locator(".column-choice").get_by_role("button", name="Show").click()
    page.get_by_role("columnheader", name="Tier").wait_for()
    page.locator("#event-rows a").first.click()
    page.get_by_role("heading", name="Event", exact=True).wait_for()
    context.close()


def test_new_events_appear_while_live(browser: Browser, server: tuple[Appliance, str]) -> None:
    appliance, key = server
    context = context_of(browser)
    page = open_page(context)
    base = sign_in(page, appliance)
    page.goto(f"{base}events?columns=time,model,feature")
    page.get_by_role("button", name="Live").click()
    page.wait_for_timeout(500)
    body = {"provider": "openai", "model": "gpt-4o", "feature": "just-now", "prompt_tokens": 1}
    headers = {"Authorization": f"Bearer {key}"}
    assert appliance.post(json.dumps(body).encode(), headers)[0] == 200
    page.get_by_text("just-now").wait_for(timeout=6000)
    context.close()


def test_an_export_tells_how_far_it_is_and_that_it_failed(
    browser: Browser, server: tuple[Appliance, str]
) -> None:
    context = context_of(browser, accept_downloads=True)
    page = context.new_page()  # a request that is aborted on purpose is told in the console
    home = sign_in(page, server[0])
    page.goto(f"{home}events?period=7d")
    page.wait_for_load_state()
    page.get_by_text("Export", exact=True).click()
    most = str(page.get_by_text("at most").inner_text()).rpartition("at most ")[2]
    events = int(most.rstrip(".").replace(",", ""))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    page.get_by_text(f"{download.value.suggested_filename} is saved").wait_for()
    bar = page.get_by_role("progressbar")
    assert bar.evaluate("bar => [bar.value, bar.max]") == [events, events]
    page.route("**/events/export*", lambda route: route.abort())
    page.get_by_role("link", name="JSON lines").click()
    page.get_by_text("Failed:").wait_for()
    context.close()


LINKS = {
    "?period=30d": ("Show data", "Exact amounts (CSV)"),
    "explore?period=30d": ("Export", "CSV"),
    "events?period=7d": ("Export", "CSV"),
}
"""Where an export is, what opens it, and its link."""


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("place", LINKS)
def test_an_export_asks_who_it_is_when_that_was_long_ago(
    browser: Browser, server: tuple[Appliance, str], place: str, scripts: bool
) -> None:
    context = context_of(browser, accept_downloads=True, java_script_enabled=scripts)
    page = context.new_page()
    home = sign_in(page, server[0])
    with closing(sqlite3.connect(server[0].data_dir / "llmtrack.db")) as connection, connection:
        connection.execute("update session set proved_ms = proved_ms - 16 * 60000")
    opener, link = LINKS[place]
    page.goto(home + place)
    page.wait_for_load_state()
    page.get_by_text(opener, exact=True).first.click()
    page.get_by_role("link", name=link, exact=True).click()
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_download() as download:
        page.get_by_role("button", name="Confirm").click()
    assert download.value.suggested_filename.endswith(".csv")
    context.close()
