"""The stored usage of single events, in the order of time, for pricing it at other prices."""

from typing import NamedTuple

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.spans import Span
from llmtrack.domain.usage import COUNT_FIELDS, Usage
from llmtrack.storage.dimensions import Filters
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.stored_usage import Key, usage_of
from llmtrack.storage.usage_rows import FILTER_EVENTS, filter_values

BATCH_EVENTS = 1_000
_INVALID = int(CostStatus.INVALID_USAGE)  # plain: this is asked of every event

READ_BATCH = f"""
-- priced_usage.priced_usage
select timestamp_ms, id, feature_id, cost_pico, cost_status, usage_convention,
  {", ".join(COUNT_FIELDS)},
  (select text from name n where n.workspace_id = event.workspace_id
     and n.id = event.service_tier_id) as service_tier
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and (timestamp_ms, id) > (:after_ms, :after_id)
{FILTER_EVENTS}
order by timestamp_ms, id
limit {BATCH_EVENTS}
"""  # noqa: S608 - names of columns


class PricedUsage(NamedTuple):
    """`usage` None: its counts contradict each other, and no price makes sense of them."""

    feature_id: int
    usage: Usage | None
    service_tier: str | None
    cost_pico: int | None


async def priced_usage(
    reading: ScopedReading, span: Span, filters: Filters, after: Key
) -> tuple[list[PricedUsage], Key | None]:
    """The next BATCH_EVENTS events behind a key, and the key of the last; None at the end."""
    rows = await reading.rows(
        READ_BATCH,
        start_ms=max(span.start_ms, after[0]),
        end_ms=span.end_ms,
        after_ms=after[0],
        after_id=after[1],
        **filter_values(filters),
    )
    found = []
    for row in rows:
        _, _, feature_id, cost_pico, cost_status, convention, *counts, service_tier = row
        usage = None if cost_status == _INVALID else usage_of(counts, convention)
        found.append(PricedUsage(feature_id, usage, service_tier, cost_pico))
    if len(rows) < BATCH_EVENTS:
        return found, None
    return found, (rows[-1]["timestamp_ms"], rows[-1]["id"])
