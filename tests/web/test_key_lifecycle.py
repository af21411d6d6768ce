"""A key through its life at the door: rotation, times, networks, purpose, and what is noted."""

import sqlite3

import pytest

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.key_terms import KeyTerms
from llmtrack.storage.key_changes import deactivate_key, end_old_secret, rotate_key
from llmtrack.storage.keys import Key, create_key, key_of, list_keys
from llmtrack.web.key_uses import KEY_USES
from tests.conftest import NOW_MS, WHO, World
from tests.web.conftest import Client, Clock, application
from tests.web.people import sign_in
from tests.web.test_ingest import send

DAY_MS = 86_400_000


async def said(client: Client, raw: str) -> str | None:
    """Why the key is refused; None if it is not."""
    status, body = await send(client, raw)
    assert status in {200, 401}
    return body.get("error") if status == 401 else None


async def seen(world: World, key: Key, now_ms: int = NOW_MS) -> Key:
    await world.database.write(lambda _: None)  # what was submitted before is written
    return await key_of(await world.scope(), key.public_id, now_ms=now_ms)


async def test_after_a_rotation_both_secrets_work_until_the_grace_ends(
    client: Client, world: World, clock: Clock
) -> None:
    scope, key = await world.scope(), world.acme_key.key
    new = await scope.write(rotate_key, key.public_id, grace_days=2, **WHO)

    assert await said(client, world.acme_key.raw) is None
    assert await said(client, new) is None
    clock.now_ms += 2 * DAY_MS - 1
    assert await said(client, world.acme_key.raw) is None
    clock.now_ms += 1
    assert await said(client, world.acme_key.raw) == "Revoked API key"
    assert await said(client, new) is None
    assert (await seen(world, key)).public_id == key.public_id
    [row] = await world.database.rows("select count(distinct key_id) from event")
    assert row[0] == 1


async def test_the_old_secret_shows_that_it_is_still_used(client: Client, world: World) -> None:
    scope, key = await world.scope(), world.acme_key.key
    new = await scope.write(rotate_key, key.public_id, grace_days=7, **WHO)
    await sign_in(client, "alice")
    page = f"/w/{world.acme.public_id}/keys"

    await said(client, new)
    found = await seen(world, key)
    assert found.old is not None
    assert found.old.last_used_ms is None
    async with client.get(f"{page}/{key.public_id}") as response:
        assert "not used since the rotation" in await response.text()

    await said(client, world.acme_key.raw)
    application(client)[KEY_USES].write_all()
    found = await seen(world, key)
    assert found.old is not None
    assert found.old.last_used_ms == NOW_MS
    async with client.get(page) as response:
        assert "old secret still used" in await response.text()


async def test_an_old_secret_can_be_ended_at_once_and_a_third_ends_the_first(
    client: Client, world: World
) -> None:
    scope, key = await world.scope(), world.acme_key.key
    second = await scope.write(rotate_key, key.public_id, grace_days=7, **WHO)
    third = await scope.write(rotate_key, key.public_id, grace_days=7, **WHO)

    assert await said(client, world.acme_key.raw) == "Revoked API key"
    assert await said(client, second) is None
    await scope.write(end_old_secret, key.public_id, **WHO)
    assert await said(client, second) == "Revoked API key"
    assert await said(client, third) is None
    fourth = await scope.write(rotate_key, key.public_id, grace_days=0, **WHO)
    assert await said(client, third) == "Revoked API key"
    assert await said(client, fourth) is None


async def test_a_key_is_good_between_its_times(client: Client, world: World, clock: Clock) -> None:
    terms = KeyTerms(not_before_ms=NOW_MS + DAY_MS, expires_ms=NOW_MS + 40 * DAY_MS)
    key = await (await world.scope()).write(create_key, name="later", terms=terms, **WHO)

    assert await said(client, key.raw) == "Inactive API key"
    clock.now_ms += DAY_MS
    assert await said(client, key.raw) is None
    clock.now_ms += 39 * DAY_MS
    assert await said(client, key.raw) == "Revoked API key"


async def test_no_key_is_made_that_has_expired_already(world: World) -> None:
    scope = await world.scope()
    with pytest.raises(InvalidValue, match="expired already"):
        await scope.write(create_key, name="late", terms=KeyTerms(expires_ms=NOW_MS), **WHO)
    assert [key.name for key in await list_keys(scope, now_ms=NOW_MS)] == ["Acme app"]


async def test_a_key_from_a_foreign_network_tells_a_thief_nothing(
    client: Client, world: World
) -> None:
    scope = await world.scope()
    inside = await scope.write(
        create_key, name="in", terms=KeyTerms(networks=("127.0.0.0/8",)), **WHO
    )
    outside = await scope.write(
        create_key, name="out", terms=KeyTerms(networks=("192.0.2.0/24",)), **WHO
    )

    assert await said(client, inside.raw) is None
    assert await said(client, outside.raw) == "Invalid API key"
    refusal = (await seen(world, outside.key)).refusal
    assert refusal == (NOW_MS, "127.0.0.1", "from outside its networks")


async def test_a_thousand_uses_are_counted_with_two_writes(
    client: Client, world: World, clock: Clock
) -> None:
    writes: list[str] = []
    await world.database.write(
        lambda connection: connection.set_trace_callback(
            lambda sql: writes.append(sql) if "key_uses.note_uses" in sql else None
        )
    )
    for _ in range(1000):
        await send(client, world.acme_key.raw, {"provider": "x", "model": "y"})
    clock.now_ms += 60_000
    application(client)[KEY_USES].write_due(clock.now_ms)

    found = await seen(world, world.acme_key.key)
    assert (found.uses, found.last_used_ms, found.last_used_ip) == (1000, NOW_MS, "127.0.0.1")
    assert len(writes) == 2


async def test_one_header_with_two_keys_is_nobody_s(client: Client, world: World) -> None:
    for name, form in (("x-api-key", "{}"), ("Authorization", "Bearer {}")):
        headers = [(name, form.format(key.raw)) for key in (world.acme_key, world.globex_key)]
        async with client.post("/api/ingest", data=b"{}", headers=headers) as response:
            assert response.status == 401
            assert await response.json() == {"error": "Invalid API key"}
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_no_raw_key_reaches_the_files(client: Client, world: World) -> None:
    scope, key = await world.scope(), world.acme_key.key
    new = await scope.write(rotate_key, key.public_id, grace_days=1, **WHO)
    await said(client, new)
    await scope.write(deactivate_key, key.public_id, **WHO)
    await said(client, new)
    await seen(world, key)

    for path in world.database.path.parent.iterdir():
        content = path.read_bytes()
        assert new.encode() not in content
        assert world.acme_key.raw.encode() not in content
    with sqlite3.connect(world.database.path) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()
