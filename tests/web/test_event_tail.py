"""Events that come while a page follows them, and what came while it did not."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import pytest

from llmtrack.web import event_tail
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client, Clock
from tests.web.people import sign_in
from tests.web.test_events import listed, store
from tests.web.test_ingest import EVENT, send
from tests.web.test_pages import get

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_tail, "LOOK_S", 0.02)


LATER_MS = 60_000
"""What came so long before is known to have been stored."""


async def live_path(client: Client, world: World, clock: Clock, query: str = "") -> str:
    """Where a page with one event says that new ones come from."""
    await store(client, world, feature="wanted")
    clock.now_ms += LATER_MS
    _, text = await get(client, f"/w/{world.acme.public_id}/events{query}")
    [path] = re.findall(r'data-live="([^"]+)"', text)
    return unescape(path)


class Said:
    """A message of the stream."""

    def __init__(self, block: bytes) -> None:
        text = block.decode()
        found = re.search(r"^event: rows\nid: (\S+)\ndata: (\d+) (\d+)\n", text)
        assert found is not None, text
        self.place, self.came = found[1], (int(found[2]), int(found[3]))
        self.ids = listed(text)


@asynccontextmanager
async def followed(client: Client, path: str, **headers: str) -> AsyncIterator[Any]:
    async with client.get(path, headers=headers) as response, asyncio.timeout(10):
        assert response.headers["Content-Type"] == "text/event-stream"
        assert await response.content.readuntil(b"\n\n") == b": following\n\n"
        yield response.content


async def said(content: Any) -> Said:
    return Said(await content.readuntil(b"\n\n"))


async def test_what_came_since_the_page_was_made_comes_first(
    client: Client, world: World, clock: Clock
) -> None:
    await sign_in(client, "bob")
    path = await live_path(client, world, clock)
    clock.now_ms += 1_000
    since = await store(client, world)
    clock.now_ms += 3_600_000
    late = await store(client, world, timestamp=NOW_MS - DAY_MS)

    async with followed(client, path) as content:
        first = await said(content)
        clock.now_ms += 1_000
        other = await store(client, world)
        second = await said(content)

    assert first.ids == {since, late}
    assert first.came == (2, 0)
    assert (second.ids, second.came) == ({other}, (1, 0))


async def test_who_comes_back_goes_on_where_the_stream_ended(
    client: Client, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_tail, "LIFE_S", 0.0)
    await sign_in(client, "bob")
    path = await live_path(client, world, clock)
    clock.now_ms += 1_000
    seen = await store(client, world)
    async with followed(client, path) as content:
        last = await said(content)
        assert await content.read() == b""
    clock.now_ms += 60_000
    missed = await store(client, world)

    headers = {"Last-Event-ID": last.place}
    async with followed(client, path, **headers) as content:
        again = await said(content)

    assert last.ids == {seen}
    assert (again.ids - {seen}, again.came) == ({missed}, (1, 0))


async def test_what_is_not_sent_is_counted(
    client: Client, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_tail, "EVENTS_MAX", 2)
    monkeypatch.setattr(event_tail, "SCAN_EVENTS_MAX", 3)
    monkeypatch.setattr(event_tail, "LOOK_EVENTS_MAX", 3)
    await sign_in(client, "bob")
    path = await live_path(client, world, clock)
    for _ in range(5):
        clock.now_ms += 1_000
        await store(client, world)

    async with followed(client, path) as content:
        first = await said(content)
        clock.now_ms += 1_000
        await store(client, world, timestamp=NOW_MS - DAY_MS)
        second = await said(content)

    assert (len(first.ids), first.came) == (2, (3, 2))
    assert (len(second.ids), second.came) == (0, (0, 1))


async def test_of_others_that_the_filter_hides_nothing_is_told(
    client: Client, world: World, clock: Clock
) -> None:
    await sign_in(client, "bob")
    path = await live_path(client, world, clock, "?feature=wanted")
    clock.now_ms += 1_000
    await store(client, world, feature="another")
    async with followed(client, path) as content:
        first = await said(content)
        clock.now_ms += 1_000
        wanted = await store(client, world, feature="wanted")
        second = await said(content)
    assert (first.ids, first.came) == (set(), (0, 0))
    assert (second.ids, second.came) == ({wanted}, (1, 0))


async def test_a_place_that_is_none_begins_now_and_others_events_stay_away(
    client: Client, world: World, clock: Clock
) -> None:
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/events/live?columns=time&after="
    for after in ("", "x", "-", "1-", "٣-٣", "9" * 50, "1-2-3", f"{NOW_MS}--1"):
        async with followed(client, path + after) as content:
            await send(client, world.globex_key.raw, EVENT)
            own = await store(client, world)
            assert (await said(content)).ids == {own}, after
        clock.now_ms += LATER_MS


async def test_a_place_of_nowhere_costs_no_more_than_a_look(client: Client, world: World) -> None:
    own = await store(client, world)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/events/live?after=0-0"
    async with followed(client, path) as content:
        assert (await said(content)).ids == {own}
    path = f"/w/{world.acme.public_id}/events/live?after={10**20}-0"
    async with client.get(path) as response:
        assert response.status == 200
