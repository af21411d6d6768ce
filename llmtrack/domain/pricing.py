"""What a call costs: find the price, multiply, and say how sure the figure is.

Statuses, in the order in which they are decided:

    invalid_usage       the counts contradict each other, or the cost exceeds what can be stored
    no_usage            no count at all was reported
    unpriced            nobody knows a price for this provider and model
    insufficient_usage  only a total, where input and output differ in price; or the model is
                        billed by something that events do not count (hours, pages, characters)
    partial             a lower bound: one side's count is missing though it has a price, or
                        something counted has no rate
    priced              everything else; a free model costs 0
"""

from bisect import bisect_right
from collections.abc import MutableSequence, Sequence
from typing import NamedTuple

import msgspec

from llmtrack.domain.charges import CostLine, charge, explain
from llmtrack.domain.costs import Cost, CostFlag, CostStatus, RateCard
from llmtrack.domain.custom_prices import Alias, CustomPrices, Override, adjusted_card
from llmtrack.domain.listed_prices import ListedPrices, NamedModel
from llmtrack.domain.money import PICO_MAX
from llmtrack.domain.price_list import PriceList, parse_price_list
from llmtrack.domain.price_match import Match
from llmtrack.domain.price_schedule import Ask, Selected, tier_name
from llmtrack.domain.usage import Usage

__all__ = [
    "Alias",
    "Cost",
    "CostFlag",
    "CostLine",
    "CostStatus",
    "CustomPrices",
    "ListedPrices",
    "Lookup",
    "Match",
    "Override",
    "PriceBook",
    "RateCard",
    "billed_usage",
    "charge",
    "explain",
]

_RATE_MISSING = int(CostFlag.RATE_MISSING)  # plain: this runs for every event
_PRICED, _PARTIAL = CostStatus.PRICED, CostStatus.PARTIAL
_INVALID = Cost(None, CostStatus.INVALID_USAGE)
_BEYOND = Cost(None, CostStatus.INVALID_USAGE, int(CostFlag.BEYOND_BOUND))
_NO_USAGE = Cost(None, CostStatus.NO_USAGE)
_UNPRICED = Cost(None, CostStatus.UNPRICED)


CACHED_ROUTES = 100
"""Of each book with own prices; a server may hold a thousand."""

Step = Override | Alias | Match


class Lookup(NamedTuple):
    """What a name costs, and by which steps that was found."""

    card: RateCard | None
    flags: CostFlag
    steps: tuple[Step, ...]
    """Overrides and aliases that were taken, in order, then the list's row if it was reached."""

    @property
    def is_known(self) -> bool:
        """False: no price and no row of that name; True without a card: not billed by tokens."""
        return self.card is not None or any(isinstance(step, Match) for step in self.steps)


class _Route(NamedTuple):
    """From a name to its price: an own price or the list's, then percentages in this order."""

    own: Selected | None
    named: NamedModel
    percents: tuple[Override, ...]


class PriceBook:
    """The price list under the overrides and aliases of scopes: the workspace's, then everybody's.

    Safe to share between threads. It holds no more than a bounded number of strangers' names.
    """

    def __init__(self, listed: ListedPrices, scopes: Sequence[CustomPrices] = ()) -> None:
        self._listed = listed
        self._scopes = tuple(scope for scope in scopes if scope)
        self._changes_ms = sorted({at_ms for scope in self._scopes for at_ms in scope.changes_ms})
        self._routes: dict[tuple[str, str, str, int], _Route] = {}

    @classmethod
    def bundled(cls, data: bytes) -> "PriceBook":
        return cls(ListedPrices(parse_price_list(data)))

    @property
    def list(self) -> PriceList:
        return self._listed.list

    def with_custom(self, *scopes: CustomPrices) -> "PriceBook":
        """The same list under these scopes, the first one strongest. Cheap: the list is shared."""
        return PriceBook(self._listed, scopes)

    def price(
        self,
        provider: str,
        model: str,
        usage: Usage,
        *,
        at_ms: int,
        service_tier: str | None = None,
    ) -> Cost:
        if usage.problem is not None:
            return _INVALID
        whole = usage.input_tokens
        if whole is None and usage.output_tokens is None:
            if usage.is_unreported:
                return _NO_USAGE
            whole = usage.total_tokens
        if service_tier is None and not self._scopes:
            schedule = self._listed.named(provider, model).schedule
            found = None if schedule is None else schedule.standard(at_ms, whole)
        else:
            found = self._select(provider, model, Ask(at_ms, tier_name(service_tier), whole))
        return _UNPRICED if found is None else _cost(usage, found)

    def rate_card(
        self,
        provider: str,
        model: str,
        *,
        at_ms: int,
        service_tier: str | None = None,
        input_tokens: int | None = None,
    ) -> RateCard | None:
        """The rates that hold for a request of that size, None without a price."""
        found = self._select(provider, model, Ask(at_ms, tier_name(service_tier), input_tokens))
        return found.card if found else None

    def lookup(
        self,
        provider: str,
        model: str,
        *,
        at_ms: int,
        service_tier: str | None = None,
        input_tokens: int | None = None,
    ) -> Lookup:
        """As `rate_card`, and why."""
        steps: list[Step] = []
        ask = Ask(at_ms, tier_name(service_tier), input_tokens)
        found = self._select_custom(provider, model, ask, 0, aliases=True, steps=steps)
        found = found or Selected(None)
        return Lookup(found.card, CostFlag(found.flags), tuple(steps))

    def match(self, provider: str, model: str) -> Match | None:
        """The price list's own row of that name, whatever overrides it."""
        return self._listed.named(provider, model).match

    def _select(self, provider: str, model: str, ask: Ask) -> Selected | None:
        if not self._scopes:
            return self._listed.select(self._listed.named(provider, model), ask)
        # Between two changes of own prices one way leads from a name to its price.
        key = provider, model, ask.tier, bisect_right(self._changes_ms, ask.at_ms)
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= CACHED_ROUTES:
                self._routes.clear()
            route = self._routes[key] = self._route(provider, model, ask)
        found = route.own or self._listed.select(route.named, ask)
        for override in route.percents:
            found = _adjusted(override, found)
        return found

    def _route(self, provider: str, model: str, ask: Ask) -> _Route:
        steps: list[Step] = []
        self._select_custom(provider, model, ask, 0, aliases=True, steps=steps)
        own, percents = None, []
        for step in steps:
            if isinstance(step, Alias):
                provider, model = step.to_provider, step.to_model
            elif isinstance(step, Override) and step.percent is None:
                own = next(found for s in self._scopes if (found := s.select(step, ask.tier)))
            elif isinstance(step, Override):
                percents.append(step)
        return _Route(own, self._listed.named(provider, model), tuple(reversed(percents)))

    def _select_custom(
        self,
        provider: str,
        model: str,
        ask: Ask,
        overrides_from: int,
        *,
        aliases: bool,
        steps: MutableSequence[Step],
    ) -> Selected | None:
        """Overrides of the scopes before `overrides_from` are spent; one alias is followed."""
        named = self._listed.named(provider, model)
        biller_id, names, match, _ = named
        for place, scope in enumerate(self._scopes):
            override = None
            if place >= overrides_from:
                override = scope.override(biller_id, names, ask.at_ms, ask.tier)
            if override is not None:
                steps.append(override)
                if override.percent is None:
                    return scope.select(override, ask.tier)
                base = self._select_custom(
                    provider, model, ask, place + 1, aliases=aliases, steps=steps
                )
                return _adjusted(override, base)
            alias = scope.alias(biller_id, names, ask.at_ms) if aliases else None
            if alias is not None:
                steps.append(alias)
                to = alias.to_provider, alias.to_model
                return self._select_custom(*to, ask, overrides_from, aliases=False, steps=steps)
        if match is not None:
            steps.append(match)
        return self._listed.select(named, ask)


def _adjusted(override: Override, base: Selected | None) -> Selected | None:
    if base is None or base.card is None or override.percent is None:
        return base
    return Selected(adjusted_card(base.card, override.id, override.percent), base.flags)


def _cost(usage: Usage, found: Selected) -> Cost:
    card, flags = found.card, found.flags
    if card is None:
        if flags & CostFlag.UNMETERED_PARTS:
            return Cost(None, CostStatus.INSUFFICIENT_USAGE, int(CostFlag.UNMETERED_PARTS))
        return _UNPRICED
    tariff = card.tariff
    billed: Usage | None = usage
    if usage.input_tokens is None and usage.output_tokens is None:
        billed = billed_usage(usage, card)
    if billed is None:
        return Cost(None, CostStatus.INSUFFICIENT_USAGE)
    amount, charge_flags = charge(billed, tariff)
    if amount > PICO_MAX:
        return _BEYOND
    flags |= charge_flags
    is_bound = (
        (billed.input_tokens is None and tariff.charges_input)
        or (billed.output_tokens is None and tariff.charges_output)
        or flags & _RATE_MISSING
    )
    return Cost(amount, _PARTIAL if is_bound else _PRICED, flags, card)


def billed_usage(usage: Usage, card: RateCard) -> Usage | None:
    """The usage with a total alone taken as input, where that is all one price; else None."""
    if usage.input_tokens is not None or usage.output_tokens is not None:
        return usage
    if usage.total_tokens is None:
        return usage
    if not card.tariff.total_suffices:
        return None
    return msgspec.structs.replace(usage, input_tokens=usage.total_tokens, output_tokens=0)
