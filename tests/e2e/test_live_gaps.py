"""Events that came while nobody followed them: they come when it is followed, or are told."""

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_live_tail import open_list, page_of_streams, press_live, send
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def events_page(browser: Browser, server: tuple[Appliance, str]) -> Iterator[tuple[Page, str]]:
    with page_of_streams(browser, server[0]) as found:
        yield found


@pytest.fixture
def page(events_page: tuple[Page, str]) -> Page:
    return open_list(events_page)


def send_many(server: tuple[Appliance, str], model: str, count: int, **more: object) -> None:
    appliance, key = server
    event = {"provider": "openai", "model": model, "prompt_tokens": 1, **more}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps([event] * count).encode()
    assert appliance.post(body, headers, "/api/ingest/batch")[0] == 207


def rows_of(page: Page, model: str) -> int:
    return int(page.locator("#event-rows tr").filter(has_text=model).count())


def expect_rows(page: Page, model: str, count: int) -> None:
    rows = page.locator("#event-rows tr").filter(has_text=model)
    expect(rows).to_have_count(count, timeout=6000)


def test_what_came_before_and_between_comes_once(page: Page, server: tuple[Appliance, str]) -> None:
    send(server, "before-live")
    press_live(page)
    expect_rows(page, "before-live", 1)
    page.get_by_role("button", name="Live").click()
    send(server, "while-paused")
    press_live(page)
    expect_rows(page, "while-paused", 1)
    page.evaluate(HIDE, True)
    send(server, "while-hidden")
    page.evaluate(HIDE, False)
    expect_rows(page, "while-hidden", 1)
    models = page.locator("#event-rows tr td:nth-child(2)").all_inner_texts()
    assert models[:3] == ["while-hidden", "while-paused", "before-live"]
    assert rows_of(page, "before-live") == rows_of(page, "while-paused") == 1
    expect(page.locator("#missed")).to_be_hidden()


def test_of_many_at_once_the_newest_come_and_the_rest_is_told(
    page: Page, server: tuple[Appliance, str]
) -> None:
    press_live(page)
    send_many(server, "of-a-batch", 150)
    expect(page.get_by_text("Events that came and are not listed here: 50.")).to_be_visible()
    assert rows_of(page, "of-a-batch") == 100
    send(server, "after-the-batch")
    expect_rows(page, "after-the-batch", 1)
    page.get_by_role("button", name="Live").click()
    send(server, "after-a-pause")
    press_live(page)
    expect_rows(page, "after-a-pause", 1)
    expect(page.locator("#missed b")).to_have_text("50")
    page.get_by_role("link", name="Reload the list").click()
    expect(page.locator("#missed")).to_be_hidden()
    expect(page.locator("#event-rows tr")).to_have_count(50)
    expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")


def test_a_late_event_has_its_place_or_is_told(page: Page, server: tuple[Appliance, str]) -> None:
    now_ms = int(time.time() * 1000)
    send(server, "in-time")
    press_live(page)
    expect_rows(page, "in-time", 1)
    send(server, "a-little-late", timestamp=now_ms - 1000)
    expect_rows(page, "a-little-late", 1)
    models = page.locator("#event-rows tr td:nth-child(2)").all_inner_texts()
    assert models.index("in-time") < models.index("a-little-late")
    send(server, "days-late", timestamp=now_ms - 5 * 86_400_000)
    expect(page.locator("#missed b")).to_have_text("1", timeout=6000)
    assert rows_of(page, "days-late") == 0


def test_of_a_list_with_filters_only_what_belongs_to_it_is_told(
    events_page: tuple[Page, str], server: tuple[Appliance, str]
) -> None:
    page, url = events_page
    page.goto(f"{url}?columns=time,model,feature&feature=search")
    page.wait_for_load_state()
    send_many(server, "of-another", 30, feature="chat")
    send(server, "of-search", feature="search")
    press_live(page)
    expect_rows(page, "of-search", 1)
    send_many(server, "of-another", 130, feature="chat")
    send(server, "again-of-search", feature="search")
    expect_rows(page, "again-of-search", 1)
    expect(page.locator("#missed")).to_be_hidden()
    assert rows_of(page, "of-another") == 0
