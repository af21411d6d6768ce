"""Amounts of many digits: never broken, never cut, and within the paper."""

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
DAY_MS = 86_400_000
PAPER_PX = 702
"""What A4 leaves between the margins."""
BROKEN = """tiles => tiles.filter((value) => {
  const text = document.createRange();
  text.selectNodeContents(value);
  const box = text.getBoundingClientRect();
  const tile = value.closest(".tile").getBoundingClientRect();
  // A line for the currency, and one for the number.
  const lines = Math.round(box.height / parseFloat(getComputedStyle(value).lineHeight));
  const words = value.textContent.trim().split(" ").length;
  return lines > words || box.left < tile.left || box.right > tile.right;
}).map((value) => value.textContent)"""


@pytest.fixture(scope="module")
def large(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, str]]:
    """A workspace that spent 12 million dollars, and where it is."""
    appliance = Appliance(tmp_path_factory.mktemp("large"))
    appliance.set_up()
    key = str(appliance.create_key()["key"])
    appliance.start()
    usage = {"provider": "openai", "model": "gpt-4o", "prompt_tokens": 240_000_000_000}
    now_ms = int(time.time() * 1000)
    events = [{**usage, "timestamp": now_ms - day * DAY_MS} for day in range(20)]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    assert appliance.post(json.dumps(events).encode(), headers, "/api/ingest/batch")[0] == 207
    context = context_of(browser)
    page = open_page(context)
    yield page, sign_in(page, appliance)
    context.close()
    appliance.stop()


def show_in(page: Page, home: str, currency: str, rate: str) -> None:
    page.goto(f"{home}settings")
    page.wait_for_load_state()
    form = page.locator("form:has([name=usd_rate])")
    form.locator("[name=currency]").fill(currency)
    form.locator("[name=usd_rate]").fill(rate)
    form.get_by_role("button").first.click()
    page.wait_for_load_state()


@pytest.mark.parametrize(("currency", "rate"), [("IDR", "16250"), ("EUR", "0.92")])
def test_they_are_whole_on_any_screen_and_on_paper(
    large: tuple[Page, str], currency: str, rate: str
) -> None:
    page, home = large
    show_in(page, home, currency, rate)
    for width in (320, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(home)
        values = page.locator(".tile .value")
        assert f"{currency} " in values.first.inner_text()
        assert len(values.first.inner_text()) > 16
        assert values.evaluate_all(BROKEN) == [], width
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER_PX, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") == PAPER_PX
    page.emulate_media(media="screen")
