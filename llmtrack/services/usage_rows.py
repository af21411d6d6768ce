"""Usage as rows of plain values, the same for `llmtrack usage` and `GET /api/usage`.

Costs are decimal US dollars as text; a count that no event reported is null.
"""

from typing import Any

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.money import usd_text
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.spans import Span
from llmtrack.domain.timeframes import LONGEST_DAYS
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import breakdown, breakdown_by_day
from llmtrack.storage.scope import Scope
from llmtrack.storage.sums import Sums

DIMENSIONS = ("provider", "model", "feature", "key", "customer", "environment", "status")
BY_DAY = "day"


async def usage_rows(scope: Scope, by: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Sums by one of DIMENSIONS, the dearest first, or by day in their order.

    Raises InvalidValue for more than ten years.
    """
    if end_ms - start_ms > LONGEST_DAYS * DAY_MS:
        raise InvalidValue("from", "from is more than ten years before the end")
    zone = scope.time_zone
    async with scope.reading() as reading:
        if by == "day":
            days = await breakdown_by_day(reading, start_ms=start_ms, end_ms=end_ms, time_zone=zone)
            return [{"day": row.date} | _fields(row.sums) for row in days]
        question = Question(Kind[by.upper()], Span(start_ms, end_ms), zone)
        found = await breakdown(reading, question)
    rows = []
    for row in found:
        value: dict[str, Any] = {by: row.label.slug if row.value is not None else None}
        if by == "key":
            value |= {"key_name": row.label.text, "key_prefix": row.label.detail}
        elif by == "customer":
            value |= {"customer_name": row.label.text if row.label.detail else None}
        rows.append(value | _fields(row.sums))
    return rows


def _fields(sums: Sums) -> dict[str, Any]:
    return {
        "events": sums.events,
        "failed": sums.failures,
        "errors": sums.errors,
        "timeouts": sums.timeouts,
        "cancelled": sums.cancelled,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cache_read_tokens": sums.cache_read_tokens,
        "cache_write_tokens": sums.cache_write_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "cost_usd": usd_text(sums.cost_pico),
        "unpriced_events": sums.unpriced_events,
        "partial_events": sums.partial_events,
        "unknown_usage_events": sums.unknown_usage_events,
    }
