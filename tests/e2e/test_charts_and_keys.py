"""Charts under the pointer and the keyboard, and the keys that lead everywhere."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from llmtrack.web.filter_bar import PERIOD_KEYS
from llmtrack.web.render import SECTIONS
from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
BERLIN = ZoneInfo("Europe/Berlin")
MODIFIERS = ("Control", "Alt", "Meta")


@pytest.fixture(scope="module")
def dashboard(browser: Browser, server: tuple[Appliance, str]) -> Iterator[Page]:
    """One page for all tests: each goes where it needs to be."""
    context = context_of(browser)
    page = open_page(context)
    sign_in(page, server[0])
    yield page
    context.close()


@pytest.fixture
def page(dashboard: Page, server: tuple[Appliance, str]) -> Page:
    dashboard.goto(server[0].url)
    dashboard.get_by_role("heading", name="Overview", exact=True).wait_for()
    dashboard.wait_for_load_state()
    return dashboard


def query_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_each_period_has_a_letter(page: Page) -> None:
    for period, letter in PERIOD_KEYS.items():
        page.keyboard.press(letter)
        chosen = page.get_by_role("navigation", name="Period").locator("[aria-current]")
        expect(chosen).to_have_attribute("data-key", letter)
        assert query_of(page).get("period", ["30d"]) == [period]


def test_g_and_a_letter_lead_to_each_page(page: Page) -> None:
    for section in SECTIONS:
        page.keyboard.press("g")
        page.keyboard.press(section.letter)
        page.get_by_role("heading", level=1, name=section.text).wait_for()
        page.wait_for_load_state()


def test_the_menu_leads_on_with_the_period_that_was_chosen_last(page: Page) -> None:
    menu = page.get_by_role("navigation", name="Main")
    menu.get_by_role("link", name="Explore").focus()
    page.keyboard.press("w")
    page.wait_for_url("**period=7d*")
    expect(menu.get_by_role("link", name="Performance")).to_have_attribute(
        "href", re.compile("period=7d")
    )
    expect(menu.get_by_role("link", name="Explore")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.get_by_role("heading", level=1, name="Performance").wait_for()
    assert query_of(page) == {"period": ["7d"]}
    page.go_back()
    page.get_by_role("heading", level=1, name="Overview").wait_for()
    assert query_of(page) == {"period": ["7d"]}


def test_a_letter_after_g_is_no_letter_of_its_own_and_waits_only_a_while(page: Page) -> None:
    page.keyboard.press("g")
    page.wait_for_timeout(1400)
    page.keyboard.press("w")  # not What if: that was too late
    page.wait_for_url("**period=7d*")


def test_a_slash_opens_the_filter_and_escape_leaves_it(page: Page) -> None:
    page.keyboard.press("/")
    assert page.get_by_label("Feature").is_visible()
    page.keyboard.type("day")  # is in the menu's first field, and no period
    assert page.evaluate("document.activeElement.matches('.filters select')")
    page.keyboard.press("Escape")
    assert not page.get_by_label("Feature").is_visible()
    assert page.evaluate("document.activeElement.matches('summary')")
    page.keyboard.press("c")
    assert page.get_by_label("To, included").is_visible()


def test_keys_mean_nothing_with_modifiers_or_while_typing(page: Page) -> None:
    before = page.url
    for modifier in MODIFIERS:
        for key in ("y", "m", "?"):
            page.keyboard.press(f"{modifier}+{key}")
    page.wait_for_timeout(200)
    assert page.url == before
    assert not page.get_by_role("heading", name="Keyboard").is_visible()
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.get_by_role("heading", name="Events", exact=True).wait_for()
    page.wait_for_load_state()
    page.get_by_label("Metadata").focus()
    page.keyboard.type("team=red wgo?/")
    assert page.get_by_label("Metadata").input_value() == "team=red wgo?/"
    page.get_by_role("combobox", name="Pricing").focus()
    page.keyboard.type("p")  # chooses in the list
    page.wait_for_timeout(200)
    assert urlsplit(page.url).path.endswith("/events")
    assert "period" not in query_of(page)


def test_the_help_tells_every_key_and_swallows_them(page: Page) -> None:
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    keys = str(page.locator("#shortcuts").inner_text())
    assert all(section.text in keys for section in SECTIONS)
    assert all(f"\n{letter}" in f"\n{keys}" or f" {letter}" in keys for letter in
               PERIOD_KEYS.values())  # fmt: skip
    page.keyboard.press("m")
    page.keyboard.press("Escape")
    assert "period" not in query_of(page)
    assert not page.get_by_role("heading", name="Keyboard").is_visible()


def assert_is_one_page(page: Page) -> None:
    """And no page within it; its menu leads on with what is shown."""
    expect(page.locator("header.header")).to_have_count(1)
    ids = page.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
    assert sorted(ids) == sorted(set(ids))
    explore = page.get_by_role("navigation", name="Main").get_by_role("link", name="Explore")
    expect(explore).to_have_attribute("href", re.compile("from="))


def test_the_pointer_shows_a_bar_and_a_drag_zooms_in_and_back(page: Page) -> None:
    box = page.locator("figure .plot").bounding_box()
    assert box is not None

    def spot(bar: int) -> tuple[float, float]:
        return box["x"] + (bar + 0.5) * box["width"] / 30, box["y"] + box["height"] / 2

    rows = page.locator("figure tbody tr")
    page.mouse.move(*spot(28))
    tip = page.locator(".tip")
    assert str(rows.nth(28).locator("th").inner_text()) in str(tip.inner_text())
    assert "$" in str(tip.inner_text())
    first, last = [str(rows.nth(bar).get_attribute("data-from")) for bar in (20, 24)]
    page.mouse.move(*spot(20))
    page.mouse.down()
    page.mouse.move(*spot(24), steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile(f"from={first}&to={last}"))
    expect(rows).not_to_have_count(30)
    assert_is_one_page(page)
    page.go_back()
    page.get_by_role("link", name="30 d").wait_for()
    expect(rows).to_have_count(30)
    assert "from" not in query_of(page)


def test_arrows_go_from_bar_to_bar_and_enter_zooms(page: Page) -> None:
    figure = page.locator("figure.chart")
    figure.focus()
    tip = page.locator(".tip")
    heads = [str(text) for text in page.locator("figure tbody th").all_text_contents()]
    for key, place in (("End", 29), ("ArrowRight", 29), ("ArrowLeft", 28), ("Home", 0),
                       ("ArrowLeft", 0), ("ArrowRight", 1)):  # fmt: skip
        page.keyboard.press(key)
        assert heads[place] in str(tip.inner_text()), key
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.keyboard.press("End")
    day = str(page.locator("figure tbody tr").last.get_attribute("data-from"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"from={day}&to={day}"))
    expect(page.locator("figure tbody tr")).to_have_count(24)
    assert_is_one_page(page)


def zoom_in(page: Page) -> None:
    """At the first bar that has anything."""
    figure = page.locator("figure.chart")
    filled = "rows => rows.findIndex((row) => /[1-9]/.test(row.lastElementChild.textContent))"
    place = figure.locator("tbody tr").evaluate_all(filled)
    figure.focus()
    page.keyboard.press("Home")
    for _ in range(place):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")


def test_what_cannot_be_zoomed_stays_and_back_leads_into_the_page(page: Page) -> None:
    page.keyboard.press("y")
    page.wait_for_url("**period=yesterday*")
    expect(page.locator("figure tbody tr")).to_have_count(24)
    for bars in (4, 1):
        zoom_in(page)
        expect(page.locator("figure tbody tr")).to_have_count(bars)
    before = page.evaluate("history.length")
    zoom_in(page)
    page.wait_for_timeout(700)
    assert page.evaluate("history.length") == before
    page.go_back()
    expect(page.locator("figure tbody tr")).to_have_count(4)
    expect(page.locator("#content")).to_be_focused()


def long_day() -> datetime:
    """Midnight of the last day that had 25 hours in Berlin."""
    day = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        day -= timedelta(days=1)
        if (day + timedelta(days=1)).astimezone(UTC) - day.astimezone(UTC) > timedelta(hours=24):
            return day


@pytest.fixture
def in_berlin(tmp_path: Path) -> Iterator[Appliance]:
    """With one event in each hour of `long_day`."""
    appliance = Appliance(tmp_path)
    appliance.set_up()
    appliance.run("workspaces", "set-time-zone", "Acme", "Europe/Berlin")
    key = str(appliance.create_key()["key"])
    appliance.start()
    first = long_day().astimezone(UTC) + timedelta(minutes=30)
    usage = {"provider": "openai", "model": "gpt-4o", "prompt_tokens": 1, "completion_tokens": 0}
    times = [(first + timedelta(hours=hour)).isoformat() for hour in range(25)]
    body = json.dumps([{**usage, "timestamp": time} for time in times]).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    assert appliance.post(body, headers, "/api/ingest/batch")[0] == 207
    yield appliance
    appliance.stop()


def test_a_day_of_25_hours_has_25_bars_and_two_hours_of_one_name(
    browser: Browser, in_berlin: Appliance
) -> None:
    day = f"{long_day():%Y-%m-%d}"
    context = context_of(browser)
    page = open_page(context)
    page.goto(f"{sign_in(page, in_berlin)}explore?metric=requests&from={day}&to={day}")
    page.wait_for_load_state()
    heads = [str(text) for text in page.locator("figure tbody th").all_text_contents()]
    assert len(heads) == 25
    names = ["01:00", "02:00 CEST", "02:00 CET", "03:00"]
    assert [head.rpartition(", ")[2] for head in heads[1:5]] == names
    page.locator("figure.chart").focus()
    page.keyboard.press("Home")
    for head in heads[1:4]:
        page.keyboard.press("ArrowRight")
        shown = str(page.locator(".tip").inner_text())
        assert head in shown
        assert re.search(r"Total\s*1$", shown.strip())
    page.keyboard.press("ArrowLeft")  # the first of the two hours from 2 to 3
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Requests per 15 minutes by model").wait_for()
    assert page.get_by_role("row", name=re.compile("^Total")).last.inner_text().split()[1] == "1"
    context.close()


def test_a_chart_tells_exact_money_in_its_tooltip_and_its_table(
    page: Page, server: tuple[Appliance, str]
) -> None:
    appliance, _ = server
    today = datetime.now(UTC).date()
    yesterday = (today - timedelta(days=1)).isoformat()
    period = ("--from", yesterday, "--to", today.isoformat())
    costs = {
        by: [row["cost_usd"] for row in appliance.json("usage", "-w", "Acme", "--by", by, *period)]
        for by in ("model", "day")
    }
    page.keyboard.press("w")
    page.wait_for_url("**period=7d*")
    chart = page.locator("figure.chart").first
    chart.get_by_text("Show data").click()
    row = chart.locator(f'tr[data-from="{yesterday}"]')
    titles = []
    for cell in row.locator("td").all():
        cell.hover()
        titles.append(cell.get_attribute("title"))
    assert titles[-1] == f"${costs['day'][0]}"
    assert {f"${cost}" for cost in costs["model"] if cost != "0"} <= set(titles)

    chart.focus()
    page.keyboard.press("ArrowLeft")
    while row.locator("th").inner_text().strip() != chart.locator(".tip strong").inner_text():
        page.keyboard.press("ArrowLeft")
    assert f"${costs['day'][0]}" in chart.locator(".tip").inner_text()
