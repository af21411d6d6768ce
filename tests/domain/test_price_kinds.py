"""Kinds of events that trackers get wrong, each with a cost that was worked out by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from llmtrack.domain.money import join_pico, split_pico, usd_text
from llmtrack.domain.pricing import CostFlag, CostStatus
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.price_books import bundled_book

BOOK = bundled_book()
NOVEMBER = "2026-11-20T12:00:00"
M = 10**6


def priced(
    provider: str, model: str, counts: dict[str, Any], *, at: str = NOVEMBER, tier: str = ""
) -> tuple[str | None, str, int]:
    named = {
        name if name in {"cache_accounting", "web_searches"} else f"{name}_tokens": value
        for name, value in counts.items()
    }
    usage = canonical_usage(ReportedUsage(provider=provider, **named))
    at_ms = round(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)
    cost = BOOK.price(provider, model, usage, at_ms=at_ms, service_tier=tier or None)
    usd = None if cost.cost_pico is None else usd_text(cost.cost_pico)
    return usd, cost.status.label, cost.flags


@pytest.mark.parametrize(
    ("provider", "model", "counts", "usd"),
    [
        # xAI: reasoning beside the completion, with and without a total: 32 x 3 + 209 x 15
        ("xai", "grok-4", {"input": 32, "output": 9, "reasoning": 200, "total": 241}, "0.003231"),
        ("xai", "grok-4", {"input": 32, "output": 9, "reasoning": 200}, "0.003231"),
        ("xai", "grok-4", {"input": 32, "output": 209, "reasoning": 200, "total": 241},
         "0.003231"),
        # Gemini's compatible API: the gap of the total is thought: 9 x 0.3 + 91 x 2.5
        ("google", "gemini-2.5-flash", {"input": 9, "output": 5, "total": 100}, "0.0002302"),
        # The cache beside the input, said or known: 100 x 2.5 + 300 x 1.25 + 5 x 10
        ("openai", "gpt-4o",
         {"input": 100, "output": 5, "cache_read": 300, "cache_accounting": "exclusive"},
         "0.000675"),
        # 100 x 3 + 300 x 0.3 + 5 x 15
        ("anthropic", "claude-sonnet-4-5", {"input": 100, "output": 5, "cache_read": 300},
         "0.000465"),
        # Inside, because the sender or the total says so: 200 x 3 + 300 x 0.3 + 5 x 15
        ("anthropic", "claude-sonnet-4-5",
         {"input": 500, "output": 5, "cache_read": 300, "cache_accounting": "inclusive"},
         "0.000765"),
        ("anthropic", "claude-sonnet-4-5",
         {"input": 500, "output": 5, "cache_read": 300, "total": 505}, "0.000765"),
        # Bedrock, regional +10 %, beside by its total: 3 x 3.3 + 300 x .33 + 100 x 4.125 + 5 x 16.5
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
         {"input": 3, "output": 5, "cache_read": 300, "cache_write": 100, "total": 408},
         "0.0006039"),
        # Cache writes of both lives: 0.6 M x 6.25 + 0.4 M x 10; the hour's part alone
        ("anthropic", "claude-opus-4-8",
         {"input": 0, "output": 0, "cache_write": M, "cache_write_1h": 400_000}, "7.75"),
        ("anthropic", "claude-opus-4-8", {"input": 0, "output": 0, "cache_write_1h": 400_000},
         "4"),
        # At a threshold and one above it: 1.25 and 10, then 2.5 and 15
        ("google", "gemini-2.5-pro", {"input": 200_000, "output": 10}, "0.2501"),
        ("google", "gemini-2.5-pro", {"input": 200_001, "output": 10}, "0.5001525"),
        # The threshold counts all input, cached too: 0.1 M x 6 + 0.100001 M x 0.6 + 0
        ("anthropic", "claude-sonnet-4-5",
         {"input": 100_000, "output": 0, "cache_read": 100_001}, "0.6600006"),
        ("openai", "text-embedding-3-small", {"total": 100}, "0.000002"),
        ("openai", "text-embedding-3-small", {"input": 100}, "0.000002"),
        ("openrouter", "deepseek/deepseek-r1:free", {"input": 10, "output": 10}, "0"),
    ],
)  # fmt: skip
def test_this_is_priced_in_full(
    provider: str, model: str, counts: dict[str, Any], usd: str
) -> None:
    assert priced(provider, model, counts) == (usd, "priced", 0)


@pytest.mark.parametrize(
    ("tier", "usd", "flags"),
    [
        *((name, "5", 0) for name in ("batch", "BATCH", " Batch ", "flex", "Flex")),
        ("priority", "17.5", 0),
        *((name, "10", 0) for name in ("", "default", "auto", "Standard", "ON_DEMAND")),
        *((name, "10", CostFlag.TIER_IGNORED) for name in ("scale", "flexx", "batches")),
    ],
)
def test_service_tiers_in_every_spelling(tier: str, usd: str, flags: int) -> None:
    assert priced("openai", "o3", {"input": M, "output": M}, tier=tier) == (usd, "priced", flags)


@pytest.mark.parametrize(
    ("model", "at", "usd"),
    [
        ("o3", "2025-06-09T23:59:59.999", "50"),
        ("o3", "2025-06-10T00:00:00", "10"),
        ("deepseek-chat", "2026-11-20T16:29:59.999", "1.37"),
        ("deepseek-chat", "2026-11-20T16:30:00", "0.685"),
        ("deepseek-chat", "2026-11-21T00:29:59.999", "0.685"),
        ("deepseek-chat", "2026-11-21T00:30:00", "1.37"),
    ],
)
def test_prices_change_at_their_instant(model: str, at: str, usd: str) -> None:
    provider = "openai" if model == "o3" else "deepseek"

    assert priced(provider, model, {"input": M, "output": M}, at=at)[0] == usd


@pytest.mark.parametrize(
    ("counts", "usd", "status"),
    [
        ({"total": 100}, None, CostStatus.INSUFFICIENT_USAGE),
        ({"output": 100}, "0.001", CostStatus.PARTIAL),
        ({"input": 100}, "0.00025", CostStatus.PARTIAL),
        ({"input": 100, "total": 105}, "0.0003", CostStatus.PRICED),
        ({"output": 5, "total": 105}, "0.0003", CostStatus.PRICED),
        ({"input": 100, "total": 90}, None, CostStatus.INVALID_USAGE),
        ({"input": 100, "output": 5, "total": 90}, None, CostStatus.INVALID_USAGE),
        ({"input": 100, "output": 5, "cache_read": 300, "cache_accounting": "inclusive"},
         None, CostStatus.INVALID_USAGE),
        ({"input": 100, "output": 5, "cache_read": 101, "total": 105},
         None, CostStatus.INVALID_USAGE),
        ({}, None, CostStatus.NO_USAGE),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_never_guessed(
    counts: dict[str, Any], usd: str | None, status: CostStatus
) -> None:
    assert priced("openai", "gpt-4o", counts)[:2] == (usd, status.label)


def test_sums_of_more_than_ten_million_dollars_are_exact() -> None:
    # 3 events of 4,000,000.000000000001 USD: a 64-bit sum of pico-USD would overflow at 9.2 M.
    pico = 4 * 10**18 + 1
    limbs = [split_pico(pico) for _ in range(3)]
    micro, rest = (sum(limb) for limb in zip(*limbs, strict=True))

    assert max(micro, rest) < 2**63
    assert usd_text(join_pico(micro, rest)) == "12000000.000000000003"
