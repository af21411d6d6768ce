"""The real application on a socket, with the fixed cast's database under it."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.web.app import build_app
from tests.conftest import NOW_MS, World

Client = TestClient[Any, Any]


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
    server = TestServer(app)
    await server.start_server(auto_decompress=False)  # as web.server does
    return await aiohttp_client(server)


def application(client: Client) -> web.Application:
    """What the client talks to."""
    app = client.app
    assert isinstance(app, web.Application)
    return app
