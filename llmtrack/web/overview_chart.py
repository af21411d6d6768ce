"""The Overview's chart: cost (or, where nothing has a price, requests) per bucket of time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from llmtrack.domain.periods import local_date, rfc3339, zone
from llmtrack.domain.spans import Buckets, Span, Step
from llmtrack.domain.timeframes import DEFAULT
from llmtrack.storage.labels import Label
from llmtrack.storage.reports import UsageReport, ranked
from llmtrack.storage.sums import Sums
from llmtrack.web.charts import Axis, axis_texts, labelled_places, stacked_bars
from llmtrack.web.numbers import tokens_short, usd_short
from llmtrack.web.overview_data import OverviewData
from llmtrack.web.page_query import PageQuery

SERIES_MAX = 5
LABELS_MAX = 8

Measure = Callable[[Sums], int]
Write = Callable[[int], str]


class Series(NamedTuple):
    name: str
    css_class: str
    amount: str
    url: str | None
    values: list[int]


class Bar(NamedTuple):
    """A row of the chart's table: what the tooltip shows, and where a click leads."""

    text: str
    first: str
    last: str
    cells: list[tuple[str, bool]]
    total: str


@dataclass(frozen=True)
class Chart:
    title: str
    series: list[Series]
    bars: list[Bar]
    drawing: Markup
    ticks: list[str]
    labels: list[tuple[str, bool]]
    """Under each bar a text or nothing; every second one is left out where it is narrow."""
    zoom_url: str


def chart_of(query: PageQuery, data: OverviewData, zone_name: str) -> Chart:
    report, buckets = data.report, data.buckets
    assert report is not None  # noqa: S101 - pages without a report have no chart
    assert buckets is not None  # noqa: S101
    by_cost = report.total.cost_pico > 0
    measure: Measure = (lambda sums: sums.cost_pico) if by_cost else (lambda sums: sums.events)
    write: Write = usd_short if by_cost else tokens_short
    series = _series(query, report, data.labels, (measure, write))
    totals = [measure(sums) for sums in report.bucket_totals]
    axis = Axis(max(totals, default=0))
    texts = _bucket_texts(buckets, zone_name)
    places = labelled_places(len(texts), LABELS_MAX)
    minor = sorted(places, reverse=True)[1::2]
    what = "Cost" if by_cost else "Requests"
    return Chart(
        title=f"{what} per {buckets.step.value} by {query.by}",
        series=series,
        bars=[
            _bar(text, _ends(bucket, buckets.step, zone_name), place, series, write)
            for place, ((_, text), bucket) in enumerate(zip(texts, buckets.spans, strict=True))
        ],
        drawing=stacked_bars(
            [one.values for one in series], axis, [one.css_class for one in series]
        ),
        ticks=axis_texts(axis, _tick_usd if by_cost else tokens_short),
        labels=[
            (short if place in places else "", place in minor)
            for place, (short, _) in enumerate(texts)
        ],
        zoom_url=query.with_period(DEFAULT).url,
    )


def series_classes(report: UsageReport) -> dict[int | None, str]:
    """The colours of the largest values, the same in chart and table."""
    largest = [value for value in ranked(report.values) if value is not None][:SERIES_MAX]
    return {value: f"series-{place}" for place, value in enumerate(largest, start=1)}


def _series(
    query: PageQuery,
    report: UsageReport,
    labels: dict[int | None, Label],
    how: tuple[Measure, Write],
) -> list[Series]:
    """The largest values, and the rest of each bucket."""
    measure, write = how
    rest = [measure(sums) for sums in report.bucket_totals]
    found = []
    for value, css_class in series_classes(report).items():
        values = [measure(sums) for sums in report.series.get(value, ())] or [0] * len(rest)
        rest = [left - part for left, part in zip(rest, values, strict=True)]
        label = labels.get(value)
        name, slug = (label.text, label.slug) if label else ("?", "")
        url = query.narrowed_to(slug).url if slug else None
        found.append(Series(name, css_class, write(sum(values)), url, values))
    if any(rest):
        found.append(Series("Other", "series-other", write(sum(rest)), None, rest))
    return found


def _bar(text: str, ends: tuple[str, str], place: int, series: list[Series], write: Write) -> Bar:
    values = [one.values[place] for one in series]
    return Bar(text, *ends, [(write(value), value == 0) for value in values], write(sum(values)))


def _bucket_texts(buckets: Buckets, zone_name: str) -> list[tuple[str, str]]:
    """Short for the axis, long for tooltip and table; an hour that comes twice names its zone."""
    moments = [
        datetime.fromtimestamp(span.start_ms // 1000, zone(zone_name)) for span in buckets.spans
    ]
    if buckets.step is Step.MONTH:
        return [(f"{moment:%b %y}", f"{moment:%B %Y}") for moment in moments]
    if buckets.step is Step.DAY:
        return [
            (f"{moment.day} {moment:%b}", f"{moment:%a} {moment.day} {moment:%b %Y}")
            for moment in moments
        ]
    twice = Counter(f"{moment:%d %H:%M}" for moment in moments)
    texts = []
    for moment in moments:
        suffix = f" {moment:%Z}" if twice[f"{moment:%d %H:%M}"] > 1 else ""
        short = f"{moment:%H:%M}"
        texts.append((short, f"{moment.day} {moment:%b}, {short}{suffix}"))
    return texts


def _ends(span: Span, step: Step, zone_name: str) -> tuple[str, str]:
    """The bucket as `from` and `to` of a query: dates, or UTC times."""
    if step.is_fine:
        first, last = (rfc3339(moment)[:16] + "Z" for moment in span)
        return first, last
    return (
        local_date(span.start_ms, zone_name).isoformat(),
        local_date(span.end_ms - 1, zone_name).isoformat(),
    )


def _tick_usd(pico: int) -> str:
    text = usd_short(pico)
    return "$0" if pico == 0 else text.removesuffix(".00")
