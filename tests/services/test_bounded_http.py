"""What another server may answer: JSON over TLS, small, in time, and no way to somewhere else."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmtrack.services import bounded_http
from llmtrack.services.bounded_http import BYTES_MAX, NoAnswer, fetch_json, trust

Fetch = Callable[..., Awaitable[dict[str, object]]]
SECRET = "client-secret-9"


async def good(request: web.Request) -> web.Response:
    form = await request.post()
    said = {"method": request.method, "form": dict(form)}
    return web.json_response(said | {"authorization": request.headers.get("Authorization")})


async def elsewhere(_: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect("/good")


async def huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(40):
            await response.write(b" " * 65_536)
            await asyncio.sleep(0)
    return response


async def slow(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(100):
        await asyncio.sleep(0.05)
        await response.write(b" ")
    return response


async def large_but_allowed(_: web.Request) -> web.Response:
    filler = "x" * (BYTES_MAX - 20)
    return web.Response(text=f'{{"a":"{filler}"}}', content_type="application/json")


ANSWERS = {
    "/array": ("[1]", "application/json", 200),
    "/text": ('{"a": 1}', "text/html", 200),
    "/broken": ('{"a": ', "application/json", 200),
    "/deep": ("[" * 100_000, "application/json", 200),
    "/empty": ("", "application/json", 200),
    "/refused": ('{"error": "invalid_grant"}', "application/json", 400),
    "/created": ('{"a": 1}', "application/json", 201),
    "/wordy": ('{"error": "' + "w" * 5000 + '"}', "application/json", 500),
}


@pytest.fixture
async def fetch(tmp_path: Path) -> AsyncIterator[Fetch]:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    app = web.Application()
    for path, handler in {"/huge": huge, "/slow": slow, "/elsewhere": elsewhere}.items():
        app.router.add_get(path, handler)
    app.router.add_route("*", "/good", good)
    app.router.add_get("/large", large_but_allowed)
    for path, (text, kind, status) in ANSWERS.items():

        async def answer(
            _: web.Request, text: str = text, kind: str = kind, status: int = status
        ) -> web.Response:
            return web.Response(text=text, content_type=kind, status=status)

        app.router.add_get(path, answer)
    server = TestServer(app, host="localhost", scheme="https")
    await server.start_server(ssl=tls, access_log=None)

    async def call(path: str, **more: object) -> dict[str, object]:
        url = f"https://localhost:{server.port}{path}"
        tls = more.pop("tls", None) or trust(tmp_path / "ca.pem")
        return await fetch_json(tls, url, **more)  # type: ignore[arg-type]

    yield call
    await server.close()


async def test_an_object_is_taken(fetch: Fetch) -> None:
    assert (await fetch("/good"))["method"] == "GET"
    said = await fetch("/good", form={"a": "b"}, authorization=f"Basic {SECRET}")
    assert said == {"method": "POST", "form": {"a": "b"}, "authorization": f"Basic {SECRET}"}
    assert len(str((await fetch("/large"))["a"])) == BYTES_MAX - 20


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/array", "did not answer with a JSON object"),
        ("/text", "did not answer with a JSON object"),
        ("/broken", "did not answer with a JSON object"),
        ("/deep", "did not answer with a JSON object"),
        ("/empty", "did not answer with a JSON object"),
        ("/refused", "answered 400: invalid_grant"),
        ("/created", "answered 201"),
        ("/missing", "answered 404"),
        ("/elsewhere", "answered 307"),
        ("/huge", "larger than 256 KiB"),
    ],
)
async def test_anything_else_is_no_answer(fetch: Fetch, path: str, text: str) -> None:
    with pytest.raises(NoAnswer, match=text) as caught:
        await fetch(path, authorization=f"Basic {SECRET}")
    assert SECRET not in str(caught.value)


async def test_what_a_stranger_says_is_cut_short(fetch: Fetch) -> None:
    with pytest.raises(NoAnswer) as caught:
        await fetch("/wordy")
    assert len(str(caught.value)) < 250


async def test_a_server_that_drips_is_given_up(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bounded_http.TIMEOUT_S <= 10
    monkeypatch.setattr(bounded_http, "TIMEOUT_S", 0.3)
    with pytest.raises(NoAnswer, match="no answer in time"):
        await fetch("/slow")


async def test_plain_http_and_foreign_certificates_are_refused(fetch: Fetch) -> None:
    with pytest.raises(NoAnswer, match="is not https"):
        await fetch_json(trust(None), "http://localhost/good")
    with pytest.raises(NoAnswer, match="cannot be reached"):
        await fetch("/good", tls=trust(None))
