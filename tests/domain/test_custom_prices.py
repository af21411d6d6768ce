"""Prices of one's own: overrides, percentages, aliases, and in which order they hold."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.money import usd_text
from llmtrack.domain.pricing import (
    Alias,
    Cost,
    CostFlag,
    CostStatus,
    CustomPrices,
    Override,
    PriceBook,
)
from llmtrack.domain.usage import Usage

BOOK = PriceBook.bundled((Path(__file__).parents[2] / "llmtrack/prices.json").read_bytes())
NOW = 1_795_176_000_000  # 2026-11-20T12:00Z
SMALL = Usage(input_tokens=1000, output_tokens=100, total_tokens=1100)


def price(
    provider: str, model: str, usage: Usage = SMALL, *, book: PriceBook = BOOK, **how: Any
) -> Cost:
    return book.price(provider, model, usage, **{"at_ms": NOW} | how)


def usd(cost: Cost) -> str | None:
    return None if cost.cost_pico is None else usd_text(cost.cost_pico)


def own(**override: Any) -> CustomPrices:
    fields: dict[str, Any] = {"id": "1", "provider": "openai", "model": "gpt-4o"}
    return CustomPrices([Override(**fields | override)])


def test_an_override_stands_above_the_list_and_says_whose_it_is() -> None:
    book = BOOK.with_custom(own(rates={"input_mtok": "1", "output_mtok": "2"}))
    cost = price("openai", "gpt-4o", book=book)
    assert usd(cost) == "0.0012"
    assert cost.rate_card is not None
    assert cost.rate_card.origin == "override:1"
    assert usd(price("openai", "openai/GPT-4o", book=book)) == "0.0012"
    assert usd(price("openai", "gpt-4o-2024-11-20", book=book)) == "0.0012"  # the same row
    assert usd(price("openai", "gpt-4o-mini", book=book)) == "0.00021"
    assert usd(price("openai", "gpt-4o")) == "0.0035"


def test_a_percentage_adjusts_the_price_that_would_hold() -> None:
    discount = own(percent="-12.5")
    assert usd(price("openai", "gpt-4o", book=BOOK.with_custom(discount))) == "0.0030625"
    everywhere = own(rates={"input_mtok": "1", "output_mtok": "2"}, id="2")
    both = BOOK.with_custom(discount, everywhere)
    assert usd(price("openai", "gpt-4o", book=both)) == "0.00105"
    batch = price("openai", "gpt-4o", book=BOOK.with_custom(discount), service_tier="batch")
    assert usd(batch) == "0.00153125"
    assert usd(price("openai", "gpt-99", book=BOOK.with_custom(own(percent="5")))) is None


def test_free_is_said_and_not_a_rate_that_is_missing() -> None:
    cost = price("openai", "gpt-4o", book=BOOK.with_custom(own(free=True)))
    assert (usd(cost), cost.status) == ("0", CostStatus.PRICED)


def test_an_own_model_of_an_unknown_provider_can_have_a_price() -> None:
    rates = {"input_mtok": "0.5", "output_mtok": "1"}
    book = BOOK.with_custom(own(provider="My Gateway", model="Llama", rates=rates))
    assert usd(price("my_gateway", "llama", book=book)) == "0.0006"


def test_an_alias_gives_a_name_the_price_of_a_model() -> None:
    alias = Alias(id="1", provider="azure", model="our-prod", to_provider="azure", to_model="gpt-5")
    book = BOOK.with_custom(CustomPrices(aliases=[alias]))
    cost = price("azure", "azure/our-prod", book=book)
    assert usd(cost) == "0.00225"
    assert cost.rate_card is not None
    assert cost.rate_card.model == "gpt-5"
    everything = Override(id="2", provider="azure", model="*", percent="-10")
    discounted = BOOK.with_custom(CustomPrices([everything], [alias]))
    assert usd(price("azure", "our-prod", book=discounted)) == "0.002025"  # once, not twice


def test_the_workspace_comes_before_the_installation_and_an_override_before_an_alias() -> None:
    def alias(to: str) -> Alias:
        return Alias(id="1", provider="x", model="m", to_provider="openai", to_model=to)

    rates = {"input_mtok": "7", "output_mtok": "0"}
    override = Override(id="1", provider="x", model="m", rates=rates)
    orders = [
        ((CustomPrices([override], [alias("gpt-4o")]), CustomPrices()), "0.007"),
        ((CustomPrices(aliases=[alias("gpt-4o")]), CustomPrices([override])), "0.0035"),
        ((CustomPrices(), CustomPrices([override], [alias("gpt-4o")])), "0.007"),
        ((CustomPrices(), CustomPrices(aliases=[alias("gpt-5")])), "0.00225"),
    ]
    for scopes, amount in orders:
        assert usd(price("x", "m", book=BOOK.with_custom(*scopes))) == amount


def test_aliases_that_point_at_each_other_end() -> None:
    there = Alias(id="1", provider="x", model="a", to_provider="x", to_model="b")
    back = Alias(id="2", provider="x", model="b", to_provider="x", to_model="a")
    book = BOOK.with_custom(CustomPrices(aliases=[there, back]))
    assert price("x", "a", book=book).status is CostStatus.UNPRICED


def test_overrides_hold_from_and_to_their_dates_and_the_newer_wins() -> None:
    def rate(number: int, start: int | None, end: int | None = None) -> Override:
        rates = {"input_mtok": str(number), "output_mtok": "0"}
        return Override(
            id=str(number), provider="x", model="m", rates=rates, effective_from_ms=start,
            effective_to_ms=end,
        )  # fmt: skip

    book = BOOK.with_custom(CustomPrices([rate(1, None), rate(2, 1000), rate(3, 2000, 3000)]))
    usage = Usage(input_tokens=10**6, output_tokens=0)
    costs = [price("x", "m", usage, book=book, at_ms=at) for at in (0, 999, 1000, 2000, 2999, 3000)]
    assert [usd(cost) for cost in costs] == ["1", "1", "2", "3", "3", "2"]


def test_an_override_for_one_service_tier_holds_for_that_tier() -> None:
    standard = Override(id="1", provider="x", model="m", rates={"input_mtok": "2"})
    batch = Override(
        id="2", provider="x", model="m", rates={"input_mtok": "1"}, service_tier="batch"
    )
    book = BOOK.with_custom(CustomPrices([standard, batch]))
    usage = Usage(input_tokens=10**6)
    tiers = {
        tier: price("x", "m", usage, book=book, service_tier=tier) for tier in ("", "batch", "flex")
    }
    assert {tier: (usd(cost), cost.flags) for tier, cost in tiers.items()} == {
        "": ("2", 0),
        "batch": ("1", 0),
        "flex": ("2", CostFlag.TIER_IGNORED),
    }


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("rates", {}),
        ("rates", {"rates": {}}),
        ("rates", {"free": True, "percent": "5"}),
        ("input_mtok", {"rates": {"input_mtok": "a lot"}}),
        ("input_mtok", {"rates": {"input_mtok": "-1"}}),
        ("input_mtok", {"rates": {"input_mtok": "NaN"}}),
        ("input_mtok", {"rates": {"input_mtok": "1e-40"}}),
        ("image", {"rates": {"image": "1"}}),
        ("percent", {"percent": "-101"}),
        ("percent", {"percent": "ten"}),
        ("provider", {"provider": "*", "free": True}),
        ("model", {"model": " ", "free": True}),
        ("effective_to", {"free": True, "effective_from_ms": 5, "effective_to_ms": 5}),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(field: str, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as refused:
        own(**bad)
    assert refused.value.field == field


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(InvalidValue):
        Alias(id="1", provider="azure", model="x", to_provider="azure_openai", to_model="azure/X")


def test_the_remembered_way_to_a_price_is_the_one_that_is_explained() -> None:
    gpt: dict[str, Any] = {"provider": "openai", "model": "gpt-4o"}
    ours: dict[str, Any] = {"provider": "azure", "model": "ours"}
    workspace = CustomPrices(
        [
            Override(id="a", **gpt, percent="-10", effective_from_ms=100),
            Override(id="b", **gpt, rates={"input_mtok": "9"}, effective_to_ms=50),
            Override(id="c", **gpt, free=True, service_tier="batch", effective_from_ms=200),
        ],
        [
            Alias(id="d", **ours, to_provider="openai", to_model="gpt-4o", effective_from_ms=150),
        ],
    )
    everybody = CustomPrices(
        [Override(id="e", provider="*", model="*", percent="25", effective_to_ms=300)],
        [Alias(id="f", **ours, to_provider="openai", to_model="gpt-5-mini")],
    )
    book = BOOK.with_custom(workspace, everybody)
    usage = Usage(input_tokens=1000, output_tokens=10, total_tokens=1010)
    cards = set()
    for at_ms in (300, 299, 200, 199, 150, 149, 100, 99, 50, 49, 0):
        for names, tier in product((gpt, ours), (None, "batch", "flex")):
            told = book.lookup(
                names["provider"], names["model"], at_ms=at_ms, service_tier=tier, input_tokens=1000
            )
            for _ in range(2):  # found out, and remembered
                cost = book.price(
                    names["provider"], names["model"], usage, at_ms=at_ms, service_tier=tier
                )
                assert (cost.rate_card, CostFlag(cost.flags) & told.flags) == (
                    told.card,
                    told.flags,
                )
            cards.add(told.card)
    assert len(cards) >= 6
