"""`/w/{workspace}/pricing/at-risk`: whether failed calls without usage are estimated."""

from aiohttp import web

from llmtrack.domain.roles import Permission, may
from llmtrack.storage.at_risk import shows_at_risk, switch_at_risk
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.render import page

PATH = "/w/{workspace}/pricing/at-risk"


@require(Permission.READ)
async def get_at_risk(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    async with scope.reading() as reading:
        shown = await shows_at_risk(reading)
    return page(
        request,
        "at_risk.html",
        shown=shown,
        url=f"/w/{scope.public_id}/pricing/at-risk",
        overview_url=f"/w/{scope.public_id}/",
        may_manage=may(scope.role, Permission.MANAGE_PRICES),
    )


@require(Permission.MANAGE_PRICES)
async def post_at_risk(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("shown",))
    scope = request[SCOPE]
    await scope.write(
        switch_at_risk,
        shown=form["shown"] == "1",
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(f"/w/{scope.public_id}/pricing/at-risk")


ROUTES = [web.get(PATH, get_at_risk), web.post(PATH, post_at_risk)]
