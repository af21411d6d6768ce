"""TLS handshakes that nobody finishes: counted with the connections, and ended in time."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from llmtrack.domain.credentials import Passwords
from llmtrack.services.certificates import server_context
from llmtrack.services.self_signed import self_signed_pair
from llmtrack.web import server as server_module
from llmtrack.web.app import build_app
from llmtrack.web.doorman import with_spare
from llmtrack.web.server import Caps, Server
from tests.conftest import NOW_MS, World

Listen = Callable[[Caps], Awaitable[int]]
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def listen(world: World, passwords: Passwords, tmp_path: Path) -> AsyncIterator[Listen]:
    started: list[Server] = []
    pair = self_signed_pair(tmp_path / "tls", host="localhost", now_ms=NOW_MS)

    async def start(caps: Caps) -> int:
        app = build_app(
            world.database,
            base_url="https://localhost",
            secure=True,
            clock_ms=lambda: NOW_MS,
            passwords=passwords,
        )
        listening = socket.create_server(("127.0.0.1", 0))
        context = server_context(pair.cert_file, pair.key_file)
        started.append(await Server.start(app, [listening], context, caps=caps))
        return int(listening.getsockname()[1])

    yield start
    for server in started:
        await server.stop()


async def silent(port: int) -> Pair:
    return await asyncio.open_connection("127.0.0.1", port)


async def has_ended(stalled: Pair, seconds: float = 0.3) -> bool:
    reader, writer = stalled
    try:
        async with asyncio.timeout(seconds):
            ended = await reader.read() == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        ended = True
    writer.close()
    return ended


def trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def status(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting_anybody())
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head = await reader.readline()
    writer.close()
    return int(head.split()[1])


@pytest.mark.parametrize("caps", [Caps(connections=4), Caps(connections_per_ip=4)])
async def test_they_count_and_the_next_is_ended_at_once(listen: Listen, caps: Caps) -> None:
    port = await listen(caps)
    stalled = [await silent(port) for _ in range(with_spare(4))]
    await asyncio.sleep(0.05)
    assert not await has_ended(stalled[0])
    assert await has_ended(await silent(port))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await status(port)
    for _, writer in stalled:
        writer.close()
    await asyncio.sleep(0.05)
    assert await status(port) == 200


async def test_those_that_fail_are_not_held_against_anybody(listen: Listen) -> None:
    port = await listen(Caps(connections=4, connections_per_ip=4))
    for _ in range(20):
        _, writer = await silent(port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        writer.close()
        await asyncio.sleep(0.01)
    assert await status(port) == 200


async def test_one_is_given_up_after_a_while(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_module.HANDSHAKE_TIMEOUT_S <= 10
    monkeypatch.setattr(server_module, "HANDSHAKE_TIMEOUT_S", 0.3)
    port = await listen(Caps())
    stalled = await silent(port)
    stalled[1].write(b"\x16\x03\x01")
    assert await has_ended(stalled, 5)


async def test_over_the_cap_there_is_still_an_answer(listen: Listen) -> None:
    port = await listen(Caps(connections=1))
    assert await status(port) == 200
    _, held = await asyncio.open_connection("127.0.0.1", port, ssl=trusting_anybody())
    await asyncio.sleep(0.05)
    assert await status(port) == 503
    held.close()
