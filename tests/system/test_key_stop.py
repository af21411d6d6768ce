"""A key that another process switches off is refused within a second, on open connections too."""

import http.client
import json
import time

from tests.system.conftest import Appliance

EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1})


def post(connection: http.client.HTTPSConnection, key: str) -> tuple[int, dict[str, object]]:
    connection.request("POST", "/api/ingest", EVENT, {"x-api-key": key})
    response = connection.getresponse()
    answer: dict[str, object] = json.loads(response.read())
    return response.status, answer


def test_a_command_stops_a_key_on_a_kept_alive_connection(server: Appliance) -> None:
    key = server.create_key()
    connection = http.client.HTTPSConnection("localhost", server.port, context=server.tls)
    deadline = time.monotonic() + 5
    while post(connection, key["key"])[0] != 200:  # the key is new to the server
        assert time.monotonic() < deadline
    socket_before = connection.sock

    server.json("keys", "deactivate", key["id"])
    stopped = time.monotonic()
    while (answer := post(connection, key["key"]))[0] == 200:
        assert time.monotonic() - stopped < 1.0, "it still works after a second"
    assert answer == (401, {"error": "Inactive API key"})
    assert connection.sock is socket_before

    server.json("keys", "reactivate", key["id"])
    begun = time.monotonic()
    while post(connection, key["key"])[0] == 401:
        assert time.monotonic() - begun < 1.0
    new = server.json("keys", "rotate", key["id"], "--grace-days", "0")["key"]
    rotated = time.monotonic()
    while post(connection, key["key"])[0] == 200:
        assert time.monotonic() - rotated < 1.0
    assert post(connection, key["key"]) == (401, {"error": "Revoked API key"})
    assert post(connection, new)[0] == 200
    connection.close()
    server.stop()

    [row] = server.json("keys", "list")
    assert row["last_used_ip"] == "127.0.0.1"
    assert row["refused_why"] in {"deactivated", "the secret was replaced"}


def test_what_was_counted_is_written_when_the_server_stops(server: Appliance) -> None:
    key = server.create_key()
    time.sleep(1)
    for _ in range(7):
        assert server.post(EVENT.encode(), {"x-api-key": key["key"]})[0] == 200
    server.stop()

    [row] = server.json("keys", "list")
    assert row["uses"] == 7
