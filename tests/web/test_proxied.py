"""Behind a proxy: its own word counts, nobody else's, and nothing unencrypted is taken."""

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import TestClient, TestServer

from llmtrack.domain.credentials import Passwords
from llmtrack.services.proxies import TrustedProxies
from llmtrack.web.app import build_app
from tests.conftest import NOW_MS, World

EVENT = {"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}


def trusting(*networks: str) -> TrustedProxies:
    return TrustedProxies(map(ip_network, networks))


async def post(world: World, proxies: TrustedProxies, headers: dict[str, str]) -> tuple[int, str]:
    app = build_app(
        world.database,
        base_url="https://llmtrack.example.com",
        secure=True,
        proxies=proxies,
        clock_ms=lambda: NOW_MS,
        passwords=Passwords(cheap=True),
    )
    headers = {"Authorization": f"Bearer {world.acme_key.raw}", **headers}
    async with TestClient(TestServer(app)) as client:
        answer = await client.post(
            "/api/ingest", json=EVENT, headers=headers, allow_redirects=False
        )
        return answer.status, (await answer.json()).get("error", "")


async def test_what_came_over_https_is_taken(world: World) -> None:
    assert await post(world, trusting("127.0.0.0/8"), {"X-Forwarded-Proto": "https"}) == (200, "")


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Proto": "http"}])
async def test_what_did_not_is_refused_and_not_redirected(
    world: World, headers: dict[str, str]
) -> None:
    status, error = await post(world, trusting("127.0.0.0/8"), headers)

    assert status == 403
    assert "replace it" in error


async def test_only_the_proxy_is_served(world: World) -> None:
    status, error = await post(world, trusting("10.0.0.0/8"), {"X-Forwarded-Proto": "https"})

    assert status == 403
    assert "trusted_proxies" in error


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("", "10.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("evil, 10.1.2.3", "10.1.2.3"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_is_whom_our_outermost_proxy_has_seen(forwarded: str, client: str) -> None:
    assert trusting("10.0.0.0/8").client_of(forwarded, "10.0.0.1") == client


def test_a_mapped_ipv4_address_is_that_address() -> None:
    assert trusting("10.0.0.0/8").trusts("::ffff:10.2.3.4")
    assert not trusting("10.0.0.0/8").trusts("::ffff:11.2.3.4")
    assert not trusting("10.0.0.0/8").trusts(None)
