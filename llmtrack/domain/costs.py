"""What a cost is: an amount, how sure it is, and the card of rates it was computed from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, IntFlag
from functools import cached_property

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


class Cost(msgspec.Struct, frozen=True):
    """`cost_pico` is None exactly when the status has no amount; so is the card."""

    cost_pico: int | None
    status: CostStatus
    flags: int = 0
    rate_card: RateCard | None = None


def rate_texts(rates: Iterable[tuple[str, Decimal | str]]) -> tuple[tuple[str, str], ...]:
    """In a fixed order and spelling, so that equal rates make equal cards."""
    given = dict(rates)
    return tuple((key, _text(given[key])) for key in PICO_EXPONENTS if key in given)


def _text(rate: Decimal | str) -> str:
    # Not `normalize`, which rounds to the precision of whoever calls.
    text = format(Decimal(rate), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
