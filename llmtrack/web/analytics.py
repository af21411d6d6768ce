"""What all analytics pages do alike: read the URL, open one moment, fill the frame."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from llmtrack.domain.roles import Permission, may
from llmtrack.domain.spans import Span
from llmtrack.domain.timeframes import Timeframe
from llmtrack.domain.views import View
from llmtrack.services.deletion_notes import deletion_notes
from llmtrack.storage.dimensions import Dimension
from llmtrack.storage.questions import READ_EVENTS_MAX, Question, TooMuchToRead
from llmtrack.storage.reports import used_days
from llmtrack.storage.saved_views import SavedView, saved_views
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.web.context import CLOCK_MS, SCOPE, SIGNED_IN
from llmtrack.web.filter_bar import FilterBar, load_filter_bar
from llmtrack.web.numbers import when_seconds
from llmtrack.web.page_query import PageQuery, parse_page_query
from llmtrack.web.render import page

REFRESH_S = 30
WAIT_S = 1
"""How often a page without any event looks for the first one."""


@dataclass(frozen=True)
class Look:
    """One look at a workspace's usage: everything read in it is of the same moment."""

    scope: Scope
    reading: ScopedReading
    bar: FilterBar
    days: tuple[int, int] | None
    """First and last local day with events; None before the first event."""
    now_ms: int
    views: Sequence[SavedView] = ()

    @property
    def query(self) -> PageQuery:
        return self.bar.query

    @property
    def timeframe(self) -> Timeframe:
        return self.bar.timeframe

    @property
    def may_export(self) -> bool:
        return may(self.scope.role, Permission.EXPORT)

    def at_first_page(self, parameter: str) -> "Look":
        """What leads to another period or filter begins there anew, as saved views do.

        `parameter`: which page of a list it is, or where that begins.
        """
        return replace(self, bar=replace(self.bar, query=self.query.with_extra(parameter, "")))

    def question(
        self,
        kind: Dimension | None = None,
        span: Span | None = None,
        more_filters: dict[Dimension, int] | None = None,
    ) -> Question:
        """About the page's own grouping and period, unless others are named."""
        return Question(
            self.query.kind if kind is None else kind,
            span or self.timeframe.span,
            self.scope.time_zone,
            {**self.bar.values, **(more_filters or {})},
            READ_EVENTS_MAX,
        )


@asynccontextmanager
async def looking(
    request: web.Request, place: str, extras: Collection[str] = ()
) -> AsyncIterator[Look]:
    """`place`: the page's path below the workspace; `extras`: its own parameters."""
    if not all(request.query.values()):
        # Forms send what nothing was chosen for, and people copy addresses.
        raise web.HTTPSeeOther(_without_empty(request))
    given = given_of(request.query, extras)
    user_id = request[SIGNED_IN].user.id
    async with look_at(
        request[SCOPE], place, given, request.app[CLOCK_MS](), extras=extras, user_id=user_id
    ) as look:
        if request.transport is None:  # who reloads again and again waits for the last one alone
            raise ConnectionResetError("nobody waits for this page any more")
        yield look


def given_of(query: MultiMapping[str], extras: Collection[str]) -> dict[str, str]:
    """A form without scripts sends one parameter for each of its ticked boxes."""
    ticked = {name: ",".join(query.getall(name, ())) for name in extras}
    return {**query, **ticked}


def _without_empty(request: web.Request) -> str:
    pairs = [(name, value) for name, value in request.query.items() if value]
    path = request.rel_url.raw_path
    return f"{path}?{urlencode(pairs)}" if pairs else path


@asynccontextmanager
async def look_at(
    scope: Scope,
    place: str,
    given: Mapping[str, str],
    now_ms: int,
    *,
    extras: Collection[str] = (),
    user_id: int | None = None,
    is_locked: bool = False,
) -> AsyncIterator[Look]:
    """As `looking`, for parameters that need not be those of a request.

    `is_locked`: what is shown links to nothing.
    """
    path, zone_name = f"/w/{scope.public_id}/{place}", scope.time_zone
    query, timeframe = parse_page_query(path, given, now_ms, zone_name, extras)
    query = replace(query, is_locked=is_locked)
    async with scope.reading() as reading:

        async def frame() -> Look:
            days = await used_days(reading)
            bar = await load_filter_bar(reading, query, timeframe, zone_name)
            views = await saved_views(reading, user_id) if user_id is not None else []
            return Look(scope, reading, bar, days, now_ms, views)

        yield await reading.run(frame())


def analytics_page(
    request: web.Request,
    name: str,
    look: Look,
    *,
    too_much: TooMuchToRead | None = None,
    nothing: bool = False,
    **values: Any,
) -> web.Response:
    """`too_much`: why there is no answer; `nothing`: the filters let no event through."""
    bar, scope = look.bar, look.scope
    bar.notes.extend(deletion_notes(look.reading))
    home_url = f"/w/{scope.public_id}/"
    place = bar.query.path.removeprefix(home_url)
    shown = View(place, urlencode(bar.query.parameters))
    return page(
        request,
        name,
        now_ms=look.now_ms,
        carried=bar.query.at("").url,
        bar=bar,
        query=bar.query,
        timeframe=bar.timeframe,
        zone=scope.time_zone,
        days=look.days,
        home_url=home_url,
        view=shown,
        saved_view=_saved_view(request, look),
        views=[(saved, saved.view.url(home_url)) for saved in look.views],
        may_share_view=look.may_export,
        may_share_link=may(scope.role, Permission.MANAGE_MEMBERS),
        share_url=f"{home_url}shared-links?{urlencode(shown._asdict())}",
        refresh_s=WAIT_S if look.days is None else REFRESH_S,
        may_manage_keys=may(scope.role, Permission.MANAGE_KEYS),
        may_export=look.may_export,
        latest_url=bar.latest_url(look.days) if look.days else None,
        updated=when_seconds(look.now_ms, scope.time_zone),
        too_much=too_much,
        nothing=nothing,
        **values,
    )


def _saved_view(request: web.Request, look: Look) -> SavedView | None:
    """The one that was saved a moment ago."""
    return next((one for one in look.views if str(one.id) == request.query.get("saved")), None)
