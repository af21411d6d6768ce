"""`GET /w/{workspace}/explore/export`: what Explore shows as CSV, JSON lines or FOCUS."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from aiohttp import web

from llmtrack.domain.money import usd_text
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span
from llmtrack.formats.csv_lines import Cell, csv_lines
from llmtrack.formats.focus import COLUMNS
from llmtrack.storage.labels import OTHER_LABEL, Label
from llmtrack.storage.reports import ByValue
from llmtrack.storage.sums import NO_SUMS, Sums, total_of
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.explore_data import Explored, explore
from llmtrack.web.explore_query import EXTRAS, Ask, ask_of
from llmtrack.web.explore_view import label_of, running
from llmtrack.web.exports import attachment_headers, check_understood, days_text
from llmtrack.web.focus_export import Focus
from llmtrack.web.table_files import (
    CONTENT_TYPES,
    PERIOD_HEADS,
    Table,
    period_cells,
    send_table,
)
from llmtrack.web.usage_chart import rest_name

FOCUS_TYPE = "text/csv"
BEFORE = "Before, all"
Rows = Sequence[Sequence[Cell]]


class Part(NamedTuple):
    """Of a pivot: what of a value, of the rest or of all there is, and was in the period before."""

    text: str | None
    subs: ByValue
    before: Sums


@require(Permission.EXPORT)
async def get_explore_export(request: web.Request) -> web.StreamResponse:
    """Numbers are exact: money as decimal text in dollars, latencies in milliseconds."""
    form = request.query.get("format", "csv")
    if form not in {*CONTENT_TYPES, "focus"}:
        raise web.HTTPBadRequest(text="The format is csv, jsonl or focus.")
    async with looking(request, "explore", EXTRAS) as look:
        check_understood(look.bar.problems)
        if form == "focus":
            focus = await Focus.of(look)
        else:
            ask = ask_of(look.query, look.timeframe, look.scope.time_zone)
            heads, rows = _table(look, ask, await look.reading.run(explore(look, ask)))
    days = days_text(look.timeframe.span, look.scope.time_zone)
    if form == "focus":
        headers = attachment_headers(f"focus-{days}.csv", FOCUS_TYPE)
        return await _stream_focus(request, focus, headers)
    name = f"{ask.metric.name}-by-{look.query.by}-{days}"
    return await send_table(request, form, Table(name, heads, rows, len(rows)))


async def _stream_focus(
    request: web.Request, focus: Focus, headers: Mapping[str, str]
) -> web.StreamResponse:
    days = focus.days()
    first: Rows = await anext(days, [])  # an error is answered before anything is sent
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(csv_lines([COLUMNS, *first]))
    async for rows in days:
        if rows:
            await response.write(csv_lines(rows))
    await response.write_eof()
    return response


def _table(look: Look, ask: Ask, found: Explored) -> tuple[list[str], Rows]:
    metric = ask.metric
    name = f"{metric.name}_usd" if metric.unit == "usd" else metric.name
    if ask.cumulative and not ask.sub:
        name = f"cumulative_{name}"
    if metric.unit not in ("usd", "count"):
        name += f"_{metric.unit.replace('-', '_')}"
    if ask.sub:
        more = [] if name == "requests" else ["requests"]
        heads = [*PERIOD_HEADS, look.query.by, ask.sub, name, *more]
        return heads, [row[: len(heads)] for row in _pivot_rows(look, ask, found)]
    return [*PERIOD_HEADS, look.query.by, name], list(_bucket_rows(look, ask, found))


def _bucket_rows(look: Look, ask: Ask, found: Explored) -> Iterator[Sequence[Cell]]:
    shown = found.order[: found.shown]
    lines = [(_slug(look, found, value), found.points(value)) for value in shown]
    if len(found.order) > found.shown and ask.metric.adds_up:
        rest = [
            (total or 0) - sum(points[place] or 0 for _, points in lines)
            for place, total in enumerate(found.total_points)
        ]
        lines.append((rest_name([text for text, _ in lines if text]), list(rest)))
    if ask.cumulative:
        lines = [(text, running(points, found.begun)) for text, points in lines]
    for place, span in enumerate(found.buckets.spans):
        for text, points in lines:
            yield *_period(look, span), text, _exact(ask, points[place])
    if found.before is not None:
        points = found.before.points
        points = running(points, len(points)) if ask.cumulative else points
        for span, point in zip(found.before.buckets.spans, points, strict=True):
            yield *_period(look, span), BEFORE, _exact(ask, point)


def _period(look: Look, span: Span) -> tuple[Cell, ...]:
    return period_cells(span, look.scope.time_zone)


def _pivot_rows(look: Look, ask: Ask, found: Explored) -> Iterator[Sequence[Cell]]:
    subs = {
        sub: _written_value(None if sub is None else found.sub_labels.get(sub))
        for of_subs in (found.sub_totals, *found.subs.values())
        for sub in of_subs
    }
    parts, total_of_part = _pivot_parts(look, ask, found), _total_name(subs.values())
    now, before = _period(look, look.timeframe.span), _period(look, look.timeframe.previous)
    for part in parts:
        cells = [(subs[sub], sums) for sub, sums in part.subs.items()]
        if cells and not ask.metric.adds_up:
            cells.append((total_of_part, total_of(part.subs.values())))
        for text, sums in cells:
            yield *now, part.text, text, _exact(ask, found.value_of(sums)), sums.events
    for part in parts if found.before else ():
        number = _exact(ask, found.value_of(part.before))
        yield *before, part.text, BEFORE, number, part.before.events


def _pivot_parts(look: Look, ask: Ask, found: Explored) -> list[Part]:
    """As the page has them; the total only where nobody can add it up."""
    then: ByValue = found.before.sums if found.before else {}
    parts = [
        Part(_slug(look, found, value), of_subs, then.get(value, NO_SUMS))
        for value, of_subs in found.subs.items()
    ]
    names = [part.text for part in parts if part.text]
    rest = Part(rest_name(names), found.sub_rest, found.before_rest)
    if rest.subs or rest.before.events:
        parts.append(rest)
    if not ask.metric.adds_up:
        parts.append(Part(_total_name(names), found.sub_totals, total_of(then.values())))
    return parts


def _total_name(names: Collection[str | None]) -> str:
    return "Total of all" if "Total" in names else "Total"


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
