"""Single sign-on against a real provider, as a browser without scripts would go through it."""

import http.cookiejar
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    INSTALLED,
    MISSING,
    RunningProvider,
    running_provider,
)
from tests.system.conftest import Appliance

pytestmark = [pytest.mark.heavy, pytest.mark.skipif(not INSTALLED, reason=MISSING)]


class Setting(NamedTuple):
    appliance: Appliance
    provider: RunningProvider


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    appliance = Appliance(tmp_path)
    appliance.set_up()
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET + "\n")
    with running_provider(tmp_path, f"{appliance.url}/sign-in/oidc/callback") as provider:
        settings = {
            "SERVER_PUBLIC_URL": appliance.url,
            "OIDC_ISSUER": provider.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET_FILE": str(secret),
            "OIDC_LABEL": "Our login",
            "OIDC_ALLOWED_DOMAINS": "example.com",
            "OIDC_CA_FILE": str(provider.ca_file),
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"LLMTRACK_{name}", value)
        appliance.start()
        yield Setting(appliance, provider)
        appliance.stop()


class Browser:
    """Follows redirects, keeps cookies, fills in the first form of a page."""

    def __init__(self, setting: Setting) -> None:
        tls = ssl.create_default_context(cafile=str(setting.provider.ca_file))
        tls.load_verify_locations(str(setting.appliance.ca_file))
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=tls),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )
        self.url = ""

    def open(self, url: str, form: dict[str, str] | None = None) -> str:
        body = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, body)  # noqa: S310 - of the test
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.url = answer.geturl()
            return str(answer.read().decode())

    def pass_provider(self, page: str, name: str) -> str:
        """Sign in and consent, as often as it is asked."""
        while "/interaction/" in self.url:
            [action] = re.findall(r'<form[^>]* action="([^"]+)"', page)
            [prompt] = re.findall(r'name="prompt" value="(\w+)"', page)
            form = {"prompt": prompt, "login": name, "password": "any"}
            page = self.open(urllib.parse.urljoin(self.url, action), form)
        return page


def test_from_the_button_to_an_account_and_back_again(setting: Setting) -> None:
    browser = Browser(setting)
    page = browser.open(f"{setting.appliance.url}/sign-in")
    assert "Sign in with Our login" in page
    page = browser.open(f"{setting.appliance.url}/sign-in/oidc?next=/account")
    assert browser.url.startswith(setting.provider.issuer)
    page = browser.pass_provider(page, "dora")
    assert browser.url == f"{setting.appliance.url}/account"
    assert "dora@example.com" in page
    assert "<td>SSO</td>" in page
    [identity] = setting.appliance.json("users", "identities", "dora@example.com")
    assert (identity["subject"], identity["issuer"]) == ("dora", setting.provider.issuer)

    again = Browser(setting)
    page = again.open(f"{setting.appliance.url}/sign-in/oidc?next=/account")
    assert "dora@example.com" in again.pass_provider(page, "dora")


def test_an_administrator_links_by_hand_and_an_address_alone_does_not(setting: Setting) -> None:
    browser = Browser(setting)
    page = browser.open(f"{setting.appliance.url}/sign-in/oidc")
    page = browser.pass_provider(page, "alice")
    assert "addresses alone do not open one" in page
    setting.appliance.run("users", "link", "alice@example.com", "--subject", "alice")
    page = browser.open(f"{setting.appliance.url}/sign-in/oidc?next=/account")
    assert "alice@example.com" in browser.pass_provider(page, "alice")
    [identity] = setting.appliance.json("users", "identities", "alice@example.com")
    ended = setting.appliance.json("users", "unlink", "alice@example.com", identity["id"])
    assert ended["sessions_ended"] == 1


def test_who_turns_back_at_the_provider_hears_what_happened(setting: Setting) -> None:
    browser = Browser(setting)
    page = browser.open(f"{setting.appliance.url}/sign-in/oidc")
    [abort] = re.findall(r'href="([^"]+/abort)"', page)
    page = browser.open(urllib.parse.urljoin(browser.url, abort))
    assert "Our login said no: End-User aborted interaction" in page
    assert "Try again" in page


def test_check_asks_the_provider(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = setting.appliance.json("check", "oidc")
    assert all(each["ok"] for each in found)
    assert setting.provider.issuer in found[0]["text"]
    assert f"{setting.appliance.url}/sign-in/oidc/callback" in found[1]["text"]
    monkeypatch.setenv("LLMTRACK_OIDC_ISSUER", setting.provider.issuer + "/")
    command = setting.appliance.command("check", "oidc", "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 6
    [problem] = json.loads(done.stdout)
    assert "calls itself" in problem["text"]
    assert "exactly as the provider does" in problem["fix"]
