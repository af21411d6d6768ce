"""Authenticator apps: enrolled with a proof, asked for at sign-in, and no code opens twice."""

import re

import pyotp

from tests.conftest import PASSWORD, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in

STEP_MS = 30_000


async def text_of(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path, allow_redirects=False) as response:
        assert response.status == status
        return await response.text()


def code_of(secret: str, clock: Clock) -> str:
    return pyotp.TOTP(secret).at(clock.now_ms // 1000)


async def enrol(client: Client, clock: Clock) -> tuple[str, list[str]]:
    """The secret and the recovery codes of who is signed in."""
    page = await text_of(client, "/account/authenticator")
    assert "data:image/svg+xml;base64," in page
    [shown] = re.findall(r'class="secret">([A-Z2-7 ]+)<', page)
    secret = shown.replace(" ", "")
    wrong = await post(client, "/account/authenticator", name="", code="000000")
    assert wrong.status == 422
    [shown] = re.findall(r'class="secret">([A-Z2-7 ]+)<', await wrong.text())
    assert shown.replace(" ", "") == secret
    form = {"name": "phone", "code": code_of(secret, clock)}
    assert (await post(client, "/account/authenticator", **form)).status == 303
    account = await text_of(client, "/account")
    codes = re.findall(r"\b(?:[a-z2-7]{4}-){5}[a-z2-7]{4}\b", account)
    assert len(set(codes)) == 10
    assert codes[0] not in await text_of(client, "/account")
    return secret, codes


async def first_step(client: Client) -> None:
    client.session.cookie_jar.clear()
    form = {"email": "alice@example.com", "password": PASSWORD, "next": "/account"}
    response = await post(client, "/sign-in", **form)
    assert response.headers["Location"] == "/sign-in/code"
    await text_of(client, "/account", 303)


async def second_step(client: Client, code: str) -> int:
    return (await post(client, "/sign-in/code", code=code)).status


async def test_the_app_s_code_is_asked_for_and_opens_once(client: Client, clock: Clock) -> None:
    await sign_in(client, "alice")
    secret, _ = await enrol(client, clock)

    await first_step(client)
    assert await second_step(client, code_of(secret, clock)) == 422, "the enrolment's own code"
    clock.now_ms += STEP_MS
    code = code_of(secret, clock)
    assert await second_step(client, "000 000") == 422
    assert await second_step(client, code) == 303
    assert "password + code" in await text_of(client, "/account")
    await first_step(client)
    assert await second_step(client, code) == 422, "a code that was used"
    clock.now_ms += STEP_MS
    assert await second_step(client, code_of(secret, clock)) == 303


async def test_a_recovery_code_opens_once(client: Client, clock: Clock) -> None:
    await sign_in(client, "alice")
    _, codes = await enrol(client, clock)

    await first_step(client)
    assert await second_step(client, codes[3].upper().replace("-", " ")) == 303
    assert "9 of 10 recovery codes left" in await text_of(client, "/account")
    await first_step(client)
    assert await second_step(client, codes[3]) == 422
    assert await second_step(client, codes[4]) == 303


async def test_guessing_codes_is_slowed_down(client: Client, clock: Clock) -> None:
    await sign_in(client, "alice")
    secret, _ = await enrol(client, clock)
    await first_step(client)
    statuses = [await second_step(client, f"{number:06}") for number in range(8)]
    assert 429 in statuses
    clock.now_ms += STEP_MS * 2
    assert await second_step(client, code_of(secret, clock)) == 303


async def test_neither_secret_nor_recovery_code_is_in_the_file(
    client: Client, clock: Clock, world: World
) -> None:
    await sign_in(client, "alice")
    secret, codes = await enrol(client, clock)
    directory = world.database.path.parent
    assert (directory / "secret.key").stat().st_mode & 0o777 == 0o600
    for file in directory.iterdir():
        content = file.read_bytes()
        assert secret.encode() not in content
        assert codes[0].replace("-", "").encode() not in content


async def test_removing_the_last_factor_removes_the_codes(
    client: Client, clock: Clock, world: World
) -> None:
    await sign_in(client, "alice")
    await enrol(client, clock)
    [path] = re.findall(
        r"/account/factors/fac_[a-z2-7]{16}/removal", await text_of(client, "/account")
    )
    assert (await post(client, path)).status == 303
    assert (await world.database.rows("select count(*) from recovery_code"))[0][0] == 0
    await sign_in(client, "alice")
    actions = [
        row[0]
        for row in await world.database.rows(
            "select action from audit_log where workspace_id = 0 and action like 'second%'"
        )
    ]
    assert actions == ["second_factor.add", "second_factor.recovery_codes", "second_factor.remove"]


async def test_a_workspace_can_require_it_of_everybody(
    client: Client, clock: Clock, world: World
) -> None:
    await sign_in(client, "alice")
    members = f"/w/{world.acme.public_id}/members"
    assert (await post(client, f"{members}/second-factor", required="yes")).status == 409
    await enrol(client, clock)
    assert (await post(client, f"{members}/second-factor", required="yes")).status == 303
    assert "required of everybody" in await text_of(client, members)

    await sign_in(client, "bob")
    await text_of(client, members, 303)
    await text_of(client, f"/w/{world.acme.public_id}/", 303)
    assert "asks for a second factor" in await text_of(client, "/account?factor")
    await enrol(client, clock)
    await text_of(client, members, 200)
    assert (await post(client, f"{members}/second-factor", required="no")).status == 403
