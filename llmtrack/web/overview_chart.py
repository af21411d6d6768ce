"""The Overview's chart: cost (or, where nothing has a price, requests) per bucket of time."""

from collections.abc import Callable
from operator import attrgetter

from llmtrack.domain.timeframes import DEFAULT
from llmtrack.storage.labels import Label, told_apart
from llmtrack.storage.reports import UsageReport
from llmtrack.storage.sums import CostSums, Sums
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.numbers import tokens, tokens_short, usd, usd_short
from llmtrack.web.overview_data import OverviewData
from llmtrack.web.page_query import PageQuery
from llmtrack.web.usage_chart import Chart, Series, Style, Write, chart_of, rest_name, tick_usd

SERIES_MAX = 5

Measure = Callable[[Sums | CostSums], int | None]


def overview_chart(
    query: PageQuery, data: OverviewData, zone_name: str, *, may_export: bool = False
) -> Chart:
    report, buckets = data.report, data.buckets
    by_cost = report.total.cost_pico > 0
    measure: Measure = attrgetter("known_cost_pico" if by_cost else "events")
    write: Write = usd_short if by_cost else tokens_short
    what = "Cost" if by_cost else "Requests"
    style = Style(
        title=f"{what} per {buckets.step.value} by {dimension_text(query.by)}",
        write=write,
        tick=tick_usd if by_cost else tokens_short,
        zoom_url=query.with_period(DEFAULT).url,
        is_money=by_cost,
        exact_url=_export_url(query, "cost" if by_cost else "requests") if may_export else None,
    )
    exact: Write = usd if by_cost else tokens
    series = largest_series(query, report, data.labels, (measure, exact))
    return chart_of(series, buckets, zone_name, style)


def _export_url(query: PageQuery, metric: str) -> str:
    home = "/".join(query.path.split("/")[:3])
    return query.at(f"{home}/explore/export").with_extra("metric", metric).url


def series_classes(report: UsageReport[CostSums], most: int = SERIES_MAX) -> dict[int | None, str]:
    """The colours of the largest values, the same in chart and table."""
    largest = [value for value in report.ranked if value is not None][:most]
    return {value: f"series-{place}" for place, value in enumerate(largest, start=1)}


def largest_series(
    query: PageQuery,
    report: UsageReport[CostSums],
    labels: dict[int | None, Label],
    how: tuple[Measure, Write],
) -> list[Series]:
    """The largest values, and the rest of each bucket."""
    measure, write = how
    rest = [measure(sums) or 0 for sums in report.bucket_totals]
    found = []
    classes = series_classes(report)
    labels = told_apart({value: labels[value] for value in classes if value in labels})
    for value, css_class in classes.items():
        values = [measure(sums) for sums in report.series.get(value, ())] or [0] * len(rest)
        rest = [left - (part or 0) for left, part in zip(rest, values, strict=True)]
        whole = measure(report.values[value])
        amount = "unknown" if whole is None else write(whole)
        label = labels.get(value)
        name, slug = (label.text, label.slug) if label else ("?", "")
        url = query.narrowed_to(slug).url if slug else None
        found.append(Series(name, css_class, amount, url, values))
    if any(rest):
        name = rest_name([series.name for series in found])
        found.append(Series(name, "series-other", write(sum(rest)), None, rest))
    return found
