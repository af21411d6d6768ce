"""`GET /w/{workspace}/data-quality`: which keys send content and secrets."""

from aiohttp import web

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.roles import Permission
from llmtrack.services.content_guard import ContentGuard
from llmtrack.storage.content_rules import counts_by_key, keeps_content
from llmtrack.web.auth import require
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.render import page

DAYS = 30
CONTENT_GUARD = web.AppKey("content_guard", ContentGuard)


@require(Permission.READ)
async def get_data_quality(request: web.Request) -> web.StreamResponse:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    await request.app[CONTENT_GUARD].flush()
    return page(
        request,
        "data_quality.html",
        now_ms=now_ms,
        days=DAYS,
        keys=await counts_by_key(scope, after_day=now_ms // DAY_MS - DAYS),
        keeps=await keeps_content(scope),
        keys_url=f"/w/{scope.public_id}/keys",
        workspace_id=scope.public_id,
    )


ROUTES = [web.get("/w/{workspace}/data-quality", get_data_quality)]
