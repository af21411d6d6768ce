"""Latency percentiles, from counts in logarithmic steps that add up over any span.

Steps are kept per day by total, model and feature, per quarter by total alone; what is left
of days at the edges of a span is read from its events. Any other question reads events, within
the same bound as the sums: past it `TooMuchToRead`.
"""

from collections import Counter, defaultdict

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.spans import Span, cut, cut_finely
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, LATENCY_QUARTER_KINDS, Kind
from llmtrack.storage.questions import Flat, Question, route
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.usage_rows import EVENT_COLUMNS, FILTER_EVENTS, check_bound, filter_values

Steps = dict[int | None, Counter[int]]
"""Events by latency step, by value."""


def _rollup(table: str) -> str:
    return f"""
-- latencies.latency_steps
select value, step, sum(events)
from {table}
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
  and (:value is null or value = :value)
group by value, step
"""  # noqa: S608 - a name of ours


LATENCY_DAYS = _rollup("latency_day")
LATENCY_QUARTERS = _rollup("latency_quarter")

HOUR_MS = 3_600_000

# A row an event would take longer to hand over than to read; an hour's list is no long text.
LATENCY_EVENTS = {
    kind: f"""
-- latencies.steps_of_events
select {column}, group_concat(latency_ms), timestamp_ms / {HOUR_MS}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and latency_ms is not null
{FILTER_EVENTS}
group by 1, 3
"""  # noqa: S608 - names of columns
    for kind, column in EVENT_COLUMNS
}


async def latency_steps(reading: ScopedReading, question: Question) -> Steps:
    """How many events lie in each step, by value (TOTAL: under 0). Raises TooMuchToRead."""
    found: Steps = defaultdict(Counter)
    kept = route(question)
    if not isinstance(kept, Flat) or kept.kind not in LATENCY_DAY_KINDS:
        await check_bound(reading, [question.span], question.read_events_max, question.filters)
        return dict(await steps_of_events(reading, question, question.span))
    has_days = await are_days_of(reading, question.time_zone)
    pieces = cut(question.span, question.time_zone) if has_days else cut_finely(question.span)
    days = [pieces.days] if pieces.days is not None else []
    spans = [*pieces.instants]
    quarters = list(pieces.quarters)
    if kept.kind not in LATENCY_QUARTER_KINDS:
        spans += [Span(first * QUARTER_MS, end * QUARTER_MS) for first, end in quarters]
        quarters = []
    for sql, ranges in ((LATENCY_DAYS, days), (LATENCY_QUARTERS, quarters)):
        for first, end in ranges:
            rows = await reading.rows(sql, kind=kept.kind, value=kept.value, first=first, end=end)
            for value, step, events in rows:
                found[0 if question.kind is Kind.TOTAL else value][step] += events
    for span in spans:
        for value, steps in (await steps_of_events(reading, question, span)).items():
            found[value].update(steps)
    return dict(found)


async def steps_of_events(reading: ScopedReading, question: Question, span: Span) -> Steps:
    """The same from the events of a span, without a bound."""
    found: Steps = defaultdict(Counter)
    rows = await reading.rows(
        LATENCY_EVENTS[question.kind],
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        **filter_values(question.filters),
    )
    for value, latencies_ms, _ in rows:
        found[value].update(map(latency_step, map(int, latencies_ms.split(","))))
    return found
