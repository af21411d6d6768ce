"""One row of the price list over time: which rates hold for a request at an instant."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import msgspec

from llmtrack.domain.costs import CostFlag, RateCard, rate_texts
from llmtrack.domain.price_list import (
    PICO_EXPONENTS,
    UNMETERED_PARTS,
    Constraint,
    ListedModel,
    Rate,
    tier_starts,
)

_BEFORE_FIRST_PRICE = int(CostFlag.BEFORE_FIRST_PRICE)
_TIER_IGNORED = int(CostFlag.TIER_IGNORED)
_DAY_MS = 86_400_000
_STANDARD_TIERS = frozenset({"", "standard", "default", "auto", "on_demand", "standard_only"})
_CONTEXTS = {
    "batch": {"processing": "batch", "service_tier": "batch"},
    "fast": {"speed": "fast", "service_tier": "fast"},
}
_BASE_KEYS = {
    "input_image_mtok": "input_mtok",
    "input_video_mtok": "input_mtok",
    "output_image_mtok": "output_mtok",
    "output_video_mtok": "output_mtok",
    "cache_image_read_mtok": "cache_read_mtok",
}


class Selected(msgspec.Struct, frozen=True, gc=False):
    """The card that holds. None with UNMETERED_PARTS: the row bills nothing that events count."""

    card: RateCard | None
    flags: int = 0


class Ask(msgspec.Struct, frozen=True, gc=False):
    """What decides among a row's rates."""

    at_ms: int
    tier: str = ""
    """As `tier_name` spells it."""
    input_tokens: int | None = None


class _Span(NamedTuple):
    """A constraint in milliseconds."""

    since_ms: int
    from_ms: int
    until_ms: int

    def holds(self, at_ms: int) -> bool:
        if at_ms < self.since_ms:
            return False
        of_day = at_ms % _DAY_MS
        if self.from_ms <= self.until_ms:
            return self.from_ms <= of_day < self.until_ms
        return of_day >= self.from_ms or of_day < self.until_ms


class _Rates(NamedTuple):
    """The rates of one window with its variants, before the input's size is known."""

    prices: Mapping[str, Rate]
    starts: tuple[int, ...]
    flags: int
    is_billable: bool
    """Something that events count has a rate, or the model is free."""


_Kind = tuple[int, int, tuple[int, ...], str]
"""Window, flags, variants and service tier: what selects a card but for the input's size."""


class _Steps(NamedTuple):
    """What one window selects, by the input's size."""

    starts: tuple[int, ...]
    selected: tuple[Selected, ...]
    """For up to the first start, then for more than each."""


@lru_cache(1000)
def tier_name(service_tier: str | None) -> str:
    """One spelling of each service tier, `""` for the standard one."""
    if service_tier is None:
        return ""
    name = service_tier.strip().lower().replace("-", "_").replace(" ", "_")
    return "" if name in _STANDARD_TIERS else name.removeprefix("on_demand_")


class Schedule:
    def __init__(self, origin: str, provider: str, model: ListedModel) -> None:
        self._origin, self._provider, self._model = origin, provider, model
        self._windows = model.windows
        self._spans = _window_spans([window.constraint for window in self._windows])
        self._is_always = len(self._spans) == 1 and self._spans[0] == _span(None)
        self._variants = model.price_variants or ()
        self._variant_spans = [_span(variant.constraint) for variant in self._variants]
        self._rates: dict[tuple[int, tuple[int, ...]], _Rates] = {}
        self._named_variants: dict[str, tuple[int, ...]] = {}
        self._steps: dict[_Kind, _Steps] = {}
        self._cards: dict[tuple[int, tuple[int, ...], int, str], RateCard] = {}

    def select(self, ask: Ask, *, with_variants: bool = True) -> Selected:
        """`with_variants` False: another provider lent this row, its service tiers do not hold."""
        if not ask.tier:
            return self.standard(ask.at_ms, ask.input_tokens)
        place, flags = self._window_at(ask.at_ms)
        variants = self._variants_for(ask) if with_variants else ()
        if not variants:
            return self._selected((place, flags | _TIER_IGNORED, (), ""), ask.input_tokens)
        return self._selected((place, flags, variants, ask.tier), ask.input_tokens)

    def standard(self, at_ms: int, input_tokens: int | None) -> Selected:
        """As `select` for a request without a service tier: this runs for every event."""
        place, flags = self._window_at(at_ms)
        return self._selected((place, flags, (), ""), input_tokens)

    def _selected(self, kind: _Kind, input_tokens: int | None) -> Selected:
        steps = self._steps.get(kind)
        if steps is None:
            steps = self._steps[kind] = self._steps_of(*kind)
        starts, selected = steps
        # Strictly greater: a request of exactly the start is below it.
        return selected[bisect_left(starts, input_tokens) if starts and input_tokens else 0]

    def _steps_of(self, place: int, flags: int, variants: tuple[int, ...], tier: str) -> _Steps:
        rates = self._rates_of(place, variants)
        flags |= rates.flags
        if not rates.is_billable:
            return _Steps((), (Selected(None, flags),))
        cards = (self._card(rates, place, start, tier) for start in (0, *rates.starts))
        return _Steps(rates.starts, tuple(Selected(card, flags) for card in cards))

    def _window_at(self, at_ms: int) -> tuple[int, int]:
        if self._is_always:
            return 0, 0
        for place in range(len(self._spans) - 1, -1, -1):
            if self._spans[place].holds(at_ms):
                return place, 0
        return 0, _BEFORE_FIRST_PRICE

    def _variants_for(self, ask: Ask) -> tuple[int, ...]:
        if not self._variants:
            return ()
        named = self._named_variants.get(ask.tier)
        if named is None:
            named = self._variants_named(ask.tier)
            if named:  # the names of strangers are not kept
                self._named_variants[ask.tier] = named
        return tuple(place for place in named if self._variant_spans[place].holds(ask.at_ms))

    def _variants_named(self, tier: str) -> tuple[int, ...]:
        context = _CONTEXTS.get(tier) or {"service_tier": tier}
        return tuple(
            place
            for place, variant in enumerate(self._variants)
            if variant.when.items() <= context.items()
        )

    def _rates_of(self, place: int, variants: tuple[int, ...]) -> _Rates:
        prices: dict[str, Rate] = {}
        for variant in variants:  # the first that names a rate decides it
            prices = dict(self._variants[variant].prices) | prices
        prices = self._windows[place].prices | prices
        flags = CostFlag.UNMETERED_PARTS if _has_unmetered_parts(prices) else 0
        is_free = self._model.free and not prices
        is_billable = is_free or bool(prices.keys() & PICO_EXPONENTS.keys())
        return _Rates(prices, tier_starts(prices), int(flags), is_billable)

    def _card(self, rates: _Rates, place: int, tier_start: int, context: str) -> RateCard:
        metered = (
            (key, _at_tier(rate, tier_start))
            for key, rate in rates.prices.items()
            if key in PICO_EXPONENTS
        )
        return RateCard(
            origin=self._origin,
            provider=self._provider,
            model=self._model.id,
            tier_start=tier_start,
            context=context,
            window=_window_text(self._windows[place].constraint),
            rates=rate_texts(metered),
        )


def _at_tier(rate: Rate, tier_start: int) -> Decimal:
    if isinstance(rate, Decimal):
        return rate
    reached = [tier for tier in rate.tiers if tier.start <= tier_start and tier_start]
    return max(reached, key=lambda tier: tier.start).price if reached else rate.base


def _has_unmetered_parts(prices: Mapping[str, Rate]) -> bool:
    """A part at the same rate as its whole is metered as well as the whole is."""
    return any(
        prices.get(_BASE_KEYS.get(key, "")) != prices[key]
        for key in UNMETERED_PARTS & prices.keys()
    )


def _window_spans(constraints: Sequence[Constraint | None]) -> list[_Span]:
    """Hours have no date in the list: they came with the dated price that they follow."""
    spans: list[_Span] = []
    for constraint in constraints:
        span = _span(constraint)
        if spans and constraint is not None and constraint.start_date is None:
            span = span._replace(since_ms=spans[-1].since_ms)
        spans.append(span)
    return spans


def _span(constraint: Constraint | None) -> _Span:
    since_ms, from_ms, until_ms = -(2**63), 0, _DAY_MS
    if constraint is not None:
        if constraint.start_date is not None:
            start = datetime.combine(constraint.start_date, time(), UTC)
            since_ms = int(start.timestamp()) * 1000
        if constraint.start_time is not None and constraint.end_time is not None:
            from_ms, until_ms = _of_day(constraint.start_time), _of_day(constraint.end_time)
    return _Span(since_ms, from_ms, until_ms)


def _of_day(clock: time) -> int:
    offset = clock.utcoffset()
    seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
    if offset is not None:
        seconds -= int(offset.total_seconds())
    return seconds * 1000 % _DAY_MS


def _window_text(constraint: Constraint | None) -> str:
    if constraint is None:
        return ""
    if constraint.start_date is not None:
        return constraint.start_date.isoformat()
    start, end = constraint.start_time, constraint.end_time
    return f"{start:%H:%M}-{end:%H:%M}Z" if start and end else ""
