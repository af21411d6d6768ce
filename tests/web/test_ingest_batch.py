"""Batches: one answer an item, in order; one bad item never loses the others."""

import json

import pytest

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.test_ingest import EVENT, count_events


@pytest.mark.parametrize("encoding", ["json", "ndjson"])
async def test_a_batch_answers_each_item_in_order(
    client: Client, world: World, encoding: str
) -> None:
    items: list[bytes] = [
        json.dumps(EVENT | {"idempotency_key": "a"}).encode(),
        b'{"provider":"openai"}',
        json.dumps(EVENT | {"idempotency_key": "a"}).encode(),
        b'{"provider":"p","model":"m","model":"n"}',
        json.dumps(EVENT | {"idempotency_key": 5}).encode(),
        json.dumps(EVENT | {"feature": "last"}).encode(),
    ]
    if encoding == "ndjson":
        body, headers = b"\n".join(items), {"Content-Type": "application/x-ndjson"}
    else:
        body, headers = b"[" + b",".join(items) + b"]", {"Content-Type": "application/json"}

    headers["x-api-key"] = world.acme_key.raw
    async with client.post("/api/ingest/batch", data=body, headers=headers) as response:
        assert response.status == 207
        results = (await response.json())["results"]

    assert [result["status"] for result in results] == [200, 400, 200, 400, 400, 200]
    assert results[1]["field"] == "model"
    assert results[2] == {"status": 200, "ok": True, "duplicate": True}
    assert (results[3]["field"], results[4]["field"]) == ("body", "idempotency_key")
    assert await count_events(world) == 2


@pytest.mark.parametrize(
    "bad",
    [
        rb'{"provider":"p","model":"m\ud800"}',
        b'{"provider":"p","model":"m","prompt_tokens":NaN}',
        b'{"provider":"p","model":"m\x00"}',
        b'{"provider":"p","model":"m","metadata":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        rb'{"provider":"a \"quoted\" ] name","model":}',
        b"nonsense",
    ],
)
async def test_an_item_that_is_no_json_fails_alone(
    client: Client, world: World, bad: bytes
) -> None:
    good = json.dumps(EVENT | {"feature": 'a "quoted" ] name'}).encode()
    body = b" [" + b", ".join([good, bad, good]) + b"]\n"
    headers = {"x-api-key": world.acme_key.raw}
    async with client.post("/api/ingest/batch", data=body, headers=headers) as response:
        assert response.status == 207
        results = (await response.json())["results"]

    assert [result["status"] for result in results] == [200, 400, 200]
    assert await count_events(world) == 2


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"{}", b"[" + b"{}," * 1000 + b"{}]", b"[{}", b""),
        *(b"[{},]", b"[,{}]", b"[NaN] []", b"NaN", b"[" * 100_000, b'["]'),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(
    client: Client, world: World, body: bytes
) -> None:
    headers = {"x-api-key": world.acme_key.raw}
    async with client.post("/api/ingest/batch", data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["field"] == "body"
