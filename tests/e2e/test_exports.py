"""Exports that the page fetches itself: counted, once at a time, and they can be cancelled."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
ENDLESS = """
window.asked = 0;
window.fetch = (_, { signal }) => {
  asked += 1;
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(new TextEncoder().encode("a\\nb\\n"));
      signal.addEventListener("abort", () => stream.error(signal.reason));
    },
  });
  const headers = { "LLMtrack-Rows": "100", "Content-Disposition": 'attachment; filename="x.csv"' };
  return Promise.resolve(new Response(body, { headers }));
};
null
"""
TOO_MANY = """
window.fetch = (_, { signal }) => {
  window.signal = signal;
  const headers = { "LLMtrack-Rows": "200001", "Content-Disposition": 'attachment; filename="x"' };
  return Promise.resolve(new Response("", { headers }));
};
null
"""


@pytest.fixture
def page(browser: Browser, server: tuple[Appliance, str]) -> Iterator[Page]:
    """Of events, with its exports open."""
    context = context_of(browser)
    page = open_page(context)
    page.goto(f"{sign_in(page, server[0])}events")
    page.wait_for_load_state()
    page.get_by_text("Export", exact=True).click()
    yield page
    context.close()


def test_an_export_is_counted_and_saved(page: Page) -> None:
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert str(saved.value.suggested_filename).endswith(".csv")
    expect(page.locator(".export-progress")).to_contain_text("is saved")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert len(saved.value.path().read_text().splitlines()) > 500


def test_an_export_runs_once_and_can_be_cancelled(page: Page) -> None:
    page.evaluate(ENDLESS)
    for name in ("CSV", "CSV", "JSON lines"):
        page.get_by_role("link", name=name).click()
    expect(page.get_by_role("progressbar", name="Export")).to_be_visible()
    expect(page.locator(".export-progress output")).to_have_text("2 of at most 100")
    assert page.evaluate("asked") == 1
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".export-progress output")).to_have_text("Cancelled")
    expect(page.get_by_role("link", name="CSV")).to_be_focused()
    page.get_by_role("link", name="CSV").click()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(1)
    assert page.evaluate("asked") == 2


def test_what_is_too_much_for_memory_is_saved_by_the_browser(page: Page) -> None:
    page.evaluate(TOO_MANY)
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert str(saved.value.suggested_filename).startswith("events-")
    assert page.evaluate("signal.aborted")
    expect(page.locator(".export-progress")).to_be_hidden()


def test_who_is_no_longer_signed_in_comes_to_sign_in(page: Page) -> None:
    page.context.clear_cookies()
    page.get_by_role("link", name="CSV").click()
    page.get_by_role("heading", name="Sign in").wait_for()
