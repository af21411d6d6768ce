"""The application beside a provider that says what a test wants."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypedDict

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.domain.single_sign_on import Rules
from llmtrack.services.mail import Mailer
from llmtrack.services.oidc import Client as OidcClient
from llmtrack.services.oidc import Provider
from llmtrack.web.app import build_app
from tests.conftest import World
from tests.web.conftest import Client, Clock, RealServer
from tests.web.mail_sink import Sink
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


class Outside(TypedDict):
    """What of other machines the application knows."""

    provider: Provider
    mailer: Mailer


@pytest.fixture
def outside(there: BentProvider, sink: Sink) -> Outside:
    who = OidcClient(
        there.issuer, CLIENT_ID, CLIENT_SECRET, "http://127.0.0.1" + CALLBACK, ca_file=there.ca_file
    )
    provider = Provider(who, Rules("Keyring"), clock_s=lambda: MONOTONIC[0])
    return {"provider": provider, "mailer": Mailer(sink.server)}


@pytest.fixture
async def client(
    world: World,
    passwords: Passwords,
    aiohttp_client: AiohttpClient,
    clock: Clock,
    outside: Outside,
) -> Client:
    app = build_app(
        world.database,
        base_url="http://127.0.0.1",
        secure=False,
        clock_ms=clock,
        passwords=passwords,
        **outside,
    )
    return await aiohttp_client(RealServer(app))
