"""Eight characters are enough beside a second factor only; without it there have to be fifteen."""

import asyncio
import json
import re

from click.testing import CliRunner

from llmtrack.cli.main import llmtrack
from tests.conftest import PASSWORD, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in, text_of
from tests.web.test_second_factor import STEP_MS, code_of, enrol

SHORT = "gvk7 wzpq"
LONG = "umbrella kettle marzipan fjord"


async def shorten(client: Client, clock: Clock) -> str:
    """Alice enrols an app and takes a short password; the app's secret."""
    await sign_in(client, "alice")
    secret, _ = await enrol(client, clock)
    taken = await post(client, "/account/password", current_password=PASSWORD, password=SHORT)
    assert taken.headers["Location"] == "/account?done=password"
    return secret


async def try_short(client: Client) -> str:
    client.session.cookie_jar.clear()
    form = {"email": "alice@example.com", "password": SHORT, "next": "/account"}
    response = await post(client, "/sign-in", **form)
    assert response.status == 303
    return response.headers["Location"]


async def renew(client: Client, password: str, current: str = SHORT) -> int:
    fields = {"email": "alice@example.com", "next": "/account"}
    form = {"current_password": current, "password": password}
    response = await post(client, "/sign-in/password", **fields, **form)
    if response.status == 303:
        assert response.headers["Location"] == "/account"
    return response.status


async def test_without_the_factor_the_next_sign_in_asks_for_a_longer_one(
    client: Client, clock: Clock, world: World
) -> None:
    await shorten(client, clock)
    [path] = re.findall(
        r"/account/factors/fac_[a-z2-7]{16}/removal", await text_of(client, "/account")
    )
    assert (await post(client, path)).status == 303

    assert await try_short(client) == "/sign-in/password?next=%2Faccount"
    await text_of(client, "/account", 303)  # nobody is signed in
    assert "at least 15 characters" in await text_of(client, "/sign-in/password?next=/account")
    assert await renew(client, "still only 14") == 422
    assert await renew(client, LONG, current="a wrong one") == 422
    await text_of(client, "/account", 303)
    assert await renew(client, LONG) == 303
    await text_of(client, "/account")
    rows = await world.database.rows(
        "select count(*) from audit_log where action = 'user.change_password'"
    )
    assert rows[0][0] == 2


async def test_with_the_factor_the_page_changes_nothing_before_the_code(
    client: Client, clock: Clock
) -> None:
    secret = await shorten(client, clock)
    client.session.cookie_jar.clear()
    fields = {"email": "alice@example.com", "current_password": SHORT, "next": "/account"}
    response = await post(client, "/sign-in/password", **fields, password=LONG)
    assert response.headers["Location"] == "/sign-in/code"
    assert await try_short(client) == "/sign-in/code"
    clock.now_ms += STEP_MS
    assert (await post(client, "/sign-in/code", code=code_of(secret, clock))).status == 303


async def test_after_a_reset_by_an_admin_it_is_the_same(
    client: Client, clock: Clock, world: World
) -> None:
    await shorten(client, clock)
    directory = str(world.database.path.parent)
    command = ["--data-dir", directory, "users", "reset-factors", "alice@example.com", "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, llmtrack, command)
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert (done["factors_removed"], done["sessions_ended"]) == (1, 1)
    left = "select (select count(*) from second_factor) + (select count(*) from recovery_code)"
    assert (await world.database.rows(left))[0][0] == 0
    await text_of(client, "/account", 303)
    assert await try_short(client) == "/sign-in/password?next=%2Faccount"
