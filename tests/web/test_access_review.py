"""Access review: who and what opens the workspace, looked through and noted by somebody."""

import pytest

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.roles import Role
from llmtrack.storage.access_reviews import REVIEW_DAYS
from llmtrack.storage.memberships import add_member
from tests.conftest import WHO, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in, text_of


@pytest.fixture
async def access(client: Client, world: World) -> str:
    """The path of Acme's review; alice, its owner, is signed in, and bob in another browser."""
    await sign_in(client, "bob")
    client.session.cookie_jar.clear()
    await sign_in(client, "alice")
    return f"/w/{world.acme.public_id}/access"


async def test_it_shows_members_with_their_factors_and_sessions_and_keys(
    client: Client, access: str
) -> None:
    text = await text_of(client, access)
    for shown in ("alice@example.com", "bob@example.com", "1 open", "no second factor", "Acme app"):
        assert shown in text
    assert "charlie@example.com" not in text
    assert "Globex app" not in text


async def test_a_review_is_stamped_with_name_and_date_and_in_the_audit_log(
    client: Client, world: World, access: str
) -> None:
    assert (await post(client, f"{access}/review")).status == 303

    text = await text_of(client, access)
    assert "Reviewed by <bdi>alice@example.com</bdi>, " in text
    assert "2 members, 1 key<" in text
    log = await text_of(client, f"/w/{world.acme.public_id}/audit")
    assert "access.review" in log


async def test_an_overdue_review_is_asked_for_on_two_pages(
    client: Client, world: World, clock: Clock, access: str
) -> None:
    members = f"/w/{world.acme.public_id}/members"
    assert "It is time to look through" not in await text_of(client, members)
    clock.now_ms += REVIEW_DAYS * DAY_MS
    await sign_in(client, "alice")
    assert "Nobody has looked through this yet" in await text_of(client, access)
    assert "It is time to look through" in await text_of(client, members)

    await post(client, f"{access}/review")

    assert "Nobody has looked" not in await text_of(client, access)
    assert "It is time to look through" not in await text_of(client, members)


async def test_a_member_is_signed_out_everywhere(client: Client, world: World, access: str) -> None:
    bob = f"{access}/members/{world.bob.public_id}/sign-out"
    assert (await post(client, bob)).status == 303

    [row] = await world.database.rows(
        "select count(*) from session where user_id = :id", id=world.bob.id
    )
    assert row[0] == 0
    assert "member.sign_out" in await text_of(client, f"/w/{world.acme.public_id}/audit")
    charlie = f"{access}/members/{world.charlie.public_id}/sign-out"
    assert (await post(client, charlie)).status == 404


async def test_an_admin_does_not_sign_an_owner_out(
    client: Client, world: World, access: str
) -> None:
    await world.database.write(add_member, world.acme.id, world.bob.id, role=Role.ADMIN, **WHO)
    await sign_in(client, "bob")
    alice = f"{access}/members/{world.alice.public_id}/sign-out"
    assert (await post(client, alice)).status == 409


async def test_who_does_not_manage_members_does_not_see_it(client: Client, access: str) -> None:
    await sign_in(client, "bob")
    await text_of(client, access, 403)
