"""Administrators of the instance: they see accounts, and look into a workspace by leave only."""

import re

import pytest

from llmtrack.storage.access_grants import HOUR_MS
from llmtrack.storage.factor_rules import require_second_factor
from tests.conftest import WHO, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in, text_of

WHY = "ticket 4711: costs look doubled"


@pytest.fixture
async def admin(client: Client, world: World) -> str:
    """Charlie administers the instance and is no member of Acme, whose path this is."""
    await world.database.write(
        lambda connection: connection.execute(
            "update user set is_admin = 1 where id = ?", (world.charlie.id,)
        )
    )
    await sign_in(client, "charlie")
    return f"/w/{world.acme.public_id}/"


async def look_in(client: Client, world: World, hours: str = "2", why: str = WHY) -> int:
    form = {"workspace": world.acme.public_id, "hours": hours, "reason": why}
    return (await post(client, "/instance/grants", **form)).status


async def test_without_leave_a_workspace_does_not_exist(client: Client, admin: str) -> None:
    await text_of(client, admin, 404)
    page = await text_of(client, "/instance")
    assert "Acme" in page
    assert "alice@example.com" in page


async def test_leave_opens_it_to_read_and_ends_by_itself(
    client: Client, world: World, clock: Clock, admin: str
) -> None:
    assert await look_in(client, world) == 303

    assert "You are no member here" in await text_of(client, admin)
    await text_of(client, f"{admin}members")
    await text_of(client, f"{admin}access", 403)
    assert (await post(client, f"{admin}keys", name="mine")).status == 403
    clock.now_ms += 2 * HOUR_MS
    await text_of(client, admin, 404)


async def test_the_workspace_sees_who_and_why_and_ends_it(
    client: Client, world: World, admin: str
) -> None:
    await look_in(client, world)
    await sign_in(client, "bob")
    seen = await text_of(client, f"{admin}members")
    assert "charlie@example.com" in seen
    assert WHY in seen
    await sign_in(client, "alice")
    assert "access_grant.create" in await text_of(client, f"{admin}audit")
    review = await text_of(client, f"{admin}access")
    [path] = re.findall(r"/w/[^\"]*/access/grants/grt_[a-z2-7]{16}/end", review)

    assert (await post(client, path)).status == 303

    assert (await post(client, path)).status == 404
    assert "access_grant.end" in await text_of(client, f"{admin}audit")
    await sign_in(client, "charlie")
    await text_of(client, admin, 404)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(("hours", "why"), [("0", WHY), ("25", WHY), ("x", WHY), ("1", " ")])
async def test_leave_needs_a_reason_and_an_end(
    client: Client, world: World, hours: str, why: str
) -> None:
    assert await look_in(client, world, hours, why) == 422


async def test_a_strict_workspace_asks_a_second_factor_of_them_too(
    client: Client, world: World, admin: str
) -> None:
    await look_in(client, world)
    await world.database.write(require_second_factor, world.acme.id, required=True, **WHO)
    async with client.get(admin, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/account?factor")


async def test_leave_ends_with_the_office(client: Client, world: World, admin: str) -> None:
    await look_in(client, world)
    await world.database.write(lambda at: at.execute("update user set is_admin = 0"))
    await text_of(client, admin, 404)


@pytest.mark.usefixtures("admin")
async def test_sessions_of_others_are_listed_and_ended(client: Client, world: World) -> None:
    client.session.cookie_jar.clear()
    await sign_in(client, "bob")
    client.session.cookie_jar.clear()
    await sign_in(client, "charlie")
    person = f"/instance/people/{world.bob.public_id}"
    [path] = re.findall(rf"{person}/sessions/ses_[a-z2-7]{{16}}/end", await text_of(client, person))

    assert (await post(client, path)).status == 303

    assert "signed out everywhere" in await text_of(client, person)
    assert (await post(client, f"{person}/sessions/end-all")).status == 303


@pytest.mark.usefixtures("admin")
async def test_an_account_is_disabled_and_enabled(client: Client, world: World) -> None:
    person = f"/instance/people/{world.bob.public_id}"
    assert (await post(client, f"{person}/state", state="disabled")).status == 303
    assert "Enable" in await text_of(client, person)
    refused = await post(client, "/sign-in", email="bob@example.com", password="x", next="/")
    assert refused.status == 422
    assert (await post(client, f"{person}/state", state="active")).status == 303
    own = f"/instance/people/{world.charlie.public_id}"
    assert (await post(client, f"{own}/state", state="disabled")).status == 409
    await text_of(client, "/instance/people/usr_missing", 404)


@pytest.mark.parametrize("name", ["alice", "bob"])
async def test_to_everybody_else_the_instance_is_not_there(client: Client, name: str) -> None:
    await sign_in(client, name)
    await text_of(client, "/instance", 404)
    assert (await post(client, "/instance/grants")).status == 404
