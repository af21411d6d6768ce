"""Links that show one view to whoever has them: made and revoked here."""

from collections.abc import Mapping

from aiohttp import web

from llmtrack.domain.credentials import mint_token
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.roles import Permission
from llmtrack.domain.views import View, clean_view
from llmtrack.storage.shared_links import (
    revoke_link,
    share_view,
    shared_links,
)
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, FRESH_KEYS, SCOPE, SIGNED_IN, SITE
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.page_query import DIMENSIONS, TAG_PAGE
from llmtrack.web.render import page
from llmtrack.web.saved_views import number_of
from llmtrack.web.shared_page import check_view
from llmtrack.web.view_words import view_words

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
        view = clean_view(form["place"], form["query"], frozenset({*DIMENSIONS, TAG_PAGE}))
        await check_view(request, view)
        link_id = await scope.write(
            share_view,
            digest=token.digest,
            name=form["name"],
            view=view,
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
    links = await shared_links(scope)
    async with scope.reading() as reading:
        shown = {
            one: await view_words(reading, one, now_ms=now_ms, zone_name=scope.time_zone)
            for one in {view, *(link.view for link in links)}
        }
    return page(
        request,
        "shared_links.html",
        status=422 if error else 200,
        now_ms=now_ms,
        links=links,
        shown=shown,
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


ROUTES = [
    web.get(PATH, get_links),
    web.post(PATH, post_link),
    web.post(f"{PATH}/{{link}}/revocation", post_revocation),
]
