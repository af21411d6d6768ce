"""`GET /api/usage`: what a key that may read sees, and nobody else."""

import re
from typing import Any

import pytest

from llmtrack.domain.key_terms import KeyAccess, KeyTerms
from llmtrack.storage.keys import create_key
from tests.conftest import WHO, World
from tests.web.conftest import Client
from tests.web.test_ingest import send
from tests.web.test_key_lifecycle import said


async def usage(client: Client, raw: str, query: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {raw}"}
    async with client.get(f"/api/usage{query}", headers=headers) as response:
        return response.status, await response.json()


async def test_a_reading_key_reads_its_workspace_and_sends_nothing(
    client: Client, world: World
) -> None:
    scope = await world.scope()
    reader = await scope.write(create_key, name="bi", terms=KeyTerms(KeyAccess.READ), **WHO)
    await send(client, world.acme_key.raw)
    await send(client, world.globex_key.raw, {"provider": "openai", "model": "o3"})

    status, answer = await usage(client, reader.raw, "?by=model&to=2026-11-21")

    assert status == 200
    assert [row["model"] for row in answer["rows"]] == ["gpt-4o-mini"]
    assert answer["rows"][0]["cost_usd"] == "0.000066"
    assert await said(client, reader.raw) == "Invalid API key"


async def test_a_sending_key_reads_nothing(client: Client, world: World) -> None:
    assert (await usage(client, world.acme_key.raw))[0] == 401
    for path in ("/", f"/w/{world.acme.public_id}/", f"/w/{world.acme.public_id}/keys"):
        headers = {"Authorization": f"Bearer {world.acme_key.raw}"}
        async with client.get(path, headers=headers, allow_redirects=False) as response:
            assert response.status == 303


@pytest.mark.parametrize(
    "query",
    [
        *("?by=x", "?from=x", "?workspace=wsp_a", "?from=2026-11-02&to=2026-11-01"),
        *("?from=2332-04-08&to=6186-04-11", "?to=9999-12-31T23:59:59-10:00", "?from=1969-12-31"),
        *("?to=9998-12-31T23:59:59-10:00", "?from=0001-01-01&by=day", "?from=2010-01-01&by=day"),
    ],
)
async def test_a_senseless_question_names_its_parameter(
    client: Client, world: World, query: str
) -> None:
    scope = await world.scope()
    reader = await scope.write(create_key, name="bi", terms=KeyTerms(KeyAccess.READ), **WHO)

    status, answer = await usage(client, reader.raw, query)

    assert status == 422
    assert answer["title"]
    assert re.search(r"by|from|to|workspace", answer["detail"].lower())
