"""Usage x rates = cost, in integers: one half-even rounding to pico-USD at the end."""

from decimal import Decimal
from operator import mul

import msgspec

from llmtrack.domain.costs import RATES_OF_CLASSES, CostFlag, RateCard, Tariff
from llmtrack.domain.usage import Usage

_OVERLAP_ASSUMED = int(CostFlag.OVERLAP_ASSUMED)  # plain: this runs for every event


class CostLine(msgspec.Struct, frozen=True):
    """One row of "Explain this cost". Unrounded: only their sum is rounded to pico-USD."""

    token_class: str
    count: int
    price_key: str | None
    rate: str | None
    """US dollars, for as many as the price key says; None: there is no rate."""
    amount_pico: Decimal
    """Exact: `count` x `rate`."""


def charge(usage: Usage, tariff: Tariff) -> tuple[int, int]:
    """The cost in pico-USD and its `CostFlag`s."""
    text = tariff.text_rates
    whole, output = usage.input_tokens, usage.output_tokens
    written = usage.cache_write_tokens or usage.cache_write_1h_tokens
    if (
        text is None
        or whole is None
        or output is None
        or (written and tariff.write_rates is None)
        or usage.input_audio_tokens
        or usage.output_audio_tokens
        or usage.web_searches
    ):
        return _charge_classes(usage, tariff)
    # Most calls: text in, some of it written to or read from a cache, and text out.
    read = usage.cache_read_tokens or 0
    amount = (whole - read) * text[0] + read * text[1] + output * text[2]
    if written and tariff.write_rates is not None:
        for_hour = usage.cache_write_1h_tokens or 0
        short_rate, hour_rate = tariff.write_rates
        amount += (written - for_hour) * short_rate + for_hour * hour_rate - written * text[0]
    return (amount if tariff.divisor == 1 else _half_even(amount, tariff.divisor)), 0


def _charge_classes(usage: Usage, tariff: Tariff) -> tuple[int, int]:
    counts = _billed_counts(usage, tariff)
    amount = sum(map(mul, counts, tariff.rates))
    flags = 0
    for place, flag in tariff.flagged:
        if counts[place]:
            flags |= flag
    if amount and usage.input_audio_tokens and _overlap(usage):
        flags |= _OVERLAP_ASSUMED
    return _half_even(amount, tariff.divisor), flags


def explain(usage: Usage, card: RateCard) -> list[CostLine]:
    """Every class with a count. The sum of the amounts, rounded half-even, is the cost."""
    rates, places = card.pico_rates
    texts = dict(card.rates)
    lines = []
    counts = _billed_counts(usage, card.tariff)
    for (token_class, keys), count in zip(RATES_OF_CLASSES.items(), counts, strict=True):
        if not count:
            continue
        key = next((key for key in keys if key in rates), None)
        amount = 0 if key is None else count * rates[key]
        lines.append(
            CostLine(token_class, count, key, texts.get(key or ""), Decimal(f"{amount}E-{places}"))
        )
    return lines


def _billed_counts(usage: Usage, tariff: Tariff) -> tuple[int, ...]:
    """The counts as disjoint classes, as RATES_OF_CLASSES orders them.

    What is unknown is left out, not guessed.
    """
    whole, output = usage.input_tokens, usage.output_tokens
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    written_1h = usage.cache_write_1h_tokens or 0
    audio = usage.input_audio_tokens or 0
    cached_audio = 0
    if audio:
        overlap = _overlap(usage)
        cached_audio = min(overlap, read)
        audio -= overlap
    spoken = usage.output_audio_tokens or 0
    thought = 0
    if tariff.has_reasoning:
        thought = usage.reasoning_tokens or 0
        if output is not None:
            thought = min(thought, output - spoken)
    if output is not None:
        output -= spoken + thought
    elif not thought:
        output = usage.reasoning_tokens  # at least that much
    return (
        0 if whole is None else whole - read - written - audio,
        read - cached_audio,
        written - written_1h,
        written_1h,
        audio,
        cached_audio,
        output or 0,
        spoken,
        thought,
        usage.web_searches or 0,
        1 if tariff.has_requests else 0,
    )


def _overlap(usage: Usage) -> int:
    """How many audio tokens must also be cached ones, for the parts to fit into the input."""
    if not usage.input_audio_tokens or usage.input_tokens is None:
        return 0
    parts = usage.input_audio_tokens
    parts += (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    return max(0, parts - usage.input_tokens)


def _half_even(amount: int, divisor: int) -> int:
    quotient, rest = divmod(amount, divisor)
    twice = 2 * rest
    return quotient + (twice > divisor or (twice == divisor and quotient % 2 == 1))
