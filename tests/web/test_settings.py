"""Settings of a workspace, and the state of the system for its admins."""

import asyncio

from llmtrack.domain.roles import Role
from llmtrack.services.system_state import system_state
from llmtrack.services.vitals import Vitals
from llmtrack.storage.audit import list_entries
from llmtrack.storage.memberships import add_member
from llmtrack.storage.retention_rules import Retention, retention_of
from llmtrack.storage.schema import MIGRATIONS
from tests.conftest import WHO, World
from tests.web.conftest import Client
from tests.web.people import post, sign_in


def settings_of(world: World) -> str:
    return f"/w/{world.acme.public_id}/settings"


async def text_of(client: Client, path: str) -> str:
    async with client.get(path) as response:
        assert response.status == 200
        return await response.text()


async def test_an_owner_changes_name_zone_and_retention(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = settings_of(world)

    for path, form in (
        ("name", {"name": "Acme GmbH"}),
        ("time-zone", {"time_zone": "Asia/Kathmandu"}),
        ("retention", {"days": "90", "drop_totals": "1"}),
    ):
        assert (await post(client, f"{url}/{path}", **form)).status == 303

    scope = await world.scope()
    assert (scope.name, scope.time_zone) == ("Acme GmbH", "Asia/Kathmandu")
    async with scope.reading() as reading:
        assert await retention_of(reading) == Retention(90, keep_totals=False)
    assert [entry.action for entry in (await list_entries(scope))[:3]] == [
        "retention.set",
        "workspace.set_time_zone",
        "workspace.rename",
    ]
    async with asyncio.timeout(10):
        while "Days are being moved" in await text_of(client, url):  # noqa: ASYNC110 - a job works
            await asyncio.sleep(0.1)
    text = await text_of(client, url)
    assert "Single events go after 90 days; their totals go as well." in text
    assert "<option selected>Asia/Kathmandu</option>" in text


async def test_what_cannot_be_is_refused_beside_its_field(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = settings_of(world)
    for path, form, words in (
        ("name", {"name": ""}, "name"),
        ("name", {"name": "Globex"}, "Another workspace has this name"),
        ("time-zone", {"time_zone": "Mars/Olympus"}, "is no time zone"),
        ("retention", {"days": "0"}, "Days must be 1 to"),
        ("retention", {"days": "ten"}, "is no number"),
    ):
        response = await post(client, f"{url}/{path}", **form)
        assert response.status == 422
        text = await response.text()
        assert words in text
        assert 'aria-invalid="true"' in text


async def test_who_does_not_own_the_workspace_only_reads(client: Client, world: World) -> None:
    await world.database.write(add_member, world.acme.id, world.bob.id, role=Role.ADMIN, **WHO)
    await sign_in(client, "bob")
    text = await text_of(client, settings_of(world))
    assert "Save name" not in text
    assert (await post(client, f"{settings_of(world)}/name", name="Mine")).status == 403


async def test_retention_asks_for_a_proof(client: Client, world: World, clock: object) -> None:
    await sign_in(client, "alice")
    clock.now_ms += 20 * 60_000  # type: ignore[attr-defined]
    response = await post(client, f"{settings_of(world)}/retention", days="1")
    assert (response.status, response.headers["X-Proof-Needed"]) == (403, "password")


async def test_the_system_shows_itself_to_admins_alone(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    async with client.get("/instance/system") as response:
        assert response.status == 404
    await world.database.write(
        lambda connection: connection.execute("update user set is_admin = 1 where id = ?", (1,))
    )
    text = await text_of(client, "/instance/system")
    assert f"{len(MIGRATIONS)} of {len(MIGRATIONS)}" in text
    assert str(world.database.path.parent) in text
    assert 'href="/instance/system"' in await text_of(client, settings_of(world))
    state = await system_state(world.database, Vitals())
    assert state.database_bytes > 0
    assert state.last_backup_ms is None
