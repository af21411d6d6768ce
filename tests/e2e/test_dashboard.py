"""The dashboard in a real browser: found by its labels, read by everyone, on any screen."""

import csv
import json
import re
from pathlib import Path
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


def main_link(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def first_name(page: Page, table: str) -> str:
    """What the first row under a heading is called."""
    card = page.locator(
        "section.card", has=page.get_by_role("heading", name=re.compile(re.escape(table)))
    )
    return str(card.locator("tbody th").first.inner_text()).strip()


def test_a_first_time_user_finds_everything_by_its_label(
    browser: Browser, server: tuple[Appliance, str]
) -> None:
    context = context_of(browser, accept_downloads=True)
    page = open_page(context)
    sign_in(page, server[0])

    # Yesterday's cost by feature.
    page.get_by_role("link", name="Yesterday").click()
    page.get_by_role("link", name="Feature", exact=True).click()
    page.get_by_role("heading", name="By feature", exact=True).wait_for()
    assert first_name(page, "By feature") == "search"

    # Why it rose.
    said = page.locator("section.card", has=page.get_by_role("heading", name="What changed"))
    assert "because feature search made 6.0 times the requests (15, then 90)" in said.inner_text()
    page.get_by_role("link", name="All changes").click()
    page.get_by_role("heading", name="The largest causes").wait_for()

    # The most expensive customer, the slowest model.
    main_link(page, "Customers")
    assert first_name(page, "customers, the most expensive first").startswith("Cora Ltd")
    main_link(page, "Performance")
    assert first_name(page, "By model, the slowest first") == "claude-sonnet-4-5"

    page.get_by_role("link", name="claude-sonnet-4-5").first.click()
    follow_to_event_and_csv(page)
    context.close()


def follow_to_event_and_csv(page: Page) -> None:
    """From any page about one model to an event behind its numbers, and to the CSV."""
    page.get_by_text("model: claude-sonnet-4-5").wait_for()
    page.get_by_role("link", name="See these events").click()
    page.get_by_role("heading", name="Events, the newest first").wait_for()
    page.locator("#event-rows a").first.click()
    page.get_by_role("heading", name="Event", exact=True).wait_for()
    assert "Input, not cached" in page.locator("#sheet").inner_text()
    page.keyboard.press("Escape")
    page.locator("#sheet h1").wait_for(state="detached")
    assert "model=claude-sonnet-4-5" in page.url
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["model"] for row in rows} == {"claude-sonnet-4-5"}


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


def test_keys_lead_everywhere_but_not_while_typing(
    browser: Browser, server: tuple[Appliance, str]
) -> None:
    context = context_of(browser)
    page = open_page(context)
    sign_in(page, server[0])
    page.keyboard.press("w")
    page.wait_for_url("**period=7d*")
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    page.keyboard.press("m")
    page.keyboard.press("Escape")
    assert "period=7d" in page.url
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.get_by_role("heading", name="Events", exact=True).wait_for()
    page.get_by_label("Metadata").focus()
    page.keyboard.type("team=red wgo?/")
    page.keyboard.press("Control+w")
    assert page.get_by_label("Metadata").input_value() == "team=red wgo?/"
    assert page.get_by_role("heading", name="Events", exact=True).is_visible()
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
