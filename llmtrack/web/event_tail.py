"""`GET /w/{workspace}/events/live`: new events as they come, as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The browser opens it while the
page is visible and comes back by itself after `LIFE_S`; a session that ended is then noticed.
Events that are sent late, with a time long past, are not followed here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web

from llmtrack.domain.errors import Overloaded
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span
from llmtrack.storage.event_search import EventDetail, EventFilter, search_page
from llmtrack.storage.scope import Scope
from llmtrack.web.analytics import looking
from llmtrack.web.auth import require
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.event_columns import chosen_columns, uuid_of
from llmtrack.web.event_query import EXTRAS, wanted_events
from llmtrack.web.render import RENDERER

CONNECTIONS_MAX = 20
LOOK_S = 1.0
KEEP_ALIVE_S = 15.0
LIFE_S = 300.0
BEHIND_MS = 120_000
"""How late an event may arrive and still be shown."""
AHEAD_MS = 600_000
EVENTS_MAX = 50


class Tails:
    """The open connections of this process: few, and all ended when it stops."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._open = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        if self._open >= CONNECTIONS_MAX:
            raise Overloaded("too many pages follow events live", fix="try again in a minute")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


TAILS = web.AppKey("tails", Tails)


@require(Permission.READ)
async def get_live(request: web.Request) -> web.StreamResponse:
    scope, tails = request[SCOPE], request.app[TAILS]
    async with looking(request, "events", EXTRAS) as look:
        wanted = wanted_events(look).filter
        columns = chosen_columns(look.query.extras.get("columns", ""), look.query.tags)
    async with tails.slot():
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        # Before the word that it follows: what comes after that word is shown.
        seen = _keys(await _recent(scope, wanted, request.app))
        await response.write(b": following\n\n")
        values = {"columns": columns, "zone": scope.time_zone}
        values["events_url"] = f"/w/{scope.public_id}/events"
        async for events in _arrivals(scope, wanted, request.app, seen):
            if not events:
                await response.write(b": still here\n\n")
                continue
            listed = [(uuid_of(event), event) for event in events]
            html = request.app[RENDERER].whole("event_rows.html", values | {"events": listed})
            data = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip())
            await response.write(f"event: rows\n{data}\n".encode())
        return response


async def _arrivals(
    scope: Scope, wanted: EventFilter, app: web.Application, seen: set[tuple[int, int]]
) -> AsyncIterator[list[EventDetail]]:
    """What is new since the last look, the newest first; nothing at all as a sign of life."""
    begun = spoken = asyncio.get_running_loop().time()
    while not await _stopped_within(app[TAILS].stopping, LOOK_S):
        recent = await _recent(scope, wanted, app)
        events = [event for event in recent if (event.timestamp_ms, event.id) not in seen]
        seen = _keys(recent)
        now = asyncio.get_running_loop().time()
        if events or now - spoken >= KEEP_ALIVE_S:
            spoken = now
            yield events
        if now - begun >= LIFE_S:
            return


def _keys(events: list[EventDetail]) -> set[tuple[int, int]]:
    return {(event.timestamp_ms, event.id) for event in events}


async def _recent(scope: Scope, wanted: EventFilter, app: web.Application) -> list[EventDetail]:
    now_ms = app[CLOCK_MS]()
    window = replace(wanted, span=Span(now_ms - BEHIND_MS, now_ms + AHEAD_MS))
    async with scope.reading() as reading:
        page = await search_page(reading, window, count=EVENTS_MAX, scan_max=20 * EVENTS_MAX)
    return page.events


async def _stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return False
    return True


async def stop_tails(app: web.Application) -> None:
    """For `on_shutdown`: the server waits for its connections after it."""
    app[TAILS].stopping.set()
