"""The two official client libraries against a real server process over TLS.

The Node.js client needs `npm ci` in tests/clients/node; without it its half is skipped.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Thread
from typing import Any, Self

import pytest

from .conftest import Appliance

CLIENTS = Path(__file__).parent.parent / "clients"
NODE_MODULES = CLIENTS / "node" / "node_modules" / "llmtrack"

PYTHON_EVENT = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "prompt_tokens": 120,
    "completion_tokens": 80,
    "total_tokens": 200,
    "feature": "support-chat",
    "customer_id": "c-1",
    "metadata": {"region": "eu"},
}
NODE_EVENT = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "promptTokens": 120,
    "completionTokens": 80,
    "totalTokens": 200,
    "feature": "support-chat",
    "customerId": "c-1",
    "metadata": {"region": "eu"},
}

Track = Callable[..., dict[str, Any]]


@pytest.fixture(params=["python", "node"])
def track(
    request: pytest.FixtureRequest, server: Appliance, client_environment: dict[str, str]
) -> Track:
    """`track(key, **changes)`: send one event with an official client, give its answer."""
    if request.param == "python":
        command, event = [sys.executable, str(CLIENTS / "client_python.py")], PYTHON_EVENT
    else:
        node = shutil.which("node")
        if node is None or not NODE_MODULES.exists():
            pytest.skip("the Node.js client is not installed: npm ci in tests/clients/node")
        command, event = [node, str(CLIENTS / "node" / "client_node.mjs")], NODE_EVENT

    def send(key: str, url: str | None = None, **changes: Any) -> dict[str, Any]:
        if request.param == "python" and "idempotencyKey" in changes:
            changes["idempotency_key"] = changes.pop("idempotencyKey")
        asked = {"key": key, "url": url or server.url, "event": {**event, **changes}}
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
            env=client_environment,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return send


def test_an_event_is_stored_with_its_exact_cost(server: Appliance, track: Track) -> None:
    key = server.create_key()

    answer = track(key["key"])["ok"]

    assert (answer["ok"], answer["duplicate"], answer["cost"]) == (True, False, 0.000066)
    assert (answer["pricing_status"], answer["consumption_source"]) == ("ok", "included")
    [event] = server.events()
    assert (event["id"], event["cost_usd"]) == (answer["id"], "0.000066")
    assert (event["feature"], event["customer_id"]) == ("support-chat", "c-1")
    assert (event["environment"], event["key_prefix"]) == ("production", key["prefix"])


def test_a_replay_is_a_duplicate_and_stored_once(server: Appliance, track: Track) -> None:
    key = server.create_key()["key"]

    track(key, idempotencyKey="order-1")

    assert track(key, idempotencyKey="order-1")["ok"] == {"ok": True, "duplicate": True}
    assert len(server.events()) == 1


def test_an_unknown_model_is_stored_unpriced(server: Appliance, track: Track) -> None:
    answer = track(server.create_key()["key"], model="no-such-model-1")["ok"]

    assert (answer["pricing_status"], answer["cost"]) == ("unknown_model", 0)
    [event] = server.events()
    assert (event["cost_usd"], event["cost_status"]) == (None, "unpriced")


def test_a_bad_field_is_an_invalid_payload(server: Appliance, track: Track) -> None:
    answer = track(server.create_key()["key"], status="exploded")

    assert (answer["code"], answer["status"]) == ("INVALID_PAYLOAD", 400)
    assert answer["body"]["field"] == "status"


def test_key_states_are_told_apart(server: Appliance, track: Track) -> None:
    inactive, deleted = server.create_key("a"), server.create_key("b")
    server.run("keys", "deactivate", inactive["id"])
    server.run("keys", "delete", deleted["id"], "--yes")
    time.sleep(1)  # what a key's end may take to reach a running server

    assert track(inactive["key"])["code"] == "INACTIVE_API_KEY"
    assert track(deleted["key"])["body"] == {"error": "Invalid API key"}
    assert track("llmt_nonsense")["code"] == "INVALID_API_KEY"
    server.run("keys", "reactivate", inactive["id"])
    time.sleep(1)
    assert track(inactive["key"])["ok"]["ok"]


def test_an_exhausted_plan_is_a_quota_error(server: Appliance, track: Track) -> None:
    key = server.create_key()["key"]
    server.run("workspaces", "set-plan", "Acme", "--name", "free", "--monthly-events", "1")
    track(key)

    answer = track(key)

    assert (answer["code"], answer["status"]) == ("QUOTA_EXCEEDED", 402)
    quota = {"plan": "free", "metric": "events", "limit": 1, "used": 1, "remaining": 0}
    assert answer["body"]["quota"] == quota


def test_an_unpaid_plan_is_an_inactive_plan(server: Appliance, track: Track) -> None:
    key = server.create_key()["key"]
    plan = ("--name", "pro", "--billing-status", "past_due")
    server.run("workspaces", "set-plan", "Acme", *plan)

    assert track(key)["code"] == "PLAN_INACTIVE"


def test_a_503_is_retried_and_the_event_counted_once(server: Appliance, track: Track) -> None:
    """The first attempt is stored, but its answer is replaced by a 503 on the way back."""
    with _Spoiler(server) as spoiler:
        answer = track(server.create_key()["key"], url=spoiler.url)["ok"]

    assert answer == {"ok": True, "duplicate": True}
    assert len(server.events()) == 1


class _Spoiler:
    """A TLS proxy that spoils the first answer: what an overloaded path looks like."""

    def __init__(self, server: Appliance) -> None:
        spoiled: list[bool] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = server.post(body, dict(self.headers), self.path)
                if not spoiled:
                    spoiled.append(True)
                    status, answer = 503, {"error": "Service overloaded, try again"}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.cert_file, server.key_file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
