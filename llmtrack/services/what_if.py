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
from llmtrack.storage.usage_rows import check_bound

_INVALID = Cost(None, CostStatus.INVALID_USAGE)


class Target(NamedTuple):
    """Whose prices, and those of which moment."""

    provider: str
    model: str
    at_ms: int


async def what_if(
    reading: ScopedReading,
    span: Span,
    filters: Filters,
    prices: tuple[PriceBook, Target],
    *,
    read_events_max: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[int, Comparison]:
    """By feature. Raises TooMuchToRead; `progress` hears how many events so far."""
    await check_bound(reading, [span], read_events_max)
    found: dict[int, Comparison] = defaultdict(Comparison)
    after: tuple[int, int] | None = (span.start_ms, -1)
    seen = 0
    while after is not None:
        batch, after = await priced_usage(reading, span, filters, after)
        for item in batch:
            found[item.feature_id].add(item.cost_pico, _cost(item, *prices))
        seen += len(batch)
        if progress is not None:
            progress(seen)
        await asyncio.sleep(0)
    return dict(found)


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
