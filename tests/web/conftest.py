"""The real application on a socket, with the fixed cast's database under it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web, web_app
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from llmtrack.domain.credentials import Passwords
from llmtrack.services.mail import Mailer
from llmtrack.web.app import build_app
from llmtrack.web.context import CLOCK_MS
from llmtrack.web.data_quality import CONTENT_GUARD
from llmtrack.web.ingest import KEPT_TIMES, KEY_RING, PRICE_BOOKS
from llmtrack.web.server import Caps, start_runner
from tests.conftest import NOW_MS, World
from tests.web.mail_sink import Sink, mail_sink

Client = TestClient[Any, Any]


class RealServer(TestServer):
    """The application as it is served, with everything that stands before it."""

    async def start_server(
        self, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any
    ) -> None:
        assert not kwargs
        if self.runner is None:
            self._loop = loop
            listening = socket.create_server(("127.0.0.1", 0))
            self.host, self.port = listening.getsockname()
            self._root = URL(f"http://{self.host}:{self.port}")
            self.runner = await start_runner(self.app, [listening], None, Caps())

    async def close(self) -> None:
        await super().close()
        # aiohttp remembers the last thousand applications that it built middlewares for.
        web_app._cached_build_middleware.cache_clear()


async def open_lane(client: Client, raw_key: str) -> None:
    """Have the server know the key and its prices, as it does from a key's first event on."""
    app = application(client)
    key = await app[KEY_RING].find(raw_key, app[CLOCK_MS](), "127.0.0.1")
    await app[CONTENT_GUARD].keeps(key.workspace_id)
    await app[PRICE_BOOKS].find(key.workspace_id)
    await app[KEPT_TIMES].load()


class Clock:
    """The application's time, which a test moves."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(
    world: World, passwords: Passwords, aiohttp_client: AiohttpClient, clock: Clock
) -> Client:
    app = build_app(
        world.database,
        base_url="http://127.0.0.1",
        secure=False,
        clock_ms=clock,
        passwords=passwords,
    )
    return await aiohttp_client(RealServer(app))


def application(client: Client) -> web.Application:
    """What the client talks to."""
    app = client.app
    assert isinstance(app, web.Application)
    return app


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[Sink]:
    async with mail_sink(tmp_path) as made:
        yield made


@pytest.fixture
async def mailing(
    world: World, passwords: Passwords, aiohttp_client: AiohttpClient, clock: Clock, sink: Sink
) -> Client:
    app = build_app(
        world.database,
        base_url="https://costs.example.com",
        secure=False,
        clock_ms=clock,
        passwords=passwords,
        mailer=Mailer(sink.server),
    )
    return await aiohttp_client(RealServer(app))
