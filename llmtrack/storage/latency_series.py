"""Latency steps per bucket of time: what percentiles over time are drawn from."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence

from llmtrack.domain.periods import QUARTER_MS, day_start_ms
from llmtrack.domain.spans import Buckets, Span, cut, cut_finely
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, LATENCY_QUARTER_KINDS, Kind
from llmtrack.storage.latencies import steps_of_events
from llmtrack.storage.questions import Flat, Question, route
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.usage_rows import check_bound

StepsByBucket = dict[int | None, list[Counter[int]]]


def _rollup(table: str) -> str:
    return f"""
-- latency_series.latency_series
select bucket, value, step, sum(events)
from {table}
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
  and (:value is null or value = :value)
  and (:chosen is null or value in (select value from json_each(:chosen)))
group by bucket, value, step
"""  # noqa: S608 - a name of ours


SERIES_DAYS = _rollup("latency_day")
SERIES_QUARTERS = _rollup("latency_quarter")


async def latency_series(
    reading: ScopedReading,
    question: Question,
    buckets: Buckets,
    chosen: Sequence[int] | None = None,
) -> StepsByBucket:
    """How many events lie in each step of each bucket, by value (TOTAL: under 0).

    Raises TooMuchToRead where no table has the steps and the events are too many.
    """
    found: StepsByBucket = defaultdict(lambda: [Counter() for _ in buckets.spans])
    kept = route(question)
    if not isinstance(kept, Flat) or kept.kind not in LATENCY_DAY_KINDS:
        await check_bound(reading, [question.span], question.read_events_max, question.filters)
        for place, span in enumerate(buckets.spans):
            await _add_events(reading, question, span, found, place)
        return dict(found)
    fine = buckets.step.is_fine or not await are_days_of(reading, question.time_zone)
    pieces = cut_finely(question.span) if fine else cut(question.span, question.time_zone)
    days = [pieces.days] if pieces.days is not None else []
    quarters, spans = pieces.quarters, list(pieces.instants)
    if kept.kind not in LATENCY_QUARTER_KINDS:
        spans += _within_buckets(quarters, buckets)
        quarters = ()
    listed = json.dumps(list(chosen)) if chosen is not None else None
    common = {"kind": kept.kind, "value": kept.value, "chosen": listed}
    for sql, ranges, is_day in (
        (SERIES_DAYS, days, True),
        (SERIES_QUARTERS, quarters, False),
    ):
        for first, end in ranges:
            rows = await reading.rows(sql, first=first, end=end, **common)
            for bucket, value, step, events in rows:
                start_ms = (
                    day_start_ms(bucket, question.time_zone) if is_day else bucket * QUARTER_MS
                )
                key = 0 if question.kind is Kind.TOTAL else value
                found[key][buckets.place(start_ms)][step] += events
    for span in spans:
        await _add_events(reading, question, span, found, buckets.place(span.start_ms))
    return dict(found)


def _within_buckets(quarters: Sequence[tuple[int, int]], buckets: Buckets) -> list[Span]:
    """Runs of quarters as spans, none of which reaches over two buckets."""
    edges = [Span(first * QUARTER_MS, end * QUARTER_MS) for first, end in quarters]
    shared = (
        Span(max(edge.start_ms, bucket.start_ms), min(edge.end_ms, bucket.end_ms))
        for edge in edges
        for bucket in buckets.spans
    )
    return [span for span in shared if span.start_ms < span.end_ms]


async def _add_events(
    reading: ScopedReading, question: Question, span: Span, found: StepsByBucket, place: int
) -> None:
    for value, steps in (await steps_of_events(reading, question, span)).items():
        found[value][place].update(steps)
