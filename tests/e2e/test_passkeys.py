"""Passkeys in a real browser, with the virtual authenticator that Chromium brings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.e2e.test_first_minutes import open_page, set_up
from tests.system.conftest import PASSWORD, Appliance

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A fresh server under a name, and its setup link."""
    appliance = Appliance(tmp_path)
    url = f"http://localhost:{appliance.port}"
    monkeypatch.setenv("LLMTRACK_SERVER_PUBLIC_URL", url)
    link = appliance.start_plain()
    yield url, link
    appliance.stop()


def give_authenticator(context: BrowserContext, page: Page) -> tuple[Any, str]:
    """A device that verifies its user by itself; a session to talk to it, and its id."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, added["authenticatorId"]


def add_passkey(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/account")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name, optional").fill(name)
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert page.get_by_role("cell", name=name).or_(page.get_by_text(name)).count() >= 1


def sign_out(context: BrowserContext) -> None:
    context.clear_cookies()


def test_a_passkey_made_in_the_browser_signs_in_and_confirms(
    browser: Browser, named: tuple[str, str]
) -> None:
    url, link = named
    context = browser.new_context()
    page = open_page(context)
    set_up(page, link)
    authenticator, identity = give_authenticator(context, page)
    add_passkey(page, url, "the laptop")

    sign_out(context)
    page.goto(f"{url}/sign-in?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("cell", name="passkey", exact=True).first.wait_for()
    assert page.url == f"{url}/account"
    [kept] = authenticator.send("WebAuthn.getCredentials", {"authenticatorId": identity})[
        "credentials"
    ]
    assert kept["rpId"] == "localhost"
    assert kept["isResidentCredential"]

    sign_out(context)
    page.goto(f"{url}/sign-in?next=/account")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Use your passkey").click()
    page.get_by_role("cell", name="password + passkey").first.wait_for()
    context.close()


def test_a_user_who_is_not_verified_hears_why(browser: Browser, named: tuple[str, str]) -> None:
    url, link = named
    context = browser.new_context()
    page = open_page(context)
    set_up(page, link)
    authenticator, identity = give_authenticator(context, page)
    add_passkey(page, url, "the laptop")
    sign_out(context)
    authenticator.send(
        "WebAuthn.setUserVerified", {"authenticatorId": identity, "isUserVerified": False}
    )
    page.goto(f"{url}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("No passkey was used").wait_for()
    assert page.get_by_role("button", name="Sign in with a passkey").is_enabled()
    context.close()


def test_without_scripts_or_at_another_address_the_page_says_what_is_missing(
    browser: Browser, named: tuple[str, str]
) -> None:
    url, link = named
    context = browser.new_context()
    page = open_page(context)
    set_up(page, link)
    context.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    assert page.get_by_text("A passkey needs JavaScript").is_visible()
    assert page.get_by_role("button", name="Sign in with a passkey").count() == 0
    context.close()
    context = browser.new_context()
    page = open_page(context)
    page.goto(f"{url.replace('localhost', '127.0.0.1')}/sign-in")
    assert page.get_by_text(f"works at {url} only").is_visible()
    context.close()
