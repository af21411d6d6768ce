"""Models without a price: who sends them, how much of them, and since when.

Counts come from the rollups, so that the list costs no more for more events. Tokens are those
of days on which no event of the model had a price; of days with both kinds the unpriced
events are read, up to a bound.
"""

import sqlite3
from collections import defaultdict
from typing import NamedTuple

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.periods import QUARTER_MS, day_start_ms
from llmtrack.storage.dimensions import Kind, pair_code
from llmtrack.storage.scope import ScopedReading

MODEL_PROVIDERS = int(pair_code(Kind.MODEL, Kind.PROVIDER))
MIXED_DAYS_MAX = 40
SEEN_MAX = 200
"""Models whose first and last event are looked up; the others have whole days."""


class Unpriced(NamedTuple):
    """What one model of one provider has in events without a price."""

    provider: str
    model: str
    events: int
    tokens: int
    is_token_bound: bool
    """Whether the tokens of some days are not in the count."""
    first_ms: int
    last_ms: int


READ_DAYS = """
-- unpriced.unpriced_models
select
  value as model_id,
  other as provider_id,
  (select text from name where workspace_id = pair.workspace_id and id = value) as model,
  (select text from name where workspace_id = pair.workspace_id and id = other) as provider,
  bucket as day,
  events,
  unpriced_events,
  input_tokens + output_tokens as tokens
from usage_pair_day pair
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
  and unpriced_events > 0
"""
READ_QUARTERS = """
-- unpriced.unpriced_models
select value, min(bucket) as first, max(bucket) as last
from usage_quarter
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
  and unpriced_events > 0
group by value
"""
_OF_MODEL = f"""
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and model_id = :model_id
  and provider_id = :provider_id
  and cost_status = {int(CostStatus.UNPRICED)}
"""
READ_TOKENS = f"""
-- unpriced.unpriced_models
select coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0)
{_OF_MODEL}
"""
READ_SEEN = f"""
-- unpriced.unpriced_models
select min(timestamp_ms), max(timestamp_ms)
{_OF_MODEL}
"""


class _Days:
    """The days of one model and provider, added up."""

    def __init__(self) -> None:
        self.names = ("", "")
        self.events = self.tokens = 0
        self.days: list[int] = []
        self.mixed_days: list[int] = []

    def add(self, row: sqlite3.Row) -> None:
        self.names = row["provider"], row["model"]
        self.events += row["unpriced_events"]
        self.days.append(row["day"])
        if row["events"] == row["unpriced_events"]:
            self.tokens += row["tokens"]
        else:
            self.mixed_days.append(row["day"])


async def unpriced_models(
    reading: ScopedReading, time_zone: str, days: tuple[int, int]
) -> list[Unpriced]:
    """Of the days from the first on, before the end; those with most events first."""
    found: dict[tuple[int, int], _Days] = defaultdict(_Days)
    rows = await reading.rows(READ_DAYS, kind=MODEL_PROVIDERS, first=days[0], end=days[1])
    for row in rows:
        found[row["model_id"], row["provider_id"]].add(row)
    if not found:
        return []
    quarters = await _quarters(reading, time_zone, days)
    budget = MIXED_DAYS_MAX
    listed = []
    for place, (ids, known) in enumerate(
        sorted(found.items(), key=lambda item: (-item[1].events, item[1].names))
    ):
        read = known.mixed_days[:budget]
        budget -= len(read)
        tokens = known.tokens
        for day in read:
            tokens += await _tokens(reading, ids, day, time_zone)
        span = day_start_ms(min(known.days), time_zone), day_start_ms(max(known.days), time_zone)
        if place < SEEN_MAX:
            span = await _seen(reading, ids, quarters.get(ids[0]), span)
        listed.append(
            Unpriced(*known.names, known.events, tokens, len(read) < len(known.mixed_days), *span)
        )
    return listed


async def _quarters(
    reading: ScopedReading, time_zone: str, days: tuple[int, int]
) -> dict[int, tuple[int, int]]:
    rows = await reading.rows(
        READ_QUARTERS,
        kind=Kind.MODEL,
        first=day_start_ms(days[0], time_zone) // QUARTER_MS,
        end=day_start_ms(days[1], time_zone) // QUARTER_MS,
    )
    return {row["value"]: (row["first"], row["last"]) for row in rows}


async def _tokens(reading: ScopedReading, ids: tuple[int, int], day: int, time_zone: str) -> int:
    [row] = await reading.rows(
        READ_TOKENS,
        model_id=ids[0],
        provider_id=ids[1],
        start_ms=day_start_ms(day, time_zone),
        end_ms=day_start_ms(day + 1, time_zone),
    )
    return int(row[0])


async def _seen(
    reading: ScopedReading,
    ids: tuple[int, int],
    quarters: tuple[int, int] | None,
    days: tuple[int, int],
) -> tuple[int, int]:
    """The first and the last of the events; a purged one has its quarter or its day."""
    if quarters is None:
        return days
    ends = []
    for quarter, place in zip(quarters, (0, 1), strict=True):
        [row] = await reading.rows(
            READ_SEEN,
            model_id=ids[0],
            provider_id=ids[1],
            start_ms=quarter * QUARTER_MS,
            end_ms=(quarter + 1) * QUARTER_MS,
        )
        ends.append(days[place] if row[place] is None else row[place])
    return ends[0], ends[1]
