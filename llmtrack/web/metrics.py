"""What Explore can show of usage: each metric's value, how it is written, whether it adds up."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from llmtrack.storage.sums import Sums
from llmtrack.web.numbers import (
    NOTHING,
    milliseconds,
    percent,
    tokens,
    tokens_short,
    usd,
    usd_each,
    usd_each_short,
    usd_short,
)
from llmtrack.web.usage_chart import tick_usd

MILLION = 10**6
SHARE_UNIT = 10_000
"""A share is written from its ten-thousandths, so that charts of it have whole numbers."""


@dataclass(frozen=True)
class Metric:
    name: str
    title: str
    of: Callable[[Sums], int | None] | None
    """None: it is read from latencies, see `percentile`."""
    write: Callable[[int], str]
    tick: Callable[[int], str]
    unit: str
    """What the number in an export is."""
    adds_up: bool = True
    less_is_better: bool | None = None
    percentile: float | None = None
    of_one: bool = False
    """Whether it is a cost of a single thing, of which a cent says too little."""


def _ratio(part: int | None, whole: int, unit: int = 1) -> int | None:
    return None if part is None or not whole else round(Fraction(part * unit, whole))


def per_request_pico(sums: Sums, requests: int = 1) -> int | None:
    """What so many cost, of those whose cost is known: the others are in no cost."""
    known_events = sums.events - sums.unpriced_events - sums.unknown_usage_events
    return _ratio(sums.known_cost_pico, known_events, requests)


def _share_text(share: int) -> str:
    return percent(share, SHARE_UNIT) if share else "0%"


def _share(name: str, title: str, part: str, whole: str, *, less: bool) -> Metric:
    return Metric(
        name,
        title,
        lambda sums: _ratio(getattr(sums, part), getattr(sums, whole), SHARE_UNIT),
        _share_text,
        _share_text,
        "ten-thousandths",
        adds_up=False,
        less_is_better=less,
    )


def _count(name: str, title: str, field: str) -> Metric:
    return Metric(
        name, title, lambda sums: int(getattr(sums, field)), tokens_short, tokens_short, "count"
    )


def _latency(name: str, title: str, share: float) -> Metric:
    return Metric(
        name,
        title,
        None,
        milliseconds,
        milliseconds,
        "ms",
        adds_up=False,
        less_is_better=True,
        percentile=share,
    )


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "cost",
            "Cost",
            lambda sums: sums.known_cost_pico,
            usd_short,
            tick_usd,
            "usd",
            less_is_better=True,
        ),
        _count("requests", "Requests", "events"),
        _count("tokens", "Tokens", "tokens"),
        _count("input", "Input tokens", "input_tokens"),
        _count("cached", "Cached input tokens", "cache_read_tokens"),
        _count("output", "Output tokens", "output_tokens"),
        _count("reasoning", "Reasoning tokens", "reasoning_tokens"),
        _count("failed", "Failed requests", "failures"),
        Metric(
            "cost_per_request",
            "Cost per request",
            per_request_pico,
            usd_each_short,
            tick_usd,
            "usd",
            adds_up=False,
            less_is_better=True,
            of_one=True,
        ),
        Metric(
            "cost_per_mtok",
            "Cost per million tokens",
            lambda sums: _ratio(sums.known_cost_pico, sums.tokens, MILLION),
            usd_short,
            tick_usd,
            "usd",
            adds_up=False,
            less_is_better=True,
        ),
        Metric(
            "tokens_per_request",
            "Tokens per request",
            lambda sums: _ratio(sums.tokens, sums.events),
            tokens_short,
            tokens_short,
            "count",
            adds_up=False,
        ),
        _share(
            "cache_rate",
            "Share of input from cache",
            "cache_read_tokens",
            "input_tokens",
            less=False,
        ),
        _share("error_rate", "Error rate", "failures", "events", less=True),
        _latency("p50", "p50 latency", 0.5),
        _latency("p95", "p95 latency", 0.95),
        _latency("p99", "p99 latency", 0.99),
    )
}
DEFAULT_METRIC = "cost"


def written(metric: Metric, value: int | None) -> str:
    """As it stands in tables and legends: money and counts tell the exact figure on hover."""
    if value is None:
        return NOTHING
    if metric.unit == "count":
        return tokens(value)
    if metric.unit != "usd":
        return metric.write(value)
    return usd_each(value) if metric.of_one else usd(value)
