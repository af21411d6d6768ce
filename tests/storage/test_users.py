"""People and memberships: who may sign in, and what opens to them."""

import pytest

from llmtrack.domain.credentials import mint_token, token_digest
from llmtrack.domain.errors import AlreadyExists, InvalidValue, NotFound, Refused
from llmtrack.domain.plans import Plan
from llmtrack.domain.roles import Role
from llmtrack.storage.database import Database
from llmtrack.storage.first_run import set_up
from llmtrack.storage.login_links import (
    SETUP_LIFE_MS,
    create_setup_link,
    create_sign_in_link,
    is_setup_link,
    redeem_setup_link,
    redeem_sign_in_link,
)
from llmtrack.storage.memberships import memberships, scope_for_member
from llmtrack.storage.sessions import (
    IDLE_MS,
    LIFE_MS,
    create_session,
    end_session,
    find_session,
    touch_session,
)
from llmtrack.storage.users import create_user, disable_user, find_sign_in, list_users, set_password
from llmtrack.storage.workspaces import (
    create_workspace,
    find_workspace,
    list_members,
    quota_of_month,
    scope_for_admin,
    set_plan,
)
from tests.conftest import NOW_MS, WHO, World

DIGEST = token_digest("a token")


async def test_an_address_is_one_account_however_it_is_typed(world: World) -> None:
    with pytest.raises(AlreadyExists):
        await world.database.write(
            create_user, email=" ALICE@Example.com ", password_hash=None, **WHO
        )


@pytest.mark.parametrize("email", ["", "alice", "a@", "@b", "a b@c.de", "a@b..c", "a\n@b.c"])
async def test_what_is_no_address_is_refused(database: Database, email: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        await database.write(create_user, email=email, password_hash=None, **WHO)
    assert refused.value.field == "email"


async def test_a_member_gets_a_scope_with_their_role(world: World) -> None:
    scope = await scope_for_member(world.database, world.bob.id, world.acme.public_id)
    assert (scope.workspace_id, scope.role) == (world.acme.id, Role.VIEWER)
    assert [m.name for m in await memberships(world.database, world.bob.id)] == ["Acme"]


async def test_an_outsider_gets_the_answer_of_a_missing_workspace(world: World) -> None:
    for public_id in (world.acme.public_id, "wsp_missing"):
        with pytest.raises(NotFound, match="no such workspace"):
            await scope_for_member(world.database, world.charlie.id, public_id)


async def test_members_are_listed_owner_first(world: World) -> None:
    members = await list_members(await world.scope(world.bob))
    assert [(m.email, m.role) for m in members] == [
        ("alice@example.com", Role.OWNER),
        ("bob@example.com", Role.VIEWER),
    ]


async def test_a_disabled_user_is_out_at_once(world: World) -> None:
    await world.database.write(create_session, DIGEST, world.bob.id, now_ms=NOW_MS)
    await world.database.write(disable_user, world.bob.id, **WHO)
    assert await find_session(world.database, DIGEST, now_ms=NOW_MS) is None
    assert await find_sign_in(world.database, "bob@example.com") is None
    with pytest.raises(NotFound):
        await scope_for_member(world.database, world.bob.id, world.acme.public_id)
    assert [u.email for u in await list_users(world.database) if u.disabled_ms is not None] == [
        "bob@example.com"
    ]


async def test_a_session_ends_when_idle_and_when_old(world: World) -> None:
    write, find = world.database.write, find_session
    await write(create_session, DIGEST, world.alice.id, now_ms=NOW_MS)
    last = NOW_MS + IDLE_MS - 1
    found = await find(world.database, DIGEST, now_ms=last)
    assert found is not None
    assert found.user.email == "alice@example.com"
    assert await find(world.database, DIGEST, now_ms=last + 1) is None
    for now_ms in range(NOW_MS, NOW_MS + LIFE_MS, IDLE_MS - 1):
        await write(touch_session, DIGEST, now_ms=now_ms)
    assert await find(world.database, DIGEST, now_ms=NOW_MS + LIFE_MS - 1) is not None
    assert await find(world.database, DIGEST, now_ms=NOW_MS + LIFE_MS) is None


async def test_signing_out_and_a_new_password_end_sessions(world: World) -> None:
    write, other = world.database.write, token_digest("another")
    await write(create_session, DIGEST, world.alice.id, now_ms=NOW_MS)
    await write(create_session, other, world.alice.id, now_ms=NOW_MS)
    await write(end_session, DIGEST)
    assert await find_session(world.database, DIGEST, now_ms=NOW_MS) is None
    assert await find_session(world.database, other, now_ms=NOW_MS) is not None
    await write(set_password, world.alice.id, password_hash="new", **WHO)
    assert await find_session(world.database, other, now_ms=NOW_MS) is None


async def test_only_the_newest_setup_link_is_good_and_only_for_a_while(database: Database) -> None:
    old, new = mint_token(), mint_token()
    await database.write(create_setup_link, old.digest, now_ms=NOW_MS)
    await database.write(create_setup_link, new.digest, now_ms=NOW_MS)
    assert not await is_setup_link(database, old.digest, now_ms=NOW_MS)
    assert await is_setup_link(database, new.digest, now_ms=NOW_MS + SETUP_LIFE_MS - 1)
    assert not await is_setup_link(database, new.digest, now_ms=NOW_MS + SETUP_LIFE_MS)


async def test_the_setup_link_dies_with_the_first_user(database: Database) -> None:
    token = mint_token()
    await database.write(create_setup_link, token.digest, now_ms=NOW_MS)
    done = await database.write(
        set_up,
        email="alice@example.com",
        password_hash="x",
        workspace="Acme",
        time_zone="Europe/Berlin",
        now_ms=NOW_MS,
    )
    assert done.user.is_admin
    assert done.workspace.time_zone == "Europe/Berlin"
    with pytest.raises(Refused):
        await database.write(redeem_setup_link, token.digest, now_ms=NOW_MS)
    with pytest.raises(Refused):
        await database.write(create_setup_link, token.digest, now_ms=NOW_MS)


async def test_a_setup_that_fails_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(InvalidValue):
        await database.write(
            set_up,
            email="alice@example.com",
            password_hash="x",
            workspace="Acme",
            time_zone="Mars/Olympus",
            now_ms=NOW_MS,
        )
    assert await list_users(database) == []


async def test_a_sign_in_link_works_once(world: World) -> None:
    token, write = mint_token(), world.database.write
    await write(create_sign_in_link, token.digest, world.bob, is_mailed=True, **WHO)
    redeemed = await write(redeem_sign_in_link, token.digest, now_ms=NOW_MS)
    assert redeemed == (world.bob.id, True)
    with pytest.raises(Refused):
        await write(redeem_sign_in_link, token.digest, now_ms=NOW_MS)


async def test_a_workspace_is_found_by_id_or_name_and_has_its_plan(world: World) -> None:
    by_name = await find_workspace(world.database, "Acme")
    assert by_name == await find_workspace(world.database, world.acme.public_id)
    await world.database.write(set_plan, by_name.id, name="free", monthly_events=3000, **WHO)
    scope = await scope_for_admin(world.database, "Acme")
    quota = await quota_of_month(scope, now_ms=NOW_MS)
    assert (quota.plan, quota.used) == (Plan("free", 3000, "active"), 0)
    with pytest.raises(NotFound):
        await find_workspace(world.database, "Initech")
    with pytest.raises(AlreadyExists):
        await world.database.write(create_workspace, name="Acme", **WHO)
