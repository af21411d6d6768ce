"""What if: usage that was recorded, at another model's prices, request by request.

Request by request, because the size of one decides its tier and each is rounded once: a sum of
tokens times a rate would be another amount.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from llmtrack.domain.costs import Cost, CostStatus
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.spans import Span
from llmtrack.domain.what_if import Comparison
from llmtrack.storage.dimensions import Filters
from llmtrack.storage.priced_usage import PricedUsage, priced_usage
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.stored_usage import Key
from llmtrack.storage.usage_rows import check_bound

_INVALID = Cost(None, CostStatus.INVALID_USAGE)


class Target(NamedTuple):
    """Whose prices, and those of which moment."""

    provider: str
    model: str
    at_ms: int


class Comparing:
    """Some requests at other prices, a batch at a time in the order of their times."""

    def __init__(self, span: Span, filters: Filters, prices: tuple[PriceBook, Target]) -> None:
        self.span, self.filters, self.prices = span, filters, prices
        self.found: dict[int, Comparison] = defaultdict(Comparison)
        """By feature, so far."""
        self.seen_events = 0
        self._after: Key | None = (span.start_ms, -1)

    @property
    def reached_ms(self) -> int:
        """Up to which moment all requests are compared."""
        return self.span.end_ms if self._after is None else self._after[0]

    async def step(self, reading: ScopedReading) -> bool:
        """Compare the next batch; whether there is another one."""
        if self._after is None:
            return False
        batch, self._after = await priced_usage(reading, self.span, self.filters, self._after)
        for item in batch:
            self.found[item.feature_id].add(item.cost_pico, _cost(item, *self.prices))
        self.seen_events += len(batch)
        return self._after is not None


async def what_if(
    reading: ScopedReading,
    comparing: Comparing,
    *,
    read_events_max: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[int, Comparison]:
    """By feature. Raises TooMuchToRead; `progress` hears how many events so far."""
    await check_bound(reading, [comparing.span], read_events_max, comparing.filters)
    while await comparing.step(reading):
        if progress is not None:
            progress(comparing.seen_events)
        await asyncio.sleep(0)
    return dict(comparing.found)


def _cost(item: PricedUsage, book: PriceBook, target: Target) -> Cost:
    if item.usage is None:
        return _INVALID
    return book.price(
        target.provider,
        target.model,
        item.usage,
        at_ms=target.at_ms,
        service_tier=item.service_tier,
    )
