"""Recorded usage at another model's prices: exact, per feature, and honest about the rest."""

import re
from typing import Any

import pytest

from llmtrack.domain.costs import CostFlag, CostStatus
from llmtrack.domain.money import usd_text
from llmtrack.domain.spans import Span
from llmtrack.domain.usage import Usage
from llmtrack.domain.what_if import total_of
from llmtrack.services.price_books import bundled_book
from llmtrack.services.what_if import Comparing, Target, what_if
from llmtrack.storage.usage import UsageWriter
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.storage.seeded import repeatable
from tests.web.conftest import Client
from tests.web.people import sign_in

SPAN = Span(NOW_MS - 86_400_000, NOW_MS)


async def store(world: World, events: list[dict[str, Any]]) -> None:
    times: dict[str, Any] = {"received_ms": NOW_MS, "key_id": world.acme_key.key.id}
    made = [
        make_event(world.acme.id, **{"timestamp_ms": NOW_MS - 60_000, **times, **event})
        for event in events
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, made, 1))


def usages() -> list[Usage]:
    """With and without cached parts, large and small, with only one side known."""
    source = repeatable("what if")
    found = []
    for number in range(2_500):  # more than two batches
        whole = source.choice([7, 1_234, 250_000])
        found.append(
            Usage(
                input_tokens=whole,
                output_tokens=source.choice([None, 0, 321]) if number % 5 == 0 else 99,
                cache_read_tokens=source.choice([None, whole // 3]),
                cache_write_tokens=source.choice([None, whole // 7]),
            )
        )
    return found


def tier_of(place: int) -> str | None:
    return "batch" if place % 11 == 0 else None


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro")],
)
async def test_each_request_is_priced_by_itself_and_sums_are_exact(
    world: World, provider: str, model: str
) -> None:
    made = usages()
    await store(
        world,
        [
            {
                "usage": usage,
                "cost_pico": 1_000 + place,
                "feature": ("chat", "search", "a/b")[place % 3],
                "timestamp_ms": NOW_MS - 80_000_000 + place * 17,
                "service_tier": tier_of(place),
            }
            for place, usage in enumerate(made)
        ],
    )
    book = bundled_book()
    expected = [
        book.price(provider, model, usage, at_ms=NOW_MS, service_tier=tier_of(place))
        for place, usage in enumerate(made)
    ]
    scope = await world.scope()
    async with scope.reading() as reading:
        comparing = Comparing(SPAN, {}, (book, Target(provider, model, NOW_MS)))
        found = await what_if(reading, comparing)

    assert len(found) == 3
    total = total_of(list(found.values()))
    known = [cost for cost in expected if cost.cost_pico is not None]
    assert total.events == len(made)
    assert total.after_pico == sum(cost.cost_pico or 0 for cost in known)
    assert total.before_pico == sum(
        1_000 + place for place, cost in enumerate(expected) if cost.cost_pico is not None
    )
    assert total.lower_bounds == sum(cost.status is CostStatus.PARTIAL for cost in known)
    assert total.flags[CostFlag.TIER_IGNORED] == sum(
        bool(cost.flags & CostFlag.TIER_IGNORED) for cost in known
    )


async def test_what_cannot_be_compared_is_in_no_sum_and_is_told(
    client: Client, world: World
) -> None:
    priced = {"usage": Usage(input_tokens=1_000_000, output_tokens=0), "cost_pico": 10**12}
    await store(
        world,
        [
            priced,
            {**priced, "cost_pico": None, "cost_status": CostStatus.UNPRICED},
            {"usage": Usage(), "cost_pico": None, "cost_status": CostStatus.NO_USAGE},
            {
                "usage": Usage(input_tokens=10, output_tokens=0),
                "cost_pico": None,
                "cost_status": CostStatus.INVALID_USAGE,
            },
        ],
    )
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/what-if?period=24h&target=openai/gpt-4o-mini"
    async with client.get(path) as response:
        assert response.status == 200
        text = re.sub(r"<[^>]+>", "", await response.text())

    expected = bundled_book().price(
        "openai", "gpt-4o-mini", Usage(input_tokens=1_000_000, output_tokens=0), at_ms=NOW_MS
    )
    assert expected.cost_pico is not None
    assert f"${usd_text(expected.cost_pico)}" in text  # $0.15
    assert "$1.00" in text
    assert "Without a cost as they were made: 1." in text
    assert "because they told no token counts: 1." in text
    assert "because their counts contradict each other: 1." in text


@pytest.mark.parametrize("to", ["nobody/nothing", "gpt-4o-mini", "/", "x" * 400])
async def test_a_model_without_a_price_is_told(client: Client, world: World, to: str) -> None:
    await store(world, [{}])
    await sign_in(client, "bob")
    async with client.get(f"/w/{world.acme.public_id}/what-if", params={"target": to}) as response:
        assert response.status == 200
        text = await response.text()
    assert "It would be" not in text
    if to == "nobody/nothing":
        assert "There is no price for" in text
