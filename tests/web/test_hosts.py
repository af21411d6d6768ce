"""Under which names the server is asked: a foreign one is refused before anything is looked at."""

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.services.host_names import HostNames, host_of
from llmtrack.web.app import build_app
from tests.conftest import World
from tests.web.conftest import Client


@pytest.fixture
async def named(world: World, passwords: Passwords, aiohttp_client: AiohttpClient) -> Client:
    """A server called costs.example.com, with a certificate for two more names."""
    hosts = HostNames(["costs.example.com"], lambda: ["llm.example.net", "*.example.org"])
    app = build_app(
        world.database, base_url="http://127.0.0.1", secure=False, passwords=passwords, hosts=hosts
    )
    return await aiohttp_client(app)


@pytest.mark.parametrize(
    "host",
    [
        *("costs.example.com", "COSTS.example.com:8443", "costs.example.com."),
        *("localhost:8080", "127.0.0.1", "192.0.2.7:8443", "[2001:db8::1]:8443", "[::1]"),
        *("llm.example.net", "a.example.org"),
    ],
)
async def test_names_of_the_server_and_every_address_are_taken(named: Client, host: str) -> None:
    async with named.get("/sign-in", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "costs.example.com.evil.example", "127.0.0.1.evil.example"),
        *("a.b.example.org", "example.org", "", "costs.example.com:x", "[::1", "user@localhost"),
    ],
)
async def test_a_foreign_name_is_misdirected(named: Client, host: str) -> None:
    async with named.get("/sign-in", headers={"Host": host}) as response:
        assert response.status == 421
        assert "content-security-policy" in response.headers


async def test_a_client_of_the_wrong_name_is_told_in_its_own_form(
    named: Client, world: World
) -> None:
    headers = {"Host": "old-name.example", "x-api-key": world.acme_key.raw}
    async with named.post("/api/ingest", json={}, headers=headers) as response:
        assert response.status == 421
        assert "server.allowed_hosts" in (await response.json())["error"]
    [row] = await world.database.rows("select count(*) from event")
    assert row[0] == 0


async def test_a_probe_may_use_any_name(named: Client) -> None:
    async with named.get("/healthz", headers={"Host": "evil.example"}) as response:
        assert response.status == 200


def test_the_host_of_an_authority() -> None:
    assert host_of("Example.com:443") == "example.com"
    assert host_of("[2001:DB8::1]:443") == "2001:db8::1"
    assert host_of("example.com:") == ""
