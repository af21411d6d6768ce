"""Menus, sheets and tables that open: within the screen, kept by a refresh, left as they came."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_every_page import share
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
WITH_MENUS = (
    *("", "explore", "changes", "events", "performance", "customers", "what-if", "statement"),
    *("by/feature?feature=search", "events?feature=search&status=success", "keys"),
    *("?from=2026-10-20&to=2026-11-20", "?from=2026-11-20T06:00Z&to=2026-11-22T12:00Z"),
)
WIDTHS = (320, 390, 720, 721, 1000, 1248, 1249, 1280)
REFRESHED = "document.getElementById('report').dispatchEvent(new CustomEvent('refresh'))"


@pytest.fixture(scope="module")
def dashboard(browser: Browser, server: tuple[Appliance, str]) -> Iterator[tuple[Page, str]]:
    """One page for all tests, and where the workspace is."""
    context = context_of(browser)
    page = open_page(context)
    yield page, sign_in(page, server[0])
    context.close()


def go(dashboard: tuple[Page, str], path: str) -> Page:
    page, home = dashboard
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(home + path)
    page.wait_for_load_state()
    return page


def refresh(page: Page) -> None:
    """As the page does by itself after half a minute."""
    with page.expect_response(lambda response: "hx-request" in response.request.headers):
        page.evaluate(REFRESHED)
    page.wait_for_timeout(300)


def menus_off_screen(page: Page, width: int) -> list[str]:
    faults = []
    for menu in page.locator("details.menu").all():
        menu.locator("summary").click()
        body = menu.locator(".menu-body")
        box = body.bounding_box()
        assert box is not None
        if box["x"] < 0 or box["x"] + box["width"] > width:
            faults.append(f"{width}: {menu.inner_text()[:20]!r} {box['x']} {box['width']}")
        inner = body.evaluate("body => body.scrollWidth - body.clientWidth")
        if inner > 0:
            faults.append(f"{width}: {menu.inner_text()[:20]!r} holds {inner} pixels too much")
        page.keyboard.press("Escape")
    return faults


@pytest.mark.parametrize("path", WITH_MENUS)
def test_no_menu_is_off_the_screen(dashboard: tuple[Page, str], path: str) -> None:
    page = go(dashboard, path)
    assert page.locator("details.menu").count()
    faults = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        faults += menus_off_screen(page, width)
    assert not faults


def test_a_refresh_leaves_open_what_is_open(dashboard: tuple[Page, str]) -> None:
    page = go(dashboard, "")
    data = page.locator("details.data")
    data.locator("summary").click()
    page.get_by_text("Views", exact=True).click()
    page.evaluate("document.activeElement.blur()")
    refresh(page)
    assert data.get_by_role("table").is_visible()
    assert page.get_by_label("Save this view as").is_visible()


def test_a_menu_closes_when_something_in_it_is_chosen(dashboard: tuple[Page, str]) -> None:
    page = go(dashboard, "changes")
    compare = page.get_by_text("Compare with", exact=True)
    compare.click()
    page.get_by_label("From").last.fill("2026-01-01")
    page.get_by_label("To, included").last.fill("2026-01-02")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**before_from=2026-01-01*")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    compare.click()
    page.get_by_role("link", name="The usual").click()
    page.wait_for_url(lambda url: "before_from" not in url)
    expect(page.get_by_role("link", name="The usual")).to_have_count(0)
    expect(page.locator("details.menu[open]")).to_have_count(0)


@pytest.mark.parametrize("way", ["Escape", "All events", "back"])
def test_focus_is_where_a_sheet_was_opened_from(dashboard: tuple[Page, str], way: str) -> None:
    page = go(dashboard, "events?feature=search")
    link = page.locator("#event-rows a").nth(3)
    href = link.get_attribute("href")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Event", exact=True)).to_be_focused()
    if way == "Escape":
        page.keyboard.press("Escape")
    elif way == "back":
        page.go_back()
    else:
        page.get_by_role("link", name=way).click()
    expect(page.locator(f'#event-rows a[href="{href}"]')).to_be_focused()
    assert "feature=search" in page.url


def test_a_second_sheet_takes_the_place_of_the_first(dashboard: tuple[Page, str]) -> None:
    page = go(dashboard, "events?feature=search")
    for place in (0, 1):
        link = page.locator("#event-rows a").nth(place)
        href = link.get_attribute("href")
        link.click()
        page.wait_for_url(f"**{href}")
        expect(page.get_by_role("heading", name="Event", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    page.wait_for_url("**events?feature=search")
    expect(page.locator(f'#event-rows a[href="{href}"]')).to_be_focused()


def test_a_tooltip_is_about_the_period_that_is_shown(dashboard: tuple[Page, str]) -> None:
    page = go(dashboard, "")
    page.locator("figure .plot").hover()
    page.keyboard.press("w")
    page.wait_for_url("**period=7d*")
    rows = page.locator("figure tbody tr")
    expect(rows).to_have_count(7)
    box = page.locator("figure .plot").bounding_box()
    assert box is not None
    for bar, row in enumerate(rows.all()):
        page.mouse.move(box["x"] + (bar + 0.5) * box["width"] / 7, box["y"] + 40)
        day = str(row.locator("th").text_content()).strip()
        expect(page.locator(".tip strong")).to_have_text(day)


def test_a_chart_says_what_it_can_do(
    dashboard: tuple[Page, str], server: tuple[Appliance, str]
) -> None:
    page = go(dashboard, "performance")
    expect(page.locator("#latency-help")).to_contain_text("Enter zooms into one.")
    for summary in page.get_by_text("Show data").all():
        summary.click()
    for title in page.locator(".card:has(figure) h2").all_inner_texts():
        page.get_by_role("region", name=f"{title}, data", exact=True).wait_for()
    link = share(page, f"{dashboard[1]}shared-links?place=performance&query=", server[0].url)
    page.goto(link)
    before = page.url
    expect(page.locator("#latency-help")).to_have_text(re.compile(r"point to point\. The data"))
    page.locator("figure").first.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.url == before
