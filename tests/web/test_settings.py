"""Settings of a workspace, and the state of the system for its admins."""

import asyncio
import re

from llmtrack.domain.periods import local_date
from llmtrack.domain.roles import Role
from llmtrack.domain.tags import TAGS_MAX
from llmtrack.services.system_state import system_state
from llmtrack.services.vitals import Vitals
from llmtrack.storage.audit import list_entries
from llmtrack.storage.memberships import add_member
from llmtrack.storage.retention_rules import Retention, retention_of
from llmtrack.storage.schema import MIGRATIONS
from tests.conftest import NOW_MS, WHO, World
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
        ("retention", {"days": "ten"}, "whole number, and &#39;ten&#39; is none"),
        ("retention", {"days": "-5", "drop_totals": "1"}, "whole number, and &#39;-5&#39; is none"),
        ("tags", {"tag": "x" * 65}, "A tag is 1 to 64 characters"),
        ("tags", {"tag": "team"}, "The tag team is tracked already"),
        ("currency", {"currency": "EURO", "usd_rate": "0.9"}, "&#39;EURO&#39; is no currency"),
        ("currency", {"currency": "EUR", "usd_rate": "x"}, "The rate is a number"),
    ):
        if words == "The tag team is tracked already":
            assert (await post(client, f"{url}/tags", tag="team")).status == 303
        response = await post(client, f"{url}/{path}", **form)
        assert response.status == 422
        text = await response.text()
        assert words in text
        [field] = re.findall(r'<(?:input|select)[^>]* aria-invalid="true"[^>]*>', text)
        # The browser goes to the field, and what was typed is still there.
        assert " autofocus" in field
        [described_by] = re.findall(r'aria-describedby="([^"]+)"', field)
        assert f'id="{described_by}" role="alert">' in text
        for name, typed in form.items():
            if name == "drop_totals":
                assert 'value="1" checked' in text
            elif name != "time_zone":
                assert re.search(rf'name="{name}" value="{typed}"', text), name


async def test_a_rate_without_a_day_is_of_today(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = settings_of(world)
    response = await post(client, f"{url}/currency", currency="eur", usd_rate="0.9")
    assert response.status == 303
    today = local_date(NOW_MS, (await world.scope()).time_zone)
    assert f'name="rate_date" value="{today.isoformat()}"' in await text_of(client, url)


async def test_a_tag_too_many_is_told_beside_the_field(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = settings_of(world)
    for number in range(TAGS_MAX):
        assert (await post(client, f"{url}/tags", tag=f"tag{number}")).status == 303
    assert 'name="tag" value="' in await text_of(client, url)  # of the buttons that remove
    assert "Track tag" not in await text_of(client, url)
    response = await post(client, f"{url}/tags", tag="one more")
    assert response.status == 422
    text = await response.text()
    assert 'name="tag" value="one more"' in text
    assert f"{TAGS_MAX} tags are tracked, no more can be; remove one first." in text


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
