"""Events priced anew: a preview, a bar that moves by itself, and the way back."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

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
    rate = "11" if has_scripts else "12"
    own = appliance.json(
        *("prices", "set", MODEL, "--provider", "openai", "--workspace", "Acme"),
        *("--input", rate, "--output", rate),
    )
    context = context_of(browser, java_script_enabled=has_scripts)
    page = open_page(context)
    home = sign_in(page, appliance)
    today = datetime.now(UTC).date()

    page.goto(f"{home}pricing/repricing")
    page.get_by_label("From").fill(str(today - timedelta(days=30)))
    page.get_by_label("To, included").fill(str(today))
    page.get_by_label("Model, optional").fill(MODEL)
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Why, for the record").fill("contract")
    page.get_by_role("button", name="Change").click()

    page.get_by_role("heading", name="Repricing run").wait_for()
    state = page.locator("#run-state")
    if has_scripts:
        page.evaluate("window.notReloaded = true")
    while not has_scripts and page.get_by_role("link", name="Look again").count():
        page.get_by_role("link", name="Look again").click()
    expect(state.get_by_role("heading")).to_have_text("applied", timeout=15_000)
    if has_scripts:
        assert page.evaluate("window.notReloaded") is True
    changed = state.locator("tbody td").nth(1).inner_text()
    assert int(changed.replace(",", "")) > 100

    appliance.run("prices", "revoke", own["id"], "--workspace", "Acme")
    page.get_by_role("button", name="Undo this run").click()
    while not has_scripts and page.get_by_role("link", name="Look again").count():
        page.get_by_role("link", name="Look again").click()
    expect(state.get_by_role("heading")).to_have_text("undone", timeout=15_000)
    expect(state).to_contain_text(f"{changed} events cost again what they did before")
    context.close()
