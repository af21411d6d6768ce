"""TLS as strangers find it: its groups, and the plain port beside it that takes nothing."""

import http.client
import shutil
import socket
import subprocess

import pytest

from .conftest import Appliance, free_port


@pytest.fixture
def plain_port(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> int:
    port = free_port()
    monkeypatch.setenv("LLMTRACK_SERVER_PLAIN_LISTEN", f"127.0.0.1:{port}")
    monkeypatch.setenv("LLMTRACK_SERVER_PUBLIC_URL", "https://llmtrack.example.com")
    appliance.start()
    appliance.wait_for(port)
    return port


def request(port: int, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {"Authorization": "Bearer llmt_x"})
    answer = connection.getresponse()
    found = answer.status, answer.headers.get("Location", ""), answer.read().decode()
    connection.close()
    return found


def test_the_plain_port_redirects_pages_and_refuses_keys(plain_port: int) -> None:
    status, location, _ = request(plain_port, "GET", "/overview?from=2026-01-01")
    assert (status, location) == (308, "https://llmtrack.example.com/overview?from=2026-01-01")

    for method, path in (("POST", "/api/ingest"), ("POST", "/sign-in"), ("GET", "/api/x")):
        status, location, body = request(plain_port, method, path, "{}")
        assert (status, location) == (403, ""), path
        assert "replace the key" in body


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize(
    ("group", "is_taken"), [("X25519", True), ("P-256", True), ("P-521", False), ("X448", False)]
)
def test_only_mozilla_s_groups_are_spoken(server: Appliance, group: str, is_taken: bool) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-groups", group]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)

    assert (b"Cipher is TLS_" in done.stdout) is is_taken


def test_the_server_shows_the_certificate_of_its_settings(server: Appliance) -> None:
    shown = server.json("tls", "test", f"127.0.0.1:{server.port}")

    assert shown["protocol"] == "TLSv1.3"
    assert shown["is_the_configured_one"] is None


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/ingest"), ("GET", "/")])
def test_plain_http_on_the_tls_port_is_refused_with_a_reason(
    server: Appliance, method: str, path: str
) -> None:
    body = "x" * 100_000 if method == "POST" else None
    status, location, text = request(server.port, method, path, body)

    assert (status, location) == (403, "")
    assert "use https:// in the address" in text
    assert server.events() == []


def test_what_is_neither_http_nor_tls_is_hung_up_on(server: Appliance) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stranger:
        stranger.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        assert b"HTTP" not in stranger.recv(1000)
