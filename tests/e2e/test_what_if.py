"""What a month would have cost elsewhere: more requests than a page prices while somebody waits."""

import re
import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import open_page
from tests.e2e.test_live_gaps import send_many
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
EVENTS = 4_000


def compare(page: Page, appliance: Appliance) -> None:
    base = sign_in(page, appliance)
    page.get_by_role("link", name="What if").click()
    page.get_by_label("Price these requests as if they had gone to").fill("openai/gpt-4o-mini")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile(r"target=openai"))
    assert page.url.startswith(base)


def test_a_long_comparison_comes_by_itself(browser: Browser, server: tuple[Appliance, str]) -> None:
    for _ in range(EVENTS // 1_000):
        send_many(server, "gpt-4o", 1_000)
    context = context_of(browser)
    page = open_page(context)
    compare(page, server[0])
    expect(page.get_by_role("heading", name="Its rates")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("kept for an hour")).to_be_visible()
    address = page.url
    page.get_by_role("button", name="Count again").click()
    expect(page.get_by_role("heading", name="Its rates")).to_be_visible(timeout=30_000)
    assert page.url == address
    context.close()


def test_without_scripts_it_is_looked_for_again(
    browser: Browser, server: tuple[Appliance, str]
) -> None:
    context = context_of(browser, java_script_enabled=False)
    page = context.new_page()
    compare(page, server[0])
    deadline = time.monotonic() + 30
    while page.get_by_role("link", name="Look again").count():
        assert time.monotonic() < deadline
        page.get_by_role("link", name="Look again").click()
    assert page.get_by_role("heading", name="Its rates").is_visible()
    context.close()
