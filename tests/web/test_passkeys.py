"""Passkeys: two factors in one, each answer good once, for this origin, of its own user."""

import json
import re
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.storage.second_factors import reset_factors
from llmtrack.storage.sessions import PROOF_MS
from llmtrack.storage.users import disable_user
from llmtrack.web.app import build_app
from llmtrack.web.passkey_challenges import LIFE_MS
from tests.conftest import PASSWORD, WHO, World
from tests.web.authenticator import USER_PRESENT, Authenticator
from tests.web.conftest import Client, Clock, RealServer
from tests.web.people import post, sign_in

ORIGIN = "http://localhost:8080"
ENROL, SIGN_IN = "/account/passkeys", "/sign-in/passkey"
STEP, PROOF = "/sign-in/code/passkey", "/account/proof"


@pytest.fixture
async def client(
    world: World, passwords: Passwords, aiohttp_client: AiohttpClient, clock: Clock
) -> Client:
    """As the others', under a name that passkeys can be bound to."""
    app = build_app(
        world.database, base_url=ORIGIN, secure=False, clock_ms=clock, passwords=passwords
    )
    return await aiohttp_client(RealServer(app))


async def options_of(client: Client, path: str) -> Any:
    response = await post(client, f"{path}/options")
    assert response.status == 200, await response.text()
    return await response.json()


async def enrol(client: Client, authenticator: Authenticator, name: str = "laptop") -> int:
    answer = authenticator.create(await options_of(client, ENROL))
    return (await post(client, ENROL, name=name, credential=answer)).status


async def enrolled(client: Client, name: str = "alice") -> Authenticator:
    """A passkey of this user, who is signed out again."""
    await sign_in(client, name)
    authenticator = Authenticator(ORIGIN)
    assert await enrol(client, authenticator) == 303
    client.session.cookie_jar.clear()
    return authenticator


async def sign_in_with(client: Client, authenticator: Authenticator) -> tuple[int, str]:
    answer = authenticator.get(await options_of(client, SIGN_IN))
    response = await post(client, SIGN_IN, credential=answer, next="/account")
    return response.status, await response.text()


async def account_of(client: Client) -> str:
    async with client.get("/account", allow_redirects=False) as response:
        return await response.text() if response.status == 200 else ""


async def test_a_passkey_signs_in_alone_as_both_factors(client: Client, world: World) -> None:
    authenticator = await enrolled(client)
    await world.database.write(_require_factor, world.acme.id)
    assert await sign_in_with(client, authenticator) == (303, "")
    account = await account_of(client)
    assert "alice@example.com" in account
    assert "<td>passkey</td>" in account
    assert "laptop" in account
    assert "10 of 10 recovery codes left" in account
    async with client.get(f"/w/{world.acme.public_id}/", allow_redirects=False) as response:
        assert response.status == 200


async def test_the_options_ask_for_a_verified_user_and_a_key_that_names_them(
    client: Client, world: World
) -> None:
    await sign_in(client, "alice")
    options = await options_of(client, ENROL)
    assert options["rp"]["id"] == "localhost"
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    authenticator = Authenticator(ORIGIN)
    await enrol(client, authenticator)
    assert authenticator.user_handle == world.alice.public_id.encode()
    assert len((await options_of(client, ENROL))["excludeCredentials"]) == 1
    options = await options_of(client, SIGN_IN)
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []


async def test_an_answer_is_good_once(client: Client) -> None:
    authenticator = await enrolled(client)
    answer = authenticator.get(await options_of(client, SIGN_IN))
    assert (await post(client, SIGN_IN, credential=answer, next="")).status == 303
    again = await post(client, SIGN_IN, credential=answer, next="")
    assert again.status == 422
    assert "sent twice" in await again.text()
    await options_of(client, SIGN_IN)
    assert (await post(client, SIGN_IN, credential=answer, next="")).status == 422


async def test_a_challenge_is_of_one_browser_and_of_minutes(client: Client, clock: Clock) -> None:
    authenticator = await enrolled(client)
    answer = authenticator.get(await options_of(client, SIGN_IN))
    client.session.cookie_jar.clear()
    assert (await post(client, SIGN_IN, credential=answer, next="")).status == 422
    await options_of(client, SIGN_IN)
    assert (await post(client, SIGN_IN, credential=answer, next="")).status == 422
    answer = authenticator.get(await options_of(client, SIGN_IN))
    clock.now_ms += LIFE_MS
    assert (await post(client, SIGN_IN, credential=answer, next="")).status == 422
    assert not await account_of(client)


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "http://localhost:8081"},
        {"origin": "https://localhost:8080"},
        {"origin": "http://localhost:8080.evil.example"},
        {"party_id": "evil.example"},
        {"flags": USER_PRESENT},
        {"flags": 0},
        {"cross_origin": True},
        {"user_handle": b"usr_somebodyelse"},
        {"user_handle": b""},
        {"credential_id": b"unknown"},
    ],
    ids=str,
)
async def test_a_bent_answer_opens_nothing(client: Client, bent: dict[str, Any]) -> None:
    authenticator = await enrolled(client)
    for name, value in bent.items():
        setattr(authenticator, name, value)
    status, text = await sign_in_with(client, authenticator)
    assert status == 422
    assert "does not fit here" in text
    assert not await account_of(client)


async def test_another_s_signature_opens_nothing(client: Client) -> None:
    victim = await enrolled(client)
    thief = Authenticator(ORIGIN, credential_id=victim.credential_id, counter=7)
    thief.user_handle = victim.user_handle
    assert (await sign_in_with(client, thief))[0] == 422


@pytest.mark.parametrize("answer", ["", "{}", "[", "null", '{"id": 7}', "[" * 20_000, "\x00"])
async def test_what_is_no_answer_is_refused(client: Client, answer: str) -> None:
    await options_of(client, SIGN_IN)
    assert (await post(client, SIGN_IN, credential=answer, next="")).status == 422


@pytest.mark.parametrize("damage", ["truncated", "not cbor", "wrong key type"])
async def test_a_damaged_new_passkey_is_refused(client: Client, damage: str) -> None:
    await sign_in(client, "alice")
    answer = json.loads(Authenticator(ORIGIN).create(await options_of(client, ENROL)))
    statement = answer["response"]["attestationObject"]
    answer["response"]["attestationObject"] = {
        "truncated": statement[:60],
        "not cbor": "AAAA",
        "wrong key type": 7,
    }[damage]
    response = await post(client, ENROL, name="", credential=json.dumps(answer))
    assert response.status == 422
    assert "cannot be taken" in await response.text()


async def test_a_counter_that_goes_back_tells_of_a_copy(client: Client, world: World) -> None:
    authenticator = await enrolled(client)
    assert (await sign_in_with(client, authenticator))[0] == 303
    authenticator.counter -= 2
    client.session.cookie_jar.clear()
    status, text = await sign_in_with(client, authenticator)
    assert status == 422
    assert "may have a copy" in text
    rows = await world.database.rows(
        "select details from audit_log where action = 'second_factor.refuse_copy'"
    )
    assert len(rows) == 1
    assert "alice@example.com" in rows[0][0]


async def test_an_authenticator_that_counts_nothing_signs_in_again_and_again(
    client: Client,
) -> None:
    await sign_in(client, "alice")
    authenticator = Authenticator(ORIGIN, counts=False)
    await enrol(client, authenticator)
    for _ in range(3):
        assert (await sign_in_with(client, authenticator))[0] == 303


async def test_after_the_password_only_the_own_passkey_is_the_second_step(client: Client) -> None:
    bob = await enrolled(client, "bob")
    alice = await enrolled(client, "alice")
    form = {"email": "alice@example.com", "password": PASSWORD, "next": "/account"}
    response = await post(client, "/sign-in", **form)
    assert response.headers["Location"] == "/sign-in/code"
    assert (await post(client, "/sign-in/code", code="123456")).status == 422
    options = await options_of(client, STEP)
    assert len(options["allowCredentials"]) == 1
    assert (await post(client, STEP, credential=bob.get(options))).status == 422
    response = await post(client, STEP, credential=alice.get(await options_of(client, STEP)))
    assert response.status == 303
    assert "password + passkey" in await account_of(client)


async def test_a_passkey_proves_who_is_there_and_the_form_goes_on(
    client: Client, clock: Clock, world: World
) -> None:
    bob = await enrolled(client, "bob")
    alice = await enrolled(client)
    await sign_in_with(client, alice)
    clock.now_ms += PROOF_MS
    path, form = f"/w/{world.acme.public_id}/keys", {"name": "after a proof"}
    question = await post(client, path, **form)
    assert question.status == 403
    text = await question.text()
    assert "Confirm with a passkey" in text
    assert 'name="name" value="after a proof"' in text
    answer = bob.get(await options_of(client, PROOF))
    assert (await post(client, path, **form, proof_passkey=answer)).status == 422
    answer = alice.get(await options_of(client, SIGN_IN))
    assert (await post(client, path, **form, proof_passkey=answer)).status == 422
    answer = alice.get(await options_of(client, PROOF))
    proof = {"proof_passkey": answer, "proof_password": ""}
    assert (await post(client, path, **form, **proof)).status == 303


async def test_adding_one_needs_a_proof(client: Client, clock: Clock) -> None:
    await sign_in(client, "alice")
    options = await options_of(client, ENROL)
    clock.now_ms += PROOF_MS
    assert (await post(client, f"{ENROL}/options")).status == 403
    answer = Authenticator(ORIGIN).create(options)
    assert (await post(client, ENROL, name="", credential=answer)).status == 403


async def test_several_have_names_and_one_can_be_removed(client: Client) -> None:
    await sign_in(client, "alice")
    first, second = Authenticator(ORIGIN), Authenticator(ORIGIN)
    assert await enrol(client, first, "laptop") == 303
    assert await enrol(client, second, "<b>key</b>") == 303
    assert await enrol(client, second, "again") == 422
    account = await account_of(client)
    assert "&lt;b&gt;key&lt;/b&gt;" in account
    [path, _] = re.findall(r"/account/factors/fac_[a-z2-7]{16}/removal", account)
    assert (await post(client, path)).status == 303
    statuses = [(await sign_in_with(client, each))[0] for each in (first, second)]
    assert sorted(statuses) == [303, 422]


async def test_a_reset_and_a_disabled_account_end_them(client: Client, world: World) -> None:
    bob = await enrolled(client, "bob")
    alice = await enrolled(client)
    assert await world.database.write(reset_factors, world.alice, **WHO) == 1
    await world.database.write(disable_user, world.bob.id, **WHO)
    assert (await sign_in_with(client, alice))[0] == 422
    assert (await sign_in_with(client, bob))[0] == 422


def _require_factor(connection: Any, workspace_id: int) -> None:
    sql = "update workspace set requires_second_factor = 1 where id = ?"
    connection.execute(sql, (workspace_id,))
