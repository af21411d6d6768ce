"""Prices of one's own: overrides that replace or adjust a price, aliases that name a model."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache

import msgspec

from llmtrack.domain.costs import CostFlag, RateCard, rate_texts
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.model_names import model_names, provider_id
from llmtrack.domain.price_list import PICO_EXPONENTS
from llmtrack.domain.price_match import NAME_CHARS_MAX
from llmtrack.domain.price_schedule import Selected, tier_name

ANY = "*"
_RATE_MAX = Decimal(10**6)
_PERCENT_MIN, _PERCENT_MAX = Decimal(-100), Decimal(10_000)
_PLACES_MAX = 18


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of `rates`, `percent` and `free`. Raises InvalidValue when it makes no sense.

    `model` may be `*` (every model of the provider), then `provider` may be `*` too. Its rates
    are flat: they hold for every size of input, and a class without a rate takes that of what
    it is a part of.
    """

    id: str
    provider: str
    model: str
    rates: dict[str, str] | None = None
    """Price key -> US dollars as decimal text."""
    percent: str | None = None
    """What to add to the price that would hold otherwise: `-15` a discount, `20` a markup."""
    free: bool = False
    service_tier: str = ""
    """For this tier alone; empty: for every tier without an override of its own."""
    effective_from_ms: int | None = None
    effective_to_ms: int | None = None
    """Exclusive."""

    def __post_init__(self) -> None:
        if (self.rates is not None) + (self.percent is not None) + self.free != 1:
            raise InvalidValue("rates", "give either rates, or a percentage, or free")
        if self.rates is not None:
            _check_rates(self.rates)
        if self.percent is not None and not (
            _PERCENT_MIN <= _decimal("percent", self.percent) <= _PERCENT_MAX
        ):
            raise InvalidValue(
                "percent", f"the percentage must be from {_PERCENT_MIN} to {_PERCENT_MAX}"
            )
        if self.provider == ANY and self.model != ANY:
            raise InvalidValue("provider", "name the provider of the model")
        _check_names(self.provider, self.model)
        _check_period(self.effective_from_ms, self.effective_to_ms)


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """`provider`/`model` is what an event says, the price is that of `to_provider`/`to_model`."""

    id: str
    provider: str
    model: str
    to_provider: str
    to_model: str
    effective_from_ms: int | None = None
    effective_to_ms: int | None = None

    def __post_init__(self) -> None:
        _check_names(self.provider, self.model)
        _check_names(self.to_provider, self.to_model)
        if ANY in {self.provider, self.model, self.to_provider, self.to_model}:
            raise InvalidValue("model", "an alias names one model")
        if _key(self.provider, self.model) == _key(self.to_provider, self.to_model):
            raise InvalidValue("to_model", "a model cannot be an alias of itself")
        _check_period(self.effective_from_ms, self.effective_to_ms)


class CustomPrices:
    """One scope's overrides and aliases, found by name.

    Of two that hold the newer start wins, of two with one start the later in the sequence.
    """

    def __init__(self, overrides: Sequence[Override] = (), aliases: Sequence[Alias] = ()) -> None:
        self._overrides: dict[tuple[str, str], list[Override]] = {}
        self._aliases: dict[tuple[str, str], list[Alias]] = {}
        self._selected = {item.id: _own(_own_card(item)) for item in overrides}
        held: tuple[Override | Alias, ...] = (*overrides, *aliases)
        self.changes_ms = frozenset(
            at_ms
            for item in held
            for at_ms in (item.effective_from_ms, item.effective_to_ms)
            if at_ms is not None
        )
        """When something begins or ends to hold; in between nothing changes."""
        for override in sorted(overrides, key=_start):
            for key in _keys(override):
                self._overrides.setdefault(key, []).insert(0, override)
        for alias in sorted(aliases, key=_start):
            for key in _keys(alias):
                self._aliases.setdefault(key, []).insert(0, alias)

    def __bool__(self) -> bool:
        return bool(self._overrides or self._aliases)

    def override(
        self, provider: str, names: Iterable[str], at_ms: int, tier: str
    ) -> Override | None:
        for name in names:
            items = self._overrides.get((provider, name))
            if items is not None and (found := _holding(items, at_ms, tier)):
                return found
        for key in ((provider, ANY), (ANY, ANY)):
            items = self._overrides.get(key)
            if items is not None and (found := _holding(items, at_ms, tier)):
                return found
        return None

    def select(self, override: Override, tier: str) -> Selected | None:
        """The rates of an override that has rates or is free; None for another scope's."""
        if override.id not in self._selected:
            return None
        for_tier, ignored = self._selected[override.id]
        return for_tier if tier_name(override.service_tier) == tier else ignored

    def alias(self, provider: str, names: Iterable[str], at_ms: int) -> Alias | None:
        if not self._aliases:
            return None
        for name in names:
            for item in self._aliases.get((provider, name), ()):
                if _holds(item, at_ms):
                    return item
        return None


@lru_cache(4096)
def adjusted_card(base: RateCard, override_id: str, percent: str) -> RateCard:
    """The card of a price changed by a percentage, exactly."""
    with localcontext() as context:
        context.prec = 80
        factor = 1 + Decimal(percent) / 100
        rates = rate_texts((key, Decimal(text) * factor) for key, text in base.rates)
    return RateCard(
        origin=f"override:{override_id}",
        provider=base.provider,
        model=base.model,
        tier_start=base.tier_start,
        context=base.context,
        window=base.window,
        rates=rates,
    )


def _own(card: RateCard) -> tuple[Selected, Selected]:
    """For a request of the card's own service tier, and of any other."""
    ignored = CostFlag.TIER_IGNORED if card.rates else 0
    return Selected(card), Selected(card, int(ignored))


def _own_card(override: Override) -> RateCard:
    since = override.effective_from_ms
    return RateCard(
        origin=f"override:{override.id}",
        provider=provider_id(override.provider) if override.provider != ANY else ANY,
        model=override.model,
        context=tier_name(override.service_tier),
        window="" if since is None else f"{datetime.fromtimestamp(since / 1000, UTC):%Y-%m-%d}",
        rates=rate_texts((override.rates or {}).items()),
    )


def same_model(one: Override | Alias, other: Override | Alias) -> bool:
    return _key(one.provider, one.model) == _key(other.provider, other.model)


def _holding(items: Sequence[Override], at_ms: int, tier: str) -> Override | None:
    """The first that holds for the service tier, else the first that holds for every tier."""
    for_every = None
    for item in items:
        if _holds(item, at_ms):
            its_tier = tier_name(item.service_tier)
            if its_tier == tier:
                return item
            if not its_tier and for_every is None:
                for_every = item
    return for_every


def _holds(item: Override | Alias, at_ms: int) -> bool:
    start, end = item.effective_from_ms, item.effective_to_ms
    return (start is None or at_ms >= start) and (end is None or at_ms < end)


def _start(item: Override | Alias) -> float:
    start = item.effective_from_ms
    return float("-inf") if start is None else start


def _keys(item: Override | Alias) -> list[tuple[str, str]]:
    provider = provider_id(item.provider) if item.provider != ANY else ANY
    return [(provider, name) for name in model_names(provider, item.model)]


def _key(provider: str, model: str) -> tuple[str, str]:
    found = provider_id(provider)
    return found, model_names(found, model)[-1]


def _check_rates(rates: dict[str, str]) -> None:
    if not rates:
        raise InvalidValue("rates", "give at least one rate, or free")
    for key, text in rates.items():
        if key not in PICO_EXPONENTS:
            raise InvalidValue(key, f"unknown rate; known are {', '.join(PICO_EXPONENTS)}")
        rate = _decimal(key, text)
        if not 0 <= rate <= _RATE_MAX:
            raise InvalidValue(key, f"{key} must be from 0 to {_RATE_MAX} US dollars")


def _decimal(field: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise InvalidValue(field, f"{field}: {text!r} is no decimal number")
    if -int(value.as_tuple().exponent) > _PLACES_MAX:
        raise InvalidValue(field, f"{field} has more than {_PLACES_MAX} decimal places")
    return value


def _check_names(provider: str, model: str) -> None:
    for field, value in (("provider", provider), ("model", model)):
        if not value.strip():
            raise InvalidValue(field, f"the {field} must not be empty")
        if len(value) > NAME_CHARS_MAX:
            raise InvalidValue(field, f"the {field} is longer than {NAME_CHARS_MAX} characters")
        if not value.isprintable():
            raise InvalidValue(field, f"the {field} has a control character")


def _check_period(start: int | None, end: int | None) -> None:
    if start is not None and end is not None and start >= end:
        raise InvalidValue("effective_to", "the end must be after the start")
