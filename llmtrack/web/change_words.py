"""A driver of cost as a sentence: how much, because of what, from what to what."""

from decimal import Decimal
from typing import NamedTuple

from llmtrack.domain.drivers import Cause, Driver
from llmtrack.storage.labels import Label
from llmtrack.storage.sums import Sums
from llmtrack.web.numbers import percent, tokens_short, usd_exact, usd_short

SHARE_MOVED = 0.05
"""By how much a share of the tokens must have moved to be named as a reason."""


class Sentence(NamedTuple):
    amount: str
    direction: str
    dimension: str
    label: Label
    url: str | None
    text: str
    """Goes on after the value's name: "made 3.0 times the requests (1,200, then 3,600)"."""
    exact: str
    """The amount in US dollars, to the last digit."""


def signed_usd(pico: int) -> str:
    """A difference, however small: beside a sign, "less than" would read as a comparison."""
    text = usd_short(pico, smallest_shown=Decimal(0))
    return f"+{text}" if pico > 0 else text.replace("-", "\N{MINUS SIGN}")


def sentence_of(
    driver: Driver,
    dimension: str,
    label: Label,
    url: str | None,
    figures: tuple[Sums, Sums],
) -> Sentence:
    """`figures`: of this value, before and now."""
    before, now = figures
    text = {
        Cause.REQUESTS: _requests_text,
        Cause.TOKENS: _tokens_text,
        Cause.PRICE: _price_text,
    }[driver.cause](before, now)
    direction = "up" if driver.amount_pico > 0 else "down"
    pico = driver.amount_pico
    amount = signed_usd(pico)
    return Sentence(amount, direction, dimension, label, url, text, usd_exact(pico))


def _requests_text(before: Sums, now: Sums) -> str:
    if not before.events:
        return f"is new, with {_requests(now.events)}"
    if not now.events:
        return f"made no requests any more, after {_requests(before.events)}"
    counts = f"({before.events:,}, then {now.events:,})"
    return f"made {_ratio(now.events, before.events, 'the requests', 'requests')} {counts}"


def _tokens_text(before: Sums, now: Sums) -> str:
    if not before.tokens:
        return "told token counts that it did not tell before"
    was, is_now = before.tokens / before.events, now.tokens / now.events
    counts = f"({tokens_short(round(was))}, then {tokens_short(round(is_now))})"
    what = ("the tokens in a request", "tokens in a request")
    return f"used {_ratio(is_now, was, *what)} {counts}"


def _price_text(before: Sums, now: Sums) -> str:
    if not before.cost_pico:
        return "had no known cost before"
    if not now.tokens or not before.tokens:
        return "cost another amount for each request"
    was, is_now = before.cost_pico / before.tokens, now.cost_pico / now.tokens
    a_million = [usd_short(round(rate * 10**6)) for rate in (was, is_now)]
    counts = f"({a_million[0]} for a million, then {a_million[1]})"
    change = abs(is_now / was - 1)
    kind = "dearer" if is_now > was else "cheaper"
    size = f"{change:,.0%}" if change >= 0.01 else f"{change:.1%}"
    return f"used tokens that were {size} {kind} {counts}{_reason(before, now)}"


def _reason(before: Sums, now: Sums) -> str:
    """What else moved that makes a token dearer or cheaper without a new price."""
    for what, part, whole in (
        ("of the requests had no price", "unpriced_events", "events"),
        ("of the tokens were output", "output_tokens", "tokens"),
        ("of the input came from a cache", "cache_read_tokens", "input_tokens"),
    ):
        pairs = [(getattr(sums, part), getattr(sums, whole)) for sums in (before, now)]
        if not all(whole_count for _, whole_count in pairs):
            continue
        was, is_now = (part_count / whole_count for part_count, whole_count in pairs)
        if abs(is_now - was) >= SHARE_MOVED:
            return f"; {percent(*pairs[0])}, then {percent(*pairs[1])} {what}"
    return ""


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _ratio(now: float, before: float, times_what: str, more_what: str) -> str:
    ratio = now / before
    if ratio >= 2:
        return f"{ratio:,.1f} times {times_what}"
    change = abs(ratio - 1)
    size = f"{change:,.0%}" if change >= 0.01 else f"{change:.2%}"
    return f"{size} {'more' if ratio > 1 else 'fewer'} {more_what}"
