"""The quick way for the usual event: same answers, same file, whatever the client does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmtrack.storage.writer import Connection
from llmtrack.web import connection as connections
from tests.conftest import World
from tests.web.conftest import Client, open_lane

BODY = b'{"provider":"openai","model":"gpt-4o-mini","prompt_tokens":120,"completion_tokens":80}'


class Wire:
    """A connection that sends bytes as it likes."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw_key: str
    ) -> None:
        self.reader, self.writer, self.raw_key = reader, writer, raw_key
        self.sent = 0

    def request(self, body: bytes = BODY, *headers: str) -> bytes:
        self.sent += 1
        lines = [
            "POST /api/ingest HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.raw_key}",
            f"Idempotency-Key: k{self.sent}",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def answer(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(headers["Content-Length"]))
        return int(first.split()[1]), headers, json.loads(body)


@pytest.fixture
async def wire(client: Client, world: World) -> AsyncIterator[Wire]:
    host, port = client.server.host, client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    yield Wire(reader, writer, world.acme_key.raw)
    writer.close()


async def count_events(world: World) -> int:
    [row] = await world.database.rows("select count(*) from event")
    return int(row[0])


async def test_both_ways_send_the_same_headers(wire: Wire, client: Client) -> None:
    wire.writer.write(wire.request())
    _, slow, _ = await wire.answer()
    await open_lane(client, wire.raw_key)
    wire.writer.write(wire.request())
    _, quick, _ = await wire.answer()

    assert slow | {"Date": ""} == quick | {"Date": ""}
    assert list(slow) != list(quick), "the second did not take the lane"


async def test_a_connection_for_one_event_is_answered_and_closed(
    wire: Wire, client: Client, world: World
) -> None:
    """As the official Python client does, which opens a connection for each event."""
    await open_lane(client, wire.raw_key)
    before = await count_events(world)
    wire.writer.write(wire.request(BODY, "Connection: close"))
    status, headers, document = await wire.answer()

    assert (status, document["cost"]) == (200, 0.000066)
    assert headers["Connection"] == "close"
    assert list(headers)[-1] == "Content-Length", "it did not take the lane"
    assert await wire.reader.read() == b""
    assert await count_events(world) == before + 1


async def test_what_follows_the_last_request_of_a_connection_is_not_stored(
    wire: Wire, client: Client, world: World
) -> None:
    await open_lane(client, wire.raw_key)
    before = await count_events(world)
    world.database.submit(_sleep)
    wire.writer.write(wire.request(BODY, "Connection: close"))
    await asyncio.sleep(0.05)
    wire.writer.write(wire.request())
    assert (await wire.answer())[0] == 200
    assert await wire.reader.read() == b""
    assert await count_events(world) == before + 1


async def test_requests_in_one_packet_are_answered_in_order(
    wire: Wire, client: Client, world: World
) -> None:
    await open_lane(client, wire.raw_key)
    bodies = [BODY.replace(b"120", str(count).encode()) for count in (1, 2, 3)]
    wire.writer.write(b"".join(wire.request(body) for body in bodies))

    costs = [(await wire.answer())[2]["cost"] for _ in bodies]

    assert costs == sorted(costs)
    assert await count_events(world) == 3


async def test_what_comes_behind_an_event_waits_for_its_answer(
    wire: Wire, client: Client, world: World
) -> None:
    await open_lane(client, wire.raw_key)
    world.database.submit(_sleep)
    wire.writer.write(wire.request())
    await asyncio.sleep(0.05)
    wire.writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    status, _, stored = await wire.answer()
    assert (status, stored["ok"]) == (200, True)
    assert (await wire.reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")


async def test_a_body_that_comes_later_is_waited_for(wire: Wire, client: Client) -> None:
    await open_lane(client, wire.raw_key)
    for pause_s in (0.01, connections.BODY_WAIT_S * 3):
        request = wire.request()
        wire.writer.write(request[:-40])
        await asyncio.sleep(pause_s)
        wire.writer.write(request[-40:])
        status, _, stored = await wire.answer()
        assert (status, stored["ok"]) == (200, True)


async def test_a_body_in_crumbs_is_one_event(wire: Wire, client: Client, world: World) -> None:
    await open_lane(client, wire.raw_key)
    request = wire.request()
    for start in range(0, len(request), 20):
        wire.writer.write(request[start : start + 20])
        await asyncio.sleep(0.001)

    assert (await wire.answer())[0] == 200
    assert await count_events(world) == 1


@pytest.mark.parametrize("size", [60_000, 131_073, 140_000, 200_000, 300_000, 900_000])
async def test_what_the_lane_does_not_take_is_answered_whatever_its_size(
    wire: Wire, client: Client, world: World, size: int
) -> None:
    """It has a property that nobody knows: a sound event, but not the usual one."""
    await open_lane(client, wire.raw_key)
    large = BODY[:-1] + b',"more":"%b"}' % (b"x" * size)
    for body, status in ((large, 200), (BODY, 200), (b"[" * size, 400), (BODY, 200)):
        wire.writer.write(wire.request(body))
        assert (await wire.answer())[0] == status
    assert await count_events(world) == 3


async def test_a_fault_after_the_lane_was_open_is_told_as_ever(wire: Wire, client: Client) -> None:
    await open_lane(client, wire.raw_key)
    wire.writer.write(wire.request(b'{"provider":"openai","model":7}'))
    status, _, said = await wire.answer()
    assert (status, said["field"]) == (400, "model")

    wire.writer.write(wire.request())
    assert (await wire.answer())[0] == 200


async def test_a_client_that_goes_away_loses_no_event(
    wire: Wire, client: Client, world: World
) -> None:
    await open_lane(client, wire.raw_key)
    world.database.submit(_sleep)
    wire.writer.write(wire.request())
    await asyncio.sleep(0.05)
    wire.writer.close()
    await asyncio.sleep(0.3)

    assert await count_events(world) == 1


async def test_an_end_of_the_server_waits_for_the_answer(
    wire: Wire, client: Client, world: World
) -> None:
    await open_lane(client, wire.raw_key)
    world.database.submit(_sleep)
    wire.writer.write(wire.request())
    await asyncio.sleep(0.05)
    closing = asyncio.create_task(client.server.close())

    assert (await wire.answer())[0] == 200
    await closing


def _sleep(_: Connection) -> None:
    time.sleep(0.2)
