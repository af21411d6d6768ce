"""One browser and one full server for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.dashboard import fill
from tests.system.conftest import Appliance

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Appliance, str]]:
    """A server with events of 40 days, and the raw key they came with."""
    appliance = Appliance(tmp_path_factory.mktemp("dashboard"))
    appliance.set_up()
    key = str(appliance.create_key()["key"])
    appliance.start()
    fill(appliance, key)
    yield appliance, key
    appliance.stop()
