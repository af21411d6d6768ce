"""Events priced anew: a preview, a bar that moves by itself, and the way back."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM
from tests.e2e.test_dashboard import context_of, sign_in
from tests.e2e.test_first_minutes import open_page
from tests.system.conftest import Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
MODEL = "gpt-4o"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_run_is_previewed_watched_and_undone(
    browser: Browser, server: tuple[Appliance, str], has_scripts: bool
) -> None:
    appliance, _ = server
    own = appliance.json(
        *("prices", "set", MODEL, "--provider", "openai", "--workspace", "Acme"),
        *("--input", "11", "--output", "12"),
    )
    context = context_of(browser, java_script_enabled=has_scripts)
    page = open_page(context)
    begin(page, f"{sign_in(page, appliance)}pricing/repricing")
    if has_scripts:
        page.evaluate("window.notReloaded = true")
    assert has_ended(page, "applied", has_scripts)
    if has_scripts:
        assert page.evaluate("window.notReloaded") is True
    changed = page.locator("#run-state tbody td").nth(1).inner_text()
    assert int(changed.replace(",", "")) > 100

    appliance.run("prices", "revoke", own["id"], "--workspace", "Acme")
    page.get_by_role("button", name="Undo this run").click()
    assert has_ended(page, "undone", has_scripts)
    said = f"{changed} events cost again what they did before"
    expect(page.locator("#run-state")).to_contain_text(said)
    context.close()


def begin(page: Page, url: str) -> None:
    today = datetime.now(UTC).date()
    page.goto(url)
    page.get_by_label("From").fill(str(today - timedelta(days=30)))
    page.get_by_label("To, included").fill(str(today))
    page.get_by_label("Model, optional").fill(MODEL)
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Why, for the record").fill("contract")
    page.get_by_role("button", name="Change").click()
    page.get_by_role("heading", name="Repricing run").wait_for()


def has_ended(page: Page, state: str, has_scripts: bool) -> bool:
    """By itself, or looked at again and again."""
    again = page.get_by_role("link", name="Look again")
    while not has_scripts and again.count():
        again.click()
    expect(page.locator("#run-state").get_by_role("heading")).to_have_text(state, timeout=15_000)
    return True
