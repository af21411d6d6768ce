"""Own prices: whose they are, that they are revoked and not edited, and who finds them."""

from typing import Any

import pytest

from llmtrack.domain.errors import AlreadyExists, InvalidValue, NotFound
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import (
    GLOBAL,
    create_alias,
    create_override,
    own_prices,
    own_prices_of,
    read_own_prices,
    revoke,
)
from tests.conftest import NOW_MS, World

GPT: dict[str, Any] = {"provider": "openai", "model": "gpt-4o"}
HERS: dict[str, Any] = {"by": Actor(7, "alice@example.com"), "now_ms": NOW_MS}
BOB = Actor(None, "bob@example.com")
DAY_MS = 86_400_000


async def test_a_workspace_sees_its_own_and_the_instance_s_and_nobody_else_s(world: World) -> None:
    write = world.database.write
    rates = {"input_mtok": "2.50", "output_mtok": "10"}
    own = await write(create_override, world.acme.id, **GPT, rates=rates, reason="PO 7", **HERS)
    await write(create_override, world.globex.id, **GPT, free=True, **HERS)
    everybody = await write(create_override, GLOBAL, **GPT, percent="-5", **HERS)

    found = (await own_prices(await world.scope())).overrides

    assert [item.override for item in found] == [own, everybody]
    assert own.rates == rates
    assert [item.record.is_global for item in found] == [False, True]
    assert (found[0].record.reason, found[0].record.created_by) == ("PO 7", "alice@example.com")
    assert [item.override for item in (await own_prices_of(world.database, GLOBAL)).overrides] == [
        everybody
    ]


async def test_an_alias_comes_back_as_it_was_made(world: World) -> None:
    made = await world.database.write(
        create_alias,
        world.acme.id,
        provider=" azure ",
        model="our-prod",
        to_provider="azure",
        to_model="gpt-5",
        effective_from_ms=DAY_MS,
        effective_to_ms=2 * DAY_MS,
        **HERS,
    )

    [found] = (await own_prices(await world.scope())).aliases

    assert found.alias == made
    assert (made.provider, made.effective_to_ms) == ("azure", 2 * DAY_MS)


async def test_a_revoked_price_holds_no_more_and_stays_on_record(world: World) -> None:
    write = world.database.write
    made = await write(create_override, world.acme.id, **GPT, free=True, **HERS)

    await write(revoke, world.acme.id, made.id, by=BOB, now_ms=NOW_MS + 1)

    found = await own_prices(await world.scope())
    assert not found.custom(is_global=False)
    [record] = [own.record for own in found.overrides]
    assert (record.revoked_ms, record.revoked_by) == (NOW_MS + 1, "bob@example.com")
    with pytest.raises(NotFound):
        await write(revoke, world.acme.id, made.id, by=BOB, now_ms=NOW_MS)


async def test_nobody_revokes_what_is_another_s(world: World) -> None:
    write = world.database.write
    made = await write(create_override, world.acme.id, **GPT, free=True, **HERS)
    everybody = await write(create_override, GLOBAL, **GPT, free=True, **HERS)

    for workspace_id, public_id in ((world.globex.id, made.id), (world.acme.id, everybody.id)):
        with pytest.raises(NotFound):
            await write(revoke, workspace_id, public_id, **HERS)
    with pytest.raises(NotFound):
        await write(revoke, GLOBAL, made.id, **HERS)


async def test_two_prices_of_one_model_from_one_day_are_refused_until_one_is_revoked(
    world: World,
) -> None:
    write = world.database.write
    first = await write(create_override, world.acme.id, **GPT, free=True, **HERS)
    spelled: dict[str, Any] = {"provider": "OpenAI", "model": "openai/GPT-4o"}

    with pytest.raises(AlreadyExists, match=first.id):
        await write(create_override, world.acme.id, **spelled, percent="5", **HERS)
    await write(create_override, world.acme.id, **spelled, percent="5", service_tier="b", **HERS)
    await write(create_override, world.acme.id, **spelled, percent="5", effective_from_ms=1, **HERS)
    await write(create_override, world.globex.id, **spelled, percent="5", **HERS)
    await write(revoke, world.acme.id, first.id, **HERS)
    await write(create_override, world.acme.id, **spelled, percent="5", **HERS)


async def test_what_makes_no_sense_is_not_stored(world: World) -> None:
    with pytest.raises(InvalidValue):
        await world.database.write(create_override, world.acme.id, **GPT, percent="-101", **HERS)
    with pytest.raises(InvalidValue):
        await world.database.write(
            create_override, world.acme.id, provider="x\u0000", model="m", free=True, **HERS
        )

    assert (await world.database.write(read_own_prices, world.acme.id)).overrides == []
