"""Reads what the Overview shows: every number of one moment."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from llmtrack.domain.at_risk import AtRisk
from llmtrack.domain.forecasts import FULL_DAYS, Forecast, month_forecast
from llmtrack.domain.latency import merged
from llmtrack.domain.periods import (
    day_number,
    day_start_ms,
    local_date,
    month_start,
    next_month,
)
from llmtrack.domain.spans import Buckets, Span, Step, buckets_of
from llmtrack.domain.timeframes import Timeframe
from llmtrack.storage.at_risk import at_risk, shows_at_risk
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.latencies import Steps, latency_steps
from llmtrack.storage.questions import LATENCY_EVENTS_MAX, Question, TooMuchToRead
from llmtrack.storage.reports import (
    UsageReport,
    totals_by_bucket,
    usage_by_value,
    usage_report,
    usage_total,
)
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import COSTS, CostSums, Sums, total_of
from llmtrack.web.analytics import Look

ROWS_MAX = 20
UNPRICED_NAMED_MAX = 5


@dataclass
class OverviewData:
    """Answers of one moment; percentiles and the forecast only as far as they can be had."""

    buckets: Buckets
    report: UsageReport[CostSums]
    previous: Sums
    labels: dict[int | None, Label] = field(default_factory=dict)
    steps: Steps = field(default_factory=dict)
    total_steps: Steps = field(default_factory=dict)
    previous_steps: Steps = field(default_factory=dict)
    forecast: Forecast | None = None
    unpriced_models: list[Label] = field(default_factory=list)
    unpriced_models_count: int = 0
    at_risk: AtRisk | None = None
    """None where nothing failed without usage, or the workspace does not want it."""


async def load_overview(look: Look) -> OverviewData:
    """Raises TooMuchToRead."""
    question = look.question()
    data = await _load_report(look.reading, question, look.timeframe)
    await _load_latencies(look.reading, question, look.timeframe, data)
    if data.report.total.unknown_usage_events and await shows_at_risk(look.reading):
        data.at_risk = await at_risk(look.reading, question)
    if look.days is not None:
        data.forecast = await _forecast(look.reading, question, look.days[0], look.now_ms)
    return data


async def _load_report(
    reading: ScopedReading, question: Question, timeframe: Timeframe
) -> OverviewData:
    buckets = buckets_of(timeframe.span, timeframe.step, question.time_zone)
    report = await usage_report(reading, question, buckets, series_max=ROWS_MAX, of=COSTS)
    previous = await usage_total(reading, _over(question, Kind.TOTAL, timeframe.previous))
    data = OverviewData(buckets, report, previous)
    # One more than have a line: a last one alone is not summed up.
    values = [value for value in report.ranked[: ROWS_MAX + 1] if value is not None]
    data.labels = await labels_of(reading, question.kind, values)
    if report.total.unpriced_events:
        by_model = report.values
        if question.kind is not Kind.MODEL:
            of_models = _over(question, Kind.MODEL, question.span)
            by_model = await usage_by_value(reading, of_models)
        unpriced = {
            value: sums.unpriced_events
            for value, sums in by_model.items()
            if value is not None and sums.unpriced_events
        }
        named = sorted(unpriced, key=lambda value: (-unpriced[value], value))
        named = named[:UNPRICED_NAMED_MAX]
        labels = await labels_of(reading, Kind.MODEL, named)
        data.unpriced_models = [labels[value] for value in named]
        data.unpriced_models_count = len(unpriced)
    return data


async def _load_latencies(
    reading: ScopedReading, question: Question, timeframe: Timeframe, data: OverviewData
) -> None:
    """Percentiles where they can be had; elsewhere there are none."""
    data.steps = await _steps_or_none(reading, question)
    if data.steps:  # every event has one value, if only none
        data.total_steps = {0: merged(data.steps.values())}
    else:
        of_all = _over(question, Kind.TOTAL, question.span)
        data.total_steps = await _steps_or_none(reading, of_all)
    before = _over(question, Kind.TOTAL, timeframe.previous)
    data.previous_steps = await _steps_or_none(reading, before)


async def _steps_or_none(reading: ScopedReading, question: Question) -> Steps:
    within = replace(question, read_events_max=LATENCY_EVENTS_MAX)
    try:
        return await latency_steps(reading, within)
    except TooMuchToRead:
        return {}


async def _forecast(
    reading: ScopedReading, question: Question, first_day: int, now_ms: int
) -> Forecast | None:
    """The end of this month, from what it has cost so far and the last full days."""
    zone_name = question.time_zone
    today = local_date(now_ms, zone_name)
    start = min(month_start(today), today - timedelta(days=FULL_DAYS))
    days = [day_number(day) for day in (start, month_start(today), today, next_month(today))]
    start_day, month_day, today_day, end_day = days
    span = Span(day_start_ms(start_day, zone_name), day_start_ms(today_day + 1, zone_name))
    buckets = buckets_of(span, Step.DAY, zone_name)
    try:
        of_days = await totals_by_bucket(reading, _over(question, Kind.TOTAL, span), buckets)
    except TooMuchToRead:
        return None
    if total_of(of_days).known_cost_pico is None:
        return None
    costs = {start_day + place: sums.cost_pico for place, sums in enumerate(of_days)}
    full_days = range(max(first_day, today_day - FULL_DAYS), today_day)
    return month_forecast(
        sum(cost for day, cost in costs.items() if day >= month_day),
        [costs[day] for day in full_days],
        day_start_ms(end_day, zone_name) - now_ms,
    )


def _over(question: Question, kind: Kind, span: Span) -> Question:
    return Question(kind, span, question.time_zone, question.filters, question.read_events_max)
