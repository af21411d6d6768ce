"""`GET /instance/system`: the state of the installation, for its admins."""

from aiohttp import web

from llmtrack.services.system_state import system_state
from llmtrack.web.auth import require_admin
from llmtrack.web.context import CLOCK_MS, DATABASE
from llmtrack.web.probes import VITALS
from llmtrack.web.render import page


@require_admin
async def get_system(request: web.Request) -> web.StreamResponse:
    return page(
        request,
        "system.html",
        now_ms=request.app[CLOCK_MS](),
        system=await system_state(request.app[DATABASE], request.app[VITALS]),
    )


ROUTES = [web.get("/instance/system", get_system)]
