"""`GET /w/{workspace}/explore/export`: what Explore shows as CSV, JSON lines or FOCUS."""

from collections.abc import Iterator, Sequence

import msgspec
from aiohttp import web

from llmtrack.domain.money import usd_text
from llmtrack.domain.periods import (
    day_number,
    day_start_ms,
    local_date,
    month_start,
    next_month,
    rfc3339,
)
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.domain.tags import key_of
from llmtrack.formats.csv_lines import Cell, csv_lines
from llmtrack.formats.focus import COLUMNS, FocusCharge, focus_row
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import OTHER_LABEL, Label, labels_of
from llmtrack.storage.reports import usage_by_value, usage_report
from llmtrack.storage.sums import NO_SUMS, Sums
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.explore_data import Explored, explore
from llmtrack.web.explore_query import EXTRAS, Ask, ask_of
from llmtrack.web.explore_view import label_of
from llmtrack.web.exports import attachment_headers, days_text

CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/jsonl", "focus": "text/csv"}
MODELS_MAX = 100_000
Rows = Sequence[Sequence[Cell]]
_PERIOD = ("from", "to", "time_zone")


@require(Permission.EXPORT)
async def get_explore_export(request: web.Request) -> web.StreamResponse:
    """Numbers are exact: money as decimal text in dollars, latencies in milliseconds."""
    form = request.query.get("format", "csv")
    if form not in CONTENT_TYPES:
        raise web.HTTPBadRequest(text="The format is csv, jsonl or focus.")
    async with looking(request, "explore", EXTRAS) as look:
        ask = ask_of(look.query, look.timeframe, look.scope.time_zone)
        if form == "focus":
            heads, rows = list(COLUMNS), await _focus(look)
        else:
            found = await explore(look, ask)
            heads, rows = _table(look, ask, found)
    what = "focus" if form == "focus" else f"{ask.metric.name}-by-{look.query.by}"
    days = days_text(look.timeframe.span, look.scope.time_zone)
    name = f"{what}-{days}.{'csv' if form == 'focus' else form}"
    return web.Response(
        body=_written(form, heads, rows), headers=attachment_headers(name, CONTENT_TYPES[form])
    )


def _written(form: str, heads: Sequence[str], rows: Rows) -> bytes:
    if form != "jsonl":
        return csv_lines([heads, *rows])
    return b"".join(msgspec.json.encode(dict(zip(heads, row, strict=True))) + b"\n" for row in rows)


def _table(look: Look, ask: Ask, found: Explored) -> tuple[list[str], Rows]:
    metric = ask.metric
    name = f"{metric.name}_usd" if metric.unit == "usd" else metric.name
    if metric.unit not in ("usd", "count"):
        name += f"_{metric.unit.replace('-', '_')}"
    if ask.sub:
        heads = [*_PERIOD, look.query.by, ask.sub, name, "requests"]
        return heads, list(_pivot_rows(look, ask, found))
    return [*_PERIOD, look.query.by, name], list(_bucket_rows(look, ask, found))


def _bucket_rows(look: Look, ask: Ask, found: Explored) -> Iterator[Sequence[Cell]]:
    shown = found.order[: found.shown]
    lines = [(_slug(look, found, value), found.points(value)) for value in shown]
    if len(found.order) > found.shown and ask.metric.adds_up:
        rest = [
            (total or 0) - sum(points[place] or 0 for _, points in lines)
            for place, total in enumerate(found.total_points)
        ]
        lines.append(("Other", list(rest)))
    if found.before_points is not None:
        lines.append(("Before, all", found.before_points))
    for place, span in enumerate(found.buckets.spans):
        for text, points in lines:
            yield *_period(look, span), text, _exact(ask, points[place])


def _period(look: Look, span: Span) -> tuple[str, str, str]:
    """The cells of _PERIOD: instants in UTC, and the zone whose days they begin and end."""
    return rfc3339(span.start_ms), rfc3339(span.end_ms), look.scope.time_zone


def _pivot_rows(look: Look, ask: Ask, found: Explored) -> Iterator[Sequence[Cell]]:
    for value, of_subs in found.subs.items():
        for sub, sums in of_subs.items():
            label = None if sub is None else found.sub_labels.get(sub)
            number = _exact(ask, found.value_of(sums))
            period = _period(look, look.timeframe.span)
            yield *period, _slug(look, found, value), _written_value(label), number, sums.events


def _slug(look: Look, found: Explored, value: int | None) -> str | None:
    return _written_value(None if value is None else label_of(look.query, found, value))


def _written_value(label: Label | None) -> str | None:
    """None: events without a value, and values that have no name any more."""
    if label == OTHER_LABEL:
        return label.text
    return label.slug or None if label else None


def _exact(ask: Ask, value: int | None) -> Cell:
    if value is None:
        return None
    return usd_text(value) if ask.metric.unit == "usd" else value


async def _focus(look: Look) -> Rows:
    """Day by day, the models of each provider: two dimensions that the rollups have as a pair."""
    reading, zone = look.reading, look.scope.time_zone
    buckets = buckets_of(look.timeframe.span, Step.DAY, zone)
    providers = await usage_by_value(reading, look.question(Kind.PROVIDER))
    names = await labels_of(reading, Kind.PROVIDER, [one for one in providers if one is not None])
    rows: list[Sequence[Cell]] = []
    for provider in providers:
        if provider is None:
            continue
        question = look.question(Kind.MODEL, more_filters={Kind.PROVIDER: provider})
        report = await usage_report(reading, question, buckets, series_max=MODELS_MAX)
        models = [one for one in report.values if one is not None]
        labels = await labels_of(reading, Kind.MODEL, models)
        for place, span in enumerate(buckets.spans):
            period = (*_month(span.start_ms, zone), *span)
            for model in models:
                sums = report.series.get(model, [NO_SUMS] * len(buckets))[place]
                if sums.events:
                    texts = names[provider].slug, labels[model].slug
                    rows.append(focus_row(_charge(look, period, texts, sums)))
    return rows


def _charge(
    look: Look, period: tuple[int, int, int, int], names: tuple[str, str], sums: Sums
) -> FocusCharge:
    scope = look.scope
    tokens = (sums.input_tokens, sums.cache_read_tokens, sums.output_tokens)
    counts = (sums.events, sums.unpriced_events + sums.unknown_usage_events)
    return FocusCharge(
        *(scope.public_id, scope.name, scope.time_zone),
        *period,
        *names,
        sums.cost_pico,
        *tokens,
        *counts,
        {key: label.text for name, label in look.bar.labels.items() if (key := key_of(name))},
    )


def _month(start_ms: int, zone: str) -> tuple[int, int]:
    first = month_start(local_date(start_ms, zone))
    start, end = (day_start_ms(day_number(day), zone) for day in (first, next_month(first)))
    return start, end
