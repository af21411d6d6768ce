"""`/w/{workspace}/data-quality`: which keys send content and secrets, and what becomes of them."""

from aiohttp import web

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.roles import Permission, may
from llmtrack.services.content_guard import ContentGuard
from llmtrack.storage.content_rules import counts_by_key, keeps_content, set_keeps_content
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.render import page

DAYS = 30
CONTENT_GUARD = web.AppKey("content_guard", ContentGuard)


@require(Permission.READ)
async def get_data_quality(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@require(Permission.MANAGE_WORKSPACE)
async def post_content_rule(request: web.Request) -> web.StreamResponse:
    """Keep content and secrets from now on, which takes a word of its own, or remove them again."""
    form = await read_form(request, ("keeps", "understood"))
    if form["keeps"] not in {"yes", "no"}:
        raise web.HTTPBadRequest(text="keeps is yes or no")
    keeps = form["keeps"] == "yes"
    if keeps and form["understood"] != "yes":
        return await _page(request, error="Tick that you understand what will be stored.")
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    await scope.write(set_keeps_content, keeps=keeps, actor=actor_of(request), now_ms=now_ms)
    return see_other(f"/w/{scope.public_id}/data-quality")


async def _page(request: web.Request, *, error: str | None = None) -> web.Response:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    await request.app[CONTENT_GUARD].flush()
    return page(
        request,
        "data_quality.html",
        status=200 if error is None else 422,
        now_ms=now_ms,
        days=DAYS,
        keys=await counts_by_key(scope, after_day=now_ms // DAY_MS - DAYS),
        keeps=await keeps_content(scope),
        may_rule=may(scope.role, Permission.MANAGE_WORKSPACE),
        keys_url=f"/w/{scope.public_id}/keys",
        url=request.path,
        error_text=error,
    )


PATH = "/w/{workspace}/data-quality"
ROUTES = [web.get(PATH, get_data_quality), web.post(PATH, post_content_rule)]
