"""Reads what the Overview shows: every number of one moment."""

from dataclasses import dataclass, field
from datetime import timedelta

from llmtrack.domain.forecasts import FULL_DAYS, Forecast, month_forecast
from llmtrack.domain.periods import (
    day_number,
    day_of,
    day_start_ms,
    local_date,
    month_start,
    next_month,
)
from llmtrack.domain.spans import Buckets, Span, Step, buckets_of
from llmtrack.domain.timeframes import Timeframe
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, choices, labels_of, value_of
from llmtrack.storage.latencies import Steps, latency_steps
from llmtrack.storage.questions import READ_EVENTS_MAX, Question, TooMuchToRead
from llmtrack.storage.reports import (
    UsageReport,
    totals_by_bucket,
    usage_by_value,
    usage_report,
    usage_total,
    used_days,
)
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.storage.sums import Sums
from llmtrack.web.page_query import DIMENSIONS, PageQuery

ROWS_MAX = 50
CHOICES_MAX = 30
UNPRICED_NAMED_MAX = 5


@dataclass
class OverviewData:
    """Answers, as far as they could be had; `too_much` says why there is no report."""

    days: tuple[int, int] | None
    filters: dict[str, Label] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    choices: dict[str, list[Label]] = field(default_factory=dict)
    buckets: Buckets | None = None
    report: UsageReport | None = None
    too_much: TooMuchToRead | None = None
    labels: dict[int | None, Label] = field(default_factory=dict)
    previous: Sums | None = None
    steps: Steps = field(default_factory=dict)
    total_steps: Steps = field(default_factory=dict)
    previous_steps: Steps = field(default_factory=dict)
    forecast: Forecast | None = None
    unpriced_models: list[Label] = field(default_factory=list)
    unpriced_models_count: int = 0


async def load_overview(
    scope: Scope, query: PageQuery, timeframe: Timeframe, now_ms: int
) -> OverviewData:
    async with scope.reading() as reading:
        data = OverviewData(await used_days(reading))
        if data.days is None:
            return data
        values = await _resolve_filters(reading, query, data)
        await _load_choices(reading, timeframe, scope.time_zone, data)
        question = Question(query.kind, timeframe.span, scope.time_zone, values, READ_EVENTS_MAX)
        try:
            await _load_report(reading, question, timeframe, data)
        except TooMuchToRead as error:
            data.too_much = error
            return data
        await _load_latencies(reading, question, timeframe, data)
        data.forecast = await _forecast(reading, question, data.days[0], now_ms)
        return data


async def _resolve_filters(
    reading: ScopedReading, query: PageQuery, data: OverviewData
) -> dict[Kind, int]:
    """The numbers behind the filters' names; an unknown name is left out, and said so."""
    values = {}
    for name, slug in query.filters.items():
        kind = DIMENSIONS[name]
        value = await value_of(reading, kind, slug)
        if value is None:
            data.problems.append(f"There is no {name} {slug[:60]!r} here; the filter is left out.")
            continue
        values[kind] = value
        data.filters[name] = (await labels_of(reading, kind, [value]))[value]
    return values


async def _load_choices(
    reading: ScopedReading, timeframe: Timeframe, zone_name: str, data: OverviewData
) -> None:
    days = (
        day_of(timeframe.span.start_ms, zone_name),
        day_of(timeframe.span.end_ms - 1, zone_name) + 1,
    )
    for name, kind in DIMENSIONS.items():
        offered = await choices(reading, kind, days, most=CHOICES_MAX)
        chosen = data.filters.get(name)
        # What is chosen is offered, or sending the form would drop it.
        if chosen is not None and chosen not in offered:
            offered = [chosen, *offered]
        data.choices[name] = offered


async def _load_report(
    reading: ScopedReading, question: Question, timeframe: Timeframe, data: OverviewData
) -> None:
    data.buckets = buckets_of(timeframe.span, timeframe.step, question.time_zone)
    report = await usage_report(reading, question, data.buckets, series_max=ROWS_MAX)
    data.previous = await usage_total(reading, _over(question, Kind.TOTAL, timeframe.previous))
    values = [value for value in report.values if value is not None]
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
    data.report = report


async def _load_latencies(
    reading: ScopedReading, question: Question, timeframe: Timeframe, data: OverviewData
) -> None:
    """Percentiles where they can be had; elsewhere there are none."""
    data.total_steps = await _steps_or_none(reading, _over(question, Kind.TOTAL, question.span))
    before = _over(question, Kind.TOTAL, timeframe.previous)
    data.previous_steps = await _steps_or_none(reading, before)
    data.steps = await _steps_or_none(reading, question)


async def _steps_or_none(reading: ScopedReading, question: Question) -> Steps:
    try:
        return await latency_steps(reading, question)
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
    costs = {start_day + place: sums.cost_pico for place, sums in enumerate(of_days)}
    full_days = range(max(first_day, today_day - FULL_DAYS), today_day)
    return month_forecast(
        sum(cost for day, cost in costs.items() if day >= month_day),
        [costs[day] for day in full_days],
        day_start_ms(end_day, zone_name) - now_ms,
    )


def _over(question: Question, kind: Kind, span: Span) -> Question:
    return Question(kind, span, question.time_zone, question.filters, question.read_events_max)
