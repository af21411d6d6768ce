"""SIGHUP: each setting that says so is in force at once, and a file that is broken changes none."""

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from llmtrack.config.table import SETTINGS

from .conftest import Appliance

SHOWN_ELSEWHERE = {"tls.cert_file", "tls.key_file", "tls.trusted_proxies"}
"""In test_reload.py, and below."""


class Reloaded:
    """A server and the file of its settings."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self.file = appliance.data_dir / "llmtrack.toml"

    def write(self, text: str) -> str:
        """The settings from now on; what the server says of them."""
        before = len(self.appliance.log)
        self.file.write_text(text)
        assert self.appliance.process is not None
        self.appliance.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while "eloaded" not in (said := self.appliance.log[before:]) or not said.endswith("\n"):
            assert time.monotonic() < deadline, said
            time.sleep(0.02)
        return said

    def status(self, path: str, **headers: str) -> int:
        connection = http.client.HTTPSConnection(
            "localhost", self.appliance.port, timeout=10, context=self.appliance.tls
        )
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def reloaded(server: Appliance) -> Reloaded:
    return Reloaded(server)


def shows_metrics_token(reloaded: Reloaded) -> None:
    assert reloaded.status("/metrics", Authorization="Bearer one-two-three") == 404
    assert "metrics.token is in force" in reloaded.write('[metrics]\ntoken = "one-two-three"\n')
    assert reloaded.status("/metrics", Authorization="Bearer one-two-three") == 200
    assert reloaded.status("/metrics", Authorization="Bearer other") == 401


def shows_metrics_allow(reloaded: Reloaded) -> None:
    assert reloaded.status("/metrics") == 404
    assert "in force" in reloaded.write('[metrics]\nallow = ["127.0.0.0/8"]\n')
    assert reloaded.status("/metrics") == 200


def shows_allowed_hosts(reloaded: Reloaded) -> None:
    assert reloaded.status("/sign-in", Host="costs.internal") == 421
    assert "in force" in reloaded.write('[server]\nallowed_hosts = ["costs.internal"]\n')
    assert reloaded.status("/sign-in", Host="costs.internal") == 200


def shows_size_limit(reloaded: Reloaded) -> None:
    reloaded.write('[metrics]\nallow = ["127.0.0.0/8"]\n')
    said = reloaded.write('[metrics]\nallow = ["127.0.0.0/8"]\n[disk]\nmax_db_size = "1GiB"\n')
    assert "disk.max_db_size is in force" in said
    connection = http.client.HTTPSConnection(
        "localhost", reloaded.appliance.port, timeout=10, context=reloaded.appliance.tls
    )
    connection.request("GET", "/metrics")
    assert f"database_limit_bytes {2**30}" in connection.getresponse().read().decode()
    connection.close()


def shows_log_format(reloaded: Reloaded) -> None:
    assert "log.format is in force" in reloaded.write('[log]\nformat = "json"\n')
    said = reloaded.write('[log]\nformat = "json"\nlevel = "debug"\n')
    lines = [json.loads(line) for line in said.splitlines()]
    assert ("info", "Reloaded.") in [(line["level"], line["message"]) for line in lines]
    assert reloaded.appliance.stop() == 0
    assert json.loads(reloaded.appliance.log.splitlines()[-1])["message"] == "Stopped."


def shows_log_level(reloaded: Reloaded) -> None:
    assert "log.level is in force" in reloaded.write('[log]\nlevel = "error"\n')


SHOWS: dict[str, Callable[[Reloaded], None]] = {
    "metrics.token": shows_metrics_token,
    "metrics.allow": shows_metrics_allow,
    "server.allowed_hosts": shows_allowed_hosts,
    "disk.max_db_size": shows_size_limit,
    "log.format": shows_log_format,
    "log.level": shows_log_level,
}


@pytest.mark.parametrize("key", SHOWS)
def test_a_setting_is_in_force_without_a_restart(reloaded: Reloaded, key: str) -> None:
    SHOWS[key](reloaded)


def test_every_setting_that_says_so_is_looked_at() -> None:
    said = {setting.key for setting in SETTINGS if setting.reloads}
    asked_anew = {key for key in said if key.startswith("acme.")}  # test_acme.py
    assert said - asked_anew == SHOWS.keys() | SHOWN_ELSEWHERE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[metrics]\nallow = [", "no TOML"),
        ("[metrics]\nalow = []\n", "did you mean metrics.allow?"),
        ('[log]\nlevel = "loud"\n', "must be one of"),
        ('[server]\nlisten = "nowhere"\n', "is no HOST:PORT"),
        ('[tls]\nmode = "proxy"\n', "Not reloaded"),
    ],
)
def test_a_broken_file_changes_nothing(reloaded: Reloaded, text: str, said: str) -> None:
    good = '[metrics]\nallow = ["127.0.0.0/8"]\n'
    reloaded.write(good)

    heard = reloaded.write(text)

    assert "Not reloaded, everything stays as it was" in heard
    assert said in heard
    assert reloaded.status("/metrics") == 200
    assert reloaded.status("/healthz") == 200
    assert "Reloaded." in reloaded.write(good)


def test_what_needs_a_restart_is_said(reloaded: Reloaded) -> None:
    assert "backup.keep_daily needs a restart" in reloaded.write("[backup]\nkeep_daily = 3\n")


def test_the_networks_of_proxies_are_read_anew(appliance: Appliance) -> None:
    reloaded = Reloaded(appliance)
    proxied = '[tls]\nmode = "proxy"\ntrusted_proxies = ["{}"]\n'
    reloaded.file.write_text(proxied.format("10.0.0.0/8"))
    with appliance.log_file.open("ab") as log:
        appliance.process = subprocess.Popen(
            appliance.command("serve", "--listen", f"127.0.0.1:{appliance.port}"), stderr=log
        )
    appliance.wait_for(appliance.port)
    assert status_by_proxy(appliance) == 403

    assert "in force" in reloaded.write(proxied.format("127.0.0.0/8"))

    assert status_by_proxy(appliance) == 200


def status_by_proxy(appliance: Appliance) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", appliance.port, timeout=30)
    try:
        connection.request("GET", "/sign-in", headers={"X-Forwarded-Proto": "https"})
        return connection.getresponse().status
    finally:
        connection.close()
