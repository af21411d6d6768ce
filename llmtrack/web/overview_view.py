"""The Overview's tiles and table, ready to be written into the page."""

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from markupsafe import Markup

from llmtrack.domain.latency import merged, percentile, percentiles
from llmtrack.domain.timeframes import Timeframe
from llmtrack.storage.labels import Label
from llmtrack.storage.reports import UsageReport
from llmtrack.storage.sums import CostSums, Sums, total_of
from llmtrack.web.changes import Change, duration_change, points_change, ratio_change
from llmtrack.web.charts import parts_bar, share_bar, sparkline
from llmtrack.web.dimension_texts import no_value
from llmtrack.web.metrics import per_request_pico
from llmtrack.web.numbers import NOTHING, milliseconds, percent, tokens_short, usd_short
from llmtrack.web.overview_chart import series_classes
from llmtrack.web.overview_data import ROWS_MAX, OverviewData
from llmtrack.web.page_query import PageQuery


@dataclass(frozen=True)
class Tiles:
    total: Sums
    cost_change: Change | None
    cost_spark: Markup
    forecast_bar: Markup
    requests_change: Change | None
    requests_spark: Markup
    tokens_change: Change | None
    tokens_bar: Markup
    cached: str
    errors: str
    errors_change: Change | None
    errors_spark: Markup
    p50_ms: int | None
    p95_ms: int | None
    p95_change: Change | None


@dataclass(frozen=True)
class Row:
    label: Label
    css_class: str
    url: str | None
    sums: Sums
    share: str
    share_bar: Markup
    trend: Markup | None
    cached: str
    per_1k_pico: int | None
    p50_ms: int | None
    p95_ms: int | None
    errors: str


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    more_count: int
    """Values that have no line of their own, summed up in `more`."""
    more: Row | None
    total: Row


def tiles_of(data: OverviewData, timeframe: Timeframe) -> Tiles:
    report = data.report
    now, before, forecast = report.total, data.previous, data.forecast
    steps = merged(data.total_steps.values())
    p95 = percentile(steps, 0.95)
    p95_before = percentile(merged(data.previous_steps.values()), 0.95)

    was = functools.partial("{1} in {0}".format, timeframe.previous_text)
    return Tiles(
        total=now,
        cost_change=_cost_change(now, before, was),
        cost_spark=sparkline([sums.cost_pico for sums in report.bucket_totals]),
        forecast_bar=share_bar(forecast.spent_pico, forecast.cost_pico) if forecast else Markup(),
        requests_change=ratio_change(
            now.events, before.events, less_is_better=None, before_text=was(f"{before.events:,}")
        ),
        requests_spark=sparkline([sums.events for sums in report.bucket_totals]),
        tokens_change=_tokens_change(now, before, was),
        tokens_bar=_tokens_bar(now),
        cached=percent(now.cache_read_tokens, now.input_tokens),
        errors=percent(now.failures, now.events),
        errors_change=points_change(
            (now.failures, now.events),
            (before.failures, before.events),
            before_text=was(percent(before.failures, before.events)),
        ),
        errors_spark=sparkline([sums.failures for sums in report.bucket_totals]),
        p50_ms=percentile(steps, 0.5),
        p95_ms=p95,
        p95_change=None
        if p95 is None or p95_before is None
        else duration_change(p95, p95_before, before_text=was(milliseconds(p95_before))),
    )


def _cost_change(now: Sums, before: Sums, was: Callable[[str], str]) -> Change | None:
    text = was(usd_short(before.cost_pico))
    return ratio_change(now.cost_pico, before.cost_pico, less_is_better=True, before_text=text)


def _tokens_change(now: Sums, before: Sums, was: Callable[[str], str]) -> Change | None:
    text = was(tokens_short(before.tokens))
    return ratio_change(now.tokens, before.tokens, less_is_better=None, before_text=text)


def _tokens_bar(now: Sums) -> Markup:
    parts = [
        ("tokens-cached", now.cache_read_tokens),
        ("tokens-input", max(0, now.input_tokens - now.cache_read_tokens)),
        ("tokens-output", now.output_tokens),
    ]
    return parts_bar(parts, now.tokens)


def table_of(query: PageQuery, data: OverviewData) -> Table:
    report = data.report
    order = report.ranked
    shown, rest = order[:ROWS_MAX], order[ROWS_MAX:]
    if len(rest) == 1:  # a line that says "1 more" is no shorter
        shown, rest = order, []
    classes = series_classes(report)
    rows = []
    for value in shown:
        label = _label(query, data, value)
        url = query.about(query.by, label.slug).url if label.slug else None
        trend = _trend(report, value)
        row = _row(report, label, report.values[value], data.steps.get(value, Counter()))
        rows.append(replace(row, css_class=classes.get(value, ""), url=url, trend=trend))
    more = None
    if rest:
        sums = total_of(report.values[value] for value in rest)
        label = Label("", f"{len(rest):,} more")
        more = _row(report, label, sums, merged(data.steps.get(value, {}) for value in rest))
    total = _row(report, Label("", "Total"), report.total, merged(data.total_steps.values()))
    return Table(rows, len(rest), more, total)


def _row(report: UsageReport[CostSums], label: Label, sums: Sums, steps: Counter[int]) -> Row:
    p50_ms, p95_ms = percentiles(steps, (0.5, 0.95))
    part, whole = sums.known_cost_pico, report.total.cost_pico
    if not whole:  # nothing has a price: shares of requests
        part, whole = sums.events, report.total.events
    return Row(
        label=label,
        css_class="",
        url=None,
        sums=sums,
        share=NOTHING if part is None else percent(part, whole),
        share_bar=share_bar(part or 0, whole),
        trend=None,
        cached=percent(sums.cache_read_tokens, sums.input_tokens),
        per_1k_pico=per_request_pico(sums, 1000),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        errors=percent(sums.failures, sums.events),
    )


def _label(query: PageQuery, data: OverviewData, value: int | None) -> Label:
    if value is None:
        text = no_value(query.by)
        return Label("", f"{text[0].upper()}{text[1:]}")
    return data.labels.get(value) or Label("", "?")


def _trend(report: UsageReport[CostSums], value: int | None) -> Markup | None:
    series = report.series.get(value)
    if series is None:
        return None
    if report.total.cost_pico:
        if report.values[value].known_cost_pico is None:
            return None
        return sparkline([sums.cost_pico for sums in series])
    return sparkline([sums.events for sums in series])
