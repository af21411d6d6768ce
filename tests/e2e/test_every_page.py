"""Every page on every kind of screen: no CSP report, no fault that axe-core finds, no overflow."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import CHROMIUM
from tests.e2e.dashboard import FEATURES, LONG, LONG_CUSTOMER
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import PHONE, open_page
from tests.system.conftest import Appliance

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not AXE.exists(), reason="npm ci --prefix tests/e2e/node was not run"),
]
RTL = FEATURES[2]
PAGES = (
    *("", "?period=yesterday&by=feature", "?period=90d&by=customer&status=error"),
    *("explore?by=feature&sub=model", "explore?compare=1&metric=p95", "explore?cumulative=1"),
    *("changes?by=feature", "events", "events?min_cost=0.001&feature=search", "customers"),
    *("performance", "statement", "what-if?target=anthropic/claude-haiku-4-5", "what-if"),
    *(f"by/model?model={quote(LONG)}", f"by/feature?feature={quote(RTL)}"),
    *("by/customer?customer=noor&period=7d", "by/status?status=error"),
    *(f"by/feature?feature={quote(FEATURES[3])}", f"by/customer?customer={LONG_CUSTOMER[0]}"),
    f"events?feature={quote(FEATURES[3])}&model={LONG}&customer={LONG_CUSTOMER[0]}",
    *("?by=tag:team", "explore?by=tag:team&sub=model", "by/tag?of=team&tag:team=red"),
    *("changes?by=tag:team", "events?tag:team=red&columns=time,tag:team,cost"),
    *("keys", "members", "audit", "data-quality", "settings", "shared-links", "notices"),
    *("shared-links?place=&query=feature%3Dsearch", "pricing", "pricing/unpriced"),
    *("pricing/repricing", "pricing/reconcile", "pricing/at-risk", "pricing/own/new"),
)
FIRST_PAGES = (
    *("", "explore", "changes", "events", "customers", "performance", "what-if", "statement"),
    *("keys", "members", "audit", "data-quality", "settings", "shared-links"),
    *("pricing", "pricing/unpriced", "pricing/repricing", "pricing/reconcile", "pricing/at-risk"),
)
SHARED = (
    *("place=&query=feature%3Dsearch", "place=explore&query=by%3Dfeature%26sub%3Dmodel"),
    *("place=explore&query=compare%3D1", "place=events&query=", "place=performance&query="),
    *("place=changes&query=by%3Dfeature", "place=customers&query="),
    "place=what-if&query=target%3Dopenai%2Fgpt-4o",
    "place=by%2Ftag&query=of%3Dteam%26tag%253Ateam%3Dred",
)
OTHERS = ("/account", "/instance", "/instance/audit", "/instance/system")
SHEET = {"width": 702, "height": 1010}
"""What an A4 page has between its margins."""
DARK_INK = 90
ZOOMED: dict[str, Any] = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
"""What is left of 1280 by 800 at 200 %."""
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": PHONE},
    "zoomed": ZOOMED,
}


@pytest.fixture(scope="module")
def places(browser: Browser, server: tuple[Appliance, str]) -> tuple[Any, list[str]]:
    """A session that is signed in, and all pages: with an event, a key and shared links."""
    appliance, _ = server
    context = context_of(browser)
    page = context.new_page()
    home = sign_in(page, appliance)
    track(page, home, "team")
    page.goto(f"{home}events")
    event = str(page.locator("#event-rows a").first.get_attribute("href"))
    page.goto(f"{home}keys")
    key = str(page.locator("tbody a").first.get_attribute("href"))
    shared = [share(page, f"{home}shared-links?{what}", appliance.url) for what in SHARED]
    state = context.storage_state()
    context.close()
    below = [home + path for path in PAGES]
    absolute = [appliance.url + path for path in (*OTHERS, event, key)]
    return state, [*below, *absolute, *shared]


def track(page: Page, home: str, key: str) -> None:
    """Have usage summed by a member of the metadata, and wait until it is."""
    page.goto(f"{home}settings")
    page.get_by_label("Name in the metadata").fill(key)
    page.get_by_role("button", name="Track tag").click()
    page.get_by_role("button", name=f"Remove the tag {key}").wait_for()
    page.get_by_text("are being counted").wait_for(state="detached")


def share(page: Page, form_url: str, base_url: str) -> str:
    """Make a link in the form that is filled in; gives back where it leads."""
    page.goto(form_url)
    page.get_by_label("Title").fill("A link")
    page.get_by_role("button", name="Make a link").click()
    link = str(page.locator("#shared-link").inner_text())  # without Playwright mypy sees Any
    return base_url + "/s/" + link.partition("/s/")[2]


@pytest.fixture
def page(
    browser: Browser, places: tuple[Any, list[str]], request: pytest.FixtureRequest
) -> Iterator[Page]:
    context = context_of(browser, storage_state=places[0], **SCREENS[request.param])
    yield open_page(context)
    context.close()


def faults_of(page: Page, url: str) -> list[str]:
    response = page.goto(url)
    if response is None or response.status != 200:
        return [f"{url}: {response and response.status}"]
    page.evaluate(AXE.read_text())
    page.evaluate("document.querySelectorAll('details.data').forEach((one) => (one.open = true))")
    found = page.evaluate("axe.run().then(({ violations }) => violations)")
    faults = [
        f"{url}: {one['id']} {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found
    ]
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*faults, f"{url}: {width} pixels too wide"] if width > 0 else faults


@pytest.mark.parametrize("page", SCREENS, indirect=True)
def test_every_page_is_sound_on_every_screen(page: Page, places: tuple[Any, list[str]]) -> None:
    assert not [fault for url in places[1] for fault in faults_of(page, url)]


def test_every_page_is_whole_without_scripts(
    browser: Browser, places: tuple[Any, list[str]]
) -> None:
    context = context_of(browser, storage_state=places[0], java_script_enabled=False)
    page = context.new_page()
    for url in places[1]:
        response = page.goto(url)
        assert response is not None
        assert response.status == 200, url
        assert page.locator("h1").first.is_visible(), url
        assert page.locator("main").inner_text().strip(), url
    context.close()


@pytest.fixture
def young(tmp_path: Path) -> Iterator[tuple[Appliance, str]]:
    """A server without an event, and a key."""
    appliance = Appliance(tmp_path)
    appliance.set_up()
    key = str(appliance.create_key()["key"])
    appliance.start()
    yield appliance, key
    appliance.stop()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_new_workspace_is_sound_before_and_after_its_first_event(
    browser: Browser, young: tuple[Appliance, str], screen: str
) -> None:
    appliance, key = young
    context = context_of(browser, **SCREENS[screen])
    page = open_page(context)
    sign_in(page, appliance)
    home = page.url.partition("?")[0]
    body = {"provider": "openai", "model": "gpt-4o", "prompt_tokens": 1, "completion_tokens": 0}
    for events in range(2):
        if events:
            headers = {"Authorization": f"Bearer {key}"}
            assert appliance.post(json.dumps(body).encode(), headers)[0] == 200
        assert not [fault for path in FIRST_PAGES for fault in faults_of(page, home + path)]
    context.close()


def test_every_page_fits_a_sheet_of_paper(browser: Browser, places: tuple[Any, list[str]]) -> None:
    """Also from a dark screen: nothing is cut off at the right, and ink is dark."""
    context = context_of(browser, storage_state=places[0], color_scheme="dark", viewport=SHEET)
    page = open_page(context)
    page.emulate_media(media="print")
    faults = []
    for url in places[1]:
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        ink = str(page.evaluate("getComputedStyle(document.querySelector('h1')).color"))
        if width > 0 or max(map(int, re.findall(r"\d+", ink)[:3])) > DARK_INK:
            faults.append(f"{width} pixels too wide, in {ink}: {url[-60:]}")
    context.close()
    assert not faults, "\n".join(faults)


def test_the_statement_prints_as_a_document(
    browser: Browser, places: tuple[Any, list[str]], tmp_path: Path
) -> None:
    context: BrowserContext = context_of(browser, storage_state=places[0])
    page = open_page(context)
    page.goto(next(url for url in places[1] if url.endswith("/statement")))
    page.emulate_media(media="print")
    assert not page.locator("header").first.is_visible()
    assert not page.locator("footer").first.is_visible()
    assert page.locator("main table").first.is_visible()
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour in {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}
    page.pdf(path=tmp_path / "statement.pdf", format="A4")
    assert (tmp_path / "statement.pdf").read_bytes().startswith(b"%PDF")
    context.close()
