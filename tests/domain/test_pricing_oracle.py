"""The engine against genai_prices.calc_price: every row, usages, instants and service tiers.

Amounts must be equal to the pico-dollar wherever both give one. The kinds of difference that
are meant are named in `accepted`; anything else fails.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.charges import explain
from llmtrack.domain.money import pico_from_usd
from llmtrack.domain.price_list import KNOWN_KEYS, PICO_EXPONENTS
from llmtrack.domain.pricing import Cost, CostFlag, CostStatus, PriceBook
from llmtrack.domain.usage import Usage

genai_prices = pytest.importorskip(
    "genai_prices", reason="genai-prices, a development dependency, is missing"
)
data = pytest.importorskip("genai_prices.data")
data_units = pytest.importorskip("genai_prices.data_units")

BOOK = PriceBook.bundled((Path(__file__).parents[2] / "llmtrack/prices.json").read_bytes())
INSTANTS = [
    datetime(2024, 1, 15, 23, 59, 59, tzinfo=UTC),
    datetime(2025, 6, 9, 22, 0, tzinfo=UTC),
    datetime(2026, 7, 1, 2, 0, tzinfo=UTC),
    datetime(2026, 10, 13, 2, 30, tzinfo=UTC),
    datetime(2026, 11, 20, 16, 30, tzinfo=UTC),
    datetime(2027, 1, 2, 7, 0, tzinfo=UTC),
]
NOVEMBER = INSTANTS[4]
TIERS: dict[str, dict[str, str]] = {
    "": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "default": {"service_tier": "default"},
    "fast": {"speed": "fast", "service_tier": "fast"},
}
USAGES = [
    {"input": 0, "output": 0},
    {"input": 1, "output": 1},
    {"input": 1003, "output": 77, "cache_read": 901},
    {"input": 20_011, "output": 503, "cache_read": 8009, "cache_write": 10_007},
    {"input": 999_983, "output": 3, "cache_write": 600_011, "cache_write_1h": 400_009},
    {"input": 200_000, "output": 128_000, "reasoning": 65_537},
    {"input": 3001, "output": 211, "input_audio": 2003, "output_audio": 101},
    {"input": 3001, "output": 211, "input_audio": 2003, "cache_read": 1500, "web_searches": 7},
]
REVEALING = (USAGES[4], USAGES[5], USAGES[7])
"""Every kind of rate and both sides of every threshold: enough for a row's further prices."""
THEIR_NAMES = {
    "reasoning": "output_reasoning_tokens",
    "web_searches": "web_searches",
    "cache_audio_read": "cache_audio_read_tokens",
}


def our_usage(counts: dict[str, int]) -> Usage:
    named: dict[str, Any] = {
        name if name == "web_searches" else f"{name}_tokens": n for name, n in counts.items()
    }
    return Usage(**named, total_tokens=counts["input"] + counts["output"])


def their_usage(counts: dict[str, int]) -> Any:
    """Theirs wants to be told how many tokens are both audio and cached; ours infers it."""
    both = counts.get("input_audio", 0) + counts.get("cache_read", 0) - counts["input"]
    told = counts | {"cache_audio_read": max(0, both)}
    return genai_prices.Usage(
        **{THEIR_NAMES.get(name, f"{name}_tokens"): n for name, n in told.items()}
    )


def instants(model: Any) -> Iterator[datetime]:
    """A spread, and both sides of every instant at which this row changes."""
    yield NOVEMBER
    windows = model.prices if isinstance(model.prices, list) else []
    parts = [*windows, *(model.price_variants or ())]
    constraints = [part.constraint for part in parts if part.constraint is not None]
    if constraints:
        yield from INSTANTS
    for constraint in {str(constraint): constraint for constraint in constraints}.values():
        if hasattr(constraint, "start_date"):
            changes = [datetime.combine(constraint.start_date, time(), UTC)]
        else:
            day = NOVEMBER.date()
            changes = [
                datetime.combine(day, constraint.start_time),
                datetime.combine(day, constraint.end_time),
            ]
        for change in changes:
            yield from (change - timedelta(milliseconds=1), change)


def grid() -> Iterator[tuple[Any, Any, datetime, str]]:
    for provider in data.providers:
        for model in provider.models:
            tiers = TIERS if model.price_variants else ("",)
            for at in instants(model):
                for tier in tiers:
                    yield provider, model, at, tier


def has_early_hours(model: Any, at: datetime) -> bool:
    """Whether hours hold for theirs although the dated price they follow is yet to come."""
    starts: list[Any] = []
    for window in model.prices if isinstance(model.prices, list) else ():
        if hasattr(window.constraint, "start_date"):
            starts.append(window.constraint.start_date)
        elif window.constraint is not None and window.constraint.active(at):
            return bool(starts) and at.date() < starts[-1]
    return False


def accepted(cost: Cost, prices: set[str], theirs: int) -> str | None:
    """Why a difference in the figure is meant. None: it is not."""
    if cost.status is CostStatus.UNPRICED and not prices:
        return "an empty record that nobody documents as free is no price of 0"
    if cost.status is CostStatus.INSUFFICIENT_USAGE and not prices & PICO_EXPONENTS.keys():
        return "billed by hours, pages or characters: tokens have no price, not a price of 0"
    if cost.status is CostStatus.PARTIAL and cost.cost_pico == theirs:
        return "the same figure, told as a lower bound because something counted has no rate"
    return None


def test_every_row_costs_what_genai_prices_says() -> None:
    reasons: Counter[str] = Counter()
    compared = 0
    wrong = []
    asked = [(counts, our_usage(counts), their_usage(counts)) for counts in USAGES]
    further = [one for one in asked if one[0] in REVEALING]
    for provider, model, at, tier in grid():
        at_ms = round(at.timestamp() * 1000)
        for counts, usage, reported in asked if (at, tier) == (NOVEMBER, "") else further:
            cost = BOOK.price(provider.id, model.id, usage, at_ms=at_ms, service_tier=tier or None)
            calculation = model.calc_price(
                reported, provider, genai_request_timestamp=at, price_context=TIERS[tier]
            )
            theirs = pico_from_usd(calculation.total_price)
            compared += 1
            if cost.status is CostStatus.PRICED and cost.cost_pico == theirs:
                continue
            prices = {key for key, n in vars(calculation.model_price).items() if n is not None}
            reason = accepted(cost, prices, theirs)
            if reason is None and has_early_hours(model, at):
                reason = "peak hours did not exist before the dated price that they double"
            if reason is None:
                wrong.append((provider.id, model.id, at.isoformat(), tier, counts, cost, theirs))
            else:
                reasons[reason] += 1
    assert wrong[:5] == []
    assert len(reasons) == 4, reasons
    assert compared > 30_000


def test_the_explained_lines_add_up_to_the_cost() -> None:
    for provider, model, at, tier in grid():
        usage = our_usage(USAGES[-1])
        at_ms = round(at.timestamp() * 1000)
        cost = BOOK.price(provider.id, model.id, usage, at_ms=at_ms, service_tier=tier or None)
        if cost.rate_card is not None:
            lines = explain(usage, cost.rate_card)
            assert round(sum(line.amount_pico for line in lines)) == cost.cost_pico


def test_every_name_of_the_list_means_its_own_row() -> None:
    def equals(clause: Any) -> Iterator[str]:
        if hasattr(clause, "equals"):
            yield clause.equals
        for part in getattr(clause, "or_", ()):
            yield from equals(part)

    for provider in data.providers:
        for model in provider.models:
            for name in (model.id, *equals(model.match)):
                match = BOOK.match(provider.id, name)
                assert match is not None, (provider.id, name)
                assert (match.provider, match.model.id) == (provider.id, model.id)


def test_service_tiers_without_a_rate_are_told() -> None:
    """Theirs falls back to the standard price without a word."""
    usage, at = our_usage(USAGES[1]), NOVEMBER
    for provider in data.providers:
        for model in provider.models:
            cost = BOOK.price(
                provider.id,
                model.id,
                usage,
                at_ms=round(at.timestamp() * 1000),
                service_tier="batch",
            )
            has_rate = any(
                variant.when == {"processing": "batch"}
                and (variant.constraint is None or variant.constraint.active(at))
                for variant in model.price_variants or ()
            )
            if cost.rate_card is not None:
                assert bool(cost.flags & CostFlag.TIER_IGNORED) != has_rate
                assert cost.rate_card.context == ("batch" if has_rate else "")


def test_every_unit_that_can_be_priced_upstream_is_known_or_refused() -> None:
    used = {
        key
        for provider in BOOK.list.providers
        for model in provider.models
        for window in model.windows
        for key in window.prices
    }
    assert used <= KNOWN_KEYS <= {unit["price_key"] for unit in data_units.unit_data.values()}
    assert BOOK.list.refused == ()
