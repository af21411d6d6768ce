"""How sure a cost is, and which rates it was computed from."""

from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.charges import explain
from llmtrack.domain.costs import rate_texts
from llmtrack.domain.money import usd_text
from llmtrack.domain.pricing import (
    Cost,
    CostFlag,
    CostStatus,
    CustomPrices,
    Override,
    PriceBook,
    RateCard,
)
from llmtrack.domain.usage import COUNT_MAX, ReportedUsage, Usage, canonical_usage

BOOK = PriceBook.bundled((Path(__file__).parents[2] / "llmtrack/prices.json").read_bytes())
NOW = int(datetime.fromisoformat("2026-11-20T12:00:00Z").timestamp() * 1000)
SMALL = Usage(input_tokens=1000, output_tokens=100, total_tokens=1100)


def price(
    provider: str, model: str, usage: Usage = SMALL, *, book: PriceBook = BOOK, **how: Any
) -> Cost:
    return book.price(provider, model, usage, **{"at_ms": NOW} | how)


def usd(cost: Cost) -> str | None:
    return None if cost.cost_pico is None else usd_text(cost.cost_pico)


@pytest.mark.parametrize(
    ("model", "counts", "amount", "status"),
    [
        ("gpt-4o", {"input_tokens": 1000, "output_tokens": 100}, "0.0035", "priced"),
        ("gpt-4o", {"input_tokens": 0, "output_tokens": 0}, "0", "priced"),
        ("gpt-4o", {"input_tokens": 1000}, "0.0025", "partial"),
        ("gpt-4o", {"output_tokens": 100}, "0.001", "partial"),
        ("gpt-4o", {"cache_read_tokens": 1000}, "0.00125", "partial"),
        ("gpt-4o", {"reasoning_tokens": 100}, "0.001", "partial"),
        ("gpt-4o", {"total_tokens": 1000}, None, "insufficient_usage"),
        ("gpt-4o", {}, None, "no_usage"),
        ("gpt-4o", {"input_tokens": 5, "problem": "a contradiction"}, None, "invalid_usage"),
        ("gpt-99", {}, None, "no_usage"),
        ("gpt-99", {"input_tokens": 5, "problem": "a contradiction"}, None, "invalid_usage"),
        ("gpt-99", {"input_tokens": 5}, None, "unpriced"),
        ("gpt-99", {"total_tokens": 5}, None, "unpriced"),
        ("text-embedding-3-large", {"input_tokens": 1}, "0.00000013", "priced"),
        ("text-embedding-3-large", {"total_tokens": 1}, "0.00000013", "priced"),
        (
            "text-embedding-3-large",
            {"input_tokens": 1, "output_tokens": 9},
            "0.00000013",
            "partial",
        ),
        ("omni-moderation-latest", {"input_tokens": 5, "output_tokens": 0}, "0", "priced"),
        ("omni-moderation-latest", {"total_tokens": 5}, "0", "priced"),
        ("whisper-1", {"input_tokens": 5, "output_tokens": 5}, None, "insufficient_usage"),
        ("gpt-5", {"input_tokens": 0, "output_tokens": 0, "web_searches": 3}, "0.03", "priced"),
        ("gpt-4", {"input_tokens": 0, "output_tokens": 0, "web_searches": 3}, "0", "partial"),
    ],
)
def test_the_status_says_how_sure_the_figure_is(
    model: str, counts: dict[str, Any], amount: str | None, status: str
) -> None:
    cost = price("openai", model, Usage(**counts))
    assert (usd(cost), cost.status.label) == (amount, status)
    assert (cost.rate_card is None) == (amount is None)


def test_equal_prices_need_only_a_total() -> None:
    total = Usage(total_tokens=10**6)
    assert usd(price("groq", "gemma2-9b-it", total)) == "0.2"


def test_a_cost_beyond_what_can_be_stored_is_invalid() -> None:
    huge = Usage(input_tokens=COUNT_MAX, output_tokens=0, total_tokens=COUNT_MAX)
    assert price("openai", "gpt-4o", huge).status is CostStatus.PRICED
    beyond = price("openai", "o1-pro", huge)
    assert (beyond.status, beyond.cost_pico) == (CostStatus.INVALID_USAGE, None)
    assert beyond.flags == CostFlag.BEYOND_BOUND


def test_a_part_without_a_rate_takes_its_whole_s_and_says_so() -> None:
    cached = Usage(input_tokens=1000, output_tokens=10, cache_read_tokens=512)
    cost = price("openai", "gpt-4-turbo", cached)
    assert (usd(cost), cost.flags) == ("0.0103", CostFlag.RATE_FALLBACK)
    assert price("openai", "gpt-4o", cached).flags == 0


def test_cached_audio_is_as_little_as_it_can_be() -> None:
    usage = Usage(input_tokens=100, output_tokens=0, input_audio_tokens=70, cache_read_tokens=50)
    cost = price("openai", "gpt-realtime", usage)
    assert cost.flags & CostFlag.OVERLAP_ASSUMED
    assert cost.rate_card is not None
    counts = {line.token_class: line.count for line in explain(usage, cost.rate_card)}
    assert counts == {"input_audio": 50, "cache_audio_read": 20, "cache_read": 30}


def test_an_unknown_kind_of_charge_is_told() -> None:
    assert price("google", "gemini-3-pro-image-preview").flags & CostFlag.UNMETERED_PARTS
    assert not price("google", "gemini-2.5-pro").flags


@pytest.mark.parametrize(
    ("tier", "amount", "context", "flags"),
    [
        (None, "10", "", 0),
        ("", "10", "", 0),
        ("default", "10", "", 0),
        ("auto", "10", "", 0),
        ("flex", "5", "flex", 0),
        ("Flex", "5", "flex", 0),
        ("priority", "17.5", "priority", 0),
        ("batch", "5", "batch", 0),
        ("flexx", "10", "", CostFlag.TIER_IGNORED),
    ],
)
def test_a_service_tier_has_its_own_rates_or_is_told_to_be_ignored(
    tier: str | None, amount: str, context: str, flags: int
) -> None:
    usage = Usage(input_tokens=10**6, output_tokens=10**6)
    cost = price("openai", "o3", usage, service_tier=tier)
    assert (usd(cost), cost.flags) == (amount, flags)
    assert cost.rate_card is not None
    assert cost.rate_card.context == context


def test_a_tier_of_size_begins_above_its_start_and_prices_the_whole_request() -> None:
    def at(size: int) -> tuple[str | None, int]:
        cost = price("google", "gemini-2.5-pro", Usage(input_tokens=size, output_tokens=1000))
        assert cost.rate_card is not None
        return usd(cost), cost.rate_card.tier_start

    assert at(200_000) == ("0.26", 0)
    assert at(200_001) == ("0.5150025", 200_000)


@pytest.mark.parametrize(
    ("at", "amount", "window"),
    [
        ("2026-07-01T02:00:00Z", "0.14", ""),  # peak hours came with the price of September
        ("2026-09-10T00:00:00Z", "0.15", "2026-09-10"),
        ("2026-09-10T01:00:00Z", "0.3", "01:00-04:00Z"),
        ("2026-11-20T04:00:00Z", "0.15", "2026-09-10"),
        ("2026-11-20T06:00:00+02:00", "0.15", "2026-09-10"),
    ],
)
def test_time_of_day_and_history_follow_the_event_s_utc_time(
    at: str, amount: str, window: str
) -> None:
    usage = Usage(input_tokens=10**6, output_tokens=0)
    at_ms = int(datetime.fromisoformat(at).timestamp() * 1000)
    cost = price("deepseek", "deepseek-v4-flash", usage, at_ms=at_ms)
    assert usd(cost) == amount
    assert cost.rate_card is not None
    assert cost.rate_card.window == window


def test_before_the_first_price_the_first_one_is_taken_and_told() -> None:
    data = b"""{"format": 1, "source": "test", "version": "7", "date": "2026-01-01", "providers": [
      {"id": "p", "name": "P", "models": [{"id": "m", "match": {"equals": "m"}, "prices": [
        {"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": "1"}},
        {"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": "2"}}]}]}]}"""
    cost = price("p", "m", Usage(input_tokens=10**6), book=PriceBook.bundled(data), at_ms=0)
    assert (usd(cost), cost.flags) == ("1", CostFlag.BEFORE_FIRST_PRICE)
    assert cost.rate_card is not None
    assert cost.rate_card.origin == "list:7"


def test_a_card_is_the_same_forever() -> None:
    card = price("openai", "gpt-4o-mini").rate_card
    assert card is not None
    assert card.as_json() == (
        '{"context":"","model":"gpt-4o-mini","origin":"list:0.2.3","provider":"openai","rates":'
        '{"cache_read_mtok":"0.075","input_mtok":"0.15","output_mtok":"0.6","web_searches_kcount":'
        '"10"},"tier_start":0,"window":""}'
    )
    assert card.digest == RateCard.from_json(card.as_json()).digest
    assert RateCard.from_json(card.as_json()) == card


def test_figures_do_not_depend_on_the_caller_s_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 3
        texts = rate_texts([("input_mtok", Decimal("0.08333333333333330"))])
        card = RateCard("list:1", "p", "m", rates=texts)
    assert texts == (("input_mtok", "0.0833333333333333"),)
    assert card.pico_rates == ({"input_mtok": 833333333333333}, 10)


def test_one_rounding_to_even_at_the_end() -> None:
    def cost_of(rate: str, count: int) -> int | None:
        rates = {"input_mtok": rate, "output_mtok": "0"}
        override = Override(id="1", provider="openai", model="gpt-4o", rates=rates)
        book = BOOK.with_custom(CustomPrices([override]))
        return price("openai", "gpt-4o", Usage(input_tokens=count), book=book).cost_pico

    assert [cost_of("0.0000005", n) for n in (1, 2, 3, 5)] == [0, 1, 2, 2]
    assert cost_of("0.0000004", 1) == 0
    assert cost_of("0.0000004", 10) == 4


def test_the_rates_that_hold_can_be_asked_for() -> None:
    card = BOOK.rate_card("openai", "gpt-4o-mini", at_ms=NOW)
    assert card is not None
    assert dict(card.rates)["input_mtok"] == "0.15"
    assert BOOK.rate_card("openai", "gpt-99", at_ms=NOW) is None


def test_xai_reasoning_costs_output() -> None:
    reported = ReportedUsage(
        provider="xai", input_tokens=100, output_tokens=10, total_tokens=610, reasoning_tokens=500
    )
    cost = price("xai", "grok-4", canonical_usage(reported))
    assert usd(cost) == "0.00795"  # 100 x 3 + 510 x 15
