"""Over TLS, every kind of answer carries every header, whoever in the server gives it."""

import http.client

import pytest

from llmtrack.web.security import HEADERS, STRICT_TRANSPORT

from .conftest import Appliance

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REQUESTS = [
    ("GET", "/sign-in", {}, "", 200),
    ("HEAD", "/sign-in", {}, "", 200),
    ("GET", "/", {}, "", 303),
    ("GET", "/w/wsp_aaaaaaaaaaaaaaaa/", {}, "", 303),
    ("GET", "/nothing-here", {}, "", 404),
    ("GET", "/s/nothing-here", {}, "", 404),
    ("GET", "/.well-known/security.txt", {}, "", 404),
    ("GET", "/static/app.css", {}, "", 200),
    ("GET", "/static/../../etc/passwd", {}, "", 404),
    ("GET", "/healthz", {}, "", 200),
    ("GET", "/api/openapi.json", {}, "", 200),
    ("GET", "/api/usage", {}, "", 401),
    ("POST", "/api/ingest", {}, "{}", 401),
    ("POST", "/api/ingest", {"x-api-key": "llmt_x"}, "{}", 401),
    ("OPTIONS", "/api/ingest", {"Origin": "https://elsewhere.example"}, "", 405),
    ("TRACE", "/", {}, "", 405),
    ("PUT", "/sign-in", {}, "", 405),
    ("POST", "/sign-in", {**FORM, "Origin": "https://elsewhere.example"}, "a=b", 403),
    ("POST", "/sign-in", {**FORM, "Content-Encoding": "gzip"}, "a=b", 415),
    ("POST", "/sign-in", FORM, "a" * 3_000_000, 413),
    ("POST", "/setup", FORM, "token=a", 410),
    ("GET", "/", {"Host": "elsewhere.example"}, "", 421),
    ("GET", "/" + "a" * 9000, {}, "", 400),
    ("GET", "/", {"X-Long": "a" * 9000}, "", 400),
]


def test_every_answer_has_them(server: Appliance) -> None:
    for method, path, headers, body, status in REQUESTS:
        connection = http.client.HTTPSConnection("localhost", server.port, context=server.tls)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        connection.close()
        asked = f"{method} {path[:40]}"
        assert answer.status == status, asked
        for name, value in HEADERS.items():
            given = answer.headers[name]
            assert given == value or (path == "/static/app.css" and name == "Cache-Control"), asked
        assert answer.headers["Strict-Transport-Security"] == STRICT_TRANSPORT, asked
        assert answer.headers["Server"] == "llmtrack", asked
        assert answer.headers["Access-Control-Allow-Origin"] is None, asked


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_nothing_tells_a_page_that_is_not_one_s_own_from_none(
    server: Appliance, method: str
) -> None:
    """To somebody who is not signed in, all workspaces are one."""
    workspace = server.json("workspaces", "list")[0]["id"]
    answers = set()
    for path in (f"/w/{workspace}/keys", "/w/wsp_aaaaaaaaaaaaaaaa/keys"):
        connection = http.client.HTTPSConnection("localhost", server.port, context=server.tls)
        connection.request(method, path)
        answer = connection.getresponse()
        location = str(answer.headers.get("Location")).replace(workspace, "wsp_aaaaaaaaaaaaaaaa")
        answers.add((answer.status, location, answer.read()))
        connection.close()
    assert len(answers) == 1
