"""What a cost is: an amount, how sure it is, and the card of rates it was computed from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, IntFlag
from functools import cached_property
from typing import NamedTuple

import msgspec

from llmtrack.domain.price_list import PICO_EXPONENTS


class CostStatus(IntEnum):
    """Stored with the event. Only the first two have an amount."""

    PRICED = 0
    PARTIAL = 1
    """A lower bound: some count or some rate is unknown."""
    UNPRICED = 2
    """No price for this provider and model."""
    NO_USAGE = 3
    """No count was reported: nothing to price, and nothing wrong with the price list."""
    INSUFFICIENT_USAGE = 4
    """What was reported is not what this model is billed by."""
    INVALID_USAGE = 5
    """The counts contradict each other, or the cost is beyond any real one."""

    @property
    def label(self) -> str:
        return self.name.lower()


class CostFlag(IntFlag):
    RATE_FALLBACK = 1
    """A part without a rate of its own took the rate of what it is a part of."""
    TIER_IGNORED = 2
    """No rate for the service tier that was asked for: the standard one was taken."""
    BEFORE_FIRST_PRICE = 4
    """The event is older than the first known price, which was taken."""
    RATE_MISSING = 8
    """Something that was counted has no rate at all."""
    UNMETERED_PARTS = 16
    """The model also charges for what events do not count, such as images."""
    OVERLAP_ASSUMED = 32
    """Cached audio: as many tokens as must be both are taken to be both."""
    BEYOND_BOUND = 64
    """The counts would cost more than one event can hold, which no real call does."""


RATES_OF_CLASSES = {
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
"""What is counted, in the order of `charges.billed_counts`, and whose rate it takes: the first
that the card has."""


class Tariff(NamedTuple):
    """A card's rates made ready for a request: this is what every event is multiplied with."""

    rates: tuple[int, ...]
    """Of every class, in the order of RATES_OF_CLASSES."""
    flagged: tuple[tuple[int, int], ...]
    """Places of the classes that have no rate of their own, with the `CostFlag` of that."""
    text_rates: tuple[int, int, int] | None
    """Of input, cache read and output, where each has its own rate and nothing else is charged
    for text; else None."""
    write_rates: tuple[int, int] | None
    """Of a cache write and one for an hour, where both have their own; else None."""
    divisor: int
    """What the sum is divided by to be pico-USD: 1, unless a rate has very many places."""
    has_reasoning: bool
    """Reasoning has a rate of its own; elsewhere it is output like any other."""
    has_requests: bool
    charges_input: bool
    charges_output: bool
    total_suffices: bool
    """A total has one price, however it splits into input and output."""


@dataclass(frozen=True)
class RateCard:
    """The rates of one price at one time, tier and context. It never changes once stored."""

    origin: str
    """`list:<version>` or `override:<id>`."""
    provider: str
    model: str
    tier_start: int = 0
    context: str = ""
    """The service tier whose rates these are, `""` for the standard ones."""
    window: str = ""
    """Since when (a date) or within which hours the price holds, `""` for always."""
    rates: tuple[tuple[str, str], ...] = ()
    """Price key -> US dollars as decimal text. None at all is a price of 0."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.origin, self.model, self.tier_start, self.context, self.rates))

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.as_json().encode()).hexdigest()

    def as_json(self) -> str:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return msgspec.json.encode(fields | {"rates": dict(self.rates)}, order="sorted").decode()

    @classmethod
    def from_json(cls, text: str) -> "RateCard":
        fields = msgspec.json.decode(text)
        return cls(**fields | {"rates": rate_texts(fields["rates"].items())})

    @cached_property
    def pico_rates(self) -> tuple[dict[str, int], int]:
        """Rates in pico-USD each as integers, and the decimal places that they carry."""
        parts = {}
        for key, text in self.rates:
            whole, _, fraction = text.partition(".")
            parts[key] = int(whole + fraction), PICO_EXPONENTS[key] - len(fraction)
        places = max(0, *(-exponent for _, exponent in parts.values())) if parts else 0
        return {key: n * 10 ** (exponent + places) for key, (n, exponent) in parts.items()}, places

    @cached_property
    def tariff(self) -> Tariff:
        rates, places = self.pico_rates
        whole, output = rates.get("input_mtok", 0), rates.get("output_mtok", 0)
        by_class = {name: _rate_of(keys, rates) for name, keys in RATES_OF_CLASSES.items()}
        text = _own_rates(by_class, "input", "cache_read", "output")
        written = _own_rates(by_class, "cache_write", "cache_write_1h")
        if rates.keys() & {"output_reasoning_mtok", "requests_kcount"}:
            text = ()
        return Tariff(
            rates=tuple(rate for rate, _ in by_class.values()),
            flagged=tuple(
                (place, flag) for place, (_, flag) in enumerate(by_class.values()) if flag
            ),
            text_rates=(text[0], text[1], text[2]) if text else None,
            write_rates=(written[0], written[1]) if written else None,
            divisor=10**places,
            has_reasoning="output_reasoning_mtok" in rates,
            has_requests="requests_kcount" in rates,
            charges_input=whole > 0,
            charges_output=output > 0,
            total_suffices=not output or (output == whole and self.tier_start == 0),
        )


class Cost(msgspec.Struct, frozen=True):
    """`cost_pico` is None exactly when the status has no amount; so is the card."""

    cost_pico: int | None
    status: CostStatus
    flags: int = 0
    rate_card: RateCard | None = None


def _rate_of(keys: tuple[str, ...], rates: dict[str, int]) -> tuple[int, int]:
    if not rates:
        return 0, 0
    key = next((key for key in keys if key in rates), None)
    if key is None:
        return 0, int(CostFlag.RATE_MISSING)
    return rates[key], 0 if key == keys[0] else int(CostFlag.RATE_FALLBACK)


def _own_rates(by_class: dict[str, tuple[int, int]], *names: str) -> tuple[int, ...]:
    """The rates of these classes; none where one of them has no rate of its own."""
    if any(by_class[name][1] for name in names):
        return ()
    return tuple(by_class[name][0] for name in names)


def rate_texts(rates: Iterable[tuple[str, Decimal | str]]) -> tuple[tuple[str, str], ...]:
    """In a fixed order and spelling, so that equal rates make equal cards."""
    given = dict(rates)
    return tuple((key, _text(given[key])) for key in PICO_EXPONENTS if key in given)


def _text(rate: Decimal | str) -> str:
    # Not `normalize`, which rounds to the precision of whoever calls.
    text = format(Decimal(rate), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
