"""`GET /s/{workspace}/{token}`: what a shared link shows, to whoever has it.

Period, filters and columns are those of the link. Of the request only PAGING is read, where a
page of the link's own list begins.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.periods import day_number, day_start_ms, local_date, month_start
from llmtrack.domain.views import DIMENSION_PLACE, PAGING, View
from llmtrack.services.deletion_notes import deletion_notes
from llmtrack.storage.currencies import currency_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.scope import Scope
from llmtrack.storage.shared_links import SharedLink, link_of, note_use
from llmtrack.web import cost_changes, customers, event_query, explore_query, what_if
from llmtrack.web.analytics import Look, look_at
from llmtrack.web.context import CLOCK_MS, DATABASE, SCOPE
from llmtrack.web.cost_changes import change_values
from llmtrack.web.customers import customer_values
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.event_query import PRICING_TEXTS, place_text, wanted_events
from llmtrack.web.events import event_values, load_events
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
    load: Callable[[web.Request, Look], Awaitable[Values]]
    """What the template shows; what cannot be read is told in the look's problems."""
    extras: Sequence[str] = ()
    """Of the link's query; of PAGING the visitor's."""


async def get_shared(request: web.Request) -> web.StreamResponse:
    """Nothing in the URL but the link itself has a say in what is shown."""
    try:
        response = await _shared(request)
    except NotFound:
        # Of one that never was nothing else is said: who guesses learns nothing.
        response = page(
            request,
            "error.html",
            status=404,
            title="This link has ended, or never was",
            text="Ask whoever sent it to you for a new one.",
            ways=(),
        )
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _shared(request: web.Request) -> web.Response:
    """Raises NotFound."""
    now_ms = request.app[CLOCK_MS]()
    scope, link = await link_of(
        request.app[DATABASE],
        request.match_info["workspace"],
        request.match_info["token"],
        now_ms=now_ms,
    )
    if link.used_ms is None or now_ms - link.used_ms >= NOTE_MS:
        await scope.write(note_use, link.id, now_ms=now_ms)
    with shown_in(await currency_of(scope)):
        async with _looking(request, scope, link.view, request.query) as look:
            return await _answer(request, link, look)


@asynccontextmanager
async def _looking(
    request: web.Request, scope: Scope, view: View, own: Mapping[str, str] | None = None
) -> AsyncIterator[Look]:
    given = view.parameters | {name: (own or {}).get(name, "") for name in PAGING}
    now_ms, extras = request.app[CLOCK_MS](), _page_of(view).extras
    async with look_at(scope, view.place, given, now_ms, extras=extras, is_locked=True) as look:
        yield look


def _page_of(view: View) -> Page:
    return _OVERVIEW if view.place.startswith(DIMENSION_PLACE) else PAGES[view.place]


async def check_view(request: web.Request, view: View) -> None:
    """Raises InvalidValue where a link to that view would show nothing, or not all it says."""
    async with _looking(request, request[SCOPE], view) as look:
        with suppress(TooMuchToRead):  # in a month it may be less
            await _page_of(view).load(request, look)
        if look.bar.problems:
            # Nothing is left out of a link that is not made.
            why = look.bar.problems[0].removesuffix(event_query.LEFT_OUT).removesuffix(".")
            raise InvalidValue("query", f"no link is made, as it would show something else: {why}")


async def _answer(request: web.Request, link: SharedLink, look: Look) -> web.Response:
    shown = _page_of(link.view)
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
        "notes": look.bar.notes,
        "too_much": False,
        "nothing": False,
    }
    try:
        values |= await shown.load(request, look)
    except TooMuchToRead:
        values["too_much"] = True
    look.bar.notes.extend(deletion_notes(look.reading))
    # A filter whose value is gone was left out, and the link would show what it never did.
    if look.bar.problems:
        raise NotFound("this link shows nothing any more")
    return page(request, shown.template, now_ms=look.now_ms, **values)


def _filters(look: Look) -> list[tuple[str, str]]:
    """What the link lets through, in words."""
    # How a key begins is nothing for whoever has the link.
    texts = [
        (dimension_text(name), label.text if name == "key" else label.full_text)
        for name, label in look.bar.labels.items()
    ]
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


def _covers_month(look: Look) -> bool:
    """Whether what has been spent this month is told by the link's period anyway."""
    span, today = look.timeframe.span, local_date(look.now_ms, look.scope.time_zone)
    month_ms = day_start_ms(day_number(month_start(today)), look.scope.time_zone)
    return span.start_ms <= month_ms and look.now_ms < span.end_ms


async def _overview(_: web.Request, look: Look) -> Values:
    data = await look.reading.run(load_overview(look))
    return {
        "nothing": not data.report.total.events,
        "data": data if _covers_month(look) else None,
        "tiles": tiles_of(data, look.timeframe),
        "chart": overview_chart(look.query, data, look.scope.time_zone),
        "table": table_of(look.query, data),
    }


async def _events(_: web.Request, look: Look) -> Values:
    """The list and its chart, with links from page to page but to no single event."""
    wanted = wanted_events(look)
    look.bar.problems.extend(wanted.problems)
    found, histogram = await look.reading.run(load_events(look, wanted))
    before = look.query.extras.get("before")
    return {
        **event_values(look, found, histogram),
        "nothing": not found.events and found.older is None and not before,
        "events_url": None,
        # Relative: the link itself need not be written into its page.
        "newest_url": "?" if before else None,
        "older_url": f"?before={place_text(found.older)}" if found.older else None,
    }


async def _explore(_: web.Request, look: Look) -> Values:
    return await look.reading.run(explore_values(look))


async def _changes(_: web.Request, look: Look) -> Values:
    return await look.reading.run(change_values(look))


async def _performance(_: web.Request, look: Look) -> Values:
    return await look.reading.run(performance_values(look))


async def _customers(_: web.Request, look: Look) -> Values:
    return await look.reading.run(customer_values(look))


async def _what_if(request: web.Request, look: Look) -> Values:
    """Of however many requests: who made the link wanted it, and it is one run an hour."""
    return await what_if.page_values(request, look)


_OVERVIEW = Page("shared_overview.html", _overview)
PAGES = {
    "": _OVERVIEW,
    "explore": Page("shared_explore.html", _explore, explore_query.EXTRAS),
    "events": Page("shared_events.html", _events, event_query.EXTRAS),
    "changes": Page("shared_changes.html", _changes, cost_changes.EXTRAS),
    "customers": Page("shared_customers.html", _customers, customers.EXTRAS),
    "performance": Page("shared_performance.html", _performance),
    "what-if": Page("shared_what_if.html", _what_if, what_if.EXTRAS),
}
ROUTES = [web.get("/s/{workspace}/{token}", get_shared)]
