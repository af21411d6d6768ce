"""Latency steps per bucket of time: what percentiles over time are drawn from."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence

from llmtrack.domain.periods import QUARTER_MS, day_start_ms
from llmtrack.domain.spans import Buckets, Span
from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, Kind
from llmtrack.storage.latencies import latency_pieces, steps_of_events
from llmtrack.storage.questions import Flat, Question, route
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.usage_rows import check_bound

StepsByBucket = dict[int | None, list[Counter[int]]]


def _rollup(table: str, chosen: str, where: str) -> str:
    return f"""
-- latency_series.latency_series
select u.bucket, u.value, u.step, u.events
from json_each(:buckets) b
{chosen}cross join {table} u
where u.workspace_id = :workspace_id
  and u.kind = :kind
  and u.bucket = b.value
  {where}
  and u.events <> 0
"""  # noqa: S608 - names of ours


_CHOSEN = ("cross join json_each(:chosen) c\n", "and u.value = c.value")
ALL_SERIES = {table: _rollup(table, "", "") for table in ("latency_day", "latency_quarter")}
CHOSEN_SERIES = {table: _rollup(table, *_CHOSEN) for table in ("latency_day", "latency_quarter")}


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
    pieces = await latency_pieces(reading, question, kept, fine=buckets.step.is_fine)
    days = [pieces.days] if pieces.days is not None else []
    if kept.value is not None:
        chosen = [kept.value]
    statements = ALL_SERIES if chosen is None else CHOSEN_SERIES
    common = {"kind": kept.kind, "chosen": json.dumps(list(chosen or ()))}
    for table, ranges in (("latency_day", days), ("latency_quarter", pieces.quarters)):
        numbers = [bucket for span in ranges for bucket in range(*span)]
        rows = await reading.rows(statements[table], buckets=json.dumps(numbers), **common)
        places = {number: buckets.place(_start_ms(table, number, question)) for number in numbers}
        for bucket, value, step, events in rows:
            key = 0 if question.kind is Kind.TOTAL else value
            of_bucket = found[key][places[bucket]]
            of_bucket[step] = of_bucket.get(step, 0) + events
    for span in _within_buckets(pieces.more, buckets):
        await _add_events(reading, question, span, found, buckets.place(span.start_ms))
    for span in pieces.less:
        place = buckets.place(span.start_ms)
        for value, steps in (await steps_of_events(reading, question, span)).items():
            found[value][place] -= steps
    return dict(found)


def _start_ms(table: str, number: int, question: Question) -> int:
    if table == "latency_day":
        return day_start_ms(number, question.time_zone)
    return number * QUARTER_MS


def _within_buckets(spans: Sequence[Span], buckets: Buckets) -> list[Span]:
    """Cut so that none reaches over two buckets."""
    shared = (
        Span(max(span.start_ms, bucket.start_ms), min(span.end_ms, bucket.end_ms))
        for span in spans
        for bucket in buckets.spans
    )
    return [span for span in shared if span.start_ms < span.end_ms]


async def _add_events(
    reading: ScopedReading, question: Question, span: Span, found: StepsByBucket, place: int
) -> None:
    for value, steps in (await steps_of_events(reading, question, span)).items():
        found[value][place].update(steps)
