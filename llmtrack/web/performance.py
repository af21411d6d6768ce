"""`GET /w/{workspace}/performance`: how long requests take, and how many fail, by whom."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.latency import merged, percentile
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Buckets, buckets_of
from llmtrack.domain.timeframes import DEFAULT
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.latencies import latency_steps
from llmtrack.storage.latency_series import latency_series
from llmtrack.storage.questions import LATENCY_EVENTS_MAX, TooMuchToRead
from llmtrack.storage.reports import totals_by_bucket, usage_by_value
from llmtrack.storage.sums import Sums, total_of
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require
from llmtrack.web.numbers import milliseconds, percent, tokens_short
from llmtrack.web.page_query import DIMENSIONS
from llmtrack.web.usage_chart import Chart, Series, Style, chart_of

PERCENTILES = ((0.5, "p50", "series-1"), (0.95, "p95", "series-2"), (0.99, "p99", "series-4"))
TABLES = ("model", "feature")
ROWS_MAX = 20


class Row(NamedTuple):
    label: Label
    url: str | None
    sums: Sums
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    failed: str


class Course(NamedTuple):
    """All requests: over time, and together."""

    buckets: Buckets
    sums: Sequence[Sums]
    steps: Sequence[Counter[int]]
    total: Row


@require(Permission.READ)
async def get_performance(request: web.Request) -> web.StreamResponse:
    async with looking(request, "performance") as look:
        try:
            shown = await look.reading.run(performance_values(look))
        except TooMuchToRead as error:
            return analytics_page(request, "performance.html", look, too_much=error)
        return analytics_page(request, "performance.html", look, **shown)


async def performance_values(look: Look) -> dict[str, Any]:
    """What `_performance.html` shows. Raises TooMuchToRead."""
    course = await load_course(look)
    return {
        "nothing": not course.total.sums.events,
        "latency_chart": _latency_chart(look, course.buckets, course.steps),
        "failure_chart": _failure_chart(look, course.buckets, course.sums),
        "total": course.total,
        "tables": [(name, await rows_by(look, name, ROWS_MAX)) for name in shown_tables(look)],
    }


async def load_course(look: Look) -> Course:
    """Raises TooMuchToRead."""
    buckets = buckets_of(look.timeframe.span, look.timeframe.step, look.scope.time_zone)
    sums = await totals_by_bucket(look.reading, look.question(Kind.TOTAL), buckets)
    series = await latency_series(look.reading, look.question(Kind.TOTAL), buckets)
    steps = series.get(0, [Counter() for _ in buckets.spans])
    total = _row(Label("", "All requests"), None, total_of(sums), merged(steps))
    return Course(buckets, sums, steps, total)


def shown_tables(look: Look) -> list[str]:
    return [name for name in TABLES if name not in look.query.filters]


async def rows_by(look: Look, name: str, most: int | None) -> list[Row]:
    """The slowest first; what told no latency comes last. Past `most` they are one row."""
    kind = DIMENSIONS[name]
    values = await usage_by_value(look.reading, look.question(kind))
    steps: Mapping[int | None, Counter[int]]
    try:
        within = replace(look.question(kind), read_events_max=LATENCY_EVENTS_MAX)
        steps = await latency_steps(look.reading, within)
    except TooMuchToRead:
        steps = {}
    known = [value for value in values if value is not None]
    labels = await labels_of(look.reading, kind, known)
    rows = {}
    for value in known:
        label = labels.get(value) or Label("", "?")
        url = look.query.about(name, label.slug).url if label.slug else None
        rows[value] = _row(label, url, values[value], steps.get(value, Counter()))
    order = sorted(known, key=lambda value: _slowness(rows[value]), reverse=True)
    shown = order[:most]
    rest = order[len(shown) :]
    found = [rows[value] for value in shown]
    if rest:
        label = Label("", f"Other ({len(rest)})")
        sums = total_of(values[value] for value in rest)
        of_rest = merged([steps.get(value, Counter()) for value in rest])
        found.append(_row(label, None, sums, of_rest))
    return found


def _slowness(row: Row) -> tuple[int, int]:
    return (row.p95_ms or -1, row.sums.events)


def _row(label: Label, url: str | None, sums: Sums, steps: Counter[int]) -> Row:
    p50, p95, p99 = (percentile(steps, share) for share, _, _ in PERCENTILES)
    return Row(label, url, sums, p50, p95, p99, percent(sums.failures, sums.events))


def _latency_chart(look: Look, buckets: Buckets, steps: Sequence[Counter[int]]) -> Chart:
    whole = merged(steps)
    series = [
        Series(
            name,
            css_class,
            milliseconds(percentile(whole, share)),
            None,
            [percentile(one, share) for one in steps],
        )
        for share, name, css_class in PERCENTILES
    ]
    style = Style(
        f"Latency per {buckets.step.value}",
        milliseconds,
        milliseconds,
        look.query.with_period(DEFAULT).url,
        stacked=False,
    )
    return chart_of(series, buckets, look.scope.time_zone, style)


def _failure_chart(look: Look, buckets: Buckets, sums: Sequence[Sums]) -> Chart:
    kinds = (
        ("Errors", "series-bad", "errors"),
        ("Timeouts", "series-2", "timeouts"),
        ("Cancelled", "series-other", "cancelled"),
    )
    series = []
    for name, css_class, field in kinds:
        values = [getattr(one, field) for one in sums]
        series.append(Series(name, css_class, tokens_short(sum(values)), None, values))
    title = f"Requests without an answer per {buckets.step.value}"
    style = Style(title, tokens_short, tokens_short, look.query.with_period(DEFAULT).url)
    return chart_of(series, buckets, look.scope.time_zone, style)


ROUTES = [web.get("/w/{workspace}/performance", get_performance)]
