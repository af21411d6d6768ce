"""What is no proper HTTP, or comes too slowly or too often, over raw sockets."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from llmtrack.domain.credentials import Passwords
from llmtrack.web import connection as connection_module
from llmtrack.web import forms as forms_module
from llmtrack.web import ingest as ingest_module
from llmtrack.web import server as server_module
from llmtrack.web.app import build_app
from llmtrack.web.server import Caps, CompiledParserMissing, Server, require_compiled_parser
from tests.conftest import NOW_MS, World

HOST = b"Host: 127.0.0.1\r\n"
MALFORMED = {
    "two lengths": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "signed length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +2\r\n\r\nab",
    "hexadecimal length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x2\r\n\r\nab",
    "folded header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a bad chunk size": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "another version": b"GET / HTTP/1.9\r\n" + HOST + b"\r\n",
    "a header too long": b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 100 + b"\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
    "1.0 with chunks": b"POST /api/ingest HTTP/1.0\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}

Listen = Callable[..., Awaitable[int]]


@pytest.fixture
async def listen(world: World, passwords: Passwords) -> AsyncIterator[Listen]:
    started: list[Server] = []

    async def start(caps: Caps = Caps()) -> int:  # noqa: B008 - immutable
        app = build_app(
            world.database,
            base_url="http://127.0.0.1",
            secure=False,
            clock_ms=lambda: NOW_MS,
            passwords=passwords,
        )
        listening = socket.create_server(("127.0.0.1", 0))
        started.append(await Server.start(app, [listening], None, caps=caps))
        return int(listening.getsockname()[1])

    yield start
    for server in started:
        await server.stop()


async def exchange(port: int, data: bytes, seconds: float = 10) -> bytes:
    """Everything that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


async def test_what_is_no_http_gets_one_400_and_the_end(listen: Listen) -> None:
    port = await listen()
    for name, data in MALFORMED.items():
        answer = await exchange(port, data)
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), name
        assert answer.count(b" 400 Bad Request\r\n") == 1, name
        assert b"content-security-policy: default-src 'none'" in head, name
        assert b"x-content-type-options: nosniff" in head, name
        assert b"aiohttp" not in answer.lower(), name
        assert b"python" not in answer.lower(), name


async def test_headers_that_drip_are_cut_off(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "KEEPALIVE_TIMEOUT_S", 0.5)
    port = await listen()
    _, writer = reader_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n")
    drip = asyncio.create_task(_drip(writer))
    async with asyncio.timeout(20):  # it drips for ever
        await reader_writer[0].read()
    drip.cancel()
    writer.close()
    assert server_module.HANDSHAKE_TIMEOUT_S <= 15


async def test_a_client_that_does_not_read_is_cut_off(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much it asked for: more than the buffers of the system hold."""
    monkeypatch.setattr(connection_module, "STALLED_S", 0.5)
    port, loop = await listen(), asyncio.get_running_loop()
    ask = b"GET /static/htmx-4.0.1.min.js HTTP/1.1\r\n" + HOST + b"\r\n"
    length = len(await exchange(port, ask.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
    assert length > 10_000
    with socket.socket() as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asking.setblocking(False)
        await loop.sock_connect(asking, ("127.0.0.1", port))
        count = 20_000_000 // length
        sending = asyncio.create_task(loop.sock_sendall(asking, ask * count))
        await asyncio.sleep(2)
        read = 0
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                while part := await loop.sock_recv(asking, 2**20):
                    read += len(part)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert read < count * length / 2


async def test_headers_that_stop_are_cut_off(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server_module._CONNECTION_OPTIONS, "keepalive_timeout", 0.5)
    port = await listen()
    assert await exchange(port, b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: ", 8) is not None


@pytest.mark.parametrize("path", ["/api/ingest", "/api/ingest/batch", "/sign-in"])
async def test_a_body_that_drips_is_cut_off(
    listen: Listen, monkeypatch: pytest.MonkeyPatch, world: World, path: str
) -> None:
    for module in (ingest_module, forms_module):
        assert module.BODY_TIMEOUT_S <= 30
        monkeypatch.setattr(module, "BODY_TIMEOUT_S", 0.5)
    port = await listen()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    kind = "application/x-www-form-urlencoded" if path == "/sign-in" else "application/json"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {world.acme_key.raw}\r\n"
    head += "Sec-Fetch-Site: same-origin\r\n"
    writer.write(f"{head}Content-Type: {kind}\r\nContent-Length: 5000\r\n\r\n".encode())
    begun = time.monotonic()
    drip = asyncio.create_task(_drip(writer))
    async with asyncio.timeout(8):
        answer = await reader.readuntil(b"\r\n")  # what drips after it may reset the connection
    drip.cancel()
    writer.close()
    assert answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 "))
    assert time.monotonic() - begun < 6


async def _drip(writer: asyncio.StreamWriter) -> None:
    for number in range(100):
        await asyncio.sleep(0.1)
        writer.write(f"X-{number}: a\r\n".encode())


async def test_one_connection_too_many_is_told_to_come_back(listen: Listen) -> None:
    for caps in (Caps(connections=2), Caps(connections_per_ip=2)):
        port = await listen(caps)
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.05)
        answer = await exchange(port, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
        assert b"Content-Security-Policy: default-src 'none'" in answer
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)
        request = b"GET /sign-in HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        assert (await exchange(port, request)).startswith(b"HTTP/1.1 200 ")


def test_the_slow_parser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require_compiled_parser()
    monkeypatch.setattr(server_module, "HttpRequestParser", type("PurePython", (), {}))
    with pytest.raises(CompiledParserMissing):
        require_compiled_parser()
