"""`GET /w/{workspace}/events`: the single events behind every number, and one of them whole."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.errors import NotFound
from llmtrack.domain.identifiers import event_row
from llmtrack.domain.periods import QUARTER_MS, local_date
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Buckets, buckets_of
from llmtrack.domain.timeframes import DEFAULT, named_timeframe
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_arrivals import arrived_count
from llmtrack.storage.event_pages import EventPage, event_page
from llmtrack.storage.event_search import (
    END,
    SCAN_EVENTS_MAX,
    EventDetail,
    FoundEvents,
    read_event,
    search_page,
    sums_of_matches,
)
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.reports import totals_by_bucket
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import NO_SUMS, Sums, total_of
from llmtrack.web.analytics import Look, analytics_page, given_of, looking
from llmtrack.web.auth import require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.event_columns import (
    COLUMNS,
    chosen_columns,
    tag_columns,
    uuid_of,
)
from llmtrack.web.event_cost import cost_values
from llmtrack.web.event_query import (
    CONDITIONS,
    EXTRAS,
    PRICING_TEXTS,
    Wanted,
    no_event_text,
    place_of,
    place_text,
    wanted_events,
)
from llmtrack.web.event_tags import EventTag, tags_of_event
from llmtrack.web.event_tail import Place
from llmtrack.web.numbers import tokens_short, when_text
from llmtrack.web.page_query import PageQuery, parse_page_query
from llmtrack.web.referrers import own_referrer
from llmtrack.web.render import page
from llmtrack.web.usage_chart import Chart, Series, Style, chart_of

PAGE_EVENTS = 50


class Histogram(NamedTuple):
    chart: Chart | None
    total: Sums | None
    uncounted: TooMuchToRead | None
    """Why there is neither chart nor total."""


@require(Permission.READ)
async def get_events(request: web.Request) -> web.StreamResponse:
    """With `?id=` straight to that event, if there is one."""
    async with looking(request, "events", EXTRAS) as look:
        wanted_id = request.query.get("id", "").strip()
        if wanted_id:
            if await _find(look, wanted_id) is not None:
                return see_other(f"{look.query.path}/{wanted_id.lower()}")
            look.bar.problems.append(no_event_text(wanted_id))
        wanted = wanted_events(look)
        look.bar.problems.extend(wanted.problems)
        found, histogram = await look.reading.run(load_events(look, wanted))
        place = Place(look.now_ms, await arrived_count(look.reading))
    return _answer(request, look, found, histogram, place)


async def load_events(look: Look, wanted: Wanted) -> tuple[EventPage | FoundEvents, Histogram]:
    return await _find_events(look, wanted), await _load_histogram(look, wanted)


async def _find_events(look: Look, wanted: Wanted) -> EventPage | FoundEvents:
    """The page that the URL's `before` names, else the newest."""
    place = place_of(look.query.extras.get("before", ""))
    if wanted.filter.has_conditions:
        return await search_page(look.reading, wanted.filter, before=place, count=PAGE_EVENTS)
    return await event_page(
        look.scope,
        wanted.filter.span,
        filters=wanted.filter.values,
        before=place,
        most=PAGE_EVENTS,
        within=look.reading,
    )


async def _find(look: Look, text: str) -> EventDetail | None:
    try:
        return await read_event(look.reading, *event_row(text))
    except ValueError:
        return None


def _answer(
    request: web.Request,
    look: Look,
    found: EventPage | FoundEvents,
    histogram: Histogram,
    place: Place,
) -> web.Response:
    before = look.query.extras.get("before", "")
    if place_of(before) is END:
        before = ""
    first = look.query.with_extra("before", "")
    conditions = {name: look.query.extras.get(name, "") for name in CONDITIONS}
    return analytics_page(
        request,
        "events.html",
        look.at_first_page("before"),
        nothing=not found.events
        and found.older is None
        and not before
        and not any(conditions.values()),
        column_choices=[*COLUMNS.values(), *tag_columns(look.query.tags).values()],
        conditions=conditions,
        pricings=PRICING_TEXTS,
        plain_url=_without_conditions(first).url,
        older_url=first.with_extra("before", place_text(found.older)).url if found.older else None,
        newest_url=first.url if before else None,
        live_url=_live_url(look, first, place) if not before else None,
        list_url=first.url,
        export_urls=_export_urls(first),
        events_url=look.query.path,
        **event_values(look, found, histogram),
    )


def event_values(
    look: Look,
    found: EventPage | FoundEvents,
    histogram: Histogram,
) -> dict[str, Any]:
    """What `_events.html` shows, but for its links."""
    return {
        "events": [(uuid_of(event), event) for event in found.events],
        "columns": chosen_columns(look.query.extras.get("columns", ""), look.query.tags),
        **histogram._asdict(),
        "cut_short": when_text(found.looked_to_ms, look.scope.time_zone) if found.is_cut else None,
    }


def _without_conditions(query: PageQuery) -> PageQuery:
    for name in CONDITIONS:
        query = query.with_extra(name, "")
    return query


def _live_url(look: Look, query: PageQuery, place: Place) -> str | None:
    """Where new events come from, if the period reaches into the present.

    The script replaces `after`, which therefore is the last of its parameters.
    """
    span = look.timeframe.span
    if not span.start_ms <= look.now_ms < span.end_ms:
        return None
    extras = {**query.extras, "after": str(place)}
    return query.at(f"{query.path}/live").with_extras(extras).url


def _export_urls(query: PageQuery) -> list[tuple[str, str]]:
    at = query.at(f"{query.path}/export").with_extras(query.extras)
    return [
        (text, at.with_extra("format", name).url)
        for text, name in (("CSV", "csv"), ("JSON lines", "jsonl"))
    ]


async def _load_histogram(look: Look, wanted: Wanted) -> Histogram:
    """The wanted requests over time by outcome, as far as a page may count them."""
    buckets = buckets_of(look.timeframe.span, look.timeframe.step, look.scope.time_zone)
    try:
        if wanted.filter.has_conditions:
            sums = await _matching_sums(look, wanted, buckets)
        else:
            sums = await totals_by_bucket(look.reading, look.question(Kind.TOTAL), buckets)
    except TooMuchToRead as error:
        return Histogram(None, None, error)
    total = total_of(sums)
    if not total.events:
        return Histogram(None, total, None)
    return Histogram(_histogram_chart(look, buckets, sums), total, None)


async def _matching_sums(look: Look, wanted: Wanted, buckets: Buckets) -> list[Sums]:
    """From the events themselves: what they alone tell is in no kept sums."""
    sums = [NO_SUMS] * len(buckets)
    found = await sums_of_matches(look.reading, wanted.filter, read_events_max=SCAN_EVENTS_MAX)
    for quarter, matching in found.items():
        sums[buckets.place(quarter * QUARTER_MS)] += matching
    return sums


def _histogram_chart(look: Look, buckets: Buckets, sums: Sequence[Sums]) -> Chart:
    fine = [one.events - one.failures - one.cancelled for one in sums]
    outcomes = (
        ("Succeeded", "series-1", fine),
        ("Failed", "series-bad", [one.failures for one in sums]),
        ("Cancelled", "series-other", [one.cancelled for one in sums]),
    )
    series = [
        Series(name, css_class, tokens_short(sum(values)), None, values)
        for name, css_class, values in outcomes
        if any(values)
    ]
    title = f"Requests per {buckets.step.value}"
    zoom_url = look.query.with_extra("before", "").with_period(DEFAULT).url
    style = Style(title, tokens_short, tokens_short, zoom_url)
    return chart_of(series, buckets, look.scope.time_zone, style)


@require(Permission.READ)
async def get_event(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    try:
        timestamp_ms, event_id = event_row(request.match_info["event"])
    except ValueError:
        raise NotFound("there is no such event") from None
    query, now_ms = PageQuery(f"/w/{scope.public_id}/events"), request.app[CLOCK_MS]()
    async with scope.reading() as reading:
        event, tags = await reading.run(_load_event(reading, query, timestamp_ms, event_id))
    return page(
        request,
        "event.html",
        now_ms=now_ms,
        detail=event,
        id=uuid_of(event),
        columns=COLUMNS,
        zone=scope.time_zone,
        metadata=_pretty(event.metadata),
        list_url=_list_left(request, query, now_ms).url,
        links=_links(_around(query, event, now_ms, scope.time_zone), event),
        tags=tags,
        **await cost_values(request),
    )


def _list_left(request: web.Request, events: PageQuery, now_ms: int) -> PageQuery:
    """The list as it was left, filters and all: rows have no room for it in their links.

    Where it is not known that a list was left, the list of everything.
    """
    left = own_referrer(request)
    if left is None or left.path != events.path:
        return events
    given, zone_name = given_of(left.query, EXTRAS), request[SCOPE].time_zone
    return parse_page_query(events.path, given, now_ms, zone_name, EXTRAS)[0]


async def _load_event(
    reading: ScopedReading, query: PageQuery, timestamp_ms: int, event_id: int
) -> tuple[EventDetail, list[EventTag]]:
    event = await read_event(reading, timestamp_ms, event_id)
    if event is None:
        raise NotFound("there is no such event")
    return event, await tags_of_event(reading, query, event)


def _around(query: PageQuery, event: EventDetail, now_ms: int, zone_name: str) -> PageQuery:
    """In a period that has the event: the usual one, or of an older event its day."""
    if event.timestamp_ms >= named_timeframe(DEFAULT, now_ms, zone_name).span.start_ms:
        return query
    day = local_date(event.timestamp_ms, zone_name).isoformat()
    return query.with_range(day, day)


def _links(query: PageQuery, event: EventDetail) -> dict[str, str]:
    """Each value of the event -> the page about it."""
    values = {
        "provider": event.provider,
        "model": event.model,
        "feature": event.feature,
        "customer": event.customer_id,
        "key": event.key_public_id,
        "environment": event.environment,
        "source": event.source,
    }
    return {name: query.about(name, slug).url for name, slug in values.items() if slug}


def _pretty(metadata: str | None) -> str | None:
    parsed: Any = json.loads(metadata) if metadata else None
    return json.dumps(parsed, indent=2, ensure_ascii=False) if parsed is not None else None
