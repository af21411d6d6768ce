"""A page whose reader has gone is not made: others wait for the same few connections."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from llmtrack.storage.database import WALLED_COUNT
from llmtrack.web import overview
from llmtrack.web.analytics import Look
from llmtrack.web.overview_data import OverviewData, load_overview
from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_pages import get


async def test_only_those_that_somebody_waits_for_are_made(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    async def counted(look: Look) -> OverviewData:
        made.append(look.query.path)
        return await load_overview(look)

    monkeypatch.setattr(overview, "load_overview", counted)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/"
    scope = await world.scope()
    async with AsyncExitStack() as taken:
        for _ in range(WALLED_COUNT):
            await taken.enter_async_context(scope.reading())
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), client.get(path):
                    pass
    assert (await get(client, path))[0] == 200
    assert made == [path]
