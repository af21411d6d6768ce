"""`/w/{workspace}/views`: pages as somebody left them, for oneself or for the workspace."""

from aiohttp import web

from llmtrack.domain.errors import NotFound
from llmtrack.domain.roles import Permission, may
from llmtrack.domain.views import clean_view
from llmtrack.storage.saved_views import delete_view, save_view
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE, SIGNED_IN
from llmtrack.web.forms import read_form
from llmtrack.web.page_query import DIMENSIONS, TAG_PAGE
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
    await scope.write(
        save_view,
        user_id=request[SIGNED_IN].user.id,
        name=form["name"],
        view=view,
        is_shared=is_shared,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(view.url(f"/w/{scope.public_id}/"))


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


def number_of(text: str) -> int:
    """Raises NotFound for what is no number."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFound("there is nothing of that number")
    return int(text)


ROUTES = [
    web.post(PATH, post_view),
    web.post(f"{PATH}/{{view}}/deletion", post_deletion),
]
