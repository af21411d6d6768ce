"""Explain this cost: the lines add up to the stored cost, whatever holds today."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.errors import NotFound
from llmtrack.domain.events import UsageEvent
from llmtrack.domain.identifiers import event_uuid
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.explanation import ExplainedEvent, explain_event
from llmtrack.services.ingest import Ingest
from llmtrack.services.price_books import PriceBooks
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import GLOBAL, create_alias, create_override, revoke
from llmtrack.storage.usage import Outcome, PricedEvent
from tests.conftest import NOW_MS, World

HERS: dict[str, Any] = {"by": Actor(7, "alice@example.com"), "now_ms": NOW_MS}
CASES = json.loads((Path(__file__).parents[1] / "golden" / "pricing_cases.json").read_text())


async def stored(world: World, provider: str, model: str, **counts: Any) -> str:
    """The id of an event that was priced and stored as ingest does."""
    tier = counts.pop("service_tier", None)
    client_cost = counts.pop("client_cost_pico", None)
    reported = ReportedUsage(provider=provider, **counts)
    usage = canonical_usage(reported)
    book = await PriceBooks(world.database).find(world.acme.id)
    cost = book.price(provider, model, usage, at_ms=NOW_MS, service_tier=tier)
    event = UsageEvent(
        provider=provider, model=model, timestamp_ms=NOW_MS, received_ms=NOW_MS,
        reported=reported, service_tier=tier, client_cost_pico=client_cost,
    )  # fmt: skip
    ingest = Ingest(world.database)
    key_id = world.acme_key.key.id
    [result] = await ingest.add([PricedEvent(world.acme.id, key_id, "api", event, usage, cost)])
    await ingest.close()
    assert isinstance(result, Outcome)
    return event_uuid(result.timestamp_ms, result.event_id)


async def explained(world: World, event_id: str) -> ExplainedEvent:
    found = await explain_event(await world.scope(), PriceBooks(world.database), event_id)
    lines, cost = found.explanation.lines, found.explanation.cost_pico
    total = sum((line.amount_pico for line in lines), found.explanation.rounding_pico)
    assert total == Decimal(cost or 0)
    assert abs(found.explanation.rounding_pico) <= Decimal("0.5")
    return found


async def test_classes_times_rates_are_the_total(world: World) -> None:
    event_id = await stored(
        world, "openai", "gpt-4o-2024-11-20", input_tokens=1000, output_tokens=100,
        total_tokens=1100, cache_read_tokens=600, client_cost_pico=3_500_000_000,
    )  # fmt: skip

    event, explanation, source = await explained(world, event_id)

    lines = [(line.token_class, line.count, line.rate) for line in explanation.lines]
    assert lines == [("input", 400, "2.5"), ("cache_read", 600, "1.25"), ("output", 100, "10")]
    assert explanation.cost_pico == 2_750_000_000
    assert explanation.difference_pico == 750_000_000
    assert explanation.convention.endswith("total_tokens proves it.")
    assert (source.how, event.card and event.card.model) == ("exact", "gpt-4o")
    assert "lists gpt-4o-2024-11-20 by name" in source.text


@pytest.mark.parametrize(
    ("provider", "model", "how", "told"),
    [
        ("openai", "gpt-5-nano-20250807", "pattern", "starts with gpt-5-nano-"),
        ("azure", "gpt-5", "exact", "since this provider bills what openai does"),
        ("azure", "our-prod", "alias", "azure/our-prod is azure/gpt-5"),
        ("x", "own", "override", "(of every workspace)"),
        ("x", "unheard-of", "none", "No cost was computed"),
    ],
)
async def test_how_the_name_led_to_the_price_is_told(
    world: World, provider: str, model: str, how: str, told: str
) -> None:
    write = world.database.write
    to: dict[str, Any] = {"to_provider": "azure", "to_model": "gpt-5"}
    await write(create_alias, world.acme.id, provider="azure", model="our-prod", **to, **HERS)
    rates = {"input_mtok": "1", "output_mtok": "3"}
    await write(create_override, GLOBAL, provider="x", model="own", rates=rates, **HERS)
    event_id = await stored(world, provider, model, input_tokens=9, output_tokens=1)

    found = await explained(world, event_id)

    assert found.source.how == how
    assert told in found.source.text


async def test_the_stored_card_explains_after_the_price_has_changed(world: World) -> None:
    write = world.database.write
    rates = {"input_mtok": "7"}
    own: dict[str, Any] = {"provider": "openai", "model": "gpt-4o", "reason": "PO 7"}
    made = await write(create_override, world.acme.id, **own, rates=rates, **HERS)
    event_id = await stored(world, "openai", "gpt-4o", input_tokens=1000, output_tokens=0)
    await write(revoke, world.acme.id, made.id, **HERS)
    await write(create_override, world.acme.id, **own, free=True, **HERS)

    found = await explained(world, event_id)

    assert found.explanation.cost_pico == 7_000_000_000
    assert (found.source.how, made.id in found.source.text) == ("override", True)
    assert "PO 7, revoked since" in found.source.text


async def test_a_percentage_names_what_it_is_of(world: World) -> None:
    own: dict[str, Any] = {"provider": "openai", "model": "*", "percent": "-12.5"}
    await world.database.write(create_override, world.acme.id, **own, **HERS)
    event_id = await stored(world, "openai", "gpt-4o", input_tokens=1, output_tokens=0)

    source = (await explained(world, event_id)).source

    assert "-12.5% on what would hold otherwise" in source.text
    assert "openai/gpt-4o" in source.text


async def test_a_total_alone_is_explained_as_it_was_billed(world: World) -> None:
    event_id = await stored(world, "openai", "text-embedding-3-small", total_tokens=1_000_000)

    explanation = (await explained(world, event_id)).explanation

    assert [(line.token_class, line.count) for line in explanation.lines] == [("input", 1_000_000)]
    assert explanation.cost_pico == 20_000_000_000


@pytest.mark.parametrize(
    "case", [case for case in CASES["cases"] if "usage" in case], ids=lambda case: case["id"]
)
async def test_every_sample_case_adds_up(world: World, case: dict[str, Any]) -> None:
    usage = {
        name if name == "web_searches" else f"{name}_tokens": n
        for name, n in case["usage"].items()
        if n is not None
    }
    tier = case.get("price_context", {}).get("service_tier")
    event_id = await stored(world, case["provider"], case["model"], service_tier=tier, **usage)

    await explained(world, event_id)


async def test_another_workspace_s_event_is_not_found(world: World) -> None:
    event_id = await stored(world, "openai", "gpt-4o", input_tokens=1, output_tokens=0)
    books, outsider = PriceBooks(world.database), await world.scope(world.charlie)

    for wanted in (event_id, "no-id"):
        with pytest.raises(NotFound):
            await explain_event(outsider, books, wanted)
