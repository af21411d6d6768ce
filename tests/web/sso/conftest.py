"""The application beside a provider that says what a test wants."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.domain.single_sign_on import Rules
from llmtrack.services.oidc import Client as OidcClient
from llmtrack.services.oidc import Provider
from llmtrack.web.app import build_app
from tests.conftest import World
from tests.web.conftest import Client, Clock, RealServer
from tests.web.sso.bent_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    BentProvider,
    bent_provider,
)
from tests.web.sso.browsing import CALLBACK, MONOTONIC


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[BentProvider]:
    async with bent_provider(tmp_path) as provider:
        yield provider


@pytest.fixture
async def client(
    world: World,
    passwords: Passwords,
    aiohttp_client: AiohttpClient,
    clock: Clock,
    there: BentProvider,
) -> Client:
    who = OidcClient(
        there.issuer, CLIENT_ID, CLIENT_SECRET, "http://127.0.0.1" + CALLBACK, ca_file=there.ca_file
    )
    app = build_app(
        world.database,
        base_url="http://127.0.0.1",
        secure=False,
        clock_ms=clock,
        passwords=passwords,
        provider=Provider(who, Rules("Keyring"), clock_s=lambda: MONOTONIC[0]),
    )
    return await aiohttp_client(RealServer(app))
