"""Counts the latency steps again from the events: the part of `recount` that SQL cannot do."""

from collections import Counter

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, LATENCY_QUARTER_KINDS, Kind
from llmtrack.storage.scope import ScopedReading

READ_LATENCIES = """
-- recount.latencies
select model_id, feature_id, latency_ms, count(*)
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and latency_ms is not null
group by 1, 2, 3
"""
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


async def wrong_latencies(reading: ScopedReading, day: int, quarters: range) -> dict[str, int]:
    """How many rows of each table differ on a day that consists of these quarters.

    A quarter at a time: a busy day has too many different latencies to hold at once.
    """
    of_day: Counter[tuple[int, ...]] = Counter()
    wrong = {"latency_quarter": 0, "latency_day": 0}
    for quarter in quarters:
        counted = await _count_latencies(reading, quarter)
        for (kind, _, value, step), events in counted.items():
            of_day[kind, day, value, step] += events
        stored = await _stored_latencies(reading, "latency_quarter", quarter)
        wrong["latency_quarter"] += _differing(_kept_by_quarter(counted), stored)
    wrong["latency_day"] = _differing(of_day, await _stored_latencies(reading, "latency_day", day))
    return wrong


def _differing(counted: Counter[tuple[int, ...]], stored: dict[tuple[int, ...], int]) -> int:
    return sum(counted[key] != stored.get(key) for key in counted.keys() | stored.keys())


def _kept_by_quarter(counted: Counter[tuple[int, ...]]) -> Counter[tuple[int, ...]]:
    return Counter({key: n for key, n in counted.items() if key[0] in LATENCY_QUARTER_KINDS})


async def _count_latencies(reading: ScopedReading, quarter: int) -> Counter[tuple[int, ...]]:
    """Events by latency step; the steps are exact integers that SQL cannot compute."""
    counts: Counter[tuple[int, ...]] = Counter()
    start_ms = quarter * QUARTER_MS
    rows = await reading.rows(READ_LATENCIES, start_ms=start_ms, end_ms=start_ms + QUARTER_MS)
    for model_id, feature_id, latency_ms, events in rows:
        step = latency_step(latency_ms)
        for kind, value in (
            (Kind.TOTAL, 0),
            (Kind.MODEL, model_id),
            (Kind.FEATURE, feature_id),
        ):
            counts[kind, quarter, value, step] += events
    return counts


async def _stored_latencies(
    reading: ScopedReading, table: str, bucket: int
) -> dict[tuple[int, ...], int]:
    rows = await reading.rows(STORED_LATENCIES[table], first=bucket, end=bucket + 1)
    return {(kind, found, value, step): events for kind, found, value, step, events in rows}
