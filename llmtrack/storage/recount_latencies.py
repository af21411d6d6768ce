"""Counts the latency steps again from the events: the part of `recount` that SQL cannot do."""

from collections import Counter

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, LATENCY_QUARTER_KINDS, Kind
from llmtrack.storage.scope import ScopedReading

READ_LATENCIES = f"""
-- recount.latencies
select timestamp_ms / {QUARTER_MS}, model_id, feature_id, latency_ms
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and latency_ms is not null
"""  # noqa: S608 - a number
STORED_LATENCIES = {
    table: f"""
-- recount.latencies
select kind, bucket, value, step, events
from {table}
where workspace_id = :workspace_id
  and kind in ({", ".join(str(int(kind)) for kind in kinds)})
  and bucket >= :first
  and bucket < :end
  and events <> 0
"""  # noqa: S608 - names of tables
    for table, kinds in (
        ("latency_quarter", LATENCY_QUARTER_KINDS),
        ("latency_day", LATENCY_DAY_KINDS),
    )
}


STRETCH_QUARTERS = 8
"""A busy day has too many latencies to hold at once."""


async def wrong_latencies(reading: ScopedReading, day: int, quarters: range) -> dict[str, int]:
    """How many rows of each table differ on a day that consists of these quarters."""
    of_day: Counter[tuple[int, ...]] = Counter()
    wrong = {"latency_quarter": 0, "latency_day": 0}
    for first in range(quarters.start, quarters.stop, STRETCH_QUARTERS):
        end = min(first + STRETCH_QUARTERS, quarters.stop)
        of_quarters: Counter[tuple[int, ...]] = Counter()
        counted = await _count_latencies(reading, (first, end), of_day, day)
        for (quarter, step), events in counted.items():
            of_quarters[Kind.TOTAL, quarter, 0, step] = events
            of_day[Kind.TOTAL, day, 0, step] += events
        stored = await _stored_latencies(reading, "latency_quarter", (first, end))
        wrong["latency_quarter"] += _differing(of_quarters, stored)
    stored = await _stored_latencies(reading, "latency_day", (day, day + 1))
    wrong["latency_day"] = _differing(of_day, stored)
    return wrong


def _differing(counted: Counter[tuple[int, ...]], stored: dict[tuple[int, ...], int]) -> int:
    return sum(counted[key] != stored.get(key) for key in counted.keys() | stored.keys())


async def _count_latencies(
    reading: ScopedReading,
    quarters: tuple[int, int],
    of_day: Counter[tuple[int, ...]],
    day: int,
) -> Counter[tuple[int, int]]:
    """Events by quarter and step; those by model and feature are added to the day's.

    The steps are exact integers that SQL cannot compute.
    """
    first, end = quarters
    rows = await reading.rows(READ_LATENCIES, start_ms=first * QUARTER_MS, end_ms=end * QUARTER_MS)
    if not rows:
        return Counter()
    numbers, models, features, latencies_ms = zip(*rows, strict=True)
    steps = list(map(latency_step, latencies_ms))
    for kind, values in ((Kind.MODEL, models), (Kind.FEATURE, features)):
        for (value, step), events in Counter(zip(values, steps, strict=True)).items():
            of_day[kind, day, value, step] += events
    return Counter(zip(numbers, steps, strict=True))


async def _stored_latencies(
    reading: ScopedReading, table: str, buckets: tuple[int, int]
) -> dict[tuple[int, ...], int]:
    rows = await reading.rows(STORED_LATENCIES[table], first=buckets[0], end=buckets[1])
    return {(kind, found, value, step): events for kind, found, value, step, events in rows}
