"""The price list at work: from a name and an ask to the card that holds."""

from llmtrack.domain.price_list import PriceList
from llmtrack.domain.price_match import Match, PriceMatcher
from llmtrack.domain.price_schedule import Ask, Schedule, Selected


class ListedPrices:
    """One list for all price books: what it learns of names and cards is shared by them."""

    def __init__(self, prices: PriceList) -> None:
        self.list = prices
        self._matcher = PriceMatcher(prices)
        self._schedules: dict[tuple[str, str], Schedule] = {}

    def match(self, provider: str, model: str) -> Match | None:
        return self._matcher.find(provider, model)

    def select(self, match: Match | None, ask: Ask) -> Selected | None:
        if match is None:
            return None
        key = match.provider, match.model.id
        schedule = self._schedules.get(key)
        if schedule is None:
            origin = f"list:{self.list.version}"
            schedule = self._schedules[key] = Schedule(origin, match.provider, match.model)
        return schedule.select(ask, with_variants=match.is_own)
