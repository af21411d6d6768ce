"""The quick sum of an event's cost is the sum of the lines that explain it."""

from decimal import Decimal
from itertools import product
from pathlib import Path

from llmtrack.domain.charges import charge, explain
from llmtrack.domain.costs import CostFlag, RateCard
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.usage import Usage

BOOK = PriceBook.bundled((Path(__file__).parents[2] / "llmtrack/prices.json").read_bytes())
NOVEMBER_MS = 1_795_176_000_000

RATES = {
    "input_mtok": "0.0833333333333333",
    "cache_read_mtok": "0.3",
    "cache_write_mtok": "3.75",
    "cache_write_1h_mtok": "6",
    "output_mtok": "15",
    "output_reasoning_mtok": "16",
    "requests_kcount": "10",
}


def _cards() -> list[RateCard]:
    """Every rate left out once, all together and none, and what the list has."""
    left_out = [*({key} for key in RATES), set(), {"output_reasoning_mtok", "requests_kcount"}]
    cards = [
        RateCard(
            origin="override:test",
            provider="acme",
            model="one",
            rates=tuple((key, rate) for key, rate in RATES.items() if key not in missing),
        )
        for missing in left_out
    ]
    for provider in BOOK.list.providers:
        for model in provider.models[:3]:
            card = BOOK.rate_card(provider.id, model.id, at_ms=NOVEMBER_MS)
            if card is not None:
                cards.append(card)
    return [*cards, RateCard(origin="override:free", provider="acme", model="free")]


def _usages() -> list[Usage]:
    usages = []
    for read, written, reasoning in product(
        (None, 0, 800), (None, (900, None), (900, 500)), (0, 7)
    ):
        short, hour = written or (None, None)
        usages.append(
            Usage(
                input_tokens=2003,
                output_tokens=301,
                cache_read_tokens=read,
                cache_write_tokens=short,
                cache_write_1h_tokens=hour,
                reasoning_tokens=reasoning,
            )
        )
    return usages


def test_the_cost_is_the_sum_of_its_lines_rounded_once() -> None:
    compared = 0
    for card, usage in product(_cards(), _usages()):
        cost, flags = charge(usage, card.tariff)
        lines = explain(usage, card)
        total = sum((line.amount_pico for line in lines), Decimal(0))
        assert cost == int(total.to_integral_value()), (card, usage)
        counted = sum(line.count for line in lines if line.token_class != "requests")
        assert counted == 2003 + 301
        has_fallback = any(line.price_key is None for line in lines)
        assert bool(flags & CostFlag.RATE_MISSING) == (bool(card.rates) and has_fallback)
        compared += 1
    assert compared > 2_000
