"""Signing in: guesses are slowed down and written down, and tell nothing of who there is."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from argon2 import PasswordHasher
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.storage.users import create_user, disable_user, set_password
from llmtrack.web.app import build_app
from tests.conftest import PASSWORD, WHO, World
from tests.web.conftest import Client, Clock
from tests.web.people import OWN_SITE, post

WRONG = "not it at all, no way"


async def entries(world: World, action: str) -> list[dict[str, Any]]:
    rows = await world.database.rows(
        "select target, ip, details from audit_log where workspace_id = 0 and action = :action",
        action=action,
    )
    return [dict(row) for row in rows]


async def attempt(client: Client, email: str, password: str = WRONG) -> tuple[int, str]:
    response = await post(client, "/sign-in", email=email, password=password, next="/")
    return response.status, (await response.text()).replace(email, "")


async def test_a_sign_in_is_in_the_audit_log(client: Client, world: World) -> None:
    assert (await attempt(client, "alice@example.com", PASSWORD))[0] == 303

    [entry] = await entries(world, "sign_in.succeed")
    assert (entry["target"], entry["ip"]) == (world.alice.public_id, "127.0.0.1")
    assert entry["details"] == '{"how":"password"}'


async def test_failures_and_their_delays_are_in_the_audit_log(
    client: Client, world: World, clock: Clock
) -> None:
    statuses = []
    for _ in range(40):
        status, _ = await attempt(client, "alice@example.com")
        statuses.append(status)
        clock.now_ms += 1000 if status == 422 else 60_000

    noted = await entries(world, "sign_in.fail")
    assert {entry["target"] for entry in noted} == {world.alice.public_id}
    assert '"failures":1,' in noted[0]["details"]
    assert '"wait_s":0}' in noted[0]["details"]
    assert '"failures":5,"step":"password","wait_s":2}' in noted[4]["details"]
    assert 429 in statuses
    assert len(noted) < statuses.count(422), "later ones are noted at every doubling"
    assert WRONG not in str(noted)


async def test_what_was_typed_for_nobody_is_not_kept(client: Client, world: World) -> None:
    await attempt(client, "hunter2-my-password")

    [entry] = await entries(world, "sign_in.fail")
    assert entry["target"] == "nobody"
    dump = "\n".join(
        str(tuple(row)) for row in await world.database.rows("select * from audit_log")
    )
    assert "hunter2" not in dump


@pytest.fixture
async def stranger() -> AsyncIterator[ClientSession]:
    """Somebody at another address."""
    async with ClientSession(connector=TCPConnector(local_addr=("127.0.0.2", 0))) as session:
        yield session


async def test_a_stranger_s_two_hundred_guesses_do_not_keep_the_owner_out(
    client: Client, stranger: ClientSession
) -> None:
    form = {"email": "alice@example.com", "password": WRONG, "next": "/"}
    url = client.make_url("/sign-in")
    statuses = []
    for _ in range(200):
        async with stranger.post(url, data=form, headers=OWN_SITE) as response:
            statuses.append(response.status)
    assert statuses.count(422) < 10
    assert statuses[-1] == 429

    assert (await attempt(client, "alice@example.com", PASSWORD))[0] == 303


class CountingPasswords(Passwords):
    """The real thing, which also counts how often it had to compute."""

    def __init__(self) -> None:
        super().__init__(cheap=True)
        self.checks = 0

    def verify(self, password_hash: str | None, password: str) -> bool:
        self.checks += 1
        return super().verify(password_hash, password)


async def test_accounts_that_are_not_there_cost_and_say_the_same(
    world: World, aiohttp_client: AiohttpClient
) -> None:
    """The same work on every path instead of a stop watch: one hash, one entry, one answer."""
    passwords = CountingPasswords()
    app = build_app(world.database, base_url="http://127.0.0.1", secure=False, passwords=passwords)
    client = await aiohttp_client(app)
    await world.database.write(disable_user, world.bob.id, **WHO)
    await world.database.write(create_user, email="link@example.com", password_hash=None, **WHO)
    seen = set()
    for name in ("alice", "bob", "link", "nobody", "no address at all"):
        before, noted = passwords.checks, len(await entries(world, "sign_in.fail"))
        email = f"{name}@example.com" if " " not in name else name
        status, text = await attempt(client, email)
        work = passwords.checks - before, len(await entries(world, "sign_in.fail")) - noted
        seen.add((status, text, work))
    [(status, _, work)] = seen
    assert (status, work) == (422, (1, 1))


async def test_a_hash_of_weaker_parameters_is_renewed(client: Client, world: World) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16).hash(PASSWORD)
    await world.database.write(set_password, world.alice.id, password_hash=old, **WHO)

    assert (await attempt(client, "alice@example.com", PASSWORD))[0] == 303

    [row] = await world.database.rows(
        "select password_hash from user where id = :id", id=world.alice.id
    )
    assert row[0] != old
    assert not Passwords(cheap=True).needs_rehash(row[0])
