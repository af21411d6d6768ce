"""Going to the provider and coming back, as a browser would."""

from typing import Any

from llmtrack.domain.single_sign_on import Identity
from llmtrack.storage.identities import link_identity
from llmtrack.web.context import PROVIDER
from tests.conftest import WHO, World
from tests.web.conftest import Client, application
from tests.web.sso.bent_provider import (
    BentProvider,
)

CALLBACK = "/sign-in/oidc/callback"
MONOTONIC = [1000.0]


def set_rules(client: Client, **rules: Any) -> None:
    provider = application(client)[PROVIDER]
    provider.rules = provider.rules._replace(**rules)


async def get(client: Client, path: str, **query: str) -> tuple[int, str, str]:
    """Status, where to, and what it says."""
    async with client.get(path, params=query, allow_redirects=False) as response:
        text = await response.text()
        return response.status, response.headers.get("Location", ""), text


async def come_back(
    client: Client, there: BentProvider, path: str = "/sign-in/oidc", **more: str
) -> tuple[int, str, str]:
    status, location, text = await get(client, path)
    assert status == 303, text
    assert location.startswith(f"{there.issuer}/authorize?"), location
    return await get(client, CALLBACK, **there.leave(location, **more))


async def link(world: World, there: BentProvider, name: str = "alice") -> None:
    user = getattr(world, name)
    await world.database.write(link_identity, user, Identity(there.issuer, "subject-1"), **WHO)


async def account_of(client: Client) -> str:
    status, _, text = await get(client, "/account")
    return text if status == 200 else ""
