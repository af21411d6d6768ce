"""What pricing costs: processor time for one event, and memory under strange names."""

import gc
import time
import tracemalloc
from statistics import median
from typing import NamedTuple

from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.price_books import PRICES_FILE

AT_MS = 1_795_176_000_000  # 2026-11-20T12:00Z
ROUNDS = 20_000
COLD_NAMES = 500
STRANGE_NAMES = 1_000_000
USED = (
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("gemini", "models/gemini-2.5-flash"),
)


class Figures(NamedTuple):
    warm_us: float
    """Canonical usage to cost, for names that were seen before."""
    usage_us: float
    """Reported counts to canonical usage."""
    cold_miss_us: float
    """The median name that nobody has seen and no row fits."""
    cold_miss_max_us: float
    strange_names: int
    growth_bytes: int
    """Of the whole process's Python memory by that many strange names."""


def pricing_figures(strange_names: int = STRANGE_NAMES) -> Figures:
    book = PriceBook.bundled(PRICES_FILE.read_bytes())
    cold = [_cold_us(book, number) for number in range(COLD_NAMES)]
    warm = min(_warm_us(book) for _ in range(5))
    usage = min(_usage_us() for _ in range(5))
    growth = _growth_bytes(book, strange_names)
    return Figures(warm, usage, median(cold), max(cold), strange_names, growth)


def _reported(provider: str) -> ReportedUsage:
    return ReportedUsage(
        provider=provider,
        input_tokens=1200,
        output_tokens=300,
        total_tokens=1500,
        cache_read_tokens=800,
    )


def _warm_us(book: PriceBook) -> float:
    asked = [(*names, canonical_usage(_reported(names[0]))) for names in USED]
    for provider, model, usage in asked:
        book.price(provider, model, usage, at_ms=AT_MS)
    start = time.thread_time()
    for number in range(ROUNDS):
        provider, model, usage = asked[number % len(asked)]
        book.price(provider, model, usage, at_ms=AT_MS)
    return (time.thread_time() - start) / ROUNDS * 1e6


def _usage_us() -> float:
    reported = _reported("openai")
    start = time.thread_time()
    for _ in range(ROUNDS):
        canonical_usage(reported)
    return (time.thread_time() - start) / ROUNDS * 1e6


def _cold_us(book: PriceBook, number: int) -> float:
    provider = USED[number % len(USED)][0]
    usage = canonical_usage(_reported(provider))
    start = time.thread_time()
    book.price(provider, f"gpt-5-nobody-has-seen-{number}-before", usage, at_ms=AT_MS)
    return (time.thread_time() - start) * 1e6


def _growth_bytes(book: PriceBook, names: int) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(names):
            # Openrouter has the fewest patterns to try: this measures memory, not time.
            book.match("openrouter", f"strange-model-{number:09d}-{'x' * 150}")
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
