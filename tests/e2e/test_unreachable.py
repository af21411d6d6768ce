"""A server that does not answer: the page says so, and how old it is, until it answers again."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_what_opens import REFRESHED
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")


def test_it_is_told_until_the_next_answer(browser: Browser, server: tuple[Appliance, str]) -> None:
    context = context_of(browser)
    page = context.new_page()
    sign_in(page, server[0])
    updated = page.get_by_text("Updated").inner_text().rpartition("Updated ")[2]
    told = page.get_by_role("status").filter(has_text="Cannot reach the server")
    page.route("**/w/**", lambda route: route.abort("connectionrefused"))
    for _ in range(2):
        page.evaluate(REFRESHED)
        expect(told).to_have_text(f"Cannot reach the server. Shown as of {updated}")
    assert page.locator(".tile").count() > 3
    page.unroute("**/w/**")
    page.evaluate(REFRESHED)
    expect(told).to_have_count(0)
    expect(page.locator("header.header")).to_have_count(1)
    context.close()


def test_an_answer_that_another_took_the_place_of_is_no_silence(
    browser: Browser, server: tuple[Appliance, str]
) -> None:
    context = context_of(browser)
    page = context.new_page()
    sign_in(page, server[0])
    page.evaluate(f"{REFRESHED}; {REFRESHED}; {REFRESHED}")
    page.wait_for_timeout(1000)
    expect(page.get_by_text("Cannot reach the server")).to_have_count(0)
    context.close()
