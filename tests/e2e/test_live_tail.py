"""Events that appear as they come: those of the list that is on the page, and no others."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
KEEP_STREAMS = """
window.streams = [];
EventSource = class extends EventSource {
  constructor(url) { super(url); streams.push(this); }
};
"""
COME_MS = 3000
"""Within which a followed event would be on the page."""


@contextmanager
def page_of_streams(browser: Browser, appliance: Appliance) -> Iterator[tuple[Page, str]]:
    """A page that knows its streams, and where the list of events is."""
    context = context_of(browser)
    page = open_page(context)
    page.add_init_script(KEEP_STREAMS)
    yield page, f"{sign_in(page, appliance)}events"
    context.close()


def open_list(events_page: tuple[Page, str]) -> Page:
    """The newest events, not followed yet."""
    page, url = events_page
    page.goto(f"{url}?columns=time,model,feature")
    page.wait_for_load_state()
    return page


@pytest.fixture(scope="module")
def events_page(browser: Browser, server: tuple[Appliance, str]) -> Iterator[tuple[Page, str]]:
    with page_of_streams(browser, server[0]) as found:
        yield found


@pytest.fixture
def page(events_page: tuple[Page, str]) -> Page:
    """The newest events, followed."""
    page = open_list(events_page)
    press_live(page)
    return page


@contextmanager
def following(page: Page) -> Iterator[None]:
    """Until the list is followed as it is after what is done inside."""
    with page.expect_response("**/events/live*"):
        yield
    expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(500)  # the server has to have looked what is there already
    assert open_streams(page) == 1


def press_live(page: Page) -> None:
    with following(page):
        page.get_by_role("button", name="Live").click()


def open_streams(page: Page) -> int:
    return int(page.evaluate("streams.filter((one) => one.readyState < 2).length"))


def send(server: tuple[Appliance, str], model: str, **more: object) -> None:
    """Have an event come in; nothing else has its model."""
    appliance, key = server
    body = {"provider": "openai", "model": model, "prompt_tokens": 1, **more}
    headers = {"Authorization": f"Bearer {key}"}
    assert appliance.post(json.dumps(body).encode(), headers)[0] == 200


def assert_stays_away(page: Page, model: str) -> None:
    page.wait_for_timeout(COME_MS)
    expect(page.locator("#event-rows").get_by_text(model)).to_have_count(0)


def test_live_goes_on_with_a_new_filter(page: Page, server: tuple[Appliance, str]) -> None:
    page.keyboard.press("/")
    page.locator(".filters").get_by_label("Feature").select_option("search")
    with following(page):
        page.locator(".filters").get_by_role("button", name="Show").click()
    page.get_by_role("group", name="Filters").get_by_text("feature: search").wait_for()
    send(server, "not-of-search", feature="chat")
    send(server, "of-search", feature="search")
    page.locator("#event-rows").get_by_text("of-search", exact=True).wait_for(timeout=6000)
    assert_stays_away(page, "not-of-search")


def test_live_goes_on_with_other_columns(page: Page, server: tuple[Appliance, str]) -> None:
    page.get_by_text("Columns", exact=True).click()
    page.locator(".column-choice").get_by_label("Feature", exact=True).uncheck()
    with following(page):
        page.locator(".column-choice").get_by_role("button", name="Show").click()
    expect(page.get_by_role("columnheader")).to_have_text(["Time", "Model"])
    assert not page.locator(".column-choice").is_visible()
    send(server, "in-two-columns", feature="chat")
    row = page.locator("#event-rows tr").filter(has_text="in-two-columns")
    row.wait_for(timeout=6000)
    assert row.count() == 1
    assert row.locator("td").count() == 2


@pytest.mark.parametrize("link", ["Older", "Yesterday"])
def test_nothing_new_comes_into_a_list_of_the_past(
    page: Page, server: tuple[Appliance, str], link: str
) -> None:
    page.get_by_role("link", name=link).click()
    expect(page.get_by_role("button", name="Live")).to_have_count(0)
    assert open_streams(page) == 0
    rows = page.locator("#event-rows tr").count()
    send(server, f"after-{link}")
    assert_stays_away(page, f"after-{link}")
    assert page.locator("#event-rows tr").count() == rows


def test_live_goes_on_beside_a_sheet_and_after_it(
    page: Page, server: tuple[Appliance, str]
) -> None:
    page.locator("#event-rows a").nth(2).click()
    page.get_by_role("heading", name="Event", exact=True).wait_for()
    send(server, "under-the-sheet")
    page.locator("#event-rows").get_by_text("under-the-sheet").wait_for(timeout=6000)
    with following(page):
        page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Event", exact=True)).to_have_count(0)
    send(server, "after-the-sheet")
    page.locator("#event-rows").get_by_text("after-the-sheet").wait_for(timeout=6000)
    expect(page.locator("#event-rows").get_by_text("under-the-sheet")).to_have_count(1)


def test_live_is_off_when_pressed_again_or_refused(page: Page) -> None:
    button = page.get_by_role("button", name="Live")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert open_streams(page) == 0
    page.route("**/events/live*", lambda route: route.fulfill(status=204))
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    page.unroute("**/events/live*")
    press_live(page)


def test_the_first_event_comes_into_an_empty_list(
    events_page: tuple[Page, str], server: tuple[Appliance, str]
) -> None:
    page, url = events_page
    page.goto(f"{url}?metadata=livetest%3Dyes")
    page.wait_for_load_state()
    nothing = page.get_by_text("No event passes these conditions.")
    assert nothing.is_visible()
    press_live(page)
    send(server, "not-as-wanted", metadata={"livetest": "no"})
    send(server, "as-wanted", metadata={"livetest": "yes"})
    page.locator("#event-rows").get_by_text("as-wanted", exact=True).wait_for(timeout=6000)
    expect(page.locator("#event-rows tr")).to_have_count(1)
    assert not nothing.is_visible()
