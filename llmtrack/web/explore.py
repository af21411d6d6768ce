"""`GET /w/{workspace}/explore`: any metric by one or two dimensions, over time, and before."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from llmtrack.domain.roles import Permission
from llmtrack.services.tag_notes import tag_notes
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require
from llmtrack.web.explore_data import Explored, explore
from llmtrack.web.explore_export import get_explore_export
from llmtrack.web.explore_query import EXTRAS, ROLLUPS, TOPS, Ask, ask_of
from llmtrack.web.explore_view import (
    explore_chart,
    explore_lines,
    explore_pivot,
    total_line,
    undrawn,
)
from llmtrack.web.metrics import METRICS

FORMATS = (("CSV", "csv"), ("JSON lines", "jsonl"), ("FOCUS 1.2", "focus"))


@require(Permission.READ)
async def get_explore(request: web.Request) -> web.StreamResponse:
    async with looking(request, "explore", EXTRAS) as look:
        return await _answer(request, look)


async def _answer(request: web.Request, look: Look) -> web.Response:
    query = look.query
    try:
        shown = await look.reading.run(explore_values(look))
    except TooMuchToRead as error:
        return analytics_page(request, "explore.html", look, too_much=error)
    exported = query.at(f"{query.path}/export").with_extras(query.extras)
    return analytics_page(
        request,
        "explore.html",
        look,
        metrics=list(METRICS.values()),
        dimensions=list(query.dimensions),
        rollups={name: step.value for name, step in ROLLUPS.items()},
        tops=TOPS,
        export_urls=[(text, exported.with_extra("format", name).url) for text, name in FORMATS],
        **shown,
    )


async def explore_values(look: Look) -> dict[str, Any]:
    """What `_explore.html` shows. Raises TooMuchToRead."""
    query, zone = look.query, look.scope.time_zone
    ask = ask_of(query, look.timeframe, zone)
    look.bar.problems.extend(ask.problems)
    if ask.sub_kind is not None:
        start_ms = look.timeframe.previous.start_ms
        look.bar.notes.extend(tag_notes([ask.sub_kind], start_ms, zone))
    found = await explore(look, ask)
    look.bar.notes.extend(_notes(ask, found, zone))
    return {
        "nothing": not found.report.total.events,
        "ask": ask,
        "chart": explore_chart(query, ask, found, zone),
        "lines": explore_lines(query, ask, found),
        "total": total_line(ask, found),
        "pivot": explore_pivot(query, ask, found) if ask.sub else None,
    }


def _notes(ask: Ask, found: Explored, zone: str) -> Iterator[str]:
    """What the numbers leave out, in sentences."""
    if text := undrawn(found, zone):
        yield text
    if len(found.order) <= found.shown and (gone := found.before_rest.events):
        yield f"Before, {gone:,} requests were of what has none now: they are in the total alone."
    total = found.report.total
    without = total.unpriced_events + total.unknown_usage_events
    if ask.metric.name == "cost_per_mtok" and without:
        yield f"The tokens are also those of {without:,} requests without a known cost."


ROUTES = [
    web.get("/w/{workspace}/explore", get_explore),
    web.get("/w/{workspace}/explore/export", get_explore_export),
]
