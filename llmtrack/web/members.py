"""Members: who has access to the workspace."""

from aiohttp import web

from llmtrack.domain.roles import Permission, may
from llmtrack.storage.workspaces import list_members
from llmtrack.web.auth import require
from llmtrack.web.context import CLOCK_MS, SCOPE, SIGNED_IN
from llmtrack.web.render import page


@require(Permission.READ)
async def get_members(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    return page(
        request,
        "members.html",
        now_ms=request.app[CLOCK_MS](),
        members=await list_members(scope),
        own_id=request[SIGNED_IN].user.public_id,
        may_read_audit=may(scope.role, Permission.READ_AUDIT),
        may_manage=may(scope.role, Permission.MANAGE_MEMBERS),
    )


ROUTES = [web.get("/w/{workspace}/members", get_members)]
