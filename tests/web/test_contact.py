"""The contact for security: nothing is published before a code that was sent has come back."""

from datetime import UTC, datetime, timedelta

import pytest

from llmtrack.domain.errors import NotFound, Refused
from llmtrack.domain.one_time_codes import mint_mail_code, recovery_digest
from llmtrack.storage.contacts import (
    CODE_ATTEMPTS,
    CODE_LIFE_MS,
    CONTACT_LIFE_MS,
    count_attempt,
    propose_contact,
    verify_contact,
)
from tests.conftest import ACTOR, NOW_MS, WHO, World
from tests.web.conftest import Client, Clock
from tests.web.people import text_of

ADDRESS = "security@example.com"
TXT = "/.well-known/security.txt"


async def propose(world: World, address: str = ADDRESS) -> bytes:
    digest = recovery_digest(mint_mail_code())
    await world.database.write(propose_contact, address, digest, **WHO)
    return digest


async def test_both_pages_are_missing_until_it_was_verified_and_after_it_expired(
    client: Client, world: World, clock: Clock
) -> None:
    for path in (TXT, "/security"):
        await text_of(client, path, 404)
    digest = await propose(world)
    for path in (TXT, "/security"):
        await text_of(client, path, 404)

    await world.database.write(verify_contact, digest, **WHO)

    assert f"mailto:{ADDRESS}" in await text_of(client, "/security")
    lines = dict(line.split(": ", 1) for line in (await text_of(client, TXT)).splitlines())
    assert lines["Contact"] == f"mailto:{ADDRESS}"
    assert lines["Canonical"] == f"http://127.0.0.1{TXT}"
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    assert now < datetime.fromisoformat(lines["Expires"]) < now + timedelta(days=365)
    clock.now_ms += CONTACT_LIFE_MS
    for path in (TXT, "/security"):
        await text_of(client, path, 404)


async def test_security_txt_is_plain_text_as_rfc_9116_wants(client: Client, world: World) -> None:
    await world.database.write(verify_contact, await propose(world), **WHO)
    async with client.get(TXT) as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert (await response.read()).endswith(b"\r\n")


async def test_a_new_address_leaves_the_old_one_until_it_is_verified(
    client: Client, world: World
) -> None:
    await world.database.write(verify_contact, await propose(world), **WHO)
    digest = await propose(world, "other@example.com")
    assert ADDRESS in await text_of(client, TXT)

    await world.database.write(verify_contact, digest, **WHO)

    assert "other@example.com" in await text_of(client, TXT)
    assert ADDRESS not in await text_of(client, "/security")


async def test_a_code_is_good_once_for_a_day_and_for_few_guesses(world: World) -> None:
    write = world.database.write
    with pytest.raises(NotFound):
        await write(verify_contact, recovery_digest("x"), **WHO)
    digest = await propose(world)
    with pytest.raises(Refused):
        await write(verify_contact, digest, actor=ACTOR, now_ms=NOW_MS + CODE_LIFE_MS)
    for _ in range(CODE_ATTEMPTS):
        await write(count_attempt)
        with pytest.raises(Refused):
            await write(verify_contact, recovery_digest("guess"), **WHO)
    await write(count_attempt)
    with pytest.raises(Refused):
        await write(verify_contact, digest, **WHO)
    digest = await propose(world)
    await write(verify_contact, digest, **WHO)
    with pytest.raises(NotFound):
        await write(verify_contact, digest, **WHO)
