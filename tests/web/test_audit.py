"""The audit page: filters in the URL, for owners and admins."""

import sqlite3

from llmtrack.storage.audit import PAGE_ENTRIES
from llmtrack.storage.keys import create_key
from tests.conftest import WHO, World
from tests.web.conftest import Client
from tests.web.people import post, sign_in


async def get(client: Client, path: str) -> tuple[int, str]:
    async with client.get(path) as response:
        return response.status, await response.text()


async def test_an_owner_reads_who_changed_what(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    status, text = await get(client, f"/w/{world.acme.public_id}/audit")
    assert status == 200
    assert "api_key.create" in text
    assert world.acme_key.key.public_id in text
    assert "charlie" not in text
    assert "globex" not in text.lower()


async def test_a_viewer_does_not(client: Client, world: World) -> None:
    await sign_in(client, "bob")
    assert (await get(client, f"/w/{world.acme.public_id}/audit"))[0] == 403


async def test_filters_are_in_the_url(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/audit"
    only = (await get(client, f"{url}?action=member.set_role"))[1]
    assert "bob@example.com" in only
    assert world.acme_key.key.public_id not in only
    assert "Nothing fits" in (await get(client, f"{url}?actor=nobody"))[1]
    assert "Nothing fits" in (await get(client, f"{url}?to=2020-01-01"))[1]
    assert "api_key.create" in (await get(client, f"{url}?from=2026-11-20&to=2026-11-20"))[1]
    status, text = await get(client, f"{url}?from=yesterday&before=x")
    assert status == 200
    assert "was not understood" in text


async def test_older_entries_are_a_link_away(client: Client, world: World) -> None:
    scope = await world.scope()
    for number in range(PAGE_ENTRIES):
        await scope.write(create_key, name=f"key {number}", **WHO)
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/audit"
    first = (await get(client, url))[1]
    assert "workspace.create" in first  # among the filters
    assert first.count("<code>workspace.create</code>") == 0
    assert "?before=5" in first
    assert "<code>workspace.create</code>" in (await get(client, f"{url}?before=5"))[1]


async def test_administrators_see_sign_ins_and_what_failed(client: Client, world: World) -> None:
    form = {"email": "bob@example.com", "password": "wrong", "next": "/"}
    assert (await post(client, "/sign-in", **form)).status == 422
    await sign_in(client, "bob")
    assert (await get(client, "/instance/audit"))[0] == 404
    await world.database.write(make_admin, world.charlie.id)
    await sign_in(client, "charlie")
    status, text = await get(client, "/instance/audit")
    assert status == 200
    assert "bob@example.com" in text
    assert "<code>sign_in.succeed</code>" in text
    assert "<code>sign_in.fail</code>" in text
    assert world.acme_key.key.public_id not in text
    assert "api_key.create" not in text
    assert "Nothing fits" in (await get(client, "/instance/audit?actor=nobody"))[1]


def make_admin(connection: sqlite3.Connection, user_id: int) -> None:
    connection.execute("update user set is_admin = 1 where id = ?", (user_id,))
