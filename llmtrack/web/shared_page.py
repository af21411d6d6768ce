"""`GET /s/{workspace}/{token}`: what a shared link shows, to whoever has it.

Period, filters and columns are those of the link. Of the request only `before` is read, where a
page of the link's own list of events begins.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.errors import NotFound
from llmtrack.domain.views import DIMENSION_PLACE
from llmtrack.storage.currencies import currency_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.shared_links import SharedLink, link_of, note_use
from llmtrack.web import cost_changes, event_query, explore_query
from llmtrack.web.analytics import Look, look_at
from llmtrack.web.context import CLOCK_MS, DATABASE
from llmtrack.web.cost_changes import change_values
from llmtrack.web.event_query import PRICING_TEXTS, place_text, wanted_events
from llmtrack.web.events import event_values, find_events, load_histogram
from llmtrack.web.explore import explore_values
from llmtrack.web.numbers import shown_currency, shown_in, when_text
from llmtrack.web.overview_chart import overview_chart
from llmtrack.web.overview_data import load_overview
from llmtrack.web.overview_view import table_of, tiles_of
from llmtrack.web.performance import performance_values
from llmtrack.web.render import page

NOTE_MS = 10 * 60_000
Values = dict[str, Any]


class Page(NamedTuple):
    template: str
    load: Callable[[Look], Awaitable[Values]]
    extras: Sequence[str] = ()
    """Of the link's query; `before` alone is the visitor's."""


async def get_shared(request: web.Request) -> web.StreamResponse:
    """Nothing in the URL but the link itself has a say in what is shown."""
    now_ms = request.app[CLOCK_MS]()
    scope, link = await link_of(
        request.app[DATABASE],
        request.match_info["workspace"],
        request.match_info["token"],
        now_ms=now_ms,
    )
    if link.used_ms is None or now_ms - link.used_ms >= NOTE_MS:
        await scope.write(note_use, link.id, now_ms=now_ms)
    place = link.view.place
    shown = _OVERVIEW if place.startswith(DIMENSION_PLACE) else PAGES[place]
    given = link.view.parameters | {"before": request.query.get("before", "")}
    with shown_in(await currency_of(scope)):
        async with look_at(
            scope, place, given, now_ms, extras=shown.extras, is_locked=True
        ) as look:
            response = await _answer(request, link, look, shown)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _answer(request: web.Request, link: SharedLink, look: Look, shown: Page) -> web.Response:
    # A filter whose value is gone would be left out, and the link show what it never did.
    if look.bar.problems:
        raise NotFound("this link shows nothing any more")
    zone = look.scope.time_zone
    values: Values = {
        "link": link,
        "workspace": look.scope.name,
        "filters": _filters(look),
        "zone": zone,
        "timeframe": look.timeframe,
        "query": look.query,
        "expires": when_text(link.expires_ms, zone),
        "updated": when_text(look.now_ms, zone),
        "currency": shown_currency(),
        "too_much": False,
        "nothing": False,
    }
    try:
        values |= await shown.load(look)
    except TooMuchToRead:
        values["too_much"] = True
    return page(request, shown.template, now_ms=look.now_ms, **values)


def _filters(look: Look) -> list[tuple[str, str]]:
    """What the link lets through, in words."""
    texts = [(name, label.text) for name, label in look.bar.labels.items()]
    given = look.query.extras
    conditions = [
        (text, PRICING_TEXTS.get(given[name], given[name]))
        for name, text in CONDITION_TEXTS.items()
        if name in given
    ]
    return texts + conditions


CONDITION_TEXTS = {
    "pricing": "pricing",
    "min_cost": "cost from, $",
    "min_latency": "latency from, ms",
    "metadata": "metadata",
}


async def _overview(look: Look) -> Values:
    data = await load_overview(look)
    return {
        "nothing": not data.report.total.events,
        "data": data,
        "tiles": tiles_of(data, look.timeframe),
        "chart": overview_chart(look.query, data, look.scope.time_zone),
        "table": table_of(look.query, data),
    }


async def _events(look: Look) -> Values:
    """The list and its chart, with links from page to page but to no single event."""
    wanted = wanted_events(look)
    if wanted.problems:  # as with a filter whose value is gone
        raise NotFound("this link shows nothing any more")
    found = await find_events(look, wanted)
    # Its sums know nothing of conditions, and would count what the link does not let through.
    histogram = (None, None) if wanted.filter.has_conditions else await load_histogram(look)
    before = look.query.extras.get("before")
    return {
        **event_values(look, found, histogram),
        "nothing": not found.events and found.older is None and not before,
        "events_url": None,
        # Relative: the link itself need not be written into its page.
        "newest_url": "?" if before else None,
        "older_url": f"?before={place_text(found.older)}" if found.older else None,
    }


async def _changes(look: Look) -> Values:
    values = await change_values(look)
    if look.bar.problems:  # the period before cannot be read
        raise NotFound("this link shows nothing any more")
    return values


_OVERVIEW = Page("shared_overview.html", _overview)
PAGES = {
    "": _OVERVIEW,
    "explore": Page("shared_explore.html", explore_values, explore_query.EXTRAS),
    "events": Page("shared_events.html", _events, event_query.EXTRAS),
    "changes": Page("shared_changes.html", _changes, cost_changes.EXTRAS),
    "performance": Page("shared_performance.html", performance_values),
}
ROUTES = [web.get("/s/{workspace}/{token}", get_shared)]
