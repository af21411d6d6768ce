"""The style sheet as it is served says to a browser what the one we write says."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from llmtrack.web.assets import _as_served
from tests.e2e.conftest import CHROMIUM

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
SHEET = Path(__file__).resolve().parents[2] / "static" / "app.css"
RULES = """text => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return [...sheet.cssRules].map((rule) => rule.cssText);
}"""


def told(page: Page, text: bytes) -> list[str]:
    """The rules as the browser writes them; it keeps the room in values of variables."""
    rules = page.evaluate(RULES, text.decode())
    return [re.sub(r"(?<=[:,])\s+", "", rule) for rule in rules]


def test_it_says_the_same(browser: Browser) -> None:
    page = browser.new_page()
    source = SHEET.read_bytes()
    written, served = told(page, source), told(page, _as_served("app.css", source))
    assert len(written) > 7
    assert served == written
    page.close()
