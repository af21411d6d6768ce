"""What pricing costs: processor time for one event, and memory under strange names."""

import gc
import resource
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.custom_prices import Alias, CustomPrices, Override
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.price_books import PRICES_FILE

AT_MS = 1_795_176_000_000  # 2026-11-20T12:00Z
ROUNDS = 20_000
LISTED_EACH = 20
STRANGE_NAMES = 1_000_000
SONNET = "claude-sonnet-4-5-20250929"
DISCOUNT = Override(id="discount", provider="anthropic", model="*", percent="-15")
ALIAS = Alias(
    id="alias", provider="azure", model="ours", to_provider="azure", to_model="gpt-4o-mini"
)


class Kind(NamedTuple):
    """A sort of event, as teams send them."""

    reported: ReportedUsage
    model: str
    service_tier: str | None = None
    custom: CustomPrices | None = None


KINDS = {
    "text": Kind(
        ReportedUsage(provider="openai", total_tokens=1500, input_tokens=1200, output_tokens=300),
        "gpt-4o-mini",
    ),
    "cached inside": Kind(
        ReportedUsage(
            provider="openai",
            total_tokens=1500,
            cache_read_tokens=800,
            input_tokens=1200,
            output_tokens=300,
        ),
        "gpt-4o-mini",
    ),
    "cached beside, written for an hour": Kind(
        ReportedUsage(
            provider="anthropic",
            cache_read_tokens=8000,
            cache_write_tokens=900,
            cache_write_1h_tokens=500,
            input_tokens=1200,
            output_tokens=300,
        ),
        SONNET,
    ),
    "a region, tiers of size": Kind(
        ReportedUsage(
            provider="bedrock", cache_read_tokens=800, input_tokens=1200, output_tokens=300
        ),
        f"us.anthropic.{SONNET}-v1:0",
    ),
    "reasoning": Kind(
        ReportedUsage(
            provider="gemini",
            total_tokens=1500,
            reasoning_tokens=200,
            input_tokens=1200,
            output_tokens=300,
        ),
        "models/gemini-2.5-flash",
    ),
    "batch": Kind(
        ReportedUsage(provider="openai", total_tokens=1500, input_tokens=1200, output_tokens=300),
        "gpt-4o-mini",
        "batch",
    ),
    "discount": Kind(
        ReportedUsage(provider="anthropic", input_tokens=1200, output_tokens=300),
        SONNET,
        None,
        CustomPrices([DISCOUNT]),
    ),
    "alias": Kind(
        ReportedUsage(provider="azure", input_tokens=1200, output_tokens=300),
        "ours",
        None,
        CustomPrices([], [ALIAS]),
    ),
}


class Figures(NamedTuple):
    warm_us: dict[str, float]
    """Reported counts to cost, by kind of event, for names that were seen before."""
    cold_us: list[float]
    """The same for names nobody has seen, at every provider: most fit no row, some do."""
    load_ms: float
    """The price list from bytes to the first price."""
    strange_names: int
    growth_bytes: int
    """Of the process's resident memory by that many strange names."""


def pricing_figures(strange_names: int = STRANGE_NAMES) -> Figures:
    data = PRICES_FILE.read_bytes()
    start = time.thread_time()
    book = PriceBook.bundled(data)
    load_ms = (time.thread_time() - start) * 1e3
    cold = sorted(_cold_us(book))
    warm = {name: min(_warm_us(book, kind) for _ in range(5)) for name, kind in KINDS.items()}
    return Figures(warm, cold, load_ms, strange_names, _growth_bytes(book, strange_names))


def _warm_us(book: PriceBook, kind: Kind) -> float:
    book = book if kind.custom is None else book.with_custom(kind.custom)
    start = time.thread_time()
    for _ in range(ROUNDS):
        _price(book, kind.reported, kind.model, kind.service_tier)
    return (time.thread_time() - start) / ROUNDS * 1e6


def _price(book: PriceBook, reported: ReportedUsage, model: str, tier: str | None) -> None:
    usage = canonical_usage(reported)
    book.price(reported.provider, model, usage, at_ms=AT_MS, service_tier=tier)


def _cold_us(book: PriceBook) -> Iterator[float]:
    gc.collect()
    gc.freeze()  # as the server does once it has loaded
    for provider, model in _names(book):
        reported = ReportedUsage(
            provider=provider, cache_read_tokens=800, input_tokens=1200, output_tokens=300
        )
        start = time.thread_time()
        _price(book, reported, model, None)
        yield (time.thread_time() - start) * 1e6


def _names(book: PriceBook) -> Iterator[tuple[str, str]]:
    for provider in book.list.providers:
        yield provider.id, f"us.anthropic.{SONNET}-v1:0-{'x' * 100}"
        for number in range(LISTED_EACH):
            yield provider.id, f"gpt-5-nobody-has-seen-{number}-before"
        for listed in islice(provider.models, LISTED_EACH):
            yield provider.id, listed.id


def _growth_bytes(book: PriceBook, names: int) -> int:
    gc.collect()
    before = _resident_bytes()
    for number in range(names):
        # Openrouter has the fewest patterns to try: this measures memory, not time.
        book.match("openrouter", f"strange-model-{number:09d}-{'x' * 150}")
    gc.collect()
    return _resident_bytes() - before


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
