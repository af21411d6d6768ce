"""The price list at work: from a name and an ask to the card that holds."""

from llmtrack.domain.price_list import PriceList
from llmtrack.domain.price_match import CACHED_NAMES, Match, PriceMatcher
from llmtrack.domain.price_schedule import Ask, Schedule, Selected


class ListedPrices:
    """One list for all price books: what it learns of names and cards is shared by them."""

    def __init__(self, prices: PriceList) -> None:
        self.list = prices
        self._matcher = PriceMatcher(prices)
        self._schedules: dict[tuple[str, str], Schedule] = {}
        self._lasting: dict[tuple[str, str], Selected | None] = {}

    def match(self, provider: str, model: str) -> Match | None:
        return self._matcher.find(provider, model)

    def select(self, match: Match | None, ask: Ask) -> Selected | None:
        if match is None:
            return None
        return self._schedule(match).select(ask, with_variants=match.is_own)

    def lasting(self, provider: str, model: str) -> Selected | None:
        """What a standard request of that name costs at any time and size, if there is one."""
        key = provider, model
        if key not in self._lasting:
            if len(self._lasting) >= CACHED_NAMES:
                self._lasting.clear()
            match = self.match(provider, model)
            self._lasting[key] = self._schedule(match).lasting() if match else None
        return self._lasting[key]

    def _schedule(self, match: Match) -> Schedule:
        key = match.provider, match.model.id
        schedule = self._schedules.get(key)
        if schedule is None:
            origin = f"list:{self.list.version}"
            schedule = self._schedules[key] = Schedule(origin, match.provider, match.model)
        return schedule
