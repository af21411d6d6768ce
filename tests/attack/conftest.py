"""One server for the tools of this folder: full of events, with keys and a signed-in owner."""

import http.client
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from tests.e2e.dashboard import fill
from tests.system.conftest import PASSWORD, Appliance


class Target(NamedTuple):
    """What an attacker with an account here has."""

    appliance: Appliance
    sending_key: str
    reading_key: str
    cookie: str
    workspace: str
    """The address of its pages, with a slash at the end."""


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Whatever the tools do to it: it has no fault of its own, and nothing secret in its log."""
    appliance = Appliance(tmp_path_factory.mktemp("target"))
    appliance.set_up()
    sending_key = str(appliance.create_key()["key"])
    words = ("--workspace", "Acme", "--name", "reader", "--access", "read")
    reading_key = str(appliance.json("keys", "create", *words)["key"])
    appliance.start()
    fill(appliance, sending_key)
    cookie, path = _signed_in(appliance)
    yield Target(appliance, sending_key, reading_key, cookie, appliance.url + path)
    appliance.stop()
    assert "Traceback" not in appliance.log, appliance.log


def _signed_in(appliance: Appliance) -> tuple[str, str]:
    """The cookie of the owner's session, and where it leads."""
    connection = http.client.HTTPSConnection("localhost", appliance.port, context=appliance.tls)
    form = urlencode({"email": "alice@example.com", "password": PASSWORD, "next": "/"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/sign-in", form, headers)
    answer = connection.getresponse()
    answer.read()
    cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
    connection.request("GET", "/", headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return cookie, str(answer.headers["Location"])
