"""Usage x rates = cost, in integers: one half-even rounding to pico-USD at the end."""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from llmtrack.domain.costs import CostFlag, RateCard
from llmtrack.domain.usage import Usage

# What is counted -> whose rate it takes, the first that the card has.
_CLASSES = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "input_audio": ("input_audio_mtok", "input_mtok"),
    "cache_audio_read": (
        "cache_audio_read_mtok",
        "cache_read_mtok",
        "input_audio_mtok",
        "input_mtok",
    ),
    "output": ("output_mtok",),
    "output_audio": ("output_audio_mtok", "output_mtok"),
    "reasoning": ("output_reasoning_mtok",),
    "web_searches": ("web_searches_kcount",),
    "requests": ("requests_kcount",),
}


class Charge(NamedTuple):
    cost_pico: int
    flags: int


class CostLine(msgspec.Struct, frozen=True):
    """One row of "Explain this cost". Unrounded: only their sum is rounded to pico-USD."""

    token_class: str
    count: int
    price_key: str | None
    rate: str | None
    """US dollars, for as many as the price key says; None: there is no rate."""
    amount_pico: Decimal
    """Exact: `count` x `rate`."""


def charge(usage: Usage, card: RateCard) -> Charge:
    rates, places = card.pico_rates
    if not rates:
        return Charge(0, 0)
    plain = _plain_amount(usage, rates)
    if plain is not None:
        return Charge(_half_even(plain, places), 0)
    amount = 0
    flags = 0
    for token_class, count in _billed_counts(usage, rates).items():
        if not count:
            continue
        keys = _CLASSES[token_class]
        if keys[0] in rates:
            amount += count * rates[keys[0]]
            continue
        key = next((key for key in keys if key in rates), None)
        if key is None:
            flags |= CostFlag.RATE_MISSING
        else:
            amount += count * rates[key]
            flags |= CostFlag.RATE_FALLBACK
    if _overlap(usage):
        flags |= CostFlag.OVERLAP_ASSUMED
    return Charge(_half_even(amount, places), int(flags))


def _plain_amount(usage: Usage, rates: dict[str, int]) -> int | None:
    """The sum for input and output that have no parts and rates of their own: most calls."""
    if (
        usage.input_tokens is None
        or usage.output_tokens is None
        or usage.cache_read_tokens
        or usage.cache_write_tokens
        or usage.cache_write_1h_tokens
        or usage.reasoning_tokens
        or usage.input_audio_tokens
        or usage.output_audio_tokens
        or usage.web_searches
        or "input_mtok" not in rates
        or "output_mtok" not in rates
    ):
        return None
    amount = usage.input_tokens * rates["input_mtok"] + usage.output_tokens * rates["output_mtok"]
    return amount + rates.get("requests_kcount", 0)


def explain(usage: Usage, card: RateCard) -> list[CostLine]:
    """Every class with a count. The sum of the amounts, rounded half-even, is the cost."""
    rates, places = card.pico_rates
    texts = dict(card.rates)
    lines = []
    for token_class, count in _billed_counts(usage, rates).items():
        if not count:
            continue
        key = next((key for key in _CLASSES[token_class] if key in rates), None)
        amount = 0 if key is None else count * rates[key]
        lines.append(
            CostLine(token_class, count, key, texts.get(key or ""), Decimal(f"{amount}E-{places}"))
        )
    return lines


def _billed_counts(usage: Usage, rates: dict[str, int]) -> dict[str, int]:
    """The counts as disjoint classes. What is unknown is left out, not guessed."""
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    written_1h = usage.cache_write_1h_tokens or 0
    audio, overlap = usage.input_audio_tokens or 0, _overlap(usage)
    cached_audio = min(overlap, read)
    audio -= overlap
    counts = {
        "cache_read": read - cached_audio,
        "cache_write": written - written_1h,
        "cache_write_1h": written_1h,
        "input_audio": audio,
        "cache_audio_read": cached_audio,
        "web_searches": usage.web_searches or 0,
    }
    if usage.input_tokens is not None:
        counts["input"] = usage.input_tokens - read - written - audio
    spoken = usage.output_audio_tokens or 0
    thought = 0
    if "output_reasoning_mtok" in rates:  # elsewhere reasoning is output like any other
        thought = usage.reasoning_tokens or 0
        if usage.output_tokens is not None:
            thought = min(thought, usage.output_tokens - spoken)
        counts["reasoning"] = thought
    counts["output_audio"] = spoken
    if usage.output_tokens is not None:
        counts["output"] = usage.output_tokens - spoken - thought
    elif not thought:
        counts["output"] = usage.reasoning_tokens or 0  # at least that much
    if "requests_kcount" in rates:
        counts["requests"] = 1
    return counts


def _overlap(usage: Usage) -> int:
    """How many audio tokens must also be cached ones, for the parts to fit into the input."""
    if not usage.input_audio_tokens or usage.input_tokens is None:
        return 0
    parts = usage.input_audio_tokens
    parts += (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    return max(0, parts - usage.input_tokens)


def _half_even(amount: int, places: int) -> int:
    if not places:
        return amount
    divisor: int = 10**places
    quotient, rest = divmod(amount, divisor)
    twice = 2 * rest
    return quotient + (twice > divisor or (twice == divisor and quotient % 2 == 1))
