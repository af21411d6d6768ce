"""Content and secrets on their way in: kept off the disk, counted, unless an operator opts out."""

import json
from typing import Any

from llmtrack.storage.audit import list_entries
from llmtrack.storage.content_rules import set_keeps_content
from tests.conftest import PASSWORD, WHO, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in

SECRET = "sk-proj-" + "a1B2c3" * 5
METADATA = {"prompt": "what is my account balance?", "note": f"key {SECRET}", "team": "search"}


async def send(client: Client, world: World, metadata: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {world.acme_key.raw}"}
    body: dict[str, Any] = {"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 5}
    body |= {"completion_tokens": 1, "metadata": metadata}
    async with client.post("/api/ingest", json=body, headers=headers) as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


async def stored(world: World) -> list[Any]:
    scope = await world.scope()
    rows = await scope.rows("select metadata from event where workspace_id = :workspace_id")
    return [json.loads(row[0]) for row in rows]


async def page_of(client: Client, world: World) -> str:
    async with client.get(f"/w/{world.acme.public_id}/data-quality") as response:
        assert response.status == 200
        return await response.text()


async def test_what_was_taken_out_is_counted_by_key(client: Client, world: World) -> None:
    answer = await send(client, world, METADATA)
    await send(client, world, {"team": "search"})

    assert len(answer["warnings"]) == 2
    assert SECRET not in json.dumps(answer)
    assert {"team": "search", "note": "key [removed: a provider's key]"} in await stored(world)
    await sign_in(client, "bob")
    text = await page_of(client, world)
    assert "Acme app" in text
    assert text.count('<td class="number">1</td>') == 3


async def test_nothing_on_the_disk_has_the_secret(client: Client, world: World) -> None:
    await send(client, world, METADATA)
    for path in world.database.path.parent.iterdir():
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
            assert b"account balance" not in path.read_bytes()


async def test_a_workspace_can_choose_to_keep_it(client: Client, world: World) -> None:
    scope = await world.scope()
    await scope.write(set_keeps_content, keeps=True, **WHO)

    assert (await send(client, world, METADATA))["warnings"] == []

    assert await stored(world) == [METADATA]
    entry = (await list_entries(scope))[0]
    assert (entry.action, entry.details) == ("content_rule.set", {"keeps_content": True})
    await sign_in(client, "alice")
    assert "This workspace keeps prompts" in await page_of(client, world)

    await scope.write(set_keeps_content, keeps=False, **WHO)
    assert len((await send(client, world, METADATA))["warnings"]) == 2


async def test_an_owner_decides_on_the_page_with_a_word_and_a_proof(
    client: Client, world: World, clock: Clock
) -> None:
    path = f"/w/{world.acme.public_id}/data-quality"
    scope = await world.scope()
    await sign_in(client, "bob")
    assert "Keep them from now on" not in await page_of(client, world)
    assert (await post(client, path, keeps="yes", understood="yes")).status == 403

    await sign_in(client, "alice")
    assert "Keep them from now on" in await page_of(client, world)
    unsure = await post(client, path, keeps="yes")
    assert unsure.status == 422
    assert "Tick that you understand" in await unsure.text()
    assert (await post(client, path, keeps="perhaps", understood="yes")).status == 400
    assert len((await send(client, world, METADATA))["warnings"]) == 2

    clock.now_ms += 16 * 60_000
    asked = await post(client, path, keeps="yes", understood="yes")
    assert "password" in await asked.text()
    assert len((await send(client, world, METADATA))["warnings"]) == 2, "without a proof"
    proven = {"keeps": "yes", "understood": "yes", "proof_password": PASSWORD}
    assert (await post(client, path, **proven)).status == 303
    assert (await send(client, world, METADATA))["warnings"] == []
    entry = (await list_entries(scope))[0]
    assert (entry.action, entry.actor) == ("content_rule.set", "alice@example.com")

    await sign_in(client, "bob")
    assert "An owner can have them removed again" in await page_of(client, world)
    await sign_in(client, "alice")
    assert (await post(client, path, keeps="no")).status == 303
    assert len((await send(client, world, METADATA))["warnings"]) == 2
