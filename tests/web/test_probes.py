"""Probes and metrics: what they say, and to whom."""

import asyncio
from ipaddress import ip_network
from typing import Self

import pytest
from aiohttp.test_utils import TestClient, TestServer

from llmtrack.domain.credentials import Passwords
from llmtrack.services.disk_guard import DiskGuard, Room
from llmtrack.services.vitals import MetricsAccess, Sample, Vitals, exposition
from llmtrack.web.app import build_app
from tests.conftest import NOW_MS, World

EVENT = {"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}
LOCAL = MetricsAccess(networks=(ip_network("127.0.0.0/8"),))


class Server:
    """The application with some vitals, asked by a client."""

    def __init__(self, world: World, vitals: Vitals) -> None:
        self.world = world
        app = build_app(
            world.database,
            base_url="http://127.0.0.1",
            secure=False,
            vitals=vitals,
            clock_ms=lambda: NOW_MS,
            passwords=Passwords(cheap=True),
        )
        self.client = TestClient(TestServer(app))

    async def __aenter__(self) -> Self:
        await self.client.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.client.get(path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def post_event(self) -> int:
        headers = {"Authorization": f"Bearer {self.world.acme_key.raw}"}
        async with self.client.post("/api/ingest", json=EVENT, headers=headers) as answer:
            return answer.status


async def test_a_good_server_is_healthy_and_ready(world: World) -> None:
    async with Server(world, Vitals()) as server:
        assert await server.get("/healthz", Host="anything.example") == (200, "ok\n")
        status, text = await server.get("/readyz")
        assert (status, '"status": "pass"' in text) == (200, True)


async def test_a_full_disk_refuses_events_and_goes_on_reading(world: World) -> None:
    directory = world.database.path.parent
    guard = DiskGuard(directory, warn_bytes=0, stop_bytes=0, ballast_bytes=0)
    async with Server(world, Vitals(guard=guard)) as server:
        assert await server.post_event() == 200
        guard.room = Room.FULL
        assert await server.post_event() == 507
        status, text = await server.get("/readyz")
        assert (status, "full: events are refused" in text) == (503, True)
        assert (await server.get("/sign-in"))[0] == 200
        guard.room = Room.OK
        assert await server.post_event() == 200


async def test_a_stuck_writer_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("llmtrack.web.probes.READY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(world.database, "turn", never)
    async with Server(world, Vitals()) as server:
        status, text = await server.get("/readyz")

    assert (status, "busy for too long" in text) == (503, True)


async def test_metrics_are_off_until_somebody_is_let_in(world: World) -> None:
    async with Server(world, Vitals()) as server:
        assert (await server.get("/metrics"))[0] == 404
    async with Server(world, Vitals(access=MetricsAccess(token="s3cret-token"))) as server:
        assert (await server.get("/metrics"))[0] == 401
        assert (await server.get("/metrics", Authorization="Bearer wrong"))[0] == 401
        assert (await server.get("/metrics", Authorization="Bearer s3cret-token"))[0] == 200


async def test_metrics_count_answers_by_route_and_never_by_path(world: World) -> None:
    async with Server(world, Vitals(access=LOCAL)) as server:
        await server.post_event()
        await server.get("/no/such/page/17")
        _, text = await server.get("/metrics")

    wanted = 'llmtrack_http_requests_total{method="POST",route="/api/ingest",status="200"} 1'
    assert wanted in text
    assert 'route="unmatched",status="404"' in text
    assert "/17" not in text
    assert "llmtrack_database_bytes " in text
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types)), "the samples of a name are together"


def test_labels_are_escaped() -> None:
    sample = Sample("x", "gauge", "X.", 1.5, (("a", 'b"\\\n'),))

    assert exposition([sample]).splitlines()[-1] == 'llmtrack_x{a="b\\"\\\\\\n"} 1.5'
