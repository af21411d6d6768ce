"""A provider's bill against what was recorded: how much of it is covered, and what the rest is.

Per day and model, in exact pico-USD, `bill - recorded` is split into parts that add up to it:

    calls        calls on one side only, at the average cost of the recorded ones. Where the
                 bill counts requests, by their number; else by as much as every class of
                 tokens is short alike.
    tokens       tokens of one class on one side only, at our own rate of the class
    price        what is left when calls and tokens are accounted for: other rates
    unexplained  what is left where the bill, or the price list, says too little to tell
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from llmtrack.domain.costs import RateCard


class Tokens(NamedTuple):
    """Counts that do not overlap: `input` is what was neither read from a cache nor written."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    def plus(self, other: "Tokens") -> "Tokens":
        return Tokens(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def total(self) -> int:
        return self.input + self.cache_read + self.cache_write + self.output


NO_TOKENS = Tokens()

_RATE_KEYS = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "input_mtok"),
    "output": ("output_mtok",),
}

Rates = Mapping[str, Fraction]
"""Pico-USD for one token, by class."""


@dataclass(frozen=True)
class Billed:
    """What the bill says; None is what it does not say."""

    requests: int | None = None
    tokens: Tokens | None = None
    cost_pico: int | None = None

    def plus(self, other: "Billed") -> "Billed":
        tokens = self.tokens
        if other.tokens is not None:
            tokens = other.tokens if tokens is None else tokens.plus(other.tokens)
        return Billed(
            _sum(self.requests, other.requests), tokens, _sum(self.cost_pico, other.cost_pico)
        )


@dataclass(frozen=True)
class Recorded:
    """What our events say. `calls` are those that told usable token counts."""

    events: int = 0
    calls: int = 0
    unpriced_events: int = 0
    tokens: Tokens = NO_TOKENS
    cost_pico: int = 0

    def plus(self, other: "Recorded") -> "Recorded":
        return Recorded(
            self.events + other.events,
            self.calls + other.calls,
            self.unpriced_events + other.unpriced_events,
            self.tokens.plus(other.tokens),
            self.cost_pico + other.cost_pico,
        )


class Parts(NamedTuple):
    """In pico-USD; positive where the bill is higher. The classes of tokens stand apart."""

    calls: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    price: int = 0
    unexplained: int = 0

    def plus(self, other: "Parts") -> "Parts":
        return Parts(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def tokens(self) -> int:
        return self.input + self.cache_read + self.cache_write + self.output

    @property
    def total(self) -> int:
        return sum(self)

    @property
    def largest(self) -> str:
        """The name of the largest amount, `""` where none is positive."""
        name = max(self._fields, key=lambda field: getattr(self, field))
        return name if getattr(self, name) > 0 else ""


class Causes(NamedTuple):
    """Parts by their direction: what makes a bill smaller does not explain why it is larger."""

    raising: Parts
    lowering: Parts
    """As positive amounts."""

    @property
    def raises(self) -> bool:
        return self.raising.total >= self.lowering.total


def causes(lines: Iterable[Parts]) -> Causes:
    """Of one line or several; what cancels out between them is in both."""
    raising = lowering = Parts()
    for parts in lines:
        raising = raising.plus(Parts(*(max(0, amount) for amount in parts)))
        lowering = lowering.plus(Parts(*(max(0, -amount) for amount in parts)))
    return Causes(raising, lowering)


class Place(NamedTuple):
    """A UTC day and a model; an empty model stands for all of them."""

    day: date
    model: str


class Compared:
    """What a line and the whole have in common."""

    billed: Billed
    recorded: Recorded

    @property
    def difference_pico(self) -> int | None:
        if self.billed.cost_pico is None:
            return None
        return self.billed.cost_pico - self.recorded.cost_pico

    @property
    def coverage(self) -> Fraction | None:
        """Recorded as a share of the bill: by cost, else by tokens, else by requests."""
        return coverage(self.billed, self.recorded)


@dataclass(frozen=True)
class Line(Compared):
    place: Place
    billed: Billed
    recorded: Recorded
    parts: Parts
    """Without a cost on the bill: what the difference in calls and tokens is worth."""


@dataclass(frozen=True)
class Reconciliation(Compared):
    lines: list[Line] = field(default_factory=list)
    billed: Billed = Billed()
    recorded: Recorded = Recorded()
    parts: Parts = field(default_factory=Parts)


def coverage(billed: Billed, recorded: Recorded) -> Fraction | None:
    if billed.cost_pico is not None:
        pair = recorded.cost_pico, billed.cost_pico
    elif billed.tokens is not None:
        pair = recorded.tokens.total, billed.tokens.total
    else:
        pair = recorded.calls, billed.requests or 0
    return Fraction(*pair) if pair[1] > 0 else None


def reconcile(
    bill: Mapping[Place, Billed],
    recorded: Mapping[Place, Recorded],
    rates_of: Callable[[Place], Rates | None],
) -> Reconciliation:
    """Line by line, oldest first; what only one of the two knows is a line as well."""
    nothing = _nothing(bill)
    lines = []
    for place in sorted({*bill, *recorded}):
        billed = bill.get(place, nothing)
        found = recorded.get(place, Recorded())
        parts = split_difference(billed, found, rates_of(place))
        lines.append(Line(place, billed, found, parts))
    total = Reconciliation(lines)
    billed, found, parts = total.billed, total.recorded, total.parts
    for line in lines:
        billed, found = billed.plus(line.billed), found.plus(line.recorded)
        parts = parts.plus(line.parts)
    return Reconciliation(lines, billed, found, parts)


def split_difference(billed: Billed, recorded: Recorded, rates: Rates | None) -> Parts:
    """The parts of `bill - recorded`; with a cost on the bill they add up to it exactly."""
    if not recorded.calls:
        return _nothing_recorded(billed, recorded, rates)
    factor = _calls_factor(billed, recorded)
    parts = Parts(round(recorded.cost_pico * (factor - 1)))
    if billed.tokens is not None and rates is not None:
        parts = parts.plus(_tokens_parts(billed.tokens, recorded.tokens, factor, rates))
    if billed.cost_pico is None:
        return parts
    rest = billed.cost_pico - recorded.cost_pico - parts.total
    if billed.tokens is None or (rates is None and recorded.cost_pico):
        return parts._replace(unexplained=rest)
    return parts._replace(price=rest)


def rates_of_card(card: RateCard) -> Rates:
    """A rate card's rates; a class without one takes that of what it is a part of."""
    rates, places = card.pico_rates
    found = {}
    for token_class, keys in _RATE_KEYS.items():
        key = next((key for key in keys if key in rates), None)
        found[token_class] = Fraction(rates[key] if key else 0, 10**places)
    return found


def _nothing_recorded(billed: Billed, recorded: Recorded, rates: Rates | None) -> Parts:
    if billed.cost_pico is not None:
        return Parts(calls=billed.cost_pico - recorded.cost_pico)
    if billed.tokens is not None and rates is not None:
        return Parts(calls=round(_worth(billed.tokens, rates)))
    return Parts()


def _calls_factor(billed: Billed, recorded: Recorded) -> Fraction:
    """Calls on the bill for each recorded one."""
    if billed.requests is not None:
        return Fraction(billed.requests, recorded.calls)
    if billed.tokens is None:
        return Fraction(1)
    ratios = [
        Fraction(theirs, ours)
        for theirs, ours in zip(billed.tokens, recorded.tokens, strict=True)
        if ours
    ]
    if not ratios:
        return Fraction(1)
    # Every class short alike is a call that is missing; one class alone is not.
    if min(ratios) > 1:
        return min(ratios)
    return max(ratios) if max(ratios) < 1 else Fraction(1)


def _tokens_parts(theirs: Tokens, ours: Tokens, factor: Fraction, rates: Rates) -> Parts:
    counted = zip(Tokens._fields, theirs, ours, strict=True)
    worth = {
        token_class: round((their_count - factor * our_count) * rates[token_class])
        for token_class, their_count, our_count in counted
    }
    return Parts(**worth)


def _worth(tokens: Tokens, rates: Rates) -> Fraction:
    counted = zip(Tokens._fields, tokens, strict=True)
    return sum((count * rates[token_class] for token_class, count in counted), Fraction(0))


def _nothing(bill: Mapping[Place, Billed]) -> Billed:
    """What a bill means by not naming a model: none of whatever it counts elsewhere."""
    known = bill.values()
    return Billed(
        requests=0 if any(line.requests is not None for line in known) else None,
        tokens=NO_TOKENS if any(line.tokens is not None for line in known) else None,
        cost_pico=0 if any(line.cost_pico is not None for line in known) else None,
    )


def _sum(first: int | None, second: int | None) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second
