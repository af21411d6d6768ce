"""Members and invitations: one address, one role, once; the last owner stays."""

import re

import pytest

from llmtrack.storage.invitations import LIFE_MS
from tests.conftest import World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in, text_of

DORA = "dora@example.com"
NEW_PASSWORD = "seven wild geese over the lake"


async def invite(client: Client, world: World, email: str = DORA, role: str = "analyst") -> str:
    """The link's path, as the page shows it once."""
    members = f"/w/{world.acme.public_id}/members"
    made = await post(client, f"{members}/invitations", email=email, role=role)
    assert made.status == 303
    shown = await text_of(client, made.headers["Location"])
    assert "/invitation?" not in await text_of(client, made.headers["Location"])
    [path] = re.findall(r"http://127\.0\.0\.1(/invitation\?[^<]*)", shown)
    return str(path).replace("&amp;", "&")


def fields(link: str, **more: str) -> dict[str, str]:
    query = dict(part.split("=") for part in link.partition("?")[2].split("&"))
    return {"name": "", "password": NEW_PASSWORD} | query | more


async def test_an_invited_person_makes_an_account_and_is_in(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    link = await invite(client, world)
    await post(client, "/sign-out")

    assert DORA in await text_of(client, link)
    weak = await post(client, "/invitation", **fields(link, password="acme acme acme acme"))
    assert weak.status == 422
    joined = await post(client, "/invitation", **fields(link, name="Dora"))
    assert joined.status == 303
    page = await text_of(client, f"/w/{world.acme.public_id}/members")
    assert "Dora" in page
    assert "Invite somebody" not in page
    assert (await post(client, "/invitation", **fields(link))).status == 410
    await text_of(client, link, 410)


async def test_an_invitation_ends_after_three_days_and_when_withdrawn(
    client: Client, world: World, clock: Clock
) -> None:
    await sign_in(client, "alice")
    link, other = await invite(client, world), await invite(client, world, "eve@example.com")
    page = await text_of(client, f"/w/{world.acme.public_id}/members")
    revocations = re.findall(r"/w/[^\"]*/invitations/inv_[a-z2-7]{16}/revocation", page)
    assert len(revocations) == 2
    for path in revocations:
        if "eve@example.com" in page[page.index(path) :].partition("</form>")[0]:
            assert (await post(client, path)).status == 303
            assert (await post(client, path)).status == 404
    await text_of(client, other, 410)
    await text_of(client, link, 200)

    clock.now_ms += LIFE_MS
    await text_of(client, link, 410)
    assert (await post(client, "/invitation", **fields(link))).status == 410


async def test_a_newer_invitation_ends_the_one_before(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    first = await invite(client, world)
    second = await invite(client, world, role="viewer")
    await text_of(client, first, 410)
    await text_of(client, second, 200)


async def test_somebody_with_an_account_joins_by_signing_in(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    link = await invite(client, world, "charlie@example.com", "admin")
    asked = await text_of(client, link)
    assert "There is an account for charlie@example.com" in asked
    assert (await post(client, "/invitation", **fields(link))).status == 200
    [row] = await world.database.rows(
        "select count(*) from membership where workspace_id = 1 and user_id = 3"
    )
    assert row[0] == 0, "alice took charlie's invitation"

    await sign_in(client, "charlie")
    assert (await post(client, "/invitation", **fields(link))).status == 303
    await text_of(client, f"/w/{world.acme.public_id}/keys")


async def test_a_link_of_one_workspace_opens_no_other(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    link = await invite(client, world)
    await text_of(client, link.replace(world.acme.public_id, world.globex.public_id), 410)


@pytest.mark.parametrize("form", [{"email": "no address"}, {"email": "bob@example.com"}])
async def test_a_senseless_invitation_says_why(
    client: Client, world: World, form: dict[str, str]
) -> None:
    await sign_in(client, "alice")
    members = f"/w/{world.acme.public_id}/members/invitations"
    response = await post(client, members, role="viewer", **form)
    assert response.status == 422
    assert 'role="alert"' in await response.text()
    assert (await post(client, members, email=DORA, role="emperor")).status == 422


async def test_the_last_owner_stays(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    members = f"/w/{world.acme.public_id}/members"
    alice, bob = world.alice.public_id, world.bob.public_id

    assert (await post(client, f"{members}/leaving")).status == 409
    assert (await post(client, f"{members}/{alice}/role", role="viewer")).status == 409
    assert (await post(client, f"{members}/{alice}/removal")).status == 409
    assert (await post(client, f"{members}/{bob}/role", role="owner")).status == 303
    assert (await post(client, f"{members}/leaving")).status == 303
    await text_of(client, members, 404)
    await sign_in(client, "bob")
    assert "Invite somebody" in await text_of(client, members)


async def test_an_admin_makes_no_owners_and_removes_none(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    members = f"/w/{world.acme.public_id}/members"
    await post(client, f"{members}/{world.bob.public_id}/role", role="admin")
    await sign_in(client, "bob")

    invited = await post(client, f"{members}/invitations", email=DORA, role="owner")
    assert invited.status == 422
    own = await post(client, f"{members}/{world.bob.public_id}/role", role="owner")
    assert own.status == 409
    assert (await post(client, f"{members}/{world.alice.public_id}/removal")).status == 409
    assert (await post(client, f"{members}/{world.charlie.public_id}/removal")).status == 404


async def test_a_removed_member_finds_nothing_at_the_next_request(
    client: Client, world: World
) -> None:
    await sign_in(client, "alice")
    members = f"/w/{world.acme.public_id}/members"
    assert (await post(client, f"{members}/{world.bob.public_id}/removal")).status == 303
    await sign_in(client, "bob")
    await text_of(client, members, 404)
    rows = await world.database.rows(
        "select action from audit_log where workspace_id = 1 order by id desc limit 1"
    )
    assert rows[0][0] == "member.remove"
