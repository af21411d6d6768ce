"""Links that show one view to whoever has them: made and revoked here, and the page behind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from llmtrack.domain.credentials import mint_token
from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.roles import Permission
from llmtrack.domain.views import DIMENSION_PLACE, View, clean_view
from llmtrack.storage.currencies import currency_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.scope import Scope
from llmtrack.storage.shared_links import (
    SharedLink,
    link_of,
    note_use,
    revoke_link,
    share_view,
    shared_links,
)
from llmtrack.web.analytics import Look, look_at
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, DATABASE, FRESH_KEYS, SCOPE, SIGNED_IN, SITE
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.numbers import shown_currency, shown_in, when_text
from llmtrack.web.overview_chart import overview_chart
from llmtrack.web.overview_data import load_overview
from llmtrack.web.overview_view import table_of, tiles_of
from llmtrack.web.page_query import DIMENSIONS
from llmtrack.web.render import page
from llmtrack.web.saved_views import number_of

PATH = "/w/{workspace}/shared-links"
FIELDS = ("name", "place", "query", "days")
NOTE_MS = 10 * 60_000


@require(Permission.MANAGE_MEMBERS)
async def get_links(request: web.Request) -> web.StreamResponse:
    """With `?place=&query=` the form for a link to that view."""
    form = {name: request.query.get(name, "") for name in FIELDS}
    return await _page(request, form | {"days": "30"})


@require(Permission.MANAGE_MEMBERS)
async def post_link(request: web.Request) -> web.StreamResponse:
    """The link is shown once, on the page that comes next."""
    form = await read_form(request, FIELDS)
    scope, now_ms, token = request[SCOPE], request.app[CLOCK_MS](), mint_token()
    days = form["days"].strip()
    try:
        link_id = await scope.write(
            share_view,
            digest=token.digest,
            name=form["name"],
            view=clean_view(form["place"], form["query"], frozenset(DIMENSIONS)),
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0,
            actor=actor_of(request),
            now_ms=now_ms,
        )
    except InvalidValue as error:
        return await _page(request, form, error=error)
    link = f"{request.app[SITE].base_url}/s/{scope.public_id}/{token.raw}"
    request.app[FRESH_KEYS].put(request[SIGNED_IN].session, f"link {link_id}", link, now_ms)
    return see_other(f"/w/{scope.public_id}/shared-links?made={link_id}")


@require(Permission.MANAGE_MEMBERS)
async def post_revocation(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    await scope.write(
        revoke_link,
        number_of(request.match_info["link"]),
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(f"/w/{scope.public_id}/shared-links")


async def _page(
    request: web.Request, form: Mapping[str, str], *, error: InvalidValue | None = None
) -> web.Response:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    made = request.query.get("made", "")
    view = View(form["place"], form["query"])
    return page(
        request,
        "shared_links.html",
        status=422 if error else 200,
        now_ms=now_ms,
        links=await shared_links(scope),
        link=request.app[FRESH_KEYS].take(request[SIGNED_IN].session, f"link {made}", now_ms)
        if made
        else None,
        url=f"/w/{scope.public_id}/shared-links",
        home_url=f"/w/{scope.public_id}/",
        form=form,
        view=view if "place" in request.query or error else None,
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


async def get_shared(request: web.Request) -> web.StreamResponse:
    """What a link shows; nothing in the URL but the link itself has a say in it."""
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
        async with look_at(scope, link.view.place, link.view.parameters, now_ms) as look:
            response = await _shared_page(request, scope, link, look)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _shared_page(
    request: web.Request, scope: Scope, link: SharedLink, look: Look
) -> web.Response:
    # A filter whose value is gone would be left out, and the link show what it never did.
    if look.bar.problems:
        raise NotFound("this link shows nothing any more")
    query = look.query
    frame: dict[str, Any] = {
        "link": link,
        "workspace": scope.name,
        "filters": [(name, label.text) for name, label in look.bar.labels.items()],
        "zone": scope.time_zone,
        "timeframe": look.timeframe,
        "query": query,
        "expires": when_text(link.expires_ms, scope.time_zone),
        "updated": when_text(look.now_ms, scope.time_zone),
        "dimension": link.view.place.removeprefix(DIMENSION_PLACE),
        "currency": shown_currency(),
    }
    try:
        data = await load_overview(look)
    except TooMuchToRead:
        return page(request, "shared.html", now_ms=look.now_ms, data=None, **frame)
    chart = overview_chart(query, data, scope.time_zone)
    table = table_of(query, data)
    return page(
        request,
        "shared.html",
        now_ms=look.now_ms,
        data=data,
        tiles=tiles_of(data, look.timeframe),
        chart=replace(chart, series=[one._replace(url=None) for one in chart.series], zoom_url=""),
        table=replace(table, rows=[replace(row, url=None) for row in table.rows]),
        **frame,
    )


ROUTES = [
    web.get(PATH, get_links),
    web.post(PATH, post_link),
    web.post(f"{PATH}/{{link}}/revocation", post_revocation),
    web.get("/s/{workspace}/{token}", get_shared),
]
