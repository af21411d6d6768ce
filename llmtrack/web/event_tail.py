"""`GET /w/{workspace}/events/live`: new events as they come, as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The browser opens it while the
page is visible and comes back by itself after `LIFE_S`; a session that ended is then noticed.

Nothing is missed in silence: the page names the place up to which it knows what came (`after`,
and `Last-Event-ID` when the browser comes back), and what came since is looked for first. Of what
is not sent, because it is too much or too old to be found, the page learns how much it is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

from llmtrack.domain.errors import Overloaded
from llmtrack.domain.roles import Permission
from llmtrack.storage.event_arrivals import (
    Arrival,
    arrivals_since,
    arrived_count,
    read_events,
)
from llmtrack.storage.event_search import SCAN_EVENTS_MAX, EventDetail, EventFilter
from llmtrack.storage.scope import Scope, ScopedReading
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
STORED_WITHIN_MS = 10_000
"""How long after its arrival an event may be stored: longer than the hold of the queue."""
EVENTS_MAX = 100
"""At once."""
LOOK_EVENTS_MAX = 2_000


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


class Place(NamedTuple):
    """Up to where a page knows what came."""

    at_ms: int
    came: int
    """How many events had come."""

    def __str__(self) -> str:
        return f"{self.at_ms}-{self.came}"


class News(NamedTuple):
    events: Sequence[EventDetail]
    sure: int
    """How many came since; a page that lists fewer tells how many it does not."""
    unsure: int
    """How many more came that nobody looked at."""


NO_NEWS = News((), 0, 0)


@require(Permission.READ)
async def get_live(request: web.Request) -> web.StreamResponse:
    scope, tails = request[SCOPE], request.app[TAILS]
    async with looking(request, "events", EXTRAS) as look:
        wanted = wanted_events(look).filter
        columns = chosen_columns(look.query.extras.get("columns", ""), look.query.tags)
        now = Place(look.now_ms, await arrived_count(look.reading))
    place = _place_of(request.headers.get("Last-Event-ID") or request.query.get("after", ""))
    async with tails.slot():
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        await response.write(b": following\n\n")
        values = {"columns": columns, "zone": scope.time_zone}
        values["events_url"] = f"/w/{scope.public_id}/events"
        tail = _Tail(scope, wanted, place or now, request.app[CLOCK_MS])
        async for news in _arrivals(tail, tails.stopping):
            listed = [(uuid_of(event), event) for event in news.events]
            html = request.app[RENDERER].whole("event_rows.html", values | {"events": listed})
            lines = [f"{news.sure} {news.unsure}", *filter(str.strip, html.splitlines())]
            data = "".join(f"data: {line}\n" for line in lines)
            await response.write(f"event: rows\nid: {tail.place}\n{data}\n".encode())
        return response


def _place_of(text: str) -> Place | None:
    at_ms, _, came = text.partition("-")
    if not (text.isascii() and at_ms.isdecimal() and came.isdecimal() and len(text) < 40):
        return None
    return Place(int(at_ms), int(came))


async def _arrivals(tail: "_Tail", stopping: asyncio.Event) -> AsyncIterator[News]:
    """What is new since the last look; nothing at all as a sign of life."""
    begun = spoken = asyncio.get_running_loop().time()
    while not stopping.is_set():
        news = await tail.look()
        now = asyncio.get_running_loop().time()
        if news is not None or now - spoken >= KEEP_ALIVE_S:
            spoken = now
            yield news or NO_NEWS
        if now - begun >= LIFE_S:
            return
        await _stopped_within(stopping, LOOK_S)


class _Tail:
    """One page's looks at what came."""

    def __init__(
        self, scope: Scope, wanted: EventFilter, place: Place, clock_ms: Callable[[], int]
    ) -> None:
        self.place = place
        self._scope, self._wanted, self._clock_ms = scope, wanted, clock_ms
        self._seen: set[tuple[int, int]] | None = None
        """What came shortly before the last look; None where the page alone knows it."""

    async def look(self) -> News | None:
        """None if nothing came at all."""
        now_ms = self._clock_ms()  # before the look: what comes during it is in the next one
        async with self._scope.reading() as reading:
            return await reading.run(self._look(reading, now_ms))

    async def _look(self, reading: ScopedReading, now_ms: int) -> News | None:
        count = await arrived_count(reading)
        came = count - self.place.came
        if came <= 0:
            return None
        found = await arrivals_since(
            reading,
            self._wanted,
            self.place.at_ms - STORED_WITHIN_MS,
            scan_max=SCAN_EVENTS_MAX if self._seen is None else LOOK_EVENTS_MAX,
        )
        new = [arrival for arrival in found if arrival.key not in (self._seen or ())]
        sure, unsure = self._counted(came, new)
        self._seen = {one.key for one in found if one.arrived_ms >= now_ms - STORED_WITHIN_MS}
        self.place = Place(now_ms, count)
        keys = [arrival.key for arrival in new if arrival.matches]
        return News(await read_events(reading, keys[:EVENTS_MAX]), sure, unsure)

    def _counted(self, came: int, new: list[Arrival]) -> tuple[int, int]:
        """How many of those that came belong to the page, and how many of it nobody knows.

        At the first look some of `new` may be on the page. Those that were on their way when it
        was made are none of that many, where a filter hides who they are.
        """
        fresh = new
        if self._seen is None:
            fresh = [arrival for arrival in new if arrival.arrived_ms > self.place.at_ms]
        wanted = self._wanted
        looked_at = new if wanted.values or wanted.has_conditions else fresh
        others = sum(not arrival.matches for arrival in fresh)
        return max(0, min(came, len(fresh)) - others), max(0, came - len(looked_at))


async def _stopped_within(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


async def stop_tails(app: web.Application) -> None:
    """For `on_shutdown`: the server waits for its connections after it."""
    app[TAILS].stopping.set()
