"""`GET /api/usage`: what a key that may read sees, and nobody else."""

import re
from typing import Any

import pytest

from llmtrack.domain.key_terms import KeyAccess, KeyTerms
from llmtrack.services.tag_counting import drive_tag_changes
from llmtrack.storage.keys import create_key
from llmtrack.storage.tracked_tags import track_tag
from tests.conftest import WHO, World
from tests.web.conftest import Client
from tests.web.test_ingest import send
from tests.web.test_key_lifecycle import said


async def usage(client: Client, raw: str, query: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {raw}"}
    async with client.get(f"/api/usage{query}", headers=headers) as response:
        return response.status, await response.json()


async def reader_of(world: World) -> str:
    """A key of acme's that may read."""
    scope = await world.scope()
    return (await scope.write(create_key, name="bi", terms=KeyTerms(KeyAccess.READ), **WHO)).raw


async def test_a_reading_key_reads_its_workspace_and_sends_nothing(
    client: Client, world: World
) -> None:
    raw = await reader_of(world)
    await send(client, world.acme_key.raw)
    await send(client, world.globex_key.raw, {"provider": "openai", "model": "o3"})

    status, answer = await usage(client, raw, "?by=model&to=2026-11-21")

    assert status == 200
    assert [row["model"] for row in answer["rows"]] == ["gpt-4o-mini"]
    assert answer["rows"][0]["cost_usd"] == "0.000066"
    assert await said(client, raw) == "Invalid API key"


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
        *(
            "?to=9998-12-31T23:59:59-10:00",
            "?from=0001-01-01&by=day",
            "?from=1970-01-01&to=2200-01-01&by=day",
        ),
    ],
)
async def test_a_senseless_question_names_its_parameter(
    client: Client, world: World, query: str
) -> None:
    raw = await reader_of(world)

    status, answer = await usage(client, raw, query)

    assert status == 422
    assert answer["title"]
    assert re.search(r"by|from|to|workspace", answer["detail"].lower())


async def test_a_reading_key_reads_by_tags(client: Client, world: World) -> None:
    raw, scope = await reader_of(world), await world.scope()
    await scope.write(track_tag, key="team", **WHO)
    await drive_tag_changes(scope)
    for metadata in ({"team": "search"}, {"team": "ads"}, {}):
        event = {"provider": "openai", "model": "o3", "metadata": metadata}
        await send(client, world.acme_key.raw, event)

    status, answer = await usage(client, raw, "?by=tag:team&to=2026-11-21")
    assert status == 200
    assert {row["tag:team"]: row["events"] for row in answer["rows"]} == {
        "search": 1,
        "ads": 1,
        None: 1,
    }
    assert answer["notes"] == []
    status, answer = await usage(client, raw, "?by=day&where=tag:team%3Dads&to=2026-11-21")
    assert [row["events"] for row in answer["rows"]] == [1]
    assert (await usage(client, raw, "?where=tag:%3Dcmd%3Dx%3Dy"))[0] == 404
    await scope.write(track_tag, key="=cmd", **WHO)
    await drive_tag_changes(scope)
    event = {"provider": "openai", "model": "o3", "metadata": {"=cmd": "x=y"}}
    await send(client, world.acme_key.raw, event)
    where = "?where=tag:%3Dcmd%3Dx%3Dy&to=2026-11-21"
    status, answer = await usage(client, raw, where)
    assert [row["events"] for row in answer["rows"]] == [1]
    twice = "?where=tag:team%3Dads&where=tag:team%3Dsearch"
    for wrong in ("?where=tag:team", "?where=x%3Dy", twice):
        assert (await usage(client, raw, wrong))[0] == 422
    for unknown in ("?by=tag:x", "?where=tag:team%3Dx", "?where=model%3Dnone"):
        assert (await usage(client, raw, unknown))[0] == 404
