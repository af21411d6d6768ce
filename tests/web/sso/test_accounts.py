"""Who comes back from the provider gets in if linked, invited or allowed; the address is no key."""

import re
from typing import Any

import pytest

from llmtrack.domain.credentials import mint_token
from llmtrack.domain.roles import Role
from llmtrack.domain.single_sign_on import ALWAYS, CLAIMS
from llmtrack.storage.invitations import create_invitation
from llmtrack.storage.sessions import PROOF_MS
from llmtrack.storage.users import disable_user
from llmtrack.web.sso_flows import LIFE_MS
from tests.conftest import NOW_MS, PASSWORD, WHO, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in
from tests.web.sso.bent_provider import (
    BentProvider,
)
from tests.web.sso.browsing import CALLBACK, account_of, come_back, get, link, set_rules

NOW_S = NOW_MS // 1000


async def test_who_is_linked_signs_in(client: Client, there: BentProvider, world: World) -> None:
    await link(world, there)
    status, location, _ = await get(client, "/sign-in/oidc", next="/account")
    assert status == 303
    back = there.leave(location)
    assert (await get(client, CALLBACK, **back))[:2] == (303, "/account")
    account = await account_of(client)
    assert "alice@example.com" in account
    assert "<td>SSO</td>" in account
    client.session.cookie_jar.clear()
    status, _, text = await get(client, CALLBACK, **back)
    assert status == 422
    assert "finished already" in text


async def test_a_state_is_of_one_browser_and_of_minutes(
    client: Client, there: BentProvider, world: World, clock: Clock
) -> None:
    await link(world, there)
    back = there.leave((await get(client, "/sign-in/oidc"))[1])
    client.session.cookie_jar.clear()
    assert (await get(client, CALLBACK, **back))[0] == 422
    back = there.leave((await get(client, "/sign-in/oidc"))[1])
    clock.now_ms += LIFE_MS
    assert (await get(client, CALLBACK, **back))[0] == 422
    back = there.leave((await get(client, "/sign-in/oidc"))[1])
    assert (await get(client, CALLBACK, **{**back, "state": "made-up"}))[0] == 422
    assert (await get(client, CALLBACK, **back, iss="https://evil.example"))[0] == 422
    assert not await account_of(client)


async def test_what_the_provider_says_against_it_is_shown_as_text(
    client: Client, there: BentProvider
) -> None:
    location = (await get(client, "/sign-in/oidc"))[1]
    state = there.leave(location)["state"]
    said = {"error": "access_denied", "error_description": "<b>you cancelled</b>" + "x" * 500}
    status, _, text = await get(client, CALLBACK, state=state, **said)
    assert status == 422
    assert "Keyring said no: &lt;b&gt;you cancelled&lt;/b&gt;" in text
    [notice] = re.findall(r"said no: (.*?)</p>", text)
    assert len(notice) < 230
    assert "Try again" in text


async def test_a_provider_that_is_down_is_said_so_and_the_password_goes_on(
    client: Client, there: BentProvider
) -> None:
    there.metadata = {"jwks_uri": f"{there.issuer}/missing"}
    status, _, text = await come_back(client, there)
    assert status == 502
    assert "did not answer as it should" in text
    await sign_in(client, "alice")


async def test_an_address_alone_opens_no_account(
    client: Client, there: BentProvider, world: World
) -> None:
    status, _, text = await come_back(client, there)
    assert status == 422
    assert "No account here is linked to you" in text
    assert "subject-1" in text
    set_rules(client, allowed_domains=("example.com",))
    status, _, text = await come_back(client, there)
    assert status == 422
    assert "addresses alone do not open one" in text
    assert await world.database.rows("select * from identity") == []


@pytest.mark.parametrize(
    ("claims", "comes_in"),
    [
        ({}, True),
        ({"email": "Dora@EXAMPLE.com", "email_verified": "true"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": None}, False),
        ({"email_verified": 1.5}, False),
        ({"email": "dora@example.com.evil.example"}, False),
        ({"email": "dora@evil.example"}, False),
    ],
    ids=str,
)
async def test_an_account_is_made_for_verified_addresses_of_allowed_domains(
    client: Client, there: BentProvider, world: World, claims: dict[str, Any], comes_in: bool
) -> None:
    set_rules(client, allowed_domains=("example.com",))
    there.claims = {"email": "dora@example.com", "name": "Dora", **claims}
    assert ((await come_back(client, there))[0] == 303) == comes_in
    users = await world.database.rows("select name from user where email = 'dora@example.com'")
    assert [row[0] for row in users] == (["Dora"] if comes_in else [])
    assert bool(await account_of(client)) == comes_in


async def test_the_address_may_come_from_userinfo_of_the_same_subject(
    client: Client, there: BentProvider
) -> None:
    set_rules(client, allowed_domains=("example.com",))
    there.claims = {"email": None, "email_verified": None}
    there.userinfo = {"sub": "somebody", "email": "dora@example.com", "email_verified": True}
    assert (await come_back(client, there))[0] == 422
    there.userinfo["sub"] = "subject-1"
    assert (await come_back(client, there))[0] == 303


async def test_linking_needs_a_proof_and_unlinking_ends_it(
    client: Client, there: BentProvider, world: World, clock: Clock
) -> None:
    await sign_in(client, "bob")
    clock.now_ms += PROOF_MS
    there.now_s = clock.now_ms // 1000
    assert (await get(client, "/account/sso"))[0] == 403
    assert (await get(client, "/account/sso/link"))[:2] == (303, "/account/sso")
    proof = await post(client, "/proof", next="/account/sso", proof_password=PASSWORD)
    assert proof.headers["Location"] == "/account/sso"
    assert "Go on to Keyring" in (await get(client, "/account/sso"))[2]
    assert (await come_back(client, there, "/account/sso/link"))[:2] == (
        303,
        "/account?done=linked",
    )
    status, _, text = await come_back(client, there, "/account/sso/link")
    assert status == 422
    assert "linked to an account already" in text
    client.session.cookie_jar.clear()
    assert (await come_back(client, there))[0] == 303
    account = await account_of(client)
    assert "bob@example.com" in account
    [path] = re.findall(r"/account/identities/idn_[a-z2-7]{16}/removal", account)
    assert (await post(client, path)).status == 303
    client.session.cookie_jar.clear()
    assert (await come_back(client, there))[0] == 422
    rows = await world.database.rows(
        "select action from audit_log where action like 'identity.%' order by id"
    )
    assert [row[0] for row in rows] == ["identity.link", "identity.unlink"]


async def test_a_link_begun_by_one_user_is_not_finished_by_another(
    client: Client, there: BentProvider, world: World
) -> None:
    await sign_in(client, "bob")
    back = there.leave((await get(client, "/account/sso/link"))[1])
    await sign_in(client, "alice")
    assert (await get(client, CALLBACK, **back))[0] == 422
    assert await world.database.rows("select * from identity") == []


async def test_an_invitation_makes_an_account_for_its_address_only(
    client: Client, there: BentProvider, world: World
) -> None:
    token = mint_token()
    invite: Any = {"email": "dora@example.com", "role": Role.VIEWER, **WHO}
    await world.database.write(create_invitation, world.acme.id, token.digest, **invite)
    query = f"workspace={world.acme.public_id}&token={token.raw}"
    page = (await get(client, f"/invitation?{query}"))[2]
    assert "Join with Keyring" in page
    there.claims = {"email": "mallory@example.com"}
    status, _, text = await come_back(client, there, f"/invitation/oidc?{query}")
    assert status == 422
    assert "invitation is for dora@example.com" in text
    there.claims = {"email": "dora@example.com"}
    status, location, _ = await come_back(client, there, f"/invitation/oidc?{query}")
    assert (status, location) == (303, f"/w/{world.acme.public_id}/")
    assert "dora@example.com" in await account_of(client)
    client.session.cookie_jar.clear()
    assert (await get(client, f"/invitation/oidc?{query}"))[1].startswith("/invitation?")
    assert (await come_back(client, there))[0] == 303


async def test_a_disabled_account_stays_shut(
    client: Client, there: BentProvider, world: World
) -> None:
    await link(world, there)
    await world.database.write(disable_user, world.alice.id, **WHO)
    status, _, text = await come_back(client, there)
    assert status == 422
    assert "disabled" in text


async def test_where_it_is_required_only_administrators_have_another_way(
    client: Client, there: BentProvider, world: World
) -> None:
    await sign_in(client, "bob")
    set_rules(client, required=True)
    assert not await account_of(client), "a session by password counts no more"
    form = {"email": "bob@example.com", "password": PASSWORD, "next": "/"}
    response = await post(client, "/sign-in", **form)
    assert response.status == 403
    assert "Sign in with Keyring" in await response.text()
    form["password"] = "wrong"
    assert (await post(client, "/sign-in", **form)).status == 422
    await world.database.write(_make_admin, world.alice.id)
    await sign_in(client, "alice")
    assert "alice@example.com" in await account_of(client)
    client.session.cookie_jar.clear()
    await link(world, there, "bob")
    assert (await come_back(client, there))[0] == 303
    assert "bob@example.com" in await account_of(client)


@pytest.mark.parametrize(
    "case",
    [
        ({}, {"amr": ["mfa"]}, False),
        ({"second_factor": ALWAYS}, {}, True),
        ({"second_factor": CLAIMS}, {}, False),
        ({"second_factor": CLAIMS}, {"amr": ["pwd", "mfa"]}, True),
        ({"second_factor": CLAIMS}, {"amr": "mfa"}, False),
        ({"second_factor": CLAIMS, "acr_values": ("gold",)}, {"acr": "gold"}, True),
        ({"second_factor": CLAIMS, "acr_values": ("gold",)}, {"acr": "silver"}, False),
    ],
    ids=str,
)
async def test_it_counts_as_a_second_factor_as_the_operator_says(
    client: Client,
    there: BentProvider,
    world: World,
    case: tuple[dict[str, Any], dict[str, Any], bool],
) -> None:
    rules, claims, counts = case
    await link(world, there)
    set_rules(client, **rules)
    there.claims = claims
    await world.database.write(_require_factor, world.acme.id)
    assert (await come_back(client, there))[0] == 303
    status, location, _ = await get(client, f"/w/{world.acme.public_id}/")
    assert (status, location) == ((200, "") if counts else (303, "/account?factor"))


async def test_it_proves_who_is_there_if_they_signed_in_anew(
    client: Client, there: BentProvider, world: World, clock: Clock
) -> None:
    await link(world, there)
    await come_back(client, there)
    clock.now_ms += PROOF_MS
    there.now_s = clock.now_ms // 1000
    text = (await get(client, "/account/authenticator"))[2]
    assert "Confirm with Keyring" in text
    path = "/account/sso/proof?next=/account/authenticator"
    location = (await get(client, path))[1]
    assert "prompt=login" in location
    assert "max_age=0" in location
    there.claims = {"auth_time": there.now_s - 301}
    assert (await come_back(client, there, path))[0] == 422
    there.claims = {"auth_time": None}
    assert (await come_back(client, there, path))[0] == 422
    there.claims = {"auth_time": there.now_s, "sub": "somebody"}
    assert (await come_back(client, there, path))[0] == 422
    there.claims = {"auth_time": there.now_s}
    assert (await come_back(client, there, path))[:2] == (303, "/account/authenticator")
    assert (await get(client, "/account/authenticator"))[0] == 200


def _make_admin(connection: Any, user_id: int) -> None:
    connection.execute("update user set is_admin = 1 where id = ?", (user_id,))


def _require_factor(connection: Any, workspace_id: int) -> None:
    sql = "update workspace set requires_second_factor = 1 where id = ?"
    connection.execute(sql, (workspace_id,))
