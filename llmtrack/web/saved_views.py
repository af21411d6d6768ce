"""`/w/{workspace}/views`: pages as somebody left them, for oneself or for the workspace."""

from aiohttp import web

from llmtrack.domain.errors import NotFound
from llmtrack.domain.roles import Permission, may
from llmtrack.domain.views import clean_view
from llmtrack.storage.saved_views import SavedView, delete_view, save_view, saved_views
from llmtrack.storage.scope import Scope
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE, SIGNED_IN
from llmtrack.web.forms import read_form
from llmtrack.web.page_query import DIMENSIONS, TAG_PAGE
from llmtrack.web.render import page
from llmtrack.web.theme import local_path

PATH = "/w/{workspace}/views"


@require(Permission.READ)
async def post_view(request: web.Request) -> web.StreamResponse:
    """Everybody may keep views of their own; those of the workspace need more than a viewer."""
    form = await read_form(request, ("name", "place", "query", "is_shared"))
    scope, is_shared = request[SCOPE], form["is_shared"] == "1"
    if is_shared and not may(scope.role, Permission.EXPORT):
        raise web.HTTPForbidden
    view = clean_view(form["place"], form["query"], frozenset({*DIMENSIONS, TAG_PAGE}))
    view_id = await scope.write(
        save_view,
        user_id=request[SIGNED_IN].user.id,
        name=form["name"],
        view=view,
        is_shared=is_shared,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    url = view.url(f"/w/{scope.public_id}/")
    return see_other(f"{url}{'&' if view.query else '?'}saved={view_id}")


@require(Permission.READ)
async def get_deletion(request: web.Request) -> web.StreamResponse:
    """Asks first: there is no way back."""
    scope, view_id = request[SCOPE], number_of(request.match_info["view"])
    async with scope.reading() as reading:
        views = await saved_views(reading, request[SIGNED_IN].user.id)
    saved = next((one for one in views if one.id == view_id and may_delete(scope, one)), None)
    if saved is None:
        raise NotFound("there is no such view")
    return page(
        request,
        "view_deletion.html",
        saved=saved,
        url=request.path,
        return_to=local_path(request.query.get("return_to") or f"/w/{scope.public_id}/"),
    )


@require(Permission.READ)
async def post_deletion(request: web.Request) -> web.StreamResponse:
    form, scope = await read_form(request, ("return_to",)), request[SCOPE]
    await scope.write(
        delete_view,
        number_of(request.match_info["view"]),
        user_id=request[SIGNED_IN].user.id,
        may_delete_shared=may(scope.role, Permission.MANAGE_MEMBERS),
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(local_path(form["return_to"]))


def may_delete(scope: Scope, saved: SavedView) -> bool:
    return saved.is_own or may(scope.role, Permission.MANAGE_MEMBERS)


def number_of(text: str) -> int:
    """Raises NotFound for what is no number."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFound("there is nothing of that number")
    return int(text)


ROUTES = [
    web.post(PATH, post_view),
    web.get(f"{PATH}/{{view}}/deletion", get_deletion),
    web.post(f"{PATH}/{{view}}/deletion", post_deletion),
]
