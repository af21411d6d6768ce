"""Every answer of the contract, word for word, over HTTP; and the bodies nobody should send.

`tests/golden/ingest_answers.json` holds the answers; a changed answer is a changed contract.
"""

import gzip
import json
import sqlite3
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from llmtrack.services import ingest as ingest_service
from llmtrack.storage.key_changes import deactivate_key, delete_key
from llmtrack.storage.workspaces import set_plan, suspend_workspace
from tests.conftest import NOW_MS, WHO, World
from tests.web.conftest import Client, open_lane

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "ingest_answers.json").read_text())
EVENT = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "prompt_tokens": 120,
    "completion_tokens": 80,
    "total_tokens": 200,
}


@pytest.fixture(params=["application", "lane"], autouse=True)
async def way_in(request: pytest.FixtureRequest, client: Client, world: World) -> None:
    """Everything below holds whichever way a request takes."""
    if request.param == "lane":
        await open_lane(client, world.acme_key.raw)


async def send(
    client: Client, key: str | None, event: object = None, **headers: str
) -> tuple[int, Any]:
    if key is not None:
        headers["x-api-key"] = key
    body = event if isinstance(event, bytes) else json.dumps(event or EVENT).encode()
    async with client.post("/api/ingest", data=BytesIO(body), headers=headers) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def count_events(world: World) -> int:
    [row] = await world.database.rows("select count(*) from event")
    return int(row[0])


def golden(name: str) -> tuple[int, Any]:
    return GOLDEN[name]["status"], GOLDEN[name]["body"]


def without_id(answer: tuple[int, Any]) -> tuple[int, Any]:
    assert len(answer[1].pop("id")) == 36
    return answer


async def test_a_stored_event_answers_all_nine_properties(client: Client, world: World) -> None:
    answer = await send(client, world.acme_key.raw)

    assert without_id(answer) == golden("stored")
    assert list(answer[1]) == list(golden("stored")[1])


async def test_an_unknown_model_costs_nothing_known(client: Client, world: World) -> None:
    answer = await send(client, world.acme_key.raw, EVENT | {"model": "no-such-model"})

    assert without_id(answer) == golden("unknown_model")


async def test_an_unknown_model_is_told_even_without_usage(client: Client, world: World) -> None:
    event = {"provider": "openai", "model": "no-such-model"}

    _, answer = await send(client, world.acme_key.raw, event)

    assert (answer["pricing_status"], answer["cost"]) == ("unknown_model", 0)


async def test_the_cost_is_a_plain_decimal_number(client: Client, world: World) -> None:
    headers = {"x-api-key": world.acme_key.raw}
    async with client.post("/api/ingest", json=EVENT, headers=headers) as response:
        assert '"cost":0.000066,' in await response.text()


async def test_a_replay_answers_exactly_duplicate(client: Client, world: World) -> None:
    key = {"Idempotency-Key": "order 66"}
    await send(client, world.acme_key.raw, **key)

    assert await send(client, world.acme_key.raw, **key) == golden("duplicate")
    assert (await send(client, world.globex_key.raw, **key))[1]["duplicate"] is False
    assert await count_events(world) == 2


async def test_an_empty_idempotency_key_is_none(client: Client, world: World) -> None:
    key = {"Idempotency-Key": ""}
    await send(client, world.acme_key.raw, **key)

    assert (await send(client, world.acme_key.raw, **key))[1]["duplicate"] is False


async def test_a_refused_payload_can_be_sent_again_under_its_key(
    client: Client, world: World
) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await send(client, world.acme_key.raw, EVENT | {"status": "?"}, **key))[0] == 400

    assert (await send(client, world.acme_key.raw, **key))[1]["duplicate"] is False


async def test_the_same_response_is_one_event_counted_once(client: Client, world: World) -> None:
    first = await send(client, world.acme_key.raw, EVENT | {"response_id": "chatcmpl-1"})
    again = await send(client, world.acme_key.raw, EVENT | {"response_id": "chatcmpl-1"})

    assert again[1]["id"] == first[1]["id"]
    assert again[1]["duplicate"] is True
    assert await count_events(world) == 1


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "missing_key"),
        ({"Authorization": "Bearer "}, "missing_key"),
        ({"Authorization": "Basic abc"}, "missing_key"),
        ({"x-api-key": " "}, "missing_key"),
        ({"x-api-key": "llmt_wrong"}, "invalid_key"),
        ({"Authorization": "Bearer caf\xe9"}, "invalid_key"),
    ],
)
async def test_a_credential_is_needed(client: Client, headers: dict[str, str], name: str) -> None:
    assert await send(client, None, **headers) == golden(name)


async def test_a_bearer_wins_over_x_api_key(client: Client, world: World) -> None:
    bearer = {"Authorization": f"bearer {world.acme_key.raw}"}

    assert (await send(client, "llmt_wrong", **bearer))[0] == 200
    wrong = {"Authorization": "Bearer llmt_wrong"}
    assert await send(client, world.acme_key.raw, **wrong) == golden("invalid_key")
    empty = {"Authorization": "Bearer "}
    assert (await send(client, world.acme_key.raw, **empty))[0] == 200


async def test_keys_that_ended_say_how(client: Client, world: World) -> None:
    write, acme, key = world.database.write, world.acme.id, world.acme_key
    await send(client, key.raw)

    await write(deactivate_key, acme, key.key.public_id, **WHO)
    assert await send(client, key.raw) == golden("inactive_key")
    await write(delete_key, acme, key.key.public_id, **WHO)
    assert await send(client, key.raw) == golden("invalid_key")


@pytest.mark.parametrize("column", ["expires_ms", "revoked_ms"])
async def test_an_expired_or_rotated_out_key_is_revoked(
    client: Client, world: World, column: str
) -> None:
    await world.database.write(
        lambda connection: connection.execute(f"update key_digest set {column} = ?", (NOW_MS,))  # noqa: S608
    )

    assert await send(client, world.acme_key.raw) == golden("revoked_key")


async def test_a_suspended_workspace_takes_no_events(client: Client, world: World) -> None:
    await world.database.write(suspend_workspace, world.acme.id, **WHO)

    assert await send(client, world.acme_key.raw) == golden("invalid_workspace")


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        ({"name": "free", "monthly_events": 1}, "free_quota"),
        ({"name": "pro", "monthly_events": 1}, "usage_limit"),
        ({"name": "pro", "monthly_events": None, "billing_status": "past_due"}, "plan_inactive"),
    ],
)
async def test_a_plan_refuses(
    client: Client, world: World, plan: dict[str, Any], name: str
) -> None:
    await send(client, world.acme_key.raw, **{"Idempotency-Key": "first"})
    await world.database.write(set_plan, world.acme.id, **plan, **WHO)

    assert await send(client, world.acme_key.raw) == golden(name)
    replay = await send(client, world.acme_key.raw, **{"Idempotency-Key": "first"})
    assert replay == golden("duplicate")
    assert await count_events(world) == 1


async def test_a_bad_field_is_named(client: Client, world: World) -> None:
    answer = await send(client, world.acme_key.raw, EVENT | {"prompt_tokens": -1})

    assert answer == golden("invalid_field")


BAD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "text": b"hello",
    "array": b"[]",
    "too large": b'{"provider":"p","model":"m","x":"' + b"x" * 1_100_000 + b'"}',
    "far too large": b'{"provider":"p","model":"m","x":"' + b"x" * 6_000_000 + b'"}',
    "NUL": b'{"provider":"p\\u0000","model":"m"}',
    "lone surrogate": b'{"provider":"p","model":"\\udfff"}',
    "duplicate key": b'{"provider":"p","model":"m","model":"n"}',
    "NaN": b'{"provider":"p","model":"m","x":NaN}',
    "depth": b'{"provider":"p","model":"m","metadata":' + b'{"a":' * 90_000 + b"1" + b"}" * 90_001,
    "deep list": b"[" * 200_000 + b"]" * 200_000,
}


@pytest.mark.parametrize("raw", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_bad_body_is_400_and_stores_nothing(
    client: Client, world: World, raw: bytes
) -> None:
    status, answer = await send(client, world.acme_key.raw, raw)

    assert (status, answer["code"], answer["field"]) == (400, "INVALID_PAYLOAD", "body")
    assert await count_events(world) == 0


@pytest.mark.parametrize("value", [2**63, 2**64, 10**40, True, 1.0, "1"])
async def test_a_bad_count_is_400(client: Client, world: World, value: object) -> None:
    status, answer = await send(client, world.acme_key.raw, EVENT | {"latency_ms": value})

    assert (status, answer["field"]) == (400, "latency_ms")


async def test_a_workspace_in_the_request_is_ignored(client: Client, world: World) -> None:
    event = EVENT | {"workspace_id": world.globex.public_id, "workspace": world.globex.id}

    status, _ = await send(
        client, world.acme_key.raw, event, **{"X-Workspace": world.globex.public_id}
    )

    assert status == 200
    [row] = await world.database.rows("select workspace_id from event")
    assert row[0] == world.acme.id


async def test_gzip_is_unpacked_and_broken_gzip_refused(client: Client, world: World) -> None:
    packed = gzip.compress(json.dumps(EVENT).encode())
    encoding = {"Content-Encoding": "gzip"}

    assert (await send(client, world.acme_key.raw, packed, **encoding))[0] == 200
    bomb = gzip.compress(b"x" * 50_000_000)
    for broken in (b"no gzip at all", packed[:-12], packed[:-1], packed + b"!", b"", bomb):
        status, answer = await send(client, world.acme_key.raw, broken, **encoding)
        assert (status, answer["field"]) == (400, "body")
    for other in ("br", "deflate", "gzip, gzip"):
        status, answer = await send(
            client, world.acme_key.raw, packed, **{"Content-Encoding": other}
        )
        assert (status, answer["field"]) == (400, "body")
    assert await count_events(world) == 1


async def test_a_fault_of_ours_is_500_without_details(client: Client, world: World) -> None:
    await world.database.write(lambda connection: connection.execute("drop table response"))

    answer = await send(client, world.acme_key.raw, EVENT | {"response_id": "r"})

    assert answer == golden("internal_error")


async def test_a_file_locked_for_longer_than_the_hold_is_503(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_service, "HOLD_S", 0.3)
    await send(client, world.acme_key.raw)
    blocker = sqlite3.connect(world.database.path, isolation_level=None)
    blocker.execute("begin immediate")

    headers = {"x-api-key": world.acme_key.raw}
    async with client.post("/api/ingest", json=EVENT, headers=headers) as response:
        answer = response.status, await response.json()
        assert response.headers["Retry-After"] == "1"

    blocker.close()
    assert answer == golden("overloaded")
    assert (await send(client, world.acme_key.raw))[0] == 200
    assert await count_events(world) == 2


async def test_counts_beyond_any_call_say_so(client: Client, world: World) -> None:
    huge = {"provider": "openai", "model": "o1-pro", "prompt_tokens": 10**12}

    _, answer = await send(client, world.acme_key.raw, huge)

    assert answer["cost"] == 0
    assert any("more than 9,223,372 US dollars" in text for text in answer["warnings"])
