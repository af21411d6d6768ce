"""What a supervisor asks of a running server, through the command line and over TLS."""

import subprocess

import pytest

from .conftest import Appliance


def test_health_is_asked_over_tls_of_the_settings_address(
    server: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMTRACK_SERVER_LISTEN", f"127.0.0.1:{server.port}")

    assert '"status": "pass"' in server.run("health", "--timeout", "30")
    assert server.run("health", "--live") == "ok\n"
    assert server.json("status")["server"].startswith("running")
    server.stop()
    done = subprocess.run(server.command("health"), capture_output=True, check=False)
    assert done.returncode == 1
