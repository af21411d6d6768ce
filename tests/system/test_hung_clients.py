"""Clients that hang in the middle of a request: let go in time, and in nobody's way."""

import json
import socket
import ssl
import statistics
import time

import pytest

from .conftest import Appliance

CROWD = 120
EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}).encode()
BEGINNINGS = {
    "handshake": b"\x16\x03\x01",
    "headers": b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nX-Filler: ",
    "body": b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: KEY\r\n"
    b'Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"provider": ',
}
LET_GO_S = 40.0


def hang(appliance: Appliance, beginning: str, key: str) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", appliance.port), timeout=60)
    sent = BEGINNINGS[beginning].replace(b"KEY", key.encode())
    if beginning == "handshake":
        plain.sendall(sent)
        return plain
    connection: ssl.SSLSocket = appliance.tls.wrap_socket(plain, server_hostname="localhost")
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_they_are_let_go_and_others_are_served(server: Appliance, beginning: str) -> None:
    key = server.create_key()["key"]
    begun = time.monotonic()
    crowd = [hang(server, beginning, key) for _ in range(CROWD)]
    took = []
    for _ in range(20):
        at = time.monotonic()
        assert server.post(EVENT, {"x-api-key": key})[0] == 200
        took.append(time.monotonic() - at)
    assert statistics.median(took) < 1
    for connection in crowd:
        connection.settimeout(LET_GO_S)
        while True:  # an answer may come first; then the end
            try:
                if not connection.recv(65536):
                    break
            except TimeoutError:
                pytest.fail(f"held for {LET_GO_S} s")
            except OSError:
                break
        connection.close()
    print(f"{beginning}: let go within {time.monotonic() - begun:.1f} s")  # noqa: T201


def test_a_hung_client_does_not_hold_up_the_end(server: Appliance) -> None:
    key = server.create_key()["key"]
    assert server.post(EVENT, {"x-api-key": key})[0] == 200  # it has started
    crowd = [hang(server, beginning, key) for beginning in BEGINNINGS]
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 25
    for connection in crowd:
        connection.close()
