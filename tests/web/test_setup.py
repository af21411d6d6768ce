"""The one-time link of a new instance."""

import re

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords, mint_token
from llmtrack.domain.errors import Refused
from llmtrack.storage.database import Database
from llmtrack.storage.login_links import SETUP_LIFE_MS, create_setup_link
from llmtrack.web.app import build_app
from tests.conftest import NOW_MS, PASSWORD, World
from tests.web.conftest import Client, RealServer
from tests.web.people import post
from tests.web.test_ingest import send


class Clock:
    now_ms = NOW_MS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def empty(
    database: Database, passwords: Passwords, clock: Clock, aiohttp_client: AiohttpClient
) -> Client:
    app = build_app(
        database,
        base_url="http://127.0.0.1",
        secure=False,
        clock_ms=lambda: clock.now_ms,
        passwords=passwords,
    )
    return await aiohttp_client(RealServer(app))


async def new_link(database: Database) -> str:
    token = mint_token()
    await database.write(create_setup_link, token.digest, now_ms=NOW_MS)
    return token.raw


def form(token: str, **changes: str) -> dict[str, str]:
    values = {"token": token, "workspace": "Acme", "email": "alice@example.com"}
    return {**values, "password": PASSWORD, "time_zone": "Europe/Berlin", **changes}


async def test_the_link_makes_admin_workspace_and_key(empty: Client, database: Database) -> None:
    token = await new_link(database)
    async with empty.get(f"/setup?token={token}") as response:
        assert response.status == 200

    made = await post(empty, "/setup", **form(token))

    assert made.status == 303
    async with empty.get(made.headers["Location"]) as response:
        text = await response.text()
    [raw] = set(re.findall(r"llmt_[0-9A-Za-z]{36}", text))
    assert (await send(empty, raw))[0] == 200
    [user] = await database.rows("select is_admin, role from user join membership")
    assert tuple(user) == (1, "owner")


async def test_the_link_works_once(empty: Client, database: Database) -> None:
    token = await new_link(database)
    await post(empty, "/setup", **form(token))

    again = await post(empty, "/setup", **form(token, email="mallory@example.com"))

    assert again.status == 410
    [count] = await database.rows("select count(*) from user")
    assert count[0] == 1


async def test_the_link_ends_after_thirty_minutes(
    empty: Client, database: Database, clock: Clock
) -> None:
    token = await new_link(database)
    clock.now_ms += SETUP_LIFE_MS

    assert SETUP_LIFE_MS == 30 * 60_000
    assert (await post(empty, "/setup", **form(token))).status == 410


@pytest.mark.parametrize(
    ("field", "value"),
    [("workspace", " "), ("email", "no address"), ("password", "short"), ("time_zone", "Mars")],
)
async def test_a_bad_field_keeps_the_link_alive(
    empty: Client, database: Database, field: str, value: str
) -> None:
    token = await new_link(database)

    refused = await post(empty, "/setup", **form(token, **{field: value}))

    assert refused.status == 422
    assert PASSWORD not in await refused.text()
    assert (await post(empty, "/setup", **form(token))).status == 303


async def test_no_link_is_made_once_there_is_a_user(world: World) -> None:
    with pytest.raises(Refused):
        await new_link(world.database)
