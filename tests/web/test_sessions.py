"""Sessions: listed, ended, renewed by a proof, and short enough for what matters."""

import re

import pytest
from aiohttp import ClientSession, DummyCookieJar

from llmtrack.storage.sessions import IDLE_MS, LIFE_MS, PROOF_MS
from tests.conftest import PASSWORD, World
from tests.web.conftest import Client, Clock
from tests.web.people import OWN_SITE, post, sign_in

COOKIE = "llmtrack"
NEW_PASSWORD = "seven wild geese over the lake"


def token_of(client: Client) -> str:
    return {cookie.key: cookie.value for cookie in client.session.cookie_jar}[COOKIE]


def as_another_browser(client: Client) -> None:
    client.session.cookie_jar.clear()


async def status_with(client: Client, token: str) -> int:
    """As a browser that has this token and nothing else."""
    async with (
        ClientSession(cookie_jar=DummyCookieJar()) as browser,
        browser.get(
            client.make_url("/account"),
            headers={"Cookie": f"{COOKIE}={token}"},
            allow_redirects=False,
        ) as response,
    ):
        return response.status


async def signed_in_elsewhere(client: Client, name: str = "alice") -> str:
    """A second session; its token."""
    await sign_in(client, name)
    token = token_of(client)
    as_another_browser(client)
    return token


async def test_the_account_page_lists_sessions_and_ends_one(client: Client) -> None:
    other = await signed_in_elsewhere(client)
    await sign_in(client, "alice")
    async with client.get("/account") as response:
        text = await response.text()
    assert text.count("this one") == 1
    [path] = re.findall(r"/account/sessions/ses_[a-z2-7]{16}/end", text)

    assert (await post(client, path)).status == 303

    assert await status_with(client, other) == 303
    async with client.get("/account") as response:
        assert response.status == 200
    assert (await post(client, path)).status == 404


async def test_somebody_else_s_session_cannot_be_ended(client: Client, world: World) -> None:
    alice = await signed_in_elsewhere(client)
    [row] = await world.database.rows("select public_id from session")
    await sign_in(client, "charlie")

    assert (await post(client, f"/account/sessions/{row[0]}/end")).status == 404
    assert await status_with(client, alice) == 200


async def test_a_new_password_ends_every_other_session_and_renews_this_one(
    client: Client,
) -> None:
    other = await signed_in_elsewhere(client)
    await sign_in(client, "alice")
    before = token_of(client)

    wrong = {"current_password": "not it at all, no", "password": NEW_PASSWORD}
    assert (await post(client, "/account/password", **wrong)).status == 422
    short = {"current_password": PASSWORD, "password": "too short"}
    assert (await post(client, "/account/password", **short)).status == 422
    assert await status_with(client, other) == 200
    right = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    assert (await post(client, "/account/password", **right)).status == 303

    assert token_of(client) != before
    assert await status_with(client, before) == 303
    assert await status_with(client, other) == 303
    async with client.get("/account") as response:
        assert response.status == 200
    as_another_browser(client)
    for password, status in ((PASSWORD, 422), (NEW_PASSWORD, 303)):
        form = {"email": "alice@example.com", "password": password, "next": "/"}
        assert (await post(client, "/sign-in", **form)).status == status


async def test_what_a_browser_came_with_is_worth_nothing_after_signing_in(
    client: Client,
) -> None:
    planted = "x" * 43
    client.session.cookie_jar.update_cookies({COOKIE: planted})
    await sign_in(client, "alice")
    assert token_of(client) != planted
    first = token_of(client)
    await sign_in(client, "alice")
    assert await status_with(client, first) == 303


async def test_signing_out_clears_what_the_browser_keeps(client: Client) -> None:
    await sign_in(client, "alice")
    token = token_of(client)

    response = await post(client, "/sign-out")

    assert response.headers["Clear-Site-Data"]
    assert await status_with(client, token) == 303


@pytest.mark.parametrize("limit", [IDLE_MS, LIFE_MS])
async def test_a_session_ends_when_unused_and_when_old(
    client: Client, clock: Clock, limit: int
) -> None:
    await sign_in(client, "alice")
    token, step = token_of(client), min(limit, IDLE_MS // 2)
    while clock.now_ms + step < 1_795_176_000_000 + limit:
        clock.now_ms += step
        assert await status_with(client, token) == 200
    clock.now_ms = 1_795_176_000_000 + limit
    if limit == IDLE_MS:
        clock.now_ms += IDLE_MS
    assert await status_with(client, token) == 303


async def test_an_old_proof_is_asked_for_again_and_the_form_goes_on(
    client: Client, clock: Clock, world: World
) -> None:
    await sign_in(client, "alice")
    keys = f"/w/{world.acme.public_id}/keys"
    form = {"name": 'a "new" <key>', "source": "", "access": "ingest"}
    clock.now_ms += PROOF_MS
    before = token_of(client)

    asked = await post(client, keys, **form)
    text = await asked.text()
    assert asked.status == 403
    assert "a &#34;new&#34; &lt;key&gt;" in text
    wrong = await post(client, keys, **form, proof_password="wrong password, sorry")
    assert wrong.status == 422
    assert len(await world.database.rows("select 1 from api_key")) == 2

    done = await post(client, keys, **form, proof_password=PASSWORD)
    assert done.status == 303
    async with client.get(done.headers["Location"]) as response:
        assert re.search(r"llmt_[0-9A-Za-z]{36}", await response.text())
    assert token_of(client) != before
    assert await status_with(client, before) == 303
    assert (await post(client, keys, **form)).status == 303


async def test_a_proof_renews_the_session_on_an_error_page_too(
    client: Client, clock: Clock, world: World
) -> None:
    await sign_in(client, "alice")
    clock.now_ms += PROOF_MS
    missing = f"/w/{world.acme.public_id}/keys/key_aaaaaaaaaaaaaaaa/deactivation"

    assert (await post(client, missing, proof_password=PASSWORD)).status == 404

    async with client.get("/account") as response:
        assert response.status == 200


async def test_reading_needs_no_proof(client: Client, clock: Clock, world: World) -> None:
    await sign_in(client, "alice")
    clock.now_ms += PROOF_MS
    for path in ("keys", "members", ""):
        async with client.get(f"/w/{world.acme.public_id}/{path}") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/\tx", "javascript:1"]
)
async def test_nobody_is_sent_to_another_site(client: Client, path: str) -> None:
    form = {"email": "alice@example.com", "password": PASSWORD, "next": path}
    assert (await post(client, "/sign-in", **form)).headers["Location"] == "/"
    assert (await post(client, "/proof", next=path)).headers["Location"] == "/"


async def test_the_cookie_is_bound_and_its_token_not_in_the_file(
    client: Client, world: World
) -> None:
    form = {"email": "alice@example.com", "password": PASSWORD, "next": "/"}
    response = await client.post("/sign-in", data=form, headers=OWN_SITE, allow_redirects=False)
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    token = token_of(client)
    assert len(token) >= 43
    for file in world.database.path.parent.iterdir():
        assert token.encode() not in file.read_bytes()
