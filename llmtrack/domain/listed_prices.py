"""The price list at work: from a name and an ask to the card that holds."""

from typing import NamedTuple

from llmtrack.domain.model_names import biller, model_names
from llmtrack.domain.price_list import PriceList
from llmtrack.domain.price_match import NAME_CHARS_MAX, Match, PriceMatcher
from llmtrack.domain.price_schedule import Ask, Schedule, Selected

CACHED_NAMES = 4_000
"""With NAME_CHARS_MAX this bounds what the names of strangers can occupy."""


class NamedModel(NamedTuple):
    """What an event's provider and model mean."""

    biller_id: str
    names: tuple[str, ...]
    """Every spelling of the model, best first, the row's own last."""
    match: Match | None
    schedule: Schedule | None
    """Of the matched row."""


_NOBODY = NamedModel("", (), None, None)


class ListedPrices:
    """One list for all price books: what it learned of names and cards is shared by them."""

    def __init__(self, prices: PriceList) -> None:
        self.list = prices
        self._matcher = PriceMatcher(prices)
        self._schedules: dict[tuple[str, str], Schedule] = {}
        self._named: dict[tuple[str, str], NamedModel] = {}

    def named(self, provider: str, model: str) -> NamedModel:
        key = provider, model
        found = self._named.get(key)
        if found is None:
            if max(len(provider), len(model)) > NAME_CHARS_MAX:
                return _NOBODY
            found = self._find(provider, model)
            if len(self._named) >= CACHED_NAMES:
                self._named.clear()
            self._named[key] = found
        return found

    def select(self, named: NamedModel, ask: Ask) -> Selected | None:
        if named.match is None or named.schedule is None:
            return None
        return named.schedule.select(ask, with_variants=named.match.is_own)

    def _find(self, provider: str, model: str) -> NamedModel:
        biller_id, name = biller(provider, model)
        names = model_names(biller_id, name)
        match = self._matcher.find(biller_id, names)
        if match is None:
            return NamedModel(biller_id, names, None, None)
        names = tuple(dict.fromkeys((*names, match.model.id.lower())))
        return NamedModel(biller_id, names, match, self._schedule(match))

    def _schedule(self, match: Match) -> Schedule:
        key = match.provider, match.model.id
        schedule = self._schedules.get(key)
        if schedule is None:
            origin = f"list:{self.list.version}"
            schedule = self._schedules[key] = Schedule(origin, match.provider, match.model)
        return schedule
